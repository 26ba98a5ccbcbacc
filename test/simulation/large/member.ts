/**
 * One member of a large group: a whole core with its records in memory, and what it has cost so far. The crowd
 * (crowd.ts) is its clock and its network.
 */
import { cipherSuite } from '../../../src/crypto/mls/index.ts'
import { Core } from '../../../src/core/core.ts'
import type { Input } from '../../../src/core/core.ts'
import type { Room } from '../../../src/core/room.ts'
import { makeSelf } from '../../../src/core/self.ts'
import { Turn } from '../../../src/core/turn.ts'
import type { Effect } from '../../../src/core/turn.ts'
import { millis } from '../../../src/base/ids.ts'
import type { Address, MessageId, PeerId } from '../../../src/base/ids.ts'
import type { HearsayEvent } from '../../../src/base/model.ts'
import { seededRandom } from '../../../src/testing/random.ts'
import type { Time } from './time.ts'

/** The classical suite: what is simulated is who tells whom what, not how long a key exchange takes. */
const SUITE = 1

/** What a member has cost. */
export interface Cost {
  cpuMs: number
  /** Of the batch that took longest. */
  longestBatchMs: number
  batches: number
  envelopesOut: number
  bytesOut: number
  recordBytes: number
}

export const noCost = (): Cost => ({
  cpuMs: 0,
  longestBatchMs: 0,
  batches: 0,
  envelopesOut: 0,
  bytesOut: 0,
  recordBytes: 0
})

/** CPU time of this thread, in milliseconds: what others do on the machine is not in it. */
export function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

export class Member {
  readonly index: number
  readonly name: string
  readonly peer: PeerId
  readonly core: Core
  readonly records = new Map<string, Map<string, Uint8Array>>()
  /** Texts in the order in which they were shown, own ones too. */
  readonly shown: { readonly id: MessageId; readonly text: string }[] = []
  cost: Cost = noCost()
  /** The peers that a stream is open with. */
  readonly streams = new Set<PeerId>()
  readonly admitted = new Set<PeerId>()
  readonly topics = new Set<string>()
  /** Envelopes that came by gossip. */
  readonly seen = new Set<string>()
  /** When its next tick is due, in uptime. */
  wakeAt: number | undefined

  constructor(index: number, seed: number, time: Time) {
    this.index = index
    this.name = `m${index}`
    this.peer = `12D3KooWm${index}` as PeerId
    const random = seededRandom(seed, `member/${index}`).bytes
    const now = millis(time.now)
    const begin = new Turn({ now, uptime: time.uptime, cursor: 0 })
    const own = makeSelf(begin, random, { name: this.name, phrase: undefined })
    this.#keep(begin.take().changes)
    const turn = new Turn({ now, uptime: time.uptime, cursor: 0 })
    this.core = new Core({ own, turn, random, suite: cipherSuite(SUITE, { random }), records: {} })
  }

  get address(): Address {
    return `/ip4/192.0.2.1/tcp/4001/p2p/${this.peer}` as Address
  }

  /** The only group that it is in, or is coming into. */
  get room(): Room | undefined {
    return this.core.book.rooms.values().next().value
  }

  /** Runs some steps as one batch, commits what they changed, and returns what they want done. */
  batch(time: Time, steps: (core: Core) => void): readonly Effect[] {
    const before = threadCpuMs()
    this.core.at(millis(time.now), time.uptime)
    steps(this.core)
    const { changes, effects, events } = this.core.take()
    this.#keep(changes)
    const spent = threadCpuMs() - before
    this.cost.cpuMs += spent
    this.cost.batches += 1
    this.cost.longestBatchMs = Math.max(this.cost.longestBatchMs, spent)
    this.#show(events)
    return effects
  }

  /** The same for inputs. */
  take(time: Time, inputs: readonly Input[]): readonly Effect[] {
    return this.batch(time, core => {
      for (const input of inputs) core.step(input)
    })
  }

  #keep(changes: readonly { collection: string; key: string; value: Uint8Array | undefined }[]): void {
    for (const { collection, key, value } of changes) {
      const rows = this.records.get(collection) ?? new Map<string, Uint8Array>()
      this.records.set(collection, rows)
      if (value === undefined) rows.delete(key)
      else {
        // Nobody reads the events again here, and a thousand members have many.
        if (collection !== 'events') rows.set(key, value)
        this.cost.recordBytes += value.length
      }
    }
  }

  #show(events: readonly HearsayEvent[]): void {
    for (const event of events)
      if (event.type === 'message:received' || event.type === 'message:sent') {
        const { id, text } = event.message
        this.shown.push({ id, text })
      }
  }
}
