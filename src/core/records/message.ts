/** The record of a message: what a person sees, and its place in the order. */
import type { ConversationId, DeviceId, IdentityId, MessageId, Millis } from '../../base/ids.ts'
import { codec, id, integer, optional, structure, text, time } from '../../wire/shape.ts'
import { spec } from '../../base/limits.ts'
import { RECORD_MAX_BYTES } from './limits.ts'

export interface MessageRecord {
  readonly id: MessageId
  readonly conversation: ConversationId
  readonly identity: IdentityId
  readonly device: DeviceId
  /** Its number in the log of its device. */
  readonly sequence: number
  readonly lamport: number
  readonly sentAt: Millis
  readonly receivedAt: Millis
  readonly text: string
  readonly replyTo: MessageId | undefined
  /** Who has passed it on to us, as somebody new: its word, not the author's. */
  readonly via: IdentityId | undefined
}

const record = codec(
  'message record',
  RECORD_MAX_BYTES,
  structure<MessageRecord>({
    id: id<MessageId>(32),
    conversation: id<ConversationId>(32),
    identity: id<IdentityId>(32),
    device: id<DeviceId>(32),
    sequence: integer(1),
    lamport: integer(),
    sentAt: time,
    receivedAt: time,
    text: text(spec.textMaxBytes),
    replyTo: optional(id<MessageId>(32)),
    via: optional(id<IdentityId>(32))
  })
)

export const encodeMessageRecord = record.encode
export const decodeMessageRecord = record.decode
