/**
 * What a person sees of a conversation: messages in the order that every member has, on disk.
 *
 * Spec: specs/delivery.md, section "Order". The order is that of lamport numbers, then of devices: causal, and
 * the same everywhere once the same messages are there.
 */
import { fromUtf8 } from '../base/bytes.ts'
import { HearsayError } from '../base/errors.ts'
import type { IdentityId, MessageId, Millis } from '../base/ids.ts'
import type { Message } from '../base/model.ts'
import type { Entry } from '../wire/entry.ts'
import type { Conversation } from './conversation.ts'
import { MESSAGE_IDS, MESSAGES } from './conversation.ts'
import { encodeMessageRecord } from './records/message.ts'
import type { MessageRecord } from './records/message.ts'
import { sortable } from './turn.ts'
import type { Turn } from './turn.ts'

/** An entry that becomes a message. */
export interface Shown {
  readonly id: MessageId
  readonly identity: IdentityId
  readonly entry: Entry
  readonly lamport: number
  readonly receivedAt: Millis
}

/** Writes a message with the batch. Returns it as people see it. */
export function keepMessage(conversation: Conversation, turn: Turn, shown: Shown): Message {
  const { entry, lamport } = shown
  if (entry.content.type !== 'text') throw new HearsayError('INTERNAL')
  const record: MessageRecord = {
    id: shown.id,
    conversation: conversation.id,
    identity: shown.identity,
    device: entry.device,
    sequence: entry.sequence,
    lamport,
    sentAt: entry.sentAt,
    receivedAt: shown.receivedAt,
    text: entry.content.text,
    replyTo: entry.content.replyTo,
    via: undefined
  }
  const key = messageKey(record)
  turn.save(MESSAGES, key, () => encodeMessageRecord(record))
  turn.save(MESSAGE_IDS, record.id, () => fromUtf8(key))
  return viewMessage(conversation, record)
}

/** A stored message as people see it, with the state of its delivery if it is ours. */
export function viewMessage(conversation: Conversation, record: MessageRecord): Message {
  const own = record.device === conversation.self
  const delivery = own ? conversation.delivery(record.id, record.sequence).state : undefined
  return conversation.with.describe(record, delivery)
}

/** Where a message lies: its place in the order. */
export const messageKey = ({
  conversation,
  lamport,
  device,
  sequence
}: Pick<MessageRecord, 'conversation' | 'lamport' | 'device' | 'sequence'>): string =>
  `${conversation}/${sortable(lamport)}/${device}/${sortable(sequence)}`
