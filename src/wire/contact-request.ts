/**
 * A contact request: what whoever redeems an invite sends, with all that the inviter needs to set up the
 * conversation alone. Spec: specs/contact.md, section 2. Sealed and opened in core/seal/contact.ts.
 */
import type { DeviceId, InviteId, Millis, RequestId } from '../base/ids.ts'
import { spec } from '../base/limits.ts'
import { presenceShape, type Presence } from './presence.ts'
import { bytes, bytesBetween, codec, id, list, structure, text, time, type Fields } from './shape.ts'

export interface ContactRequest {
  readonly request: RequestId
  readonly invite: InviteId
  /** The requester's device list: encoded entries, first to last. */
  readonly devices: readonly Uint8Array[]
  /** Which of them asks. */
  readonly device: DeviceId
  /** An encoded MLS key package of that device, for this use. */
  readonly keyPackage: Uint8Array
  /** What opens the requester's presence records. 32 bytes. */
  readonly presenceSecret: Uint8Array
  readonly presence: Presence
  /** What the requester calls itself: a claim. */
  readonly name: string
  readonly greeting: string
  readonly sentAt: Millis
  /** By the device key, over `contactRequestContent` and whom it is for. 64 bytes. */
  readonly signature: Uint8Array
}

/** A request before the device signs it. */
export type ContactRequestContent = Omit<ContactRequest, 'signature'>

/** A device list as a field of other structures. */
export const deviceListShape = list(bytesBetween(1, spec.deviceEntryMaxBytes), {
  min: 1,
  max: spec.deviceEntriesMax
})

/** One key package. */
export const keyPackageShape = bytesBetween(1, spec.keyPackageMaxBytes)

const content: Fields<ContactRequestContent> = {
  request: id(16),
  invite: id(16),
  devices: deviceListShape,
  device: id(32),
  keyPackage: keyPackageShape,
  presenceSecret: bytes(32),
  presence: presenceShape,
  name: text(spec.nameMaxBytes),
  greeting: text(spec.greetingMaxBytes),
  sentAt: time
}

const name = 'contact request'
const maxBytes = spec.envelopeBytes.at(-1)!
const whole = codec(name, maxBytes, structure<ContactRequest>({ ...content, signature: bytes(64) }))
const signed = codec(name, maxBytes, structure<ContactRequestContent>(content))

/** The bytes of a request. Throws MALFORMED. */
export const encodeContactRequest = whole.encode

/** The request of opened bytes, unverified. Throws MALFORMED. */
export const decodeContactRequest = whole.decode

/** The bytes that the device signs: the request without its signature. */
export const contactRequestContent = signed.encode
