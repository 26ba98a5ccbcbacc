/**
 * Ed25519 (RFC 8032) over labelled parts, for identities, devices and the day keys of presence.
 *
 * Always true: a signature made under one label, or over other parts, never verifies here; and `verify` is
 * stricter than the RFC asks, so that a key that verifies anything (a point of small order) or a second
 * spelling of a key (y not below the prime) is nobody's.
 */
import { hash, sign as platformSign, verify as platformVerify } from 'node:crypto'
import { fromHex, toHex } from '../base/bytes.ts'
import { malformed } from '../base/errors.ts'
import type { Label } from '../base/labels.ts'
import { limits } from '../base/limits.ts'
import { framed } from './hash.ts'
import { derKeys } from './hpke/keys.ts'

/** Bytes of a signature. */
export const SIGNATURE_BYTES = 64
/** Bytes of a seed and of a public key. */
export const KEY_BYTES = 32

const ed25519 = derKeys('ed25519')

/** The prime of the field, 2^255 - 19. */
const PRIME = 2n ** 255n - 19n

/** y coordinates of the points whose order divides 8 (RFC 7748 section 7, IACR 2020/1244 table 6). */
const SMALL_ORDER_Y: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  PRIME - 1n,
  littleEndian(fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05')),
  littleEndian(fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'))
])

/** The public key of a seed. */
export const publicKeyOf = (seed: Uint8Array): Uint8Array => ed25519.publicKey(seed)

/** Signs label and parts with the key of a 32-byte seed. */
export const sign = (label: Label, seed: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array =>
  new Uint8Array(platformSign(null, framed(label, ...parts), ed25519.importSecret(seed)))

/**
 * Whether `signature` was made by `publicKey`, the key that the caller expects, under this label over these
 * parts. Never throws: a key that is none verifies nothing.
 */
export function verify(
  publicKey: Uint8Array,
  label: Label,
  signature: Uint8Array,
  ...parts: readonly Uint8Array[]
): boolean {
  if (signature.length !== SIGNATURE_BYTES || !isPublicKey(publicKey)) return false
  try {
    return platformVerify(null, framed(label, ...parts), ed25519.importPublic(publicKey), signature)
  } catch {
    // The platform throws where the bytes are not a point of the curve.
    return false
  }
}

/** The same, for where a signature has to be good. Throws MALFORMED and says whose it should have been. */
export function requireSignature(
  whose: string,
  publicKey: Uint8Array,
  label: Label,
  signature: Uint8Array,
  ...parts: readonly Uint8Array[]
): void {
  if (!verify(publicKey, label, signature, ...parts)) throw malformed(`not signed by ${whose}`)
}

/** Hashes of statements that were found to be signed, the oldest first. */
const known = new Set<string>()

/**
 * The same for what is met again and again, as a member's device list is in its roster, its leaves and its
 * greetings: a statement that was found to be signed is not verified a second time. At most
 * `limits.statementsRememberedMax` are remembered, by their hashes; one that was found not to be is not.
 */
export function requireStatement(
  whose: string,
  publicKey: Uint8Array,
  label: Label,
  signature: Uint8Array,
  ...parts: readonly Uint8Array[]
): void {
  const name = hash('sha256', framed(label, publicKey, signature, ...parts), 'base64')
  if (known.has(name)) return
  requireSignature(whose, publicKey, label, signature, ...parts)
  known.add(name)
  if (known.size > limits.statementsRememberedMax) known.delete(known.values().next().value!)
}

/** Whether these bytes are the one spelling of a key that can only verify what its owner signed. */
export function isPublicKey(publicKey: Uint8Array): boolean {
  if (publicKey.length !== KEY_BYTES) return false
  const y = littleEndian(publicKey) & (2n ** 255n - 1n)
  return y < PRIME && !SMALL_ORDER_Y.has(y)
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes.toReversed())}`)
}
