/**
 * The outbox: our own log entries of one conversation, kept until every device that they are for has said, by
 * a signed receipt, that they are on its disk.
 *
 * Spec: specs/delivery.md, sections "Outbox" and "States".
 * Always true: an item leaves the outbox only when all recipients have acknowledged it, by number and hash; an
 * acknowledgement never shrinks; a state is never ahead of what a receipt or the transport has said.
 */
import type { DeviceId, EpochId, MessageId, Millis } from '../base/ids.ts'
import type { DeliveryState } from '../base/model.ts'

/** One entry of ours that somebody has yet to acknowledge. */
export interface OutboxItem {
  readonly sequence: number
  readonly message: MessageId
  readonly hash: Uint8Array
  readonly entry: Uint8Array
  /** Whether people see it; commits travel in the same log but are nobody's message. */
  readonly visible: boolean
  readonly createdAt: Millis
  /** As it goes over the wire, in parts where it is large; none while there is no group to seal it for. */
  readonly envelopes: readonly Uint8Array[]
  readonly epoch: EpochId | undefined
  /** Whether a transport has taken it. */
  readonly sent: boolean
}

/** What one recipient device has said it holds of our log. */
export interface Acknowledged {
  readonly device: DeviceId
  /** What it is for begins after this number: it came into the conversation then. */
  readonly since: number
  /** Hash of our entry with that number. */
  readonly sinceHash: Uint8Array
  /** Everything up to this number. */
  contiguous: number
  /** And these beyond it. */
  ranges: readonly (readonly [number, number])[]
  /** Everything up to this number was read by the person. */
  read: number
}

/** Whether a device has said that it holds an entry of ours. */
export const acknowledges = (acknowledged: Acknowledged, sequence: number): boolean =>
  sequence <= acknowledged.contiguous ||
  acknowledged.ranges.some(([from, to]) => from <= sequence && sequence <= to)

/** The entries of our log that are not yet everywhere, and what each recipient has acknowledged. */
export class Outbox {
  /** By number, ascending. */
  readonly items = new Map<number, OutboxItem>()
  readonly acknowledged = new Map<DeviceId, Acknowledged>()
  /** Everything of our log up to this number was handed to a transport once. */
  sentThrough = 0

  /** The lowest number that can still be given, or one beyond the newest where all are acknowledged. */
  first(newest: number): number {
    for (const sequence of this.items.keys()) return sequence
    return newest + 1
  }

  /** Begins to count a recipient that comes in now: it is owed what comes after our entry `since`. */
  join(device: DeviceId, since: number, sinceHash: Uint8Array): Acknowledged {
    const known = this.acknowledged.get(device)
    if (known !== undefined) return known
    const acknowledged = { device, since, sinceHash, contiguous: since, ranges: [], read: since }
    this.acknowledged.set(device, acknowledged)
    return acknowledged
  }

  /** Whether an entry is for a device. */
  isFor(device: DeviceId, sequence: number): boolean {
    return (this.acknowledged.get(device)?.since ?? Infinity) < sequence
  }

  /** The lowest number that can still be given to a device, or one beyond the newest. */
  firstFor(device: DeviceId, newest: number): number {
    return Math.max(this.first(newest), (this.acknowledged.get(device)?.since ?? newest) + 1)
  }

  /**
   * Takes in what a device says it holds. That the numbers mean our entries, by their hashes, was checked: what
   * does not is another past (adopt.ts). It never takes back what it has said.
   */
  acknowledge(device: DeviceId, claim: Pick<Acknowledged, 'contiguous' | 'ranges' | 'read'>): void {
    const acknowledged = this.acknowledged.get(device)
    if (acknowledged === undefined) return
    if (claim.contiguous >= acknowledged.contiguous) {
      acknowledged.contiguous = claim.contiguous
      acknowledged.ranges = claim.ranges.filter(([from]) => from > claim.contiguous)
    }
    acknowledged.read = Math.max(acknowledged.read, Math.min(claim.read, acknowledged.contiguous))
  }

  /**
   * Takes out what every recipient has acknowledged, from the oldest on. Returns it, ascending. What is
   * acknowledged behind a gap stays: reports name our log by its oldest entry, so it may only shrink from there.
   * Without a recipient nothing is released: whether there is nobody yet or nobody any more, the caller knows.
   */
  release(): OutboxItem[] {
    const recipients = [...this.acknowledged.values()]
    if (recipients.length === 0) return []
    const released: OutboxItem[] = []
    for (const item of this.items.values()) {
      if (!recipients.every(recipient => acknowledges(recipient, item.sequence))) break
      released.push(item)
    }
    for (const { sequence } of released) this.items.delete(sequence)
    return released
  }

  /** Takes out everything: there is nobody left whom it is for. */
  clear(): OutboxItem[] {
    const items = [...this.items.values()]
    this.items.clear()
    return items
  }

  /** How far the entry with this number is at a device, by what is known for certain. */
  stateAt(device: DeviceId, sequence: number): DeliveryState {
    const acknowledged = this.acknowledged.get(device)
    if (acknowledged !== undefined && sequence <= acknowledged.read) return 'read'
    if (acknowledged !== undefined && acknowledges(acknowledged, sequence)) return 'delivered'
    if (sequence <= this.sentThrough || this.items.get(sequence)?.sent === true) return 'sent'
    return 'queued'
  }

  /** Moves `sentThrough` over everything that was sent or acknowledged in a row. Returns whether it moved. */
  advanceSent(newest: number): boolean {
    const before = this.sentThrough
    while (this.sentThrough < newest) {
      const item = this.items.get(this.sentThrough + 1)
      if (item !== undefined && !item.sent) break
      this.sentThrough += 1
    }
    return this.sentThrough > before
  }
}
