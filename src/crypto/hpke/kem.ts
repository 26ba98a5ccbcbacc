/**
 * Key encapsulation over Diffie-Hellman: DHKEM of RFC 9180 section 4.1 for X25519, X448 and the NIST curves.
 *
 * Always true: every random byte comes from the `Random` that the caller hands in, so a seeded run gives the
 * same bytes; a peer's key of small order is refused (RFC 9180 section 7.1.4).
 */
import * as platform from 'node:crypto'
import { concat, fromUtf8 } from '../../base/bytes.ts'
import { malformed } from '../../base/errors.ts'
import type { Random } from '../../base/random.ts'
import { curveKeys, derKeys, plain } from './keys.ts'
import type { Curve, KeyPair } from './keys.ts'
import { hkdf } from './primitives.ts'
import type { HashName, Kdf } from './primitives.ts'

/** A key encapsulation mechanism (RFC 9180 section 4). */
export interface Kem {
  /** The registered number of the KEM (RFC 9180 section 7.1). */
  readonly id: number
  readonly publicKeyLength: number
  /** Length of an encapsulated key in bytes. */
  readonly encLength: number
  generateKeyPair(random: Random): KeyPair
  /** The key pair that belongs to some secret bytes; always the same one. */
  deriveKeyPair(ikm: Uint8Array): KeyPair
  publicKey(secretKey: Uint8Array): Uint8Array
  /** Throws MALFORMED at a key that nothing can be encapsulated to. */
  validatePublicKey(publicKey: Uint8Array): void
  encapsulate(publicKey: Uint8Array, random: Random): { enc: Uint8Array; sharedSecret: Uint8Array }
  /** Throws MALFORMED where `enc` is not an encapsulated key. */
  decapsulate(secretKey: Uint8Array, enc: Uint8Array): Uint8Array
}

/** The KEMs that are built on Diffie-Hellman. */
export type DhKemName = 'x25519' | 'x448' | Curve

const EMPTY = new Uint8Array(0)
const VERSION_LABEL = fromUtf8('HPKE-v1')

/** Two bytes, most significant first. */
export const uint16 = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 0xff)

/** LabeledExtract of RFC 9180 section 4. */
export function labeledExtract(
  kdf: Kdf,
  suiteId: Uint8Array,
  salt: Uint8Array,
  label: string,
  ikm: Uint8Array
): Uint8Array {
  return kdf.extract(salt, concat(VERSION_LABEL, suiteId, fromUtf8(label), ikm))
}

/** LabeledExpand of RFC 9180 section 4. */
export function labeledExpand(
  kdf: Kdf,
  suiteId: Uint8Array,
  secret: Uint8Array,
  label: string,
  info: Uint8Array,
  length: number
): Uint8Array {
  return kdf.expand(secret, concat(uint16(length), VERSION_LABEL, suiteId, fromUtf8(label), info), length)
}

/** A group in which Diffie-Hellman is done, with raw keys. */
export interface Group {
  readonly publicKeyLength: number
  readonly secretKeyLength: number
  publicKey(secretKey: Uint8Array): Uint8Array
  /** Throws MALFORMED at public keys that are no points, or that give zero whatever the secret key is. */
  sharedSecret(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array
  /** RFC 9180 section 7.1.3, after `dkp_prk` has been extracted. */
  secretKeyFrom(expand: (label: string, info: Uint8Array, length: number) => Uint8Array): Uint8Array
}

function montgomery(name: 'x25519' | 'x448'): Group {
  const keys = derKeys(name)
  return {
    ...keys,
    sharedSecret(secretKey, publicKey) {
      const theirs = keys.importPublic(publicKey)
      try {
        return plain(platform.diffieHellman({ privateKey: keys.importSecret(secretKey), publicKey: theirs }))
      } catch (error) {
        // The platform refuses an all-zero result, which only keys of small order give.
        throw malformed(`${name} public key of small order`, error)
      }
    },
    secretKeyFrom: expand => expand('sk', EMPTY, keys.secretKeyLength)
  }
}

function weierstrass(curve: Curve): Group {
  const keys = curveKeys(curve)
  const topMask = curve === 'p521' ? 0x01 : 0xff
  return {
    ...keys,
    secretKeyFrom(expand) {
      for (let counter = 0; counter < 256; counter++) {
        const candidate = expand('candidate', Uint8Array.of(counter), keys.secretKeyLength)
        candidate[0]! &= topMask
        try {
          keys.publicKey(candidate)
          return candidate
        } catch {
          // Zero, or not below the order of the group: once in 2^32 tries, take the next candidate.
        }
      }
      throw malformed('no key pair can be derived from these bytes')
    }
  }
}

const DH_KEMS = {
  p256: { id: 0x10, hash: 'sha256' },
  p384: { id: 0x11, hash: 'sha384' },
  p521: { id: 0x12, hash: 'sha512' },
  x25519: { id: 0x20, hash: 'sha256' },
  x448: { id: 0x21, hash: 'sha512' }
} as const satisfies Record<DhKemName, { id: number; hash: HashName }>

/** The group under a KEM. */
export const dhGroup = (name: DhKemName): Group =>
  name === 'x25519' || name === 'x448' ? montgomery(name) : weierstrass(name)

/** DHKEM (RFC 9180 section 4.1) over one of its groups. */
export function dhKem(name: DhKemName): Kem {
  const { id, hash } = DH_KEMS[name]
  const group = dhGroup(name)
  const kdf = hkdf(hash)
  const suiteId = concat(fromUtf8('KEM'), uint16(id))

  const deriveKeyPair = (ikm: Uint8Array): KeyPair => {
    const prk = labeledExtract(kdf, suiteId, EMPTY, 'dkp_prk', ikm)
    const secretKey = group.secretKeyFrom((label, info, length) =>
      labeledExpand(kdf, suiteId, prk, label, info, length)
    )
    return { secretKey, publicKey: group.publicKey(secretKey) }
  }
  const extractAndExpand = (dh: Uint8Array, context: Uint8Array): Uint8Array => {
    const prk = labeledExtract(kdf, suiteId, EMPTY, 'eae_prk', dh)
    return labeledExpand(kdf, suiteId, prk, 'shared_secret', context, kdf.hashLength)
  }
  const generateKeyPair = (random: Random): KeyPair => deriveKeyPair(random(group.secretKeyLength))
  return {
    id,
    publicKeyLength: group.publicKeyLength,
    encLength: group.publicKeyLength,
    generateKeyPair,
    deriveKeyPair,
    publicKey: secretKey => group.publicKey(secretKey),
    validatePublicKey(publicKey) {
      // Any secret key will do: a point of small order gives zero with all of them.
      group.sharedSecret(deriveKeyPair(EMPTY).secretKey, publicKey)
    },
    encapsulate(publicKey, random) {
      const ephemeral = generateKeyPair(random)
      const dh = group.sharedSecret(ephemeral.secretKey, publicKey)
      ephemeral.secretKey.fill(0)
      const enc = ephemeral.publicKey
      return { enc, sharedSecret: extractAndExpand(dh, concat(enc, publicKey)) }
    },
    decapsulate(secretKey, enc) {
      const dh = group.sharedSecret(secretKey, enc)
      return extractAndExpand(dh, concat(enc, group.publicKey(secretKey)))
    }
  }
}
