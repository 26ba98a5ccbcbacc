/** The record of how far we are with asking for the past of a conversation. */
import type { DeviceId } from '../../base/ids.ts'
import { historyPlaceShape, type HistoryPlace } from '../../wire/own-devices.ts'
import { boolean, codec, id, integer, list, optional, record, structure } from '../../wire/shape.ts'
import { RECORD_MAX_BYTES } from './limits.ts'

export interface Progress {
  /** Who took us in and is asked; undefined: our own devices are. */
  readonly from: DeviceId | undefined
  /** Everything from here on we have. */
  readonly before: HistoryPlace | undefined
  readonly messages: number
  /** Whether all that came in this walk came from devices that had it whole themselves. */
  readonly whole: boolean
  /** Whether we have had it all once, and only look for what was said while others learned of us. */
  readonly again: boolean
  /** Who asks again waits for a device that has all of these logs up to these numbers. */
  readonly behind: ReadonlyArray<{ readonly device: DeviceId; readonly through: number }>
}

/** More logs than these are not waited for. */
export const BEHIND_MAX = 64

const stored = codec(
  'past record',
  RECORD_MAX_BYTES,
  structure<Progress>({
    from: optional(id<DeviceId>(32)),
    before: optional(historyPlaceShape),
    messages: integer(),
    whole: boolean,
    again: boolean,
    behind: list(record({ device: id<DeviceId>(32), through: integer() }), { max: BEHIND_MAX })
  })
)

export const encodeProgress = stored.encode
export const decodeProgress = stored.decode
