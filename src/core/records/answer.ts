/** The record of an answer of ours that was not heard. */
import type { IdentityId, RequestId } from '../../base/ids.ts'
import { presenceShape } from '../../wire/presence.ts'
import { boolean, bytesBetween, codec, id, structure, time } from '../../wire/shape.ts'
import type { Answer } from '../answering.ts'
import { RECORD_MAX_BYTES } from './limits.ts'

const record = codec(
  'answer record',
  RECORD_MAX_BYTES,
  structure<Answer>({
    request: id<RequestId>(16),
    contact: id<IdentityId>(32),
    accepted: boolean,
    presence: presenceShape,
    envelope: bytesBetween(1, RECORD_MAX_BYTES),
    at: time
  })
)

export const encodeAnswer = record.encode
export const decodeAnswer = record.decode
