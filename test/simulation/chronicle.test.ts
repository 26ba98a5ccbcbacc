/** The chronicle sees every broken promise that nodes can break in front of it, and no other. */
import { describe, expect, test } from 'vitest'
import type { ConversationId, Cursor, DeliveryState, DeviceId, IdentityId, MessageId, Millis } from 'hearsay'
import { Chronicle } from './chronicle.ts'

const identity = (name: string): IdentityId => name.padEnd(64, '0') as IdentityId

/** Alice and bob, seen from outside, with a hand on what their nodes claim. */
function story() {
  let now = 1
  let cursor = 0
  const lost = new Set<string>()
  const chronicle = new Chronicle({ now: () => now, isOnDisk: (_, text) => !lost.has(text) })
  for (const name of ['alice', 'bob']) chronicle.named(identity(name), name)
  const at = <Event>(event: Event) => ({ cursor: ++cursor as Cursor, at: now as Millis, ...event })
  const sends = (from: string, to: string, text: string): void => {
    const send = chronicle.sending(from, to, text)
    send.outcome = 'accepted'
    send.id = `id of ${text}` as MessageId
    now++
    chronicle.transmitted(from, to)
  }
  const receipt = (from: string, to: string): void => {
    chronicle.heard(from, to)
    chronicle.heard(to, from)
  }
  const shows = (name: string, author: string, text: string, id = `id of ${text}`): void => {
    now++
    const partner = name === 'alice' ? 'bob' : 'alice'
    const from = { id: identity(author), name: author, verified: false, self: author === name }
    const message = {
      id: id as MessageId,
      conversation: identity(partner) as string as ConversationId,
      from,
      text,
      sentAt: now as Millis,
      receivedAt: now as Millis,
      replyTo: undefined,
      via: undefined,
      delivery: undefined
    }
    chronicle.told(name, at({ type: author === name ? 'message:sent' : 'message:received', message }))
  }
  const claims = (name: string, text: string, state: DeliveryState): void => {
    const partner = name === 'alice' ? 'bob' : 'alice'
    const delivery = {
      message: `id of ${text}` as MessageId,
      conversation: identity(partner) as string as ConversationId,
      state,
      devices: [{ identity: identity(partner), device: 'd' as DeviceId, state }]
    }
    chronicle.told(name, at({ type: 'delivery:changed', delivery }))
  }
  const broken = (): string[] => chronicle.violations.map(({ invariant }) => invariant.split(' ')[0]!)
  return { chronicle, lost, sends, receipt, shows, claims, broken }
}

describe('the chronicle', () => {
  test('finds nothing wrong with a conversation that went well', () => {
    const { chronicle, sends, receipt, shows, claims, broken } = story()
    sends('alice', 'bob', 'hi')
    shows('alice', 'alice', 'hi')
    claims('alice', 'hi', 'sent')
    shows('bob', 'alice', 'hi')
    receipt('bob', 'alice')
    claims('alice', 'hi', 'delivered')
    sends('bob', 'alice', 'ho')
    shows('bob', 'bob', 'ho')
    shows('alice', 'bob', 'ho')
    chronicle.reading('bob', 'alice').done()
    claims('alice', 'hi', 'read')
    expect(broken()).toEqual([])
  })

  test('sees a message twice, and one message under two ids', () => {
    const { sends, shows, broken } = story()
    sends('alice', 'bob', 'hi')
    shows('bob', 'alice', 'hi')
    shows('bob', 'alice', 'hi')
    expect(broken()).toEqual(['I2'])
    shows('alice', 'alice', 'hi', 'another id')
    expect(broken()).toEqual(['I2', 'I2'])
  })

  test('sees what nobody wrote, and what somebody else wrote', () => {
    const { sends, shows, broken } = story()
    shows('bob', 'alice', 'a forgery')
    sends('alice', 'bob', 'hi')
    shows('alice', 'bob', 'hi')
    expect(broken()).toEqual(['I5', 'I5'])
  })

  test('sees an answer before its question, and a gap in what one person said', () => {
    const { sends, shows, broken } = story()
    sends('alice', 'bob', 'one')
    sends('alice', 'bob', 'two')
    shows('bob', 'alice', 'two')
    expect(broken(), 'a gap').toEqual(['I3'])
    const other = story()
    other.sends('alice', 'bob', 'question')
    other.shows('bob', 'alice', 'question')
    other.sends('bob', 'alice', 'answer')
    other.shows('alice', 'bob', 'answer')
    expect(other.broken(), 'alice was shown the answer first').toEqual(['I3'])
  })

  test('sees claims that run ahead of the truth, and claims that go back', () => {
    const ahead = story()
    ahead.sends('alice', 'bob', 'hi')
    ahead.claims('alice', 'hi', 'delivered')
    expect(ahead.broken(), 'no receipt has come').toEqual(['I10'])
    ahead.receipt('bob', 'alice')
    ahead.shows('bob', 'alice', 'hi')
    ahead.claims('alice', 'hi', 'read')
    expect(ahead.broken(), 'nobody has read it').toEqual(['I10', 'I10'])
    ahead.claims('alice', 'hi', 'sent')
    expect(ahead.broken(), 'back to sent').toEqual(['I10', 'I10', 'I10'])
  })

  test('sees a claim that the disk at the other end does not bear out', () => {
    const { lost, sends, receipt, shows, claims, broken } = story()
    sends('alice', 'bob', 'hi')
    shows('bob', 'alice', 'hi')
    receipt('bob', 'alice')
    lost.add('hi')
    claims('alice', 'hi', 'delivered')
    expect(broken()).toEqual(['I10'])
  })

  test('allows for a recipient that keeps a message before it can show it', () => {
    const { sends, receipt, claims, broken } = story()
    sends('alice', 'bob', 'hi')
    receipt('bob', 'alice')
    claims('alice', 'hi', 'delivered')
    expect(broken()).toEqual([])
  })

  test('sees an event log that begins again', () => {
    const { chronicle, sends, shows, broken } = story()
    sends('alice', 'bob', 'hi')
    shows('bob', 'alice', 'hi')
    chronicle.screen('bob').lastCursor = 99
    sends('alice', 'bob', 'ho')
    shows('bob', 'alice', 'ho')
    expect(broken()).toEqual(['I11'])
  })
})
