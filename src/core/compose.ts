/**
 * Composing: a new entry of our own log, sealed and in the outbox.
 *
 * Spec: specs/conversation.md, sections "Entries" and "Updates".
 */
import { HearsayError } from '../base/errors.ts'
import { fromUtf8 } from '../base/bytes.ts'
import type { MessageId } from '../base/ids.ts'
import { limits, spec } from '../base/limits.ts'
import { encodeEntry } from '../wire/entry.ts'
import type { Entry, EntryContent, Parent } from '../wire/entry.ts'
import { entryHash, messageIdOf } from './seal/hashes.ts'
import type { Conversation } from './conversation.ts'
import { OUTBOX } from './conversation.ts'
import type { OutboxItem } from './outbox.ts'
import { encodeOutboxItem } from './records/outbox-item.ts'
import { keepMessage } from './messages.ts'
import { sortable } from './turn.ts'
import type { Turn } from './turn.ts'

/** Puts a text into our log. Throws MESSAGE_EMPTY, MESSAGE_TOO_LARGE or OUTBOX_FULL with nothing changed. */
export function composeText(
  conversation: Conversation,
  turn: Turn,
  text: string,
  replyTo: MessageId | undefined
): OutboxItem {
  if (text.length === 0) throw new HearsayError('MESSAGE_EMPTY')
  if (!text.isWellFormed() || fromUtf8(text).length > spec.textMaxBytes)
    throw new HearsayError('MESSAGE_TOO_LARGE')
  if (conversation.outbox.items.size >= limits.outboxMax) throw new HearsayError('OUTBOX_FULL')
  const { group, facts } = conversation
  if (group.updateDue(turn.now, facts.answering)) composeUpdate(conversation, turn)
  const { item, entry } = append(conversation, turn, { type: 'text', text, replyTo })
  facts.answering = false
  const message = keepMessage(conversation, turn, {
    id: item.message,
    identity: conversation.identity,
    entry,
    lamport: entry.lamport,
    receivedAt: turn.now
  })
  turn.announce({ type: 'message:sent', message })
  return item
}

/** Renews our keys: a commit of our own, as an entry of our log. */
export function composeUpdate(conversation: Conversation, turn: Turn): void {
  append(conversation, turn, { type: 'commit', parent: conversation.group.head!.epoch })
}

/** Seals what was written while there was nobody to seal it for. */
export function sealWaiting(conversation: Conversation, turn: Turn): void {
  for (const item of conversation.outbox.items.values()) {
    if (item.envelope === undefined) reseal(conversation, turn, item)
  }
}

/** Seals an entry of the outbox on the present head, under the same message id. */
export function reseal(conversation: Conversation, turn: Turn, item: OutboxItem): OutboxItem {
  const { group, outbox } = conversation
  const { envelope, epoch } = group.seal(turn, item.entry, item.sequence)
  const again: OutboxItem = { ...item, envelope, epoch }
  outbox.items.set(item.sequence, again)
  saveItem(conversation, turn, item.sequence)
  return again
}

/** Writes an item of the outbox with the batch. */
export function saveItem(conversation: Conversation, turn: Turn, sequence: number): void {
  const item = conversation.outbox.items.get(sequence)
  if (item === undefined) return
  turn.save(OUTBOX, `${conversation.id}/${sortable(sequence)}`, () => encodeOutboxItem(item))
}

function append(
  conversation: Conversation,
  turn: Turn,
  content: EntryContent
): { item: OutboxItem; entry: Entry } {
  const { facts, group, outbox } = conversation
  const entry: Entry = {
    device: conversation.self,
    sequence: facts.sequence + 1,
    previous: facts.previous,
    parents: parents(conversation),
    lamport: facts.lamport + 1,
    sentAt: turn.now,
    content
  }
  const bytes = encodeEntry(entry)
  const hash = entryHash(bytes)
  const visible = content.type !== 'commit'
  const sealed = seal(conversation, turn, bytes, entry.sequence, visible)
  const item: OutboxItem = {
    sequence: entry.sequence,
    message: messageIdOf(hash),
    hash,
    entry: bytes,
    visible,
    createdAt: turn.now,
    envelope: sealed?.envelope,
    epoch: sealed?.epoch ?? group.head?.epoch,
    sent: false
  }
  for (const device of conversation.with.devices()) outbox.recipient(device, facts.sequence)
  outbox.items.set(entry.sequence, item)
  facts.sequence = entry.sequence
  facts.previous = hash
  facts.lamport = entry.lamport
  saveItem(conversation, turn, entry.sequence)
  conversation.save(turn)
  return { item, entry }
}

function seal(
  conversation: Conversation,
  turn: Turn,
  entry: Uint8Array,
  sequence: number,
  visible: boolean
): { envelope: Uint8Array; epoch: OutboxItem['epoch'] } | undefined {
  const { group } = conversation
  if (group.head === undefined) return undefined
  if (visible) return group.seal(turn, entry, sequence)
  const parent = group.head.epoch
  return { envelope: group.commit(turn, entry, sequence), epoch: parent }
}

/** The newest delivered entry of every device that has said something since we last named it. */
function parents(conversation: Conversation): Parent[] {
  const named: Parent[] = []
  for (const log of conversation.inbox.logs.values()) {
    if (log.contiguous <= log.named || named.length >= spec.entryParentsMax) continue
    log.named = log.contiguous
    named.push({ device: log.device, sequence: log.contiguous, hash: log.hash })
  }
  return named.sort((a, b) => (a.device < b.device ? -1 : 1))
}
