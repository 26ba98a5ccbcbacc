/** The record of a key package of ours that is not used yet. */
import { bytesBetween, codec, structure } from '../../wire/shape.ts'
import { RECORD_MAX_BYTES } from './limits.ts'

const record = codec(
  'key package record',
  RECORD_MAX_BYTES,
  structure<{ readonly keyPackage: Uint8Array; readonly privateKeys: Uint8Array }>({
    keyPackage: bytesBetween(1, RECORD_MAX_BYTES),
    privateKeys: bytesBetween(1, RECORD_MAX_BYTES)
  })
)

export const encodeKeyPackageRecord = record.encode
export const decodeKeyPackageRecord = record.decode
