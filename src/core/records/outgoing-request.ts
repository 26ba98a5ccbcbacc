/** The record of a request of ours that is not answered. */
import type { IdentityId, Millis, RequestId } from '../../base/ids.ts'
import { decodeInvite, encodeInvite } from '../../wire/invite.ts'
import type { Invite } from '../../wire/invite.ts'
import { bytes, bytesBetween, codec, id, structure, time } from '../../wire/shape.ts'
import { RECORD_MAX_BYTES } from './limits.ts'

export interface OutgoingRequest {
  readonly request: RequestId
  readonly contact: IdentityId
  readonly invite: Invite
  /** As it is sent, again and again. */
  readonly envelope: Uint8Array
  readonly answerKey: Uint8Array
  readonly requestHash: Uint8Array
  readonly sentAt: Millis
}

const record = codec(
  'request record',
  RECORD_MAX_BYTES,
  structure<Omit<OutgoingRequest, 'invite'> & { readonly invite: Uint8Array }>({
    request: id<RequestId>(16),
    contact: id<IdentityId>(32),
    envelope: bytesBetween(1, RECORD_MAX_BYTES),
    answerKey: bytes(32),
    requestHash: bytes(32),
    sentAt: time,
    invite: bytesBetween(1, RECORD_MAX_BYTES)
  })
)

export const encodeOutgoing = (each: OutgoingRequest): Uint8Array =>
  record.encode({ ...each, invite: encodeInvite(each.invite) })

export function decodeOutgoing(encoded: Uint8Array): OutgoingRequest {
  const each = record.decode(encoded)
  return { ...each, invite: decodeInvite(each.invite) }
}
