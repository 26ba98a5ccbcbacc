/** The record of the control counters that a contact's devices have used: it changes with every report. */
import { spec } from '../../base/limits.ts'
import type { DeviceId, GroupId } from '../../base/ids.ts'
import { codec, id, integer, list, record } from '../../wire/shape.ts'
import type { CounterKey } from '../channels.ts'
import { RECORD_MAX_BYTES } from './limits.ts'

interface Counter {
  readonly group: GroupId
  readonly device: DeviceId
  readonly counter: number
}

const stored = codec(
  'counters record',
  RECORD_MAX_BYTES,
  list(record<Counter>({ group: id<GroupId>(16), device: id<DeviceId>(32), counter: integer() }), {
    max: spec.groupMembersMax * 8
  })
)

export const encodeCounters = (counters: ReadonlyMap<CounterKey, number>): Uint8Array =>
  stored.encode(
    [...counters].map(([key, counter]) => {
      const [group, device] = key.split('/') as [GroupId, DeviceId]
      return { group, device, counter }
    })
  )

export const decodeCounters = (bytes: Uint8Array): Map<CounterKey, number> =>
  new Map(stored.decode(bytes).map(({ group, device, counter }) => [`${group}/${device}`, counter]))
