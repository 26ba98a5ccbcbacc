/** The record of an item of the outbox. */
import { spec } from '../../base/limits.ts'
import type { EpochId, MessageId } from '../../base/ids.ts'
import {
  boolean,
  bytes,
  bytesBetween,
  codec,
  id,
  integer,
  list,
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
    envelopes: list(bytesBetween(1, RECORD_MAX_BYTES), { max: spec.messagePartsMax }),
    epoch: optional(id<EpochId>(16)),
    sent: boolean
  })
)

export const encodeOutboxItem = record.encode
export const decodeOutboxItem = record.decode
