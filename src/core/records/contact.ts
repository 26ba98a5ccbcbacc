/** The record of a contact, its counters apart. */
import { spec } from '../../base/limits.ts'
import { limits } from '../../base/limits.ts'
import type { GroupId, IdentityId, InviteId, RequestId } from '../../base/ids.ts'
import { presenceShape } from '../../wire/presence.ts'
import type { Presence } from '../../wire/presence.ts'
import {
  boolean,
  bytes,
  bytesBetween,
  codec,
  id,
  integer,
  list,
  oneOf,
  optional,
  record,
  structure,
  text,
  time
} from '../../wire/shape.ts'
import type { Channel } from '../channels.ts'
import type { ContactFacts } from '../contact.ts'
import { verifyDeviceList } from '../seal/device-list.ts'
import { RECORD_MAX_BYTES } from './limits.ts'

interface Stored extends Omit<ContactFacts, 'list' | 'counters' | 'presences'> {
  readonly list: readonly Uint8Array[]
  readonly presences: readonly Presence[]
}

/** Shared secrets as a field of records. */
export const channelsShape = list(record<Channel>({ group: id<GroupId>(16), secret: bytes(32) }), {
  max: limits.channelsPerContactMax
})

const stored = codec(
  'contact record',
  RECORD_MAX_BYTES,
  structure<Stored>({
    id: id<IdentityId>(32),
    name: text(spec.nameMaxBytes),
    claimed: text(spec.nameMaxBytes),
    state: oneOf({ requested: 0, ready: 1, rejected: 2, acquainted: 3, self: 4, linking: 5 }),
    verified: boolean,
    blocked: boolean,
    addedAt: time,
    list: list(bytesBetween(1, spec.deviceEntryMaxBytes), { max: spec.deviceEntriesMax }),
    presenceSecret: optional(bytes(32)),
    channels: channelsShape,
    counterReserved: integer(),
    presences: list(presenceShape, { max: limits.presencesPerContactMax }),
    requests: list(id<RequestId>(16), { max: limits.requestsPerContactMax }),
    joining: list(id<InviteId>(16), { max: limits.requestsPerContactMax }),
    toldPresence: integer()
  })
)

export const encodeContact = (facts: ContactFacts): Uint8Array =>
  stored.encode({
    ...facts,
    list: facts.list?.entries ?? [],
    presences: [...facts.presences.values()]
  })

export function decodeContact(encoded: Uint8Array): ContactFacts {
  const facts = stored.decode(encoded)
  return {
    ...facts,
    list: facts.list.length === 0 ? undefined : verifyDeviceList(facts.list, facts.id),
    counters: new Map(),
    presences: new Map(facts.presences.map(presence => [presence.peer, presence]))
  }
}
