/** The record of a request of somebody else that waits for a person. */
import { spec } from '../../base/limits.ts'
import type { IdentityId, Millis, RequestId } from '../../base/ids.ts'
import { decodeContactRequest, encodeContactRequest } from '../../wire/contact-request.ts'
import { bytes, bytesBetween, codec, id, structure, text, time } from '../../wire/shape.ts'
import type { OpenedRequest } from '../seal/contact.ts'
import { verifyDeviceList } from '../seal/device-list.ts'
import { RECORD_MAX_BYTES } from './limits.ts'

export interface WaitingRequest {
  readonly request: RequestId
  readonly from: IdentityId
  readonly name: string
  readonly greeting: string
  readonly receivedAt: Millis
  readonly opened: OpenedRequest
}

interface Stored extends Omit<WaitingRequest, 'opened'> {
  readonly encoded: Uint8Array
  readonly answerKey: Uint8Array
  readonly requestHash: Uint8Array
}

const record = codec(
  'waiting record',
  RECORD_MAX_BYTES,
  structure<Stored>({
    request: id<RequestId>(16),
    from: id<IdentityId>(32),
    name: text(spec.nameMaxBytes),
    greeting: text(spec.greetingMaxBytes),
    receivedAt: time,
    encoded: bytesBetween(1, RECORD_MAX_BYTES),
    answerKey: bytes(32),
    requestHash: bytes(32)
  })
)

export function encodeWaiting({ opened, ...rest }: WaitingRequest): Uint8Array {
  const { request, answerKey, requestHash } = opened
  return record.encode({ ...rest, encoded: encodeContactRequest(request), answerKey, requestHash })
}

export function decodeWaiting(bytesOfRecord: Uint8Array): WaitingRequest {
  const { encoded, answerKey, requestHash, ...rest } = record.decode(bytesOfRecord)
  const request = decodeContactRequest(encoded)
  const devices = verifyDeviceList(request.devices, rest.from)
  return { ...rest, opened: { request, devices, answerKey, requestHash } }
}
