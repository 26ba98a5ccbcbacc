/** The record of an invitation into a group that waits for a person. */
import { spec } from '../../base/limits.ts'
import type { IdentityId, InviteId, OperationId, RequestId } from '../../base/ids.ts'
import { roleShape } from '../../wire/roster-operation.ts'
import { bytes, codec, id, integer, optional, structure, text, time } from '../../wire/shape.ts'
import type { WaitingInvitation } from '../rooms.ts'
import { RECORD_MAX_BYTES } from './limits.ts'

const record = codec(
  'invitation record',
  RECORD_MAX_BYTES,
  structure<WaitingInvitation>({
    invitation: id<RequestId>(16),
    group: id<OperationId>(32),
    secret: bytes(32),
    name: text(spec.nameMaxBytes),
    role: roleShape,
    members: integer(),
    through: optional(id<InviteId>(16)),
    from: id<IdentityId>(32),
    receivedAt: time
  })
)

export const encodeInvitation = record.encode
export const decodeInvitation = record.decode
