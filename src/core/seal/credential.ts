/**
 * Credentials: who an MLS leaf is. The identity signed the device, the device signed the leaf's key.
 * Spec: specs/identity.md, section 4.
 *
 * Always true: a credential is worth nothing with another leaf key, so nobody can take one over. Whether the
 * device has been revoked since is for the identity's device list to say.
 */
import { fromHex, toHex } from '../../base/bytes.ts'
import { malformed } from '../../base/errors.ts'
import type { DeviceId, IdentityId } from '../../base/ids.ts'
import { limits } from '../../base/limits.ts'
import { labelledHash } from '../../crypto/hash.ts'
import { requireStatement, sign } from '../../crypto/signature.ts'
import { decodeCredential, encodeCredential } from '../../wire/credential.ts'
import { decodeDeviceEntry } from '../../wire/device-entry.ts'
import { requireEntrySignature } from './device-list.ts'
import { deviceEntryHash } from './hashes.ts'

/** Whom a leaf belongs to. */
export interface CredentialOwner {
  readonly identity: IdentityId
  readonly device: DeviceId
  /** Of the device list that the entry is from. */
  readonly generation: number
}

/** The credential of a leaf: `entry` is the encoded device entry that added this device. */
export function makeCredential(
  deviceSeed: Uint8Array,
  entry: Uint8Array,
  leafPublicKey: Uint8Array
): Uint8Array {
  const certificate = sign('leafCertificate', deviceSeed, deviceEntryHash(entry), leafPublicKey)
  return encodeCredential({ entry, certificate })
}

/** Credentials that were verified, by their bytes and the leaf's key; the newest `limits.credentialsRememberedMax`. */
const verified = new Map<string, CredentialOwner>()

/**
 * Whom the leaf with this key belongs to, proved by its credential. What was verified once is remembered: one leaf is
 * seen in every epoch of its group. Throws MALFORMED.
 */
export function verifyCredential(credential: Uint8Array, leafPublicKey: Uint8Array): CredentialOwner {
  const key = toHex(labelledHash('credentialMemory', credential, leafPublicKey))
  const known = verified.get(key)
  if (known !== undefined) return known
  const owner = verify(credential, leafPublicKey)
  verified.set(key, owner)
  if (verified.size > limits.credentialsRememberedMax) verified.delete(verified.keys().next().value!)
  return owner
}

function verify(credential: Uint8Array, leafPublicKey: Uint8Array): CredentialOwner {
  const { entry: bytes, certificate } = decodeCredential(credential)
  const entry = decodeDeviceEntry(bytes)
  if (entry.operation !== 'add') throw malformed('a credential from a revocation')
  requireEntrySignature(entry)
  const { identity, device, generation } = entry
  requireStatement(
    `device ${device}`,
    fromHex(device),
    'leafCertificate',
    certificate,
    deviceEntryHash(bytes),
    leafPublicKey
  )
  return { identity, device, generation }
}
