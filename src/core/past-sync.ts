/**
 * History from device to device: a new device of ours asks its siblings for what was said before it came.
 *
 * Spec: specs/devices.md, section "History". Page by page, the newest first; where it stopped it goes on.
 * Always true: a page is taken in only if it was asked for; a message is stored under its place in the order, so
 * that one that is there already is there once.
 */
import { malformed } from '../base/errors.ts'
import { fromUtf8, toUtf8 } from '../base/bytes.ts'
import type { ConversationId, PeerId } from '../base/ids.ts'
import { limits, spec } from '../base/limits.ts'
import type { History, HistoryPlace, PastMessage, Recall } from '../wire/own-devices.ts'
import type { Book } from './book.ts'
import { MESSAGE_IDS, MESSAGES } from './conversation.ts'
import type { Conversation } from './conversation.ts'
import { messageKey } from './messages.ts'
import { decodeMessageRecord, encodeMessageRecord } from './records/message.ts'
import type { StoredRecord } from './restore.ts'
import type { Page, Turn } from './turn.ts'

/** Conversations whose past is not here yet. */
export const PAST = 'past'

/** How far we are with one conversation. */
interface Progress {
  readonly before: HistoryPlace | undefined
  readonly messages: number
}

export class PastSync {
  readonly #book: Book
  readonly #wanted = new Map<ConversationId, Progress>()
  /** Whom we have asked for what, and not been answered. */
  readonly #asked = new Map<ConversationId, PeerId>()

  constructor(book: Book) {
    this.#book = book
  }

  restore(key: string, record: Uint8Array): void {
    this.#wanted.set(key as ConversationId, JSON.parse(toUtf8(record)) as Progress)
  }

  /** A conversation that began before this device came into it. */
  want(turn: Turn, id: ConversationId): void {
    if (!this.#wanted.has(id)) this.#save(turn, id, { before: undefined, messages: 0 })
  }

  #save(turn: Turn, id: ConversationId, progress: Progress): void {
    this.#wanted.set(id, progress)
    turn.save(PAST, id, () => fromUtf8(JSON.stringify(progress)))
  }

  /** Asks a sibling for what we lack, a few conversations at a time. */
  ask(turn: Turn, peer: PeerId): void {
    for (const [id, { before }] of this.#wanted) {
      if (this.#asked.size >= limits.recallsMax) break
      if (this.#asked.has(id)) continue
      this.#asked.set(id, peer)
      this.#tell(turn, peer, { type: 'recall', conversation: id, before })
    }
  }

  /** A sibling is gone: what it was asked for another is. */
  gone(turn: Turn, peer: PeerId): void {
    for (const [id, asked] of this.#asked) if (asked === peer) this.#asked.delete(id)
    for (const other of this.#book.siblings.keys()) if (other !== peer) this.ask(turn, other)
  }

  #tell(turn: Turn, peer: PeerId, body: Recall | History): void {
    const envelopes = this.#book.get(this.#book.own.identity)?.contact.control(turn, body) ?? []
    if (envelopes.length > 0) turn.emit({ type: 'transmit', peer, envelopes, messages: undefined })
  }

  /** A sibling asks us. */
  recall(turn: Turn, peer: PeerId, { conversation, before }: Recall): void {
    const key = before === undefined ? undefined : messageKey({ conversation, ...before })
    const page: Page = { conversation, peer, before: key, limit: spec.historyPageMax }
    turn.emit({ type: 'recall', page })
  }

  /** What was asked for has been read. */
  recalled(turn: Turn, { conversation, peer, before }: Page, records: readonly StoredRecord[]): void {
    if (!this.#book.siblings.has(peer)) return
    const messages = records.map(({ value }): PastMessage => {
      const { conversation: _, ...message } = decodeMessageRecord(value)
      return message
    })
    // Whoever is still asking for the past itself does not know where it ends.
    const last = records.length < spec.historyPageMax && !this.#wanted.has(conversation)
    this.#tell(turn, peer, { type: 'history', conversation, before: placeOf(before), messages, last })
  }

  /** Takes in a page that we asked for. Throws MALFORMED at any other. */
  receive(turn: Turn, peer: PeerId, { conversation: id, before, messages, last }: History): void {
    const conversation = this.#book.conversation(id)
    const progress = this.#wanted.get(id)
    if (conversation === undefined || progress === undefined || this.#asked.get(id) !== peer)
      throw malformed('history that nobody asked for')
    if (JSON.stringify(before) !== JSON.stringify(progress.before)) throw malformed('another page')
    this.#asked.delete(id)
    for (const message of messages) keep(conversation, turn, message)
    const total = progress.messages + messages.length
    const oldest = messages.at(-1)
    if (last) {
      this.#wanted.delete(id)
      turn.remove(PAST, id)
    } else if (oldest !== undefined) {
      const { lamport, device, sequence } = oldest
      this.#save(turn, id, { before: { lamport, device, sequence }, messages: total })
    }
    if (messages.length > 0)
      turn.announce({ type: 'history:received', conversation: id, messages: total, complete: last })
    // An empty page that is not the last: the sibling has no more for now.
    if (last || oldest !== undefined) this.ask(turn, peer)
  }
}

function keep(conversation: Conversation, turn: Turn, message: PastMessage): void {
  const record = { ...message, conversation: conversation.id }
  const key = messageKey(record)
  turn.save(MESSAGES, key, () => encodeMessageRecord(record))
  turn.save(MESSAGE_IDS, message.id, () => fromUtf8(key))
}

function placeOf(key: string | undefined): HistoryPlace | undefined {
  if (key === undefined) return undefined
  const [, lamport, device, sequence] = key.split('/')
  return {
    lamport: Number(lamport),
    device: device as HistoryPlace['device'],
    sequence: Number(sequence)
  }
}
