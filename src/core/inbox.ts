/**
 * The inbox: puts the log entries of the other devices of a conversation into causal order.
 *
 * Spec: specs/delivery.md, section "Order". Every device numbers its entries and names, in each, its previous
 * one and the newest of the others that it had seen.
 * Always true: an entry is delivered once, after all entries of its device with lower numbers and after all
 * that it names; what waits is on disk, because the key that opened it is gone.
 */
import { equal } from '../base/bytes.ts'
import type { DeviceId, IdentityId, Millis } from '../base/ids.ts'
import { limits, spec } from '../base/limits.ts'
import type { Entry } from '../wire/entry.ts'

/** An entry that has been opened, with the hash of its bytes. */
export interface Received {
  readonly entry: Entry
  readonly bytes: Uint8Array
  readonly hash: Uint8Array
  /** Whose device wrote it. */
  readonly identity: IdentityId
  readonly receivedAt: Millis
  /** The same in uptime, or when the node started: what it waits for may take so long and no longer. */
  readonly arrivedAt: number
  /** Its place among the messages, once it was shown before its turn came. */
  readonly shownAt: number | undefined
}

/** An entry in its place: what the conversation shows and counts. */
export interface Delivered extends Received {
  /** The entry's lamport number, within the bounds that its past allows. */
  readonly lamport: number
  /** Whether its device had told somebody else another story of its past. */
  readonly equivocated: boolean
}

/** What is known of the log of one other device. */
export interface Log {
  readonly device: DeviceId
  /** All entries up to this number are delivered. */
  contiguous: number
  /** Hash of the entry with that number; zeros before the first. */
  hash: Uint8Array
  lamport: number
  /** What our person has read of it. */
  read: number
  /** The number that this device had delivered of ours when we last named it as a parent. */
  named: number
  /** Entries beyond `contiguous`, by number. */
  readonly waiting: Map<number, Received>
}

const startLog = (device: DeviceId): Log => ({
  device,
  contiguous: 0,
  hash: new Uint8Array(32),
  lamport: 0,
  read: 0,
  named: 0,
  waiting: new Map()
})

/** The logs of the other devices of one conversation. */
export class Inbox {
  readonly logs = new Map<DeviceId, Log>()
  readonly #self: DeviceId

  constructor(self: DeviceId) {
    this.#self = self
  }

  /** Whether an entry is on disk already, delivered or waiting. */
  has(device: DeviceId, sequence: number): boolean {
    const log = this.logs.get(device)
    return log !== undefined && (sequence <= log.contiguous || log.waiting.has(sequence))
  }

  /** Whether there is room for one more entry of a device that is not next in line. */
  hasRoom(device: DeviceId, sequence: number): boolean {
    const log = this.logs.get(device)
    return sequence === (log?.contiguous ?? 0) + 1 || (log?.waiting.size ?? 0) < limits.pendingEntriesMax
  }

  /** Puts an opened entry in line. It must be new. */
  add(received: Received): void {
    this.log(received.entry.device).waiting.set(received.entry.sequence, received)
  }

  /** The log of a device, begun where there is none. */
  log(device: DeviceId): Log {
    let log = this.logs.get(device)
    if (log === undefined) {
      log = startLog(device)
      this.logs.set(device, log)
    }
    return log
  }

  /**
   * The author says that it cannot give entries before `first` to us any more, because all who were to have
   * them do (we are new to its log): the log begins there, after the entry with the hash `before`. What waits
   * below is kept. Returns whether anything changed.
   */
  beginAt(device: DeviceId, first: number, before: Uint8Array): boolean {
    const log = this.log(device)
    const lowest = Math.min(first, ...log.waiting.keys())
    if (lowest - 1 <= log.contiguous) return false
    log.hash = lowest === first ? before : log.waiting.get(lowest)!.entry.previous
    log.contiguous = lowest - 1
    return true
  }

  /**
   * Takes the next entry that has all it waits for, or undefined. `own` is the highest number of our own log,
   * `lamportMax` the highest lamport number of the conversation so far. Entries that came before `overdue`, in
   * uptime, wait for no other device any more: one that is away must not hold up the rest.
   */
  next(own: number, lamportMax: number, overdue: number): Delivered | undefined {
    for (const log of this.logs.values()) {
      const received = log.waiting.get(log.contiguous + 1)
      if (received === undefined) continue
      if (received.arrivedAt > overdue && !this.#ready(received.entry, own)) continue
      // Those that have moved last come last: a report that has no room for all names these.
      this.logs.delete(log.device)
      this.logs.set(log.device, log)
      return deliver(log, received, lamportMax)
    }
    return undefined
  }

  /** What waits and was not shown yet, of all devices. */
  *hidden(): Iterable<Received> {
    for (const log of this.logs.values())
      for (const received of log.waiting.values()) if (received.shownAt === undefined) yield received
  }

  #ready(entry: Entry, own: number): boolean {
    return entry.parents.every(({ device, sequence }) => {
      // A parent of ours that we do not know was lost with an older copy of our disk: waiting would not bring it.
      if (device === this.#self) return sequence <= own || own === 0
      return sequence <= (this.logs.get(device)?.contiguous ?? 0)
    })
  }
}

/**
 * Where an entry stands among all. Its author's number is taken as it is, so that everybody has one order, also
 * those who came later; it grows with each entry of a device, and a lie can run ahead only so far.
 */
export const placeOf = ({ lamport }: Entry, before: number, lamportMax: number): number =>
  Math.min(Math.max(lamport, before + 1), lamportMax + spec.lamportAheadMax)

function deliver(log: Log, received: Received, lamportMax: number): Delivered {
  const { entry, hash } = received
  const equivocated = !equal(entry.previous, log.hash)
  const lamport = received.shownAt ?? placeOf(entry, log.lamport, lamportMax)
  log.waiting.delete(entry.sequence)
  log.contiguous = entry.sequence
  log.hash = hash
  log.lamport = Math.max(log.lamport, lamport)
  return { ...received, lamport, equivocated }
}

/** Numbers as ranges, both ends included, ascending; at most `max` of them. */
export function toRanges(numbers: Iterable<number>, max: number): [number, number][] {
  const ranges: [number, number][] = []
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const last = ranges.at(-1)
    if (last !== undefined && last[1] + 1 === number) last[1] = number
    else if (ranges.length < max) ranges.push([number, number])
    else break
  }
  return ranges
}
