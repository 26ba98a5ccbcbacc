/** The record of a key package of ours that is not used yet. */
import type { Millis } from '../../base/ids.ts'
import { bytesBetween, codec, optional, structure, time } from '../../wire/shape.ts'
import { RECORD_MAX_BYTES } from './limits.ts'

const record = codec(
  'key package record',
  RECORD_MAX_BYTES,
  structure<{
    readonly keyPackage: Uint8Array
    readonly privateKeys: Uint8Array
    readonly usedAt: Millis | undefined
  }>({
    keyPackage: bytesBetween(1, RECORD_MAX_BYTES),
    privateKeys: bytesBetween(1, RECORD_MAX_BYTES),
    usedAt: optional(time)
  })
)

export const encodeKeyPackageRecord = record.encode
export const decodeKeyPackageRecord = record.decode
