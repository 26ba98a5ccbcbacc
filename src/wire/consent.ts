/**
 * A consent: somebody's signed word that they want to be in one group. It travels inside the operation that
 * brings them in. Spec: specs/roster.md, section 3. Verified in core/seal/roster-seal.ts.
 */
import type { DeviceId, IdentityId, Millis, OperationId } from '../base/ids.ts'
import { spec } from '../base/limits.ts'
import { bytes, codec, id, structure, time, type Fields } from './shape.ts'

export interface Consent {
  readonly group: OperationId
  /** Who wants to be in. */
  readonly identity: IdentityId
  /** The device that says so. */
  readonly device: DeviceId
  /** Of the invitation that this answers, 16 bytes: a consent brings in once and never again. */
  readonly invitation: Uint8Array
  /** By the device's clock: a claim. */
  readonly createdAt: Millis
  /** The device's, over `consentContent`. 64 bytes. */
  readonly signature: Uint8Array
}

/** A consent before the device signs it. */
export type ConsentContent = Omit<Consent, 'signature'>

const content: Fields<ConsentContent> = {
  group: id(32),
  identity: id(32),
  device: id(32),
  invitation: bytes(16),
  createdAt: time
}

const name = 'consent'
const whole = codec(name, spec.consentMaxBytes, structure<Consent>({ ...content, signature: bytes(64) }))

/** The bytes of a consent. Throws MALFORMED. */
export const encodeConsent = whole.encode

/** The consent of foreign bytes, its signature unverified. Throws MALFORMED. */
export const decodeConsent = whole.decode

/** The bytes that the device signs: the consent without its signature. */
export const consentContent = codec(name, spec.consentMaxBytes, structure<ConsentContent>(content)).encode
