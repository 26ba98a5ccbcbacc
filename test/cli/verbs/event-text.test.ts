import { describe, expect, test } from 'vitest'
import { eventLine, type EventFact } from '../../../cli/event-facts.ts'
import { plain } from '../../../cli/output/paint.ts'
import { eventText } from '../../../cli/verbs/event-text.ts'
import { climbers, idFor, memberCalled } from '../group-facts.ts'

const head = { v: 1, cursor: 7, at: '2026-11-22T12:00:00.000Z' } as const
const mallory = memberCalled('mallory', { verified: false })

/** An event without its time, once its schema has taken it. */
const said = (event: EventFact): string =>
  eventText(eventLine.parse(event), plain).replace(/^[\d-]{10} [\d:]{5} /u, '')

describe('what happens in groups and to devices, as a person reads it', () => {
  test('a warning names the group, who, and by which device', () => {
    expect(
      said({
        ...head,
        type: 'group:warned',
        group: climbers(),
        member: mallory,
        device: idFor('phone'),
        warning: 'equivocated'
      })
    ).toMatch(/^WARNING #climbers mallory \(device 7068…0000\): told different members different things/u)
  })

  test('a warning that nobody can be named for says so much', () => {
    const warned = { ...head, type: 'group:warned', group: climbers(), member: null, device: null } as const
    expect(said({ ...warned, warning: 'forked' })).toMatch(/^WARNING #climbers: members write under/u)
  })

  test('an invitation says what to type', () => {
    expect(
      said({
        ...head,
        type: 'group:invited',
        invitation: {
          v: 1,
          type: 'invitation',
          id: 'abcdef0123456789'.repeat(2),
          group: idFor('climbers'),
          name: 'climbers',
          from: { name: 'bob', id: idFor('bob'), lookAlike: false },
          members: 1,
          role: 'member',
          receivedAt: head.at
        }
      })
    ).toBe('bob asks you into #climbers (1 member): hearsay accept abcdef01')
  })

  test('a new device of ours says how to be rid of it', () => {
    const device = {
      v: 1,
      type: 'device',
      id: idFor('phone'),
      current: false,
      addedAt: head.at,
      online: true
    } as const
    expect(said({ ...head, type: 'device:added', device })).toBe(
      'a new device of yours: 70686f6e. If that was not you: hearsay device revoke 70686f6e'
    )
    expect(said({ ...head, type: 'device:removed', device })).toBe('your device 70686f6e was revoked')
  })

  test('a message in a group says in which', () => {
    const message = {
      v: 1,
      type: 'message',
      id: idFor('m'),
      conversation: idFor('climbers'),
      conversationKind: 'group',
      conversationName: 'climbers',
      conversationLookAlike: false,
      from: { name: 'bob', id: idFor('bob'), verified: false, self: false, lookAlike: false },
      text: 'who has the rope?',
      sentAt: head.at,
      receivedAt: head.at,
      replyTo: null,
      attachments: [],
      delivery: null
    } as const
    expect(said({ ...head, type: 'message:received', message: { ...message, attachments: [] } })).toBe(
      '#climbers bob: who has the rope?'
    )
    const own = { ...message, attachments: [], from: { ...message.from, self: true } }
    expect(said({ ...head, type: 'message:sent', message: own })).toBe('you → #climbers: who has the rope?')
  })
})
