/** The record of an invite of ours. */
import type { ConversationId, Millis } from '../../base/ids.ts'
import type { Role } from '../../base/model.ts'
import { roleShape } from '../../wire/roster-operation.ts'
import { decodeInvite, encodeInvite } from '../../wire/invite.ts'
import type { Invite } from '../../wire/invite.ts'
import { bytes, bytesBetween, codec, id, oneOf, optional, structure, time } from '../../wire/shape.ts'
import { RECORD_MAX_BYTES } from './limits.ts'

/** What a link into a group gives to whoever comes by it. */
export interface GroupLink {
  readonly group: ConversationId
  readonly role: Role
}

export interface InviteRecord {
  readonly invite: Invite
  /** X25519: opens the requests. 32 bytes. */
  readonly secretKey: Uint8Array
  readonly createdAt: Millis
  readonly state: 'open' | 'used' | 'revoked'
  /** The group that it is a link into. */
  readonly into: GroupLink | undefined
}

const record = codec(
  'invite record',
  RECORD_MAX_BYTES,
  structure<Omit<InviteRecord, 'invite'> & { readonly invite: Uint8Array }>({
    invite: bytesBetween(1, RECORD_MAX_BYTES),
    secretKey: bytes(32),
    createdAt: time,
    state: oneOf({ open: 0, used: 1, revoked: 2 }),
    into: optional(structure<GroupLink>({ group: id<ConversationId>(32), role: roleShape }))
  })
)

export const encodeInviteRecord = (each: InviteRecord): Uint8Array =>
  record.encode({ ...each, invite: encodeInvite(each.invite) })

export function decodeInviteRecord(encoded: Uint8Array): InviteRecord {
  const each = record.decode(encoded)
  return { ...each, invite: decodeInvite(each.invite) }
}
