import { describe, expect, test } from 'vitest'
import type { WhyFact } from '../../../cli/facts.ts'
import { plain } from '../../../cli/output/paint.ts'
import { whyText } from '../../../cli/verbs/why-text.ts'
import { idFor } from '../group-facts.ts'

type DeviceWhy = WhyFact['devices'][number]

const device = (name: string, state: DeviceWhy['state'], given: Partial<DeviceWhy> = {}): DeviceWhy => ({
  identity: idFor(name),
  device: idFor(`${name}'s phone`),
  name,
  self: false,
  state,
  reason: null,
  attempts: [],
  connected: false,
  nextTryAt: null,
  hint: '',
  ...given
})

const rowsOf = (devices: readonly DeviceWhy[]): string[] =>
  whyText(
    {
      v: 1,
      type: 'why',
      message: idFor('m'),
      conversation: idFor('c'),
      state: 'sent',
      devices: [...devices]
    },
    plain
  )
    .split('\n')
    .slice(1)

describe('what became of a message', () => {
  test('to one person with one device: everything that was tried', () => {
    const attempts = [{ at: '2026-11-22T12:00:00.000Z', path: 'direct', outcome: 'refused' }]
    expect(rowsOf([device('bob', 'sent', { attempts, hint: 'Bob is away.', reason: 'TIMEOUT' })])).toEqual([
      'bob          sent (TIMEOUT), device 626f…0000, not connected',
      expect.stringMatching(/^ {13}2026-11-2\d \d\d:\d\d direct: refused$/u),
      '             Bob is away.'
    ])
  })

  test('in a group: who has it is named, who has not is told about', () => {
    expect(
      rowsOf([
        device('bob', 'read'),
        device('carol', 'delivered'),
        device('dave', 'read'),
        device('dave', 'delivered', { device: idFor('laptop') }),
        device('erin', 'delivered'),
        device('erin', 'queued', { device: idFor('laptop'), hint: 'It has no epoch yet.' }),
        device('frank', 'sent', { connected: true })
      ])
    ).toEqual([
      'read         bob',
      'delivered    carol, dave',
      'erin         1 of 2 devices have it',
      '             queued, device 6c61…0000, not connected',
      '             It has no epoch yet.',
      'frank        sent, device 6672…0000, connected'
    ])
  })

  test('a thousand members who have it take one row', () => {
    const devices = Array.from({ length: 1000 }, (_, index) => device(`member ${index}`, 'delivered'))
    expect(rowsOf([...devices, device('bob', 'sent')])).toHaveLength(2)
  })

  test('another device of ours is called ours', () => {
    expect(rowsOf([device('alice', 'sent', { self: true })])[0]).toMatch(/^you +sent, device/u)
  })
})
