/** The record of what we say about where we are. */
import type { Address, Millis, PeerId } from '../../base/ids.ts'
import { spec } from '../../base/limits.ts'
import { address, codec, integer, list, peerId, structure, time } from '../../wire/shape.ts'
import { RECORD_MAX_BYTES } from './limits.ts'

export interface PresenceState {
  readonly peer: PeerId
  readonly addresses: readonly Address[]
  readonly sequence: number
  readonly updatedAt: Millis
}

const record = codec(
  'presence record',
  RECORD_MAX_BYTES,
  structure<PresenceState>({
    peer: peerId,
    addresses: list(address, { max: spec.addressesMax }),
    sequence: integer(),
    updatedAt: time
  })
)

export const encodePresenceState = record.encode
export const decodePresenceState = record.decode
