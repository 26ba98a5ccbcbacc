/** The record of an entry that waits for others. */
import type { IdentityId, Millis } from '../../base/ids.ts'
import { bytesBetween, codec, id, integer, optional, structure, time } from '../../wire/shape.ts'
import { RECORD_MAX_BYTES } from './limits.ts'

const record = codec(
  'pending record',
  RECORD_MAX_BYTES,
  structure<{
    readonly identity: IdentityId
    readonly receivedAt: Millis
    readonly shownAt: number | undefined
    readonly entry: Uint8Array
  }>({
    identity: id<IdentityId>(32),
    receivedAt: time,
    shownAt: optional(integer()),
    entry: bytesBetween(1, RECORD_MAX_BYTES)
  })
)

export const encodePending = record.encode
export const decodePending = record.decode
