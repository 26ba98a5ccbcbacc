/** The record of an item of the outbox. */
import type { EpochId, MessageId } from '../../base/ids.ts'
import {
  boolean,
  bytes,
  bytesBetween,
  codec,
  id,
  integer,
  optional,
  structure,
  time
} from '../../wire/shape.ts'
import type { OutboxItem } from '../outbox.ts'
import { RECORD_MAX_BYTES } from './limits.ts'

const record = codec(
  'outbox record',
  RECORD_MAX_BYTES,
  structure<OutboxItem>({
    sequence: integer(1),
    message: id<MessageId>(32),
    hash: bytes(32),
    entry: bytesBetween(1, RECORD_MAX_BYTES),
    visible: boolean,
    createdAt: time,
    envelope: optional(bytesBetween(1, RECORD_MAX_BYTES)),
    epoch: optional(id<EpochId>(16)),
    sent: boolean
  })
)

export const encodeOutboxItem = record.encode
export const decodeOutboxItem = record.decode
