/** The record of a contact, its counters apart. */
import { spec } from '../../base/limits.ts'
import { limits } from '../../base/limits.ts'
import type { GroupId, IdentityId, RequestId } from '../../base/ids.ts'
import { keyPackageShape } from '../../wire/contact-request.ts'
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
import type { Channel, ContactFacts } from '../contact.ts'
import { verifyDeviceList } from '../seal/device-list.ts'
import { RECORD_MAX_BYTES } from './limits.ts'

interface Stored extends Omit<ContactFacts, 'list' | 'counters' | 'presences'> {
  readonly list: readonly Uint8Array[]
  readonly presences: readonly Presence[]
}

const stored = codec(
  'contact record',
  RECORD_MAX_BYTES,
  structure<Stored>({
    id: id<IdentityId>(32),
    name: text(spec.nameMaxBytes),
    state: oneOf({ requested: 0, ready: 1, rejected: 2 }),
    verified: boolean,
    blocked: boolean,
    addedAt: time,
    list: list(bytesBetween(1, spec.deviceEntryMaxBytes), { max: spec.deviceEntriesMax }),
    presenceSecret: optional(bytes(32)),
    channels: list(record<Channel>({ group: id<GroupId>(16), secret: bytes(32) }), {
      max: limits.channelsPerContactMax
    }),
    keyPackages: list(keyPackageShape, { max: limits.keyPackagesPerContactMax }),
    counterReserved: integer(),
    presences: list(presenceShape, { max: limits.presencesPerContactMax }),
    requests: list(id<RequestId>(16), { max: limits.requestsPerContactMax }),
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
