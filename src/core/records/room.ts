/** The record of a group, its counters apart. */
import { limits, spec } from '../../base/limits.ts'
import type { ConversationId, IdentityId, InviteId, RequestId } from '../../base/ids.ts'
import { roleShape } from '../../wire/roster-operation.ts'
import {
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
import type { Consented, Invited, RoomFacts } from '../room.ts'
import { channelsShape } from './contact.ts'
import { RECORD_MAX_BYTES } from './limits.ts'

type Stored = Omit<RoomFacts, 'counters'>

const stored = codec(
  'room record',
  RECORD_MAX_BYTES,
  structure<Stored>({
    id: id<ConversationId>(32),
    name: text(spec.nameMaxBytes),
    state: oneOf({ joining: 0, joined: 1, left: 2, removed: 3 }),
    invited: list(
      record<Invited>({
        invitation: id<RequestId>(16),
        identity: id<IdentityId>(32),
        role: roleShape,
        at: time,
        through: optional(id<InviteId>(16))
      }),
      { max: limits.invitationsWaitingMax }
    ),
    consented: optional(
      record<Consented>({
        invitation: id<RequestId>(16),
        inviter: id<IdentityId>(32),
        consent: bytesBetween(0, spec.consentMaxBytes),
        keyPackage: bytesBetween(0, spec.keyPackageMaxBytes)
      })
    ),
    channels: channelsShape,
    counterReserved: integer()
  })
)

export const encodeRoom = (facts: RoomFacts): Uint8Array => stored.encode(facts)

export const decodeRoom = (encoded: Uint8Array): RoomFacts => ({
  ...stored.decode(encoded),
  counters: new Map()
})
