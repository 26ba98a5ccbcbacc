/** Rebuilding the contacts and conversations of a core from its records. */
import { limits } from '../base/limits.ts'
import type { ConversationId, OperationId } from '../base/ids.ts'
import type { CipherSuite } from '../crypto/mls/index.ts'
import { decodeEntry } from '../wire/entry.ts'
import type { Book } from './book.ts'
import { COUNTERS } from './channels.ts'
import { CONTACTS } from './contact.ts'
import type { Conversation } from './conversation.ts'
import { CONVERSATIONS, OUTBOX, PENDING } from './conversation.ts'
import { EPOCHS, RATCHETS } from './group.ts'
import { KEY_PACKAGES } from './key-packages.ts'
import { decodeContact } from './records/contact.ts'
import { decodeCounters } from './records/counters.ts'
import { restoreConversation } from './records/conversation.ts'
import { decodeOutboxItem } from './records/outbox-item.ts'
import { decodePending } from './records/pending.ts'
import { decodeRoom } from './records/room.ts'
import { ROOMS } from './room.ts'
import { Roster } from './roster.ts'
import { groupOf, OPERATIONS } from './roster-sync.ts'
import { entryHash } from './seal/hashes.ts'

/** One record as it was read. */
export interface StoredRecord {
  readonly key: string
  readonly value: Uint8Array
}

/** All records of the collections that a core is restored from. */
export type Records = Readonly<Partial<Record<string, readonly StoredRecord[]>>>

/** Puts contacts, conversations, their groups and what is under way back in place. Throws MALFORMED at a damaged record. */
export function restoreBook(book: Book, records: Records, suite: CipherSuite, uptime: number): void {
  const of = (collection: string): readonly StoredRecord[] => records[collection] ?? []
  for (const { key, value } of of(KEY_PACKAGES)) book.packages.restore(key, value)
  const counters = new Map(of(COUNTERS).map(({ key, value }) => [key, decodeCounters(value)]))
  for (const { key, value } of of(CONTACTS))
    book.add({ ...decodeContact(value), counters: counters.get(key) ?? new Map() })
  for (const { key, value } of of(ROOMS))
    book.addRoom({ ...decodeRoom(value), counters: counters.get(key) ?? new Map() })
  for (const { key, value } of of(CONVERSATIONS)) {
    const conversation = book.conversation(key as ConversationId)
    if (conversation !== undefined) restoreConversation(conversation, value)
  }
  restoreRosters(book, of(OPERATIONS))
  const ratchets = new Map(of(RATCHETS).map(({ key, value }) => [key, value]))
  for (const { key, value } of of(EPOCHS))
    conversationAt(book, key)?.group.restore(value, ratchets.get(key), suite)
  for (const { key, value } of of(OUTBOX)) {
    const conversation = conversationAt(book, key)
    if (conversation === undefined) continue
    const item = decodeOutboxItem(value)
    conversation.outbox.items.set(item.sequence, item)
  }
  for (const { key, value } of of(PENDING)) {
    const { entry: bytes, ...rest } = decodePending(value)
    const conversation = conversationAt(book, key)
    if (conversation === undefined) continue
    // What waited goes on waiting, and not for ever: nothing may come that would show it.
    conversation.patienceAt = uptime + limits.patienceMs
    conversation.inbox.add({
      ...rest,
      entry: decodeEntry(bytes),
      bytes,
      hash: entryHash(bytes),
      arrivedAt: uptime
    })
  }
  book.membershipMoved = true
}

/** A roster begins with the operation that it is called by; the others find their places. */
function restoreRosters(book: Book, operations: readonly StoredRecord[]): void {
  const others: { conversation: Conversation; roster: OperationId; bytes: Uint8Array }[] = []
  for (const { key, value } of operations) {
    const [conversationId, roster, id] = key.split('/') as [ConversationId, OperationId, OperationId]
    const conversation = book.conversation(conversationId)
    if (conversation === undefined) continue
    if (id === roster) conversation.rosters.set(groupOf(roster), Roster.begin(value))
    else others.push({ conversation, roster, bytes: value })
  }
  for (const { conversation, roster, bytes } of others) conversation.rosters.get(groupOf(roster))?.add(bytes)
}

/** The conversation whose id a key begins with. */
const conversationAt = (book: Book, key: string) =>
  book.conversation(key.slice(0, key.indexOf('/')) as ConversationId)
