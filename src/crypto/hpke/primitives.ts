/**
 * The symmetric half of HPKE and MLS: hashes, HKDF (RFC 5869) and AEADs (RFC 5116, RFC 8439).
 *
 * Always true: results are fresh plain Uint8Arrays, and `open` either returns the whole plaintext or throws
 * MALFORMED; nothing unauthenticated ever leaves it.
 */
import * as platform from 'node:crypto'
import { concat } from '../../base/bytes.ts'
import { malformed } from '../../base/errors.ts'
import { plain } from './keys.ts'

/** The hashes that HPKE and MLS name. */
export type HashName = 'sha256' | 'sha384' | 'sha512'

/** A hash with the MAC and the key derivation made of it. */
export interface Kdf {
  /** Nh, the length of a digest, a MAC and a derived secret in bytes. */
  readonly hashLength: number
  hash(data: Uint8Array): Uint8Array
  /** HMAC (RFC 2104). */
  mac(key: Uint8Array, data: Uint8Array): Uint8Array
  /** HKDF-Extract (RFC 5869 section 2.2); an empty salt means a string of zeros. */
  extract(salt: Uint8Array, ikm: Uint8Array): Uint8Array
  /** HKDF-Expand (RFC 5869 section 2.3), at most 255 blocks. */
  expand(secret: Uint8Array, info: Uint8Array, length: number): Uint8Array
}

const HASH_LENGTH = { sha256: 32, sha384: 48, sha512: 64 } as const

/** HKDF over a hash. */
export function hkdf(name: HashName): Kdf {
  const hashLength = HASH_LENGTH[name]
  const mac = (key: Uint8Array, data: Uint8Array): Uint8Array =>
    plain(platform.createHmac(name, key).update(data).digest())
  const expandBlocks = (secret: Uint8Array, info: Uint8Array, length: number): Uint8Array => {
    if (length > 255 * hashLength) throw malformed('more bytes wanted than HKDF gives')
    const output = new Uint8Array(Math.ceil(length / hashLength) * hashLength)
    let block: Uint8Array = new Uint8Array(0)
    for (let counter = 1; (counter - 1) * hashLength < length; counter++) {
      block = mac(secret, concat(block, info, Uint8Array.of(counter)))
      output.set(block, (counter - 1) * hashLength)
    }
    return output.subarray(0, length)
  }
  return {
    hashLength,
    hash: data => plain(platform.createHash(name).update(data).digest()),
    mac,
    extract: (salt, ikm) => mac(salt.length > 0 ? salt : new Uint8Array(hashLength), ikm),
    expand(secret, info, length) {
      if (length > hashLength) return expandBlocks(secret, info, length)
      // One block is what every key of MLS needs: the same as above without the copies.
      const input = new Uint8Array(info.length + 1)
      input.set(info)
      input[info.length] = 1
      const block = mac(secret, input)
      return length === hashLength ? block : block.subarray(0, length)
    }
  }
}

/** The AEADs that HPKE and MLS name. All of them have nonces of 12 and tags of 16 bytes. */
export type AeadName = 'aes-128-gcm' | 'aes-256-gcm' | 'chacha20-poly1305'

/** An authenticated cipher (RFC 5116). A key and nonce must never meet twice. */
export interface Aead {
  /** Nk, in bytes. */
  readonly keyLength: number
  /** Nn, in bytes. */
  readonly nonceLength: number
  /** The ciphertext followed by its tag. */
  seal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array
  /** The plaintext. Throws MALFORMED where key, nonce, aad or ciphertext are not those of `seal`. */
  open(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Uint8Array
}

const TAG_LENGTH = 16
const NONCE_LENGTH = 12

/** An AEAD of the platform. */
export function aead(name: AeadName): Aead {
  const keyLength = name === 'aes-128-gcm' ? 16 : 32
  // The type of the platform's ChaCha20 ciphers equals that of its GCM ciphers in all that we call.
  const algorithm = name as platform.CipherGCMTypes
  const options = { authTagLength: TAG_LENGTH }
  return {
    keyLength,
    nonceLength: NONCE_LENGTH,
    seal(key, nonce, aad, plaintext) {
      const cipher = platform.createCipheriv(algorithm, key, nonce, options)
      if (aad.length > 0) cipher.setAAD(aad, { plaintextLength: plaintext.length })
      const body = cipher.update(plaintext)
      cipher.final()
      return concat(body, cipher.getAuthTag())
    },
    open(key, nonce, aad, ciphertext) {
      const length = ciphertext.length - TAG_LENGTH
      if (length < 0) throw malformed('the ciphertext is shorter than its tag')
      const decipher = platform.createDecipheriv(algorithm, key, nonce, options)
      if (aad.length > 0) decipher.setAAD(aad, { plaintextLength: length })
      decipher.setAuthTag(ciphertext.subarray(length))
      const plaintext = decipher.update(ciphertext.subarray(0, length))
      try {
        decipher.final()
      } catch (error) {
        plaintext.fill(0)
        throw malformed('the ciphertext is not authentic', error)
      }
      return plain(plaintext)
    }
  }
}
