/** The record of an epoch: where it stands, and its MLS state with all secrets but the ratchets' newest. */
import type { DeviceId, EpochId } from '../../base/ids.ts'
import { boolean, bytesBetween, codec, id, integer, optional, structure, time } from '../../wire/shape.ts'
import { RECORD_MAX_BYTES } from './limits.ts'
import type { EpochFacts } from '../held-epoch.ts'

/** What is stored of an epoch; its group and id follow from the MLS state. */
export type HeldEpochRecord = Omit<EpochFacts, 'group' | 'epoch'> & { readonly epoch: Uint8Array }

const record = codec(
  'epoch record',
  RECORD_MAX_BYTES,
  structure<HeldEpochRecord>({
    generation: integer(),
    length: integer(),
    parent: optional(id<EpochId>(16)),
    author: id<DeviceId>(32),
    since: time,
    sealed: integer(),
    answered: boolean,
    committed: boolean,
    fresh: boolean,
    epoch: bytesBetween(1, RECORD_MAX_BYTES)
  })
)

export const encodeHeldEpoch = record.encode
export const decodeHeldEpoch = record.decode
