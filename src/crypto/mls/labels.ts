/** The labelled operations of RFC 9420: sections 5.1.2 (sign), 5.1.3 (encrypt), 5.2 (references), 8 (derive). */
import { fromUtf8 } from '../../base/bytes.ts'
import { mlsLimits } from '../../base/limits.ts'
import { asKey } from './as-key.ts'
import type { CipherSuite } from './cipher-suite.ts'
import { Writer } from './codec.ts'
import { refusing } from './errors.ts'

const EMPTY = new Uint8Array(0)

// Labels are a few dozen constants, and encoding one costs as much as hashing it.
const encodedLabels = new Map<string, Uint8Array>()
function labelBytes(label: string): Uint8Array {
  const known = encodedLabels.get(label)
  if (known !== undefined) return known
  const bytes = fromUtf8(`MLS 1.0 ${label}`)
  if (encodedLabels.size < 256) encodedLabels.set(label, bytes)
  return bytes
}

const labelled = (label: string, content: Uint8Array): Uint8Array =>
  new Writer().opaque(labelBytes(label)).opaque(content).finish()

/** SignWithLabel. */
export const signWithLabel = (
  suite: CipherSuite,
  secretKey: Uint8Array,
  label: string,
  content: Uint8Array
): Uint8Array => suite.signature.sign(secretKey, labelled(label, content))

/** VerifyWithLabel. */
export const verifyWithLabel = (
  suite: CipherSuite,
  publicKey: Uint8Array,
  label: string,
  content: Uint8Array,
  signature: Uint8Array
): boolean => suite.signature.verify(publicKey, labelled(label, content), signature)

/** Hashes of what was verified, by the suite that verified it: the oldest first, no more than the limit. */
const verified = new WeakMap<CipherSuite, Set<string>>()

/**
 * VerifyWithLabel for leaves and key packages, which come again: in a message and then in a commit, in every
 * branch of a group, in the tree of a group that one joins anew. What was valid once is not verified again,
 * whoever asks; what was not is. A hash over all of it costs a thirtieth of a signature.
 */
export function verifyOnceWithLabel(
  suite: CipherSuite,
  publicKey: Uint8Array,
  label: string,
  content: Uint8Array,
  signature: Uint8Array
): boolean {
  const whole = new Writer().opaque(publicKey).opaque(labelBytes(label)).opaque(content).opaque(signature)
  const name = asKey(suite.kdf.hash(whole.finish()))
  const known = verified.get(suite) ?? new Set()
  verified.set(suite, known)
  if (known.has(name)) return true
  if (!verifyWithLabel(suite, publicKey, label, content, signature)) return false
  for (const oldest of known) {
    if (known.size < mlsLimits.signaturesRememberedMax) break
    known.delete(oldest)
  }
  known.add(name)
  return true
}

/** HPKECiphertext (RFC 9420 section 7.6). */
export interface HpkeCiphertext {
  readonly kemOutput: Uint8Array
  readonly ciphertext: Uint8Array
}

/** EncryptWithLabel. Throws MlsError `invalid` where the public key is none. */
export function encryptWithLabel(
  suite: CipherSuite,
  publicKey: Uint8Array,
  label: string,
  context: Uint8Array,
  plaintext: Uint8Array
): HpkeCiphertext {
  const { enc, ciphertext } = refusing('a public key is not valid', () =>
    suite.hpke.seal(publicKey, labelled(label, context), EMPTY, plaintext)
  )
  return { kemOutput: enc, ciphertext }
}

/** DecryptWithLabel. Throws MlsError `invalid` where the ciphertext is not for this key and context. */
export const decryptWithLabel = (
  suite: CipherSuite,
  secretKey: Uint8Array,
  label: string,
  context: Uint8Array,
  { kemOutput, ciphertext }: HpkeCiphertext
): Uint8Array =>
  refusing('a ciphertext does not open', () =>
    suite.hpke.open(secretKey, kemOutput, labelled(label, context), EMPTY, ciphertext)
  )

/** KDFLabel. Every message key takes five of these, so the common short ones are laid out by hand. */
function kdfLabel(label: Uint8Array, context: Uint8Array, length: number): Uint8Array {
  if (label.length > 63 || context.length > 63)
    return new Writer().u16(length).opaque(label).opaque(context).finish()
  const info = new Uint8Array(4 + label.length + context.length)
  info[0] = length >>> 8
  info[1] = length
  info[2] = label.length
  info.set(label, 3)
  info[3 + label.length] = context.length
  info.set(context, 4 + label.length)
  return info
}

/** ExpandWithLabel. */
export function expandWithLabel(
  suite: CipherSuite,
  secret: Uint8Array,
  label: string,
  context: Uint8Array,
  length: number
): Uint8Array {
  return suite.kdf.expand(secret, kdfLabel(labelBytes(label), context, length), length)
}

/** DeriveSecret. */
export const deriveSecret = (suite: CipherSuite, secret: Uint8Array, label: string): Uint8Array =>
  expandWithLabel(suite, secret, label, EMPTY, suite.kdf.hashLength)

/** DeriveTreeSecret (RFC 9420 section 9.1). */
export function deriveTreeSecret(
  suite: CipherSuite,
  secret: Uint8Array,
  label: string,
  generation: number,
  length: number
): Uint8Array {
  const context = Uint8Array.of(generation >>> 24, generation >>> 16, generation >>> 8, generation)
  return expandWithLabel(suite, secret, label, context, length)
}

/** RefHash. `label` is the whole label, because RFC 9420 section 5.2 does not put "MLS 1.0 " in front. */
export const refHash = (suite: CipherSuite, label: string, value: Uint8Array): Uint8Array =>
  suite.kdf.hash(new Writer().opaque(fromUtf8(label)).opaque(value).finish())
