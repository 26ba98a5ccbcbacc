/** The record of an invite of ours. */
import type { Millis } from '../../base/ids.ts'
import { decodeInvite, encodeInvite } from '../../wire/invite.ts'
import type { Invite } from '../../wire/invite.ts'
import { bytes, bytesBetween, codec, oneOf, structure, time } from '../../wire/shape.ts'
import { RECORD_MAX_BYTES } from './limits.ts'

export interface InviteRecord {
  readonly invite: Invite
  /** X25519: opens the requests. 32 bytes. */
  readonly secretKey: Uint8Array
  readonly createdAt: Millis
  readonly state: 'open' | 'used' | 'revoked'
}

const record = codec(
  'invite record',
  RECORD_MAX_BYTES,
  structure<Omit<InviteRecord, 'invite'> & { readonly invite: Uint8Array }>({
    invite: bytesBetween(1, RECORD_MAX_BYTES),
    secretKey: bytes(32),
    createdAt: time,
    state: oneOf({ open: 0, used: 1, revoked: 2 })
  })
)

export const encodeInviteRecord = (each: InviteRecord): Uint8Array =>
  record.encode({ ...each, invite: encodeInvite(each.invite) })

export function decodeInviteRecord(encoded: Uint8Array): InviteRecord {
  const each = record.decode(encoded)
  return { ...each, invite: decodeInvite(each.invite) }
}
