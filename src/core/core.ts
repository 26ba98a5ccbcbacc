/**
 * The core: one node's whole protocol as a state machine without I/O.
 *
 * Always true: it reads no clock and rolls no dice (both come in), it acts on nothing (effects go out), and it
 * can be rebuilt from its records alone. A command that throws has changed nothing.
 */
import type { Address, Millis, PeerId } from '../base/ids.ts'
import type { Random } from '../base/random.ts'
import type { CipherSuite } from '../crypto/mls/index.ts'
import { ANSWERS } from './answering.ts'
import { FirstContact, INVITES, OUTGOING, WAITING } from './first-contact.ts'
import { Book } from './book.ts'
import { COUNTERS } from './channels.ts'
import { CONTACTS } from './contact.ts'
import { CONVERSATIONS, OUTBOX, PENDING } from './conversation.ts'
import { EPOCHS, RATCHETS } from './group.ts'
import { KEY_PACKAGES } from './key-packages.ts'
import { OwnDevices } from './own-devices.ts'
import { PAST, PastSync } from './past-sync.ts'
import { PRESENCE, Reach } from './reach.ts'
import { decodePresenceState } from './records/presence-state.ts'
import { sendReports } from './report.ts'
import { restoreBook } from './restore.ts'
import { ROOMS } from './room.ts'
import { INVITATIONS, Rooms } from './rooms.ts'
import { OPERATIONS } from './roster-sync.ts'
import type { Records } from './restore.ts'
import type { Own } from './self.ts'
import { CARDS, SelfSync } from './self-sync.ts'
import { Sessions } from './sessions.ts'
import { beginSweep, continueSweep, resumeSweep, SWEEPS } from './sweep.ts'
import { flushAll, tickTransmission, transmissionDueAt, transmitted } from './transmission.ts'
import { limits } from '../base/limits.ts'
import { EVENTS, sortable } from './turn.ts'
import type { Turn } from './turn.ts'
import type { Arrival, Carried, LookupTarget, Outcome, Page, Sweep } from './turn.ts'

/** What the world tells the core. */
export type Input =
  | { readonly type: 'moved'; readonly peer: PeerId; readonly addresses: readonly Address[] }
  | { readonly type: 'dht-ready' }
  | { readonly type: 'discovered'; readonly peer: PeerId; readonly addresses: readonly Address[] }
  | { readonly type: 'opened'; readonly peer: PeerId }
  | { readonly type: 'closed'; readonly peer: PeerId }
  | { readonly type: 'received'; readonly peer: PeerId; readonly envelopes: readonly Uint8Array[] }
  | { readonly type: 'gossiped'; readonly topic: string; readonly envelope: Uint8Array }
  | {
      readonly type: 'transmitted'
      readonly messages: Carried
      readonly path: 'direct' | 'gossip'
      readonly taken: boolean
      readonly outcome: string
    }
  | {
      readonly type: 'found'
      readonly target: LookupTarget
      readonly day: number
      readonly record: Uint8Array
    }
  | { readonly type: 'presence-put'; readonly stored: boolean }
  | {
      readonly type: 'recalled'
      readonly page: Page
      readonly records: ReadonlyArray<{ key: string; value: Uint8Array }>
    }
  | { readonly type: 'sifted'; readonly arrival: Arrival; readonly fresh: readonly boolean[] }
  | {
      readonly type: 'swept'
      readonly sweep: Sweep
      readonly records: ReadonlyArray<{ key: string; value: Uint8Array }>
    }
  | { readonly type: 'tick' }

/** Collections that are read whole when a core is restored; the others are read when somebody asks. */
export const RESTORED = [
  CONTACTS,
  COUNTERS,
  ROOMS,
  INVITATIONS,
  OPERATIONS,
  CONVERSATIONS,
  EPOCHS,
  RATCHETS,
  KEY_PACKAGES,
  INVITES,
  OUTGOING,
  WAITING,
  ANSWERS,
  OUTBOX,
  PENDING,
  PRESENCE,
  CARDS,
  PAST,
  SWEEPS
] as const

export class Core {
  readonly own: Own
  readonly turn: Turn
  readonly book: Book
  readonly first: FirstContact
  readonly reach: Reach
  readonly sessions: Sessions
  readonly rooms: Rooms
  readonly devices: OwnDevices
  readonly #sync: SelfSync
  readonly #past: PastSync
  #trimmed = 0

  /** A core as its records have it; without records one that has just been made. */
  constructor(init: { own: Own; turn: Turn; random: Random; suite: CipherSuite; records: Records }) {
    const { own, turn, random, suite, records } = init
    this.own = own
    this.turn = turn
    this.book = new Book({ own, suite, random })
    this.first = new FirstContact(this.book)
    for (const collection of [INVITES, OUTGOING, WAITING, ANSWERS])
      for (const { value } of records[collection] ?? []) this.first.restore(collection, value)
    const presence = records[PRESENCE]?.[0]?.value
    this.reach = new Reach(
      this.book,
      this.first,
      presence === undefined ? undefined : decodePresenceState(presence)
    )
    this.rooms = new Rooms(this.book)
    for (const { value } of records[INVITATIONS] ?? []) this.rooms.restore(value)
    const { book, first, reach, rooms } = this
    this.#past = new PastSync(book)
    for (const { key, value } of records[PAST] ?? []) this.#past.restore(key, value)
    this.#sync = new SelfSync(book, this.#past)
    for (const { key, value } of records[CARDS] ?? []) this.#sync.restore(key, value)
    this.devices = new OwnDevices({ book, first, sync: this.#sync, past: this.#past })
    this.sessions = new Sessions({ book, first, reach, rooms, devices: this.devices })
    restoreBook(this.book, records, suite, turn.uptime)
    for (const { value } of records[SWEEPS] ?? []) resumeSweep(turn, value)
  }

  /** Takes in one input. What it leads to is in the outcome that `take` returns. */
  step(input: Input): void {
    const { turn, reach, sessions } = this
    switch (input.type) {
      case 'moved':
        if (reach.moved(turn, input.peer, input.addresses)) sessions.tellPresenceToAll(turn)
        return
      case 'dht-ready':
        reach.dhtReady(turn)
        return
      case 'discovered':
        reach.discovered(turn, input.peer, input.addresses)
        return
      case 'opened':
        sessions.opened(turn, input.peer)
        return
      case 'closed':
        sessions.closed(turn, input.peer)
        return
      case 'received':
        sessions.received(turn, input.peer, input.envelopes)
        return
      case 'gossiped':
        sessions.gossiped(turn, input.topic, input.envelope)
        return
      case 'transmitted':
        this.#transmitted(input)
        return
      case 'found':
        reach.found(turn, input.target, input.day, input.record)
        return
      case 'presence-put':
        reach.presencePut(turn, input.stored)
        return
      case 'recalled':
        this.#past.recalled(turn, input.page, input.records)
        return
      case 'sifted':
        this.#past.sifted(turn, input.arrival, input.fresh)
        return
      case 'swept':
        continueSweep(turn, input.sweep, input.records)
        return
      case 'tick':
        this.#tick()
    }
  }

  #transmitted({ messages, path, taken, outcome }: Extract<Input, { type: 'transmitted' }>): void {
    const conversation = this.book.conversation(messages.conversation)
    if (conversation !== undefined) transmitted(conversation, this.turn, messages, path, outcome, taken)
  }

  #tick(): void {
    const { turn } = this
    this.sessions.tick(turn)
    this.first.expire(turn)
    for (const conversation of this.book.conversations()) {
      tickTransmission(conversation, turn)
      conversation.inquiries.tick(conversation, turn, this.own)
    }
  }

  /** Everything that the steps since the last time want done. Reports are added here, one for all of them. */
  take(): Outcome {
    const { turn, sessions } = this
    this.rooms.settle(turn)
    sessions.settle(turn)
    this.#sync.settle(turn)
    this.#past.settle(turn)
    for (const conversation of this.book.conversations()) {
      if (conversation.links.size === 0) continue
      conversation.inquiries.settle(conversation, turn, this.own)
      flushAll(conversation, turn)
      if (conversation.reportsDue.size > 0 || conversation.owesAll) sendReports(conversation, turn)
    }
    this.reach.tick(turn, peer => sessions.has(peer))
    this.#trimEvents()
    return turn.take()
  }

  /** Lets go of the oldest events once there are too many. */
  #trimEvents(): void {
    const oldest = this.turn.cursor - limits.eventsKeptMax
    if (oldest < this.#trimmed + limits.eventsTrimmedAtOnce) return
    this.#trimmed = oldest
    beginSweep(this.turn, { collection: EVENTS, from: '', to: sortable(oldest) })
  }

  /** When to step with `tick` at the latest, in uptime; undefined where nothing waits for time. */
  dueAt(): number | undefined {
    const { turn, sessions } = this
    const times = [
      this.reach.dueAt(turn.now, peer => sessions.has(peer)),
      sessions.dueAt(),
      this.rooms.dueAt(),
      this.#past.dueAt(turn.uptime)
    ]
    for (const conversation of this.book.conversations()) times.push(transmissionDueAt(conversation))
    const due = times.filter(time => time !== undefined)
    return due.length === 0 ? undefined : Math.min(...due)
  }

  /** Sets the time of the next steps. */
  at(now: Millis, uptime: number): void {
    this.turn.now = now
    this.turn.uptime = uptime
  }
}
