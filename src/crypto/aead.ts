/**
 * AES-256-GCM (NIST SP 800-38D) under a key of 32 and a nonce of 12 bytes: the seal of envelopes and records.
 * Spec: specs/encoding.md, section 4.
 *
 * Always true: what comes out of `aeadOpen` is what went into `aeadSeal` under the same key, nonce and
 * additional data. A key and a nonce must never meet twice: nonces are random, and no key seals more than
 * 2^32 times (each epoch, contact and day has its own).
 */
import { aead } from './hpke/primitives.ts'

/** Bytes of a nonce. */
export const AEAD_NONCE_BYTES = 12
/** How much longer the ciphertext is than the plaintext. */
export const AEAD_TAG_BYTES = 16

const aes256gcm = aead('aes-256-gcm')

/** Key, nonce and additional data of one seal. */
export interface AeadParameters {
  readonly key: Uint8Array
  readonly nonce: Uint8Array
  readonly aad: Uint8Array
}

/** The ciphertext, its tag at the end. */
export const aeadSeal = ({ key, nonce, aad }: AeadParameters, plaintext: Uint8Array): Uint8Array =>
  aes256gcm.seal(key, nonce, aad, plaintext)

/** The plaintext. Throws MALFORMED where anything differs from what was sealed. */
export const aeadOpen = ({ key, nonce, aad }: AeadParameters, ciphertext: Uint8Array): Uint8Array =>
  aes256gcm.open(key, nonce, aad, ciphertext)
