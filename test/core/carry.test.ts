/** Alice keeps what Bob has written, for Carol who was away when he wrote it. */
import { describe, expect, test } from 'vitest'
import { idOf, type DeviceId, type PeerId } from '../../src/base/ids.ts'
import { limits } from '../../src/base/limits.ts'
import { carry, carryDueAt, Carrier } from '../../src/core/carry.ts'
import type { Conversation, Link } from '../../src/core/conversation.ts'
import { applyReport } from '../../src/core/report.ts'
import { addLink } from '../../src/core/transmission.ts'
import { Turn } from '../../src/core/turn.ts'
import type { DeviceReport } from '../../src/wire/control.ts'
import { oneSide } from './one-side.ts'
import { player, Story } from './roster-story.ts'
import { NOON, seededRandom } from './seal/cast.ts'

const [alice, bob, carol] = [player('alice'), player('bob'), player('carol')]

const letter = (name: string, length = 512): Uint8Array => seededRandom(name)(length)
const peerOf = (device: DeviceId): PeerId => `12D3Koo${device.slice(0, 8)}` as PeerId

const row = (device: DeviceId, contiguous: number, ...ranges: [number, number][]): DeviceReport => ({
  device,
  contiguous,
  hash: contiguous === 0 ? new Uint8Array(32) : letter('hash', 32),
  ranges,
  read: 0
})

/** A group of the three as Alice has it, and her clock. */
class Alice {
  readonly turn: Turn
  readonly conversation: Conversation

  constructor() {
    const story = new Story(alice)
    story.adds(alice, bob)
    story.adds(alice, carol)
    const side = oneSide({ roster: story.roster(), identity: alice.identity, self: alice.phone.id })
    this.turn = side.turn
    this.conversation = side.conversation
  }

  /** Opens an envelope of Bob's. */
  opens(sequence: number, bytes: Uint8Array): void {
    this.conversation.carrier.add(this.turn, bob.phone.id, sequence, bytes)
  }

  /** A device is there; `ready`: its first report has come. */
  link(device: DeviceId, ready = true): Link {
    const link = addLink(this.conversation, peerOf(device), device)
    link.ready = ready
    return link
  }

  /** A device says over its link what it holds. */
  hears(link: Link, ...rows: DeviceReport[]): void {
    applyReport(this.conversation, this.turn, link, {
      type: 'report',
      head: undefined,
      roster: this.conversation.roster!.digest(),
      devices: rows,
      unopened: [],
      answer: false,
      asks: undefined,
      awaits: []
    })
  }

  /** Time passes, and she carries. Whom she has given what. */
  after(ms: number): { readonly to: PeerId; readonly envelopes: readonly Uint8Array[] }[] {
    this.turn.uptime += ms
    this.conversation.reportsDue.clear()
    carry(this.conversation, this.turn)
    return this.turn
      .take()
      .effects.flatMap(effect =>
        effect.type === 'transmit' ? [{ to: effect.peer, envelopes: effect.envelopes }] : []
      )
  }

  /** Whom she has asked for a report when she carried last. */
  get asked(): PeerId[] {
    return [...this.conversation.reportsDue].flatMap(([peer, { answer }]) => (answer ? [peer] : []))
  }
}

describe('what Bob wrote before he left', () => {
  test('is given to Carol by Alice, once Bob has had time to do so himself', () => {
    const story = new Alice()
    const link = story.link(carol.phone.id)
    story.opens(1, letter('hello'))
    story.hears(link, row(bob.phone.id, 0))
    expect(story.after(limits.carryAfterMs - 1)).toEqual([])
    expect(story.asked).toEqual([])
    // She may have it by now: she is asked first.
    expect(story.after(1)).toEqual([])
    expect(story.asked).toEqual([link.peer])
    story.hears(link, row(bob.phone.id, 0))
    expect(story.after(0)).toEqual([{ to: link.peer, envelopes: [letter('hello')] }])
  })

  test('is not given to Carol where she says by then that she has it', () => {
    const story = new Alice()
    const link = story.link(carol.phone.id)
    story.opens(1, letter('one'))
    story.opens(4, letter('four'))
    story.opens(5, letter('five'))
    story.after(limits.carryAfterMs)
    story.hears(link, row(bob.phone.id, 1, [5, 6]))
    expect(story.after(0)).toEqual([{ to: link.peer, envelopes: [letter('four')] }])
  })

  test('is not given back to Bob, nor to a peer whose report has not come', () => {
    const story = new Alice()
    const back = story.link(bob.phone.id)
    story.link(carol.phone.id, false)
    story.opens(1, letter('hello'))
    story.hears(back, row(alice.phone.id, 0))
    expect(story.after(limits.carryAgainMs)).toEqual([])
    expect(story.asked).toEqual([])
    expect(carryDueAt(story.conversation)).toBeUndefined()
  })

  test('is given again where it was lost, but not at once', () => {
    const story = new Alice()
    const link = story.link(carol.phone.id)
    story.opens(1, letter('hello'))
    story.after(limits.carryAfterMs)
    story.hears(link, row(bob.phone.id, 0))
    expect(story.after(0)).toHaveLength(1)
    story.hears(link, row(bob.phone.id, 0))
    expect(story.after(limits.carryAgainMs - 1)).toEqual([])
    story.after(1)
    story.hears(link, row(bob.phone.id, 0))
    expect(story.after(0)).toEqual([{ to: link.peer, envelopes: [letter('hello')] }])
  })

  test('is asked about no more often than is of use, while Carol says nothing', () => {
    const story = new Alice()
    const link = story.link(carol.phone.id)
    story.opens(1, letter('hello'))
    story.after(limits.carryAfterMs)
    expect(story.asked).toEqual([link.peer])
    expect(story.after(limits.carryAfterMs - 1)).toEqual([])
    expect(story.asked).toEqual([])
    story.after(1)
    expect(story.asked).toEqual([link.peer])
  })

  test('is due when it is given: who waits for that time has something to do then', () => {
    const story = new Alice()
    const link = story.link(carol.phone.id)
    expect(carryDueAt(story.conversation)).toBeUndefined()
    story.opens(1, letter('hello'))
    expect(carryDueAt(story.conversation)).toBe(limits.carryAfterMs)
    story.after(limits.carryAfterMs)
    const next = carryDueAt(story.conversation)!
    expect(next).toBeGreaterThan(story.turn.uptime)
    story.hears(link, row(bob.phone.id, 0))
    expect(carryDueAt(story.conversation)!).toBeLessThanOrEqual(story.turn.uptime)
    story.after(0)
    expect(carryDueAt(story.conversation)).toBe(story.turn.uptime + limits.carryAgainMs)
  })

  test('is kept until Bob, Carol and everybody else has it, and no longer', () => {
    const story = new Alice()
    const link = story.link(carol.phone.id)
    story.opens(1, letter('hello'))
    story.hears(link, row(bob.phone.id, 0))
    expect(story.conversation.carrier.isEmpty).toBe(false)
    // Its author is never in need of it, whatever he says.
    story.hears(link, row(bob.phone.id, 1))
    expect(story.conversation.carrier.isEmpty).toBe(true)
  })

  test('is not given to Carol who has said once that she has it, though a later report had no room for it', () => {
    const story = new Alice()
    const link = story.link(carol.phone.id)
    story.opens(1, letter('hello'))
    story.hears(link, row(bob.phone.id, 1))
    story.opens(1, letter('hello again'))
    story.hears(link, row(alice.phone.id, 0))
    expect(story.conversation.carrier.isEmpty).toBe(true)
    expect(story.after(limits.carryAgainMs)).toEqual([])
    // Rows of devices that nobody has heard of are not kept: they would be without end.
    const made = Array.from({ length: 30 }, (_, i) => row(idOf<DeviceId>(letter(`made up ${i}`, 32)), 1))
    story.hears(link, ...made)
    expect(story.conversation.rows.get(carol.phone.id)!.size).toBe(2)
  })

  test('is kept even where the buffer that brought it is used again', () => {
    const story = new Alice()
    const link = story.link(carol.phone.id)
    const bytes = letter('hello')
    story.opens(1, bytes)
    bytes.fill(0)
    story.after(limits.carryAfterMs)
    story.hears(link, row(bob.phone.id, 0))
    expect(story.after(0)).toEqual([{ to: link.peer, envelopes: [letter('hello')] }])
  })
})

describe('what is carried', () => {
  const turn = new Turn({ now: NOON, uptime: 0, cursor: 0 })
  const far = new Turn({ now: NOON, uptime: 10 * limits.carryAgainMs, cursor: 0 })
  const author = idOf<DeviceId>(letter('author', 32))

  const link = new Alice().link(carol.phone.id)

  /** All that it would give somebody who has nothing. */
  function everythingOf(carrier: Carrier): Uint8Array[] {
    const all: Uint8Array[] = []
    for (;;) {
      const batch = carrier.forPeer(far, link, new Map())
      if (batch.length === 0) return all
      expect(batch.length).toBeLessThanOrEqual(limits.carryBatchMax)
      all.push(...batch)
    }
  }

  test('is given in batches, the oldest first', () => {
    const carrier = new Carrier()
    const letters = Array.from({ length: limits.carryBatchMax + 10 }, (_, i) => letter(`letter ${i}`, 32))
    for (const [i, bytes] of letters.entries()) carrier.add(turn, author, i + 1, bytes)
    expect(everythingOf(carrier)).toEqual(letters)
  })

  test('has a limit in number: the oldest goes', () => {
    const carrier = new Carrier()
    for (let i = 0; i < limits.carriedMax + 5; i++)
      carrier.add(turn, author, i + 1, Uint8Array.of(i & 255, i >> 8))
    const kept = everythingOf(carrier)
    expect(kept).toHaveLength(limits.carriedMax)
    expect(kept[0]).toEqual(Uint8Array.of(5, 0))
  })

  test('has a limit in bytes, however few there are', () => {
    const carrier = new Carrier()
    const large = new Uint8Array(64 * 1024)
    const fits = limits.carriedMaxBytes / large.length
    for (let i = 0; i < fits + 3; i++) carrier.add(turn, author, i + 1, large.with(0, i))
    const kept = everythingOf(carrier)
    expect(kept).toHaveLength(fits)
    expect(kept[0]![0]).toBe(3)
  })

  test('makes room again when it is let go', () => {
    const carrier = new Carrier()
    const large = new Uint8Array(64 * 1024)
    const fits = limits.carriedMaxBytes / large.length
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < fits; i++) carrier.add(turn, author, round * fits + i + 1, large)
      expect(everythingOf(carrier)).toHaveLength(fits)
      carrier.sweep(() => false)
      expect(carrier.isEmpty).toBe(true)
    }
  })
})
