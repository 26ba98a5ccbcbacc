/**
 * What stands in an MLS leaf as the basic credential: who this leaf is, provable without looking anything up.
 * Spec: specs/identity.md, section 4. Verified in core/seal/credential.ts.
 */
import { spec } from '../base/limits.ts'
import { bytes, bytesBetween, codec, structure } from './shape.ts'

export interface Credential {
  /** The encoded device entry that added the device. */
  readonly entry: Uint8Array
  /** The device key's signature over the MLS leaf signature key. 64 bytes. */
  readonly certificate: Uint8Array
}

const whole = codec(
  'credential',
  spec.credentialMaxBytes,
  structure<Credential>({ entry: bytesBetween(1, spec.deviceEntryMaxBytes), certificate: bytes(64) })
)

/** The bytes of a credential. Throws MALFORMED. */
export const encodeCredential = whole.encode

/** The credential of foreign bytes, unverified. Throws MALFORMED. */
export const decodeCredential = whole.decode
