/**
 * Carrying: other members' envelopes, kept for a while for those who may lack them, since their author may be
 * away when they come.
 *
 * Spec: specs/delivery.md, section "Carrying". In memory only: the author has them on disk until all have them.
 * Always true: at most `limits.carriedMax` envelopes and `limits.carriedMaxBytes` bytes are kept.
 */
import type { DeviceId, PeerId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import type { DeviceReport } from '../wire/control.ts'
import type { Conversation, Link } from './conversation.ts'
import { envelopeId } from './seal/hashes.ts'
import type { Turn } from './turn.ts'

interface Carried {
  readonly key: string
  readonly author: DeviceId
  readonly sequence: number
  readonly bytes: Uint8Array
  readonly since: number
  /** When it was last given to each peer, in uptime. */
  readonly given: Map<PeerId, number>
}

/** The envelopes that one conversation carries, oldest first. */
export class Carrier {
  readonly #carried = new Map<string, Carried>()
  #bytes = 0

  /** Keeps an envelope that was opened, once; another seal of the same entry is another envelope. */
  add(turn: Turn, author: DeviceId, sequence: number, bytes: Uint8Array): void {
    const key = `${author}/${sequence}/${envelopeId(bytes)}`
    if (this.#carried.has(key)) return
    this.#carried.set(key, {
      key,
      author,
      sequence,
      bytes: Uint8Array.from(bytes),
      since: turn.uptime,
      given: new Map()
    })
    this.#bytes += bytes.length
    for (const oldest of this.#carried.values()) {
      if (this.#carried.size <= limits.carriedMax && this.#bytes <= limits.carriedMaxBytes) break
      this.#drop(oldest)
    }
  }

  /** Lets go of what `isNeeded` says nobody lacks. */
  sweep(isNeeded: (author: DeviceId, sequence: number) => boolean): void {
    for (const carried of this.#carried.values())
      if (!isNeeded(carried.author, carried.sequence)) this.#drop(carried)
  }

  /** What a peer lacks by its report and its author has had time to give it; marked as given. */
  forPeer(turn: Turn, { peer, device }: Link, rows: Rows): Uint8Array[] {
    const found: Uint8Array[] = []
    for (const carried of this.#carried.values()) {
      const { author, sequence, bytes } = carried
      if (found.length >= limits.carryBatchMax) break
      if (author === device || has(rows, author, sequence) || dueAt(carried, peer) > turn.uptime) continue
      carried.given.set(peer, turn.uptime)
      found.push(bytes)
    }
    return found
  }

  /** When a peer is to be given something next, in uptime. */
  dueAt({ peer, device }: Link, rows: Rows): number {
    let due = Infinity
    for (const carried of this.#carried.values())
      if (carried.author !== device && !has(rows, carried.author, carried.sequence))
        due = Math.min(due, dueAt(carried, peer))
    return due
  }

  get isEmpty(): boolean {
    return this.#carried.size === 0
  }

  #drop(carried: Carried): void {
    this.#carried.delete(carried.key)
    this.#bytes -= carried.bytes.length
  }
}

/** What a device has reported of every log, by device. */
export type Rows = ReadonlyMap<DeviceId, DeviceReport>

const NOTHING: Rows = new Map()

function dueAt({ since, given }: Carried, peer: PeerId): number {
  const last = given.get(peer)
  return last === undefined ? since + limits.carryAfterMs : last + limits.carryAgainMs
}

function has(rows: Rows, author: DeviceId, sequence: number): boolean {
  const row = rows.get(author)
  if (row === undefined) return false
  if (sequence <= row.contiguous) return true
  return row.ranges.some(([from, to]) => from <= sequence && sequence <= to)
}

/**
 * Gives every linked member what it lacks of others' envelopes. What it lacks it has to have said since the author
 * had time to give it: so it is asked first, for a report costs less than what it may have by now.
 */
export function carry(conversation: Conversation, turn: Turn): void {
  const { carrier, links, rows } = conversation
  if (carrier.isEmpty) return
  for (const link of links.values()) {
    const held = rows.get(link.device) ?? NOTHING
    const due = carrier.dueAt(link, held)
    if (!link.ready || due > turn.uptime) continue
    if (link.reportedAt < due) {
      if (askAgainAt(link) > turn.uptime) continue
      link.askedAt = turn.uptime
      conversation.owe(link.peer, true)
      continue
    }
    const envelopes = carrier.forPeer(turn, link, held)
    if (envelopes.length > 0) turn.emit({ type: 'transmit', peer: link.peer, envelopes, messages: undefined })
  }
}

const askAgainAt = ({ askedAt }: Link): number =>
  askedAt === undefined ? -Infinity : askedAt + limits.carryAfterMs

/** Lets go of what every device of the conversation has. */
export function forgetCarried(conversation: Conversation): void {
  const { carrier, rows } = conversation
  if (carrier.isEmpty) return
  const devices = conversation.recipients().map(({ device }) => device)
  carrier.sweep((author, sequence) =>
    devices.some(device => device !== author && !has(rows.get(device) ?? NOTHING, author, sequence))
  )
}

/** When `carry` has something to do next, in uptime. */
export function carryDueAt({ carrier, links, rows }: Conversation): number | undefined {
  if (carrier.isEmpty) return undefined
  let next = Infinity
  for (const link of links.values()) {
    if (!link.ready) continue
    const due = carrier.dueAt(link, rows.get(link.device) ?? NOTHING)
    next = Math.min(next, link.reportedAt < due ? Math.max(due, askAgainAt(link)) : due)
  }
  return next === Infinity ? undefined : next
}
