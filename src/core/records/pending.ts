/** The record of an entry that waits for others. */
import type { Millis } from '../../base/ids.ts'
import { bytesBetween, codec, structure, time } from '../../wire/shape.ts'
import { RECORD_MAX_BYTES } from './limits.ts'

const record = codec(
  'pending record',
  RECORD_MAX_BYTES,
  structure<{ readonly receivedAt: Millis; readonly entry: Uint8Array }>({
    receivedAt: time,
    entry: bytesBetween(1, RECORD_MAX_BYTES)
  })
)

export const encodePending = record.encode
export const decodePending = record.decode
