/**
 * One turn of the core: what the machines write down, ask of the world and tell while they step.
 *
 * Always true: nothing here acts. The runtime commits `changes` in one transaction and only then carries out
 * `effects` and hands on `events`; so whatever leaves the node is already on disk.
 */
import { fromUtf8 } from '../base/bytes.ts'
import type { Address, ConversationId, Cursor, DeviceId, IdentityId, Millis, PeerId } from '../base/ids.ts'
import type { HearsayEvent } from '../base/model.ts'
import type { History } from '../wire/own-devices.ts'

/** What the core asks of the network. Each may fail; the answer, if any, comes back as an input. */
export type Effect =
  | { readonly type: 'dial'; readonly peer: PeerId; readonly addresses: readonly Address[] }
  | { readonly type: 'hang-up'; readonly peer: PeerId }
  | { readonly type: 'admit' | 'dismiss'; readonly peer: PeerId }
  /** Envelopes over a direct stream; `messages` says which of ours they carry. Answered by `transmitted`. */
  | {
      readonly type: 'transmit'
      readonly peer: PeerId
      readonly envelopes: readonly Uint8Array[]
      readonly messages: Carried | undefined
    }
  /** One envelope by gossip. Answered by `transmitted`. */
  | {
      readonly type: 'publish'
      readonly topic: string
      readonly envelope: Uint8Array
      readonly messages: Carried | undefined
    }
  | { readonly type: 'subscribe' | 'unsubscribe'; readonly topic: string }
  /** A presence record for the DHT. Answered by `presence-put`. */
  | { readonly type: 'put'; readonly key: Uint8Array; readonly record: Uint8Array }
  /** Presence records from the DHT. Answered by `found` for each, then `searched`. */
  | { readonly type: 'lookup'; readonly target: LookupTarget; readonly key: Uint8Array; readonly day: number }
  /** Read a page of messages, backwards; answered by `recalled`. */
  | { readonly type: 'recall'; readonly page: Page }
  /** Look up which messages of a page are not there yet; answered by `sifted`. */
  | { readonly type: 'sift'; readonly arrival: Arrival }
  /** Read some records that are to go; answered by `swept` with what was found. */
  | { readonly type: 'sweep'; readonly sweep: Sweep }

/** Which of our log entries an envelope or several carry, and over which path. */
export interface Carried {
  readonly conversation: ConversationId
  /** The device they are meant for, or undefined for all. */
  readonly device: DeviceId | undefined
  readonly sequences: readonly number[]
}

/** Whose presence is looked for: that of a contact's device, or of the maker of an invite that we redeem. */
export interface LookupTarget {
  readonly contact: IdentityId
  /** Undefined for the maker of the invite. */
  readonly device: DeviceId | undefined
}

/** Records that are to go: those of a collection from one key, included, to another, excluded. */
export interface Sweep {
  readonly collection: string
  readonly from: string
  readonly to: string
}

/** Messages of a conversation that somebody is to be given, the newest first. */
export interface Page {
  readonly conversation: ConversationId
  readonly peer: PeerId
  /** Only those before this key of `messages`. */
  readonly before: string | undefined
  /** How many to read. */
  readonly most: number
  /** Whether to begin at the newest all the same. */
  readonly whole: boolean
}

/** A page that has come. */
export interface Arrival {
  readonly peer: PeerId
  readonly history: History
  /** Whose word it is; undefined for our own devices. */
  readonly via: IdentityId | undefined
}

/** One change of the store; without a value the record goes. */
export interface RecordChange {
  readonly collection: string
  readonly key: string
  readonly value: Uint8Array | undefined
}

type WithoutCursor<T> = T extends unknown ? Omit<T, 'cursor' | 'at'> : never
/** An event that has no cursor yet. */
export type Announcement = WithoutCursor<HearsayEvent>

/** Everything that a turn leaves behind. */
export interface Outcome {
  readonly changes: readonly RecordChange[]
  readonly effects: readonly Effect[]
  readonly events: readonly HearsayEvent[]
}

/** Fixed-width decimal text of a number, so that keys sort as numbers do. */
export const sortable = (value: number): string => value.toString().padStart(16, '0')

/** The collection of events: one record per committed batch, under its first cursor. */
export const EVENTS = 'events'

/** Collects what one or several steps want done. Saving a record twice keeps the last word only. */
export class Turn {
  now: Millis
  /** Milliseconds that never jump; all waiting is measured by it. */
  uptime: number
  #cursor: number
  readonly #records = new Map<
    string,
    { collection: string; key: string; bytes: (() => Uint8Array) | undefined }
  >()
  #effects: Effect[] = []
  #events: HearsayEvent[] = []

  /** `cursor` is that of the newest event on disk, 0 where there is none. */
  constructor(init: { now: Millis; uptime: number; cursor: number }) {
    this.now = init.now
    this.uptime = init.uptime
    this.#cursor = init.cursor
  }

  /** The cursor of the newest event. */
  get cursor(): number {
    return this.#cursor
  }

  /** Writes a record; `bytes` is asked once, when the batch is committed. */
  save(collection: string, key: string, bytes: () => Uint8Array): void {
    this.#records.set(`${collection}\n${key}`, { collection, key, bytes })
  }

  /** The keys of a collection that were written or removed. */
  touched(collection: string): string[] {
    return [...this.#records.values()].flatMap(each => (each.collection === collection ? [each.key] : []))
  }

  remove(collection: string, key: string): void {
    this.#records.set(`${collection}\n${key}`, { collection, key, bytes: undefined })
  }

  emit(effect: Effect): void {
    this.#effects.push(effect)
  }

  announce(announcement: Announcement): void {
    this.#cursor += 1
    this.#events.push({ ...announcement, cursor: this.#cursor as Cursor, at: this.now })
  }

  /** Takes what has been collected and begins anew. */
  take(): Outcome {
    const changes: RecordChange[] = []
    for (const { collection, key, bytes } of this.#records.values()) {
      changes.push({ collection, key, value: bytes?.() })
    }
    const events = this.#events
    if (events.length > 0) changes.push(eventRecord(events))
    const effects = this.#effects
    this.#records.clear()
    this.#effects = []
    this.#events = []
    return { changes, effects, events }
  }
}

function eventRecord(events: readonly HearsayEvent[]): RecordChange {
  const first = events[0]!
  return { collection: EVENTS, key: sortable(first.cursor), value: fromUtf8(JSON.stringify(events)) }
}
