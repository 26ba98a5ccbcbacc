/**
 * X-Wing: X25519 and ML-KEM-768 in one KEM that holds while either of them does.
 *
 * Implements draft-connolly-cfrg-xwing-kem (the combiner with SHA3-256 and the label `\.//^\`), KEM number
 * 0x647a. A secret key is a seed of 32 bytes, a public key 1216 bytes, an encapsulated key 1120 bytes.
 *
 * ML-KEM is the platform's where it has it (Node 24.7 and later, OpenSSL 3.5), else that of
 * @noble/post-quantum. The platform's encapsulation takes no randomness from outside; where the caller brings
 * its own, noble encapsulates. Both give the same bytes for the same input, which a test holds.
 */
import * as platform from 'node:crypto'
import { ml_kem768 as noble } from '@noble/post-quantum/ml-kem.js'
import { concat, fromHex } from '../../base/bytes.ts'
import { malformed } from '../../base/errors.ts'
import type { Random } from '../../base/random.ts'
import { derKeys, plain, remembering } from './keys.ts'
import type { KeyPair } from './keys.ts'
import type { Kem } from './kem.ts'

const SEED_LENGTH = 32
const ML_KEM_PUBLIC_KEY_LENGTH = 1184
const ML_KEM_CIPHERTEXT_LENGTH = 1088
const X25519_LENGTH = 32
const PUBLIC_KEY_LENGTH = ML_KEM_PUBLIC_KEY_LENGTH + X25519_LENGTH
const ENC_LENGTH = ML_KEM_CIPHERTEXT_LENGTH + X25519_LENGTH
const LABEL = fromHex('5c2e2f2f5e5c')

/** ML-KEM-768 (FIPS 203), keys by their seed. */
export interface MlKem {
  publicKey(seed: Uint8Array): Uint8Array
  /** Throws MALFORMED where the public key fails the modulus check of FIPS 203 section 7.2. */
  encapsulate(publicKey: Uint8Array): { ciphertext: Uint8Array; sharedSecret: Uint8Array }
  decapsulate(seed: Uint8Array, ciphertext: Uint8Array): Uint8Array
}

/** The platform's ML-KEM-768, or undefined where it has none. */
export function platformMlKem(): MlKem | undefined {
  // Absent before Node 24.7, whatever its types say.
  if (!('encapsulate' in platform)) return undefined
  const keys = derKeys('ml-kem-768')
  return {
    publicKey: keys.publicKey,
    encapsulate(publicKey) {
      const { ciphertext, sharedKey } = platform.encapsulate(keys.importPublic(publicKey))
      return { ciphertext: plain(ciphertext), sharedSecret: plain(sharedKey) }
    },
    decapsulate: (seed, ciphertext) => plain(platform.decapsulate(keys.importSecret(seed), ciphertext))
  }
}

/** ML-KEM-768 of @noble/post-quantum; deterministic where `random` is given. */
export function nobleMlKem(random?: Random): MlKem {
  const expanded = remembering(seed => noble.keygen(seed))
  return {
    publicKey: seed => expanded(seed).publicKey,
    encapsulate(publicKey) {
      try {
        const { cipherText, sharedSecret } = noble.encapsulate(publicKey, random?.(SEED_LENGTH))
        return { ciphertext: cipherText, sharedSecret }
      } catch (error) {
        throw malformed('not ml-kem-768 public key', error)
      }
    },
    decapsulate: (seed, ciphertext) => noble.decapsulate(ciphertext, expanded(seed).secretKey)
  }
}

const x25519 = derKeys('x25519')
// A point of small order gives zero with this and with every other secret key.
const PROBE = new Uint8Array(X25519_LENGTH).fill(1)

/** SHA3-256 of the parts and the label: the combiner of the draft's section 5.3. */
const combine = (...parts: readonly Uint8Array[]): Uint8Array =>
  plain(
    platform
      .createHash('sha3-256')
      .update(concat(...parts, LABEL))
      .digest()
  )

function agree(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  const theirs = x25519.importPublic(publicKey)
  try {
    return plain(platform.diffieHellman({ privateKey: x25519.importSecret(secretKey), publicKey: theirs }))
  } catch (error) {
    // Stricter than the draft, which relies on ML-KEM here: an honest peer never sends such a key.
    throw malformed('X-Wing key whose X25519 half has small order', error)
  }
}

const shake256 = (data: Uint8Array, outputLength: number): Uint8Array =>
  plain(platform.createHash('shake256', { outputLength }).update(data).digest())

/** X-Wing over a given ML-KEM-768. */
export class XWing implements Kem {
  readonly id = 0x647a
  readonly publicKeyLength = PUBLIC_KEY_LENGTH
  readonly encLength = ENC_LENGTH
  readonly #mlKem: MlKem
  readonly #encapsulatorFor: (random: Random) => MlKem

  /** `encapsulatorFor` makes the encapsulations where they need randomness that `mlKem` cannot be given. */
  constructor(mlKem: MlKem, encapsulatorFor: (random: Random) => MlKem = () => mlKem) {
    this.#mlKem = mlKem
    this.#encapsulatorFor = encapsulatorFor
  }

  generateKeyPair(random: Random): KeyPair {
    return this.#keyPair(random(SEED_LENGTH))
  }

  deriveKeyPair(ikm: Uint8Array): KeyPair {
    return this.#keyPair(shake256(ikm, SEED_LENGTH))
  }

  publicKey(secretKey: Uint8Array): Uint8Array {
    return this.#expanded(secretKey).publicKey
  }

  validatePublicKey(publicKey: Uint8Array): void {
    const { mlKemKey, x25519Key } = halves(publicKey)
    this.#mlKem.encapsulate(mlKemKey)
    agree(PROBE, x25519Key)
  }

  encapsulate(publicKey: Uint8Array, random: Random): { enc: Uint8Array; sharedSecret: Uint8Array } {
    const { mlKemKey, x25519Key } = halves(publicKey)
    const { ciphertext, sharedSecret } = this.#encapsulatorFor(random).encapsulate(mlKemKey)
    const ephemeral = Uint8Array.from(random(X25519_LENGTH))
    const ephemeralKey = x25519.publicKey(ephemeral)
    const dh = agree(ephemeral, x25519Key)
    ephemeral.fill(0)
    return {
      enc: concat(ciphertext, ephemeralKey),
      sharedSecret: combine(sharedSecret, dh, ephemeralKey, x25519Key)
    }
  }

  decapsulate(secretKey: Uint8Array, enc: Uint8Array): Uint8Array {
    if (enc.length !== ENC_LENGTH) throw malformed('not an X-Wing encapsulated key')
    const { mlKemSeed, x25519Secret, publicKey } = this.#expanded(secretKey)
    const ephemeralKey = enc.slice(ML_KEM_CIPHERTEXT_LENGTH)
    return combine(
      this.#mlKem.decapsulate(mlKemSeed, enc.slice(0, ML_KEM_CIPHERTEXT_LENGTH)),
      agree(x25519Secret, ephemeralKey),
      ephemeralKey,
      publicKey.subarray(ML_KEM_PUBLIC_KEY_LENGTH)
    )
  }

  #keyPair(secretKey: Uint8Array): KeyPair {
    return { secretKey, publicKey: this.publicKey(secretKey) }
  }

  /** Both secret keys and the public key that a seed stands for. */
  readonly #expanded = remembering(seed => {
    if (seed.length !== SEED_LENGTH) throw malformed('not an X-Wing secret key')
    const bytes = shake256(seed, 96)
    const mlKemSeed = bytes.slice(0, 64)
    const x25519Secret = bytes.slice(64)
    bytes.fill(0)
    const publicKey = concat(this.#mlKem.publicKey(mlKemSeed), x25519.publicKey(x25519Secret))
    return { mlKemSeed, x25519Secret, publicKey }
  })
}

/** The halves of a public key, sliced once, so that the imports behind them are remembered. */
const halves = remembering(publicKey => {
  if (publicKey.length !== PUBLIC_KEY_LENGTH) throw malformed('not an X-Wing public key')
  return {
    mlKemKey: publicKey.slice(0, ML_KEM_PUBLIC_KEY_LENGTH),
    x25519Key: publicKey.slice(ML_KEM_PUBLIC_KEY_LENGTH)
  }
})
