/**
 * Cipher suites (RFC 9420 sections 5.1 and 17.1): the seven registered ones, and X-Wing/AES-256-GCM/SHA-512/
 * Ed25519 under the private number 0xf00d.
 */
import * as platform from 'node:crypto'
import type { Random } from '../../base/random.ts'
import { hpke, platformRandom } from '../hpke.ts'
import type { Hpke, HpkeSuite, KeyPair } from '../hpke.ts'
import { dhKem } from '../hpke/kem.ts'
import { curveKeys, derKeys, plain } from '../hpke/keys.ts'
import type { Curve, KeyFormat } from '../hpke/keys.ts'
import { aead, hkdf } from '../hpke/primitives.ts'
import type { Aead, Kdf } from '../hpke/primitives.ts'
import { MlsError } from './errors.ts'

/** A signature algorithm. Public keys are raw bytes, ECDSA signatures DER (RFC 9420 section 5.1.2). */
export interface SignatureScheme {
  generateKeyPair(): KeyPair
  publicKey(secretKey: Uint8Array): Uint8Array
  sign(secretKey: Uint8Array, message: Uint8Array): Uint8Array
  /** Whether the signature is valid; false, never an error, for keys and signatures that are none. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
}

/**
 * All cryptography that MLS asks for. The engine calls nothing else, so another implementation (a browser's,
 * over the noble packages) only has to provide this interface; it is synchronous throughout.
 */
export interface CipherSuite {
  /** The number of the suite (RFC 9420 section 17.1). */
  readonly id: number
  readonly kdf: Kdf
  readonly aead: Aead
  readonly hpke: Hpke
  readonly signature: SignatureScheme
  readonly random: Random
  /** Whether two secrets are equal, in a time that does not tell where they differ. */
  equal(a: Uint8Array, b: Uint8Array): boolean
}

/** The suite that Hearsay uses: X-Wing, AES-256-GCM, SHA-512, Ed25519, in the range for private use. */
export const XWING_SUITE = 0xf00d

type SignatureName = 'ed25519' | 'ed448' | Curve

const SUITES: ReadonlyMap<number, HpkeSuite & { readonly signature: SignatureName }> = new Map([
  [1, { kem: 'x25519', aead: 'aes-128-gcm', kdf: 'sha256', signature: 'ed25519' }],
  [2, { kem: 'p256', aead: 'aes-128-gcm', kdf: 'sha256', signature: 'p256' }],
  [3, { kem: 'x25519', aead: 'chacha20-poly1305', kdf: 'sha256', signature: 'ed25519' }],
  [4, { kem: 'x448', aead: 'aes-256-gcm', kdf: 'sha512', signature: 'ed448' }],
  [5, { kem: 'p521', aead: 'aes-256-gcm', kdf: 'sha512', signature: 'p521' }],
  [6, { kem: 'x448', aead: 'chacha20-poly1305', kdf: 'sha512', signature: 'ed448' }],
  [7, { kem: 'p384', aead: 'aes-256-gcm', kdf: 'sha384', signature: 'p384' }],
  [XWING_SUITE, { kem: 'xwing', aead: 'aes-256-gcm', kdf: 'sha512', signature: 'ed25519' }]
])

/** The numbers of all suites that `cipherSuite` knows. */
export const cipherSuiteIds: readonly number[] = [...SUITES.keys()]

const SIGNATURE_HASH = { p256: 'sha256', p384: 'sha384', p521: 'sha512', ed25519: null, ed448: null } as const

function signatureScheme(name: SignatureName, random: Random): SignatureScheme {
  const edwards = name === 'ed25519' || name === 'ed448'
  const keys: KeyFormat = edwards ? derKeys(name) : curveKeys(name)
  const hash = SIGNATURE_HASH[name]
  return {
    generateKeyPair() {
      if (!edwards) return dhKem(name).generateKeyPair(random)
      const secretKey = Uint8Array.from(random(keys.secretKeyLength))
      return { secretKey, publicKey: keys.publicKey(secretKey) }
    },
    publicKey: secretKey => keys.publicKey(secretKey),
    sign: (secretKey, message) => plain(platform.sign(hash, message, keys.importSecret(secretKey))),
    verify(publicKey, message, signature) {
      try {
        return platform.verify(hash, message, keys.importPublic(publicKey), signature)
      } catch {
        return false
      }
    }
  }
}

const shared = new Map<number, CipherSuite>()

/**
 * The suite of a number. Throws MlsError `invalid` for a number that is not implemented.
 *
 * With `random`, every key, nonce and encapsulation comes from it, so a seeded run gives the same bytes; the
 * exception is the nonce inside ECDSA signatures (suites 2, 5 and 7), which is the platform's own.
 */
export function cipherSuite(id: number, options: { readonly random?: Random | undefined } = {}): CipherSuite {
  const algorithms = SUITES.get(id)
  if (algorithms === undefined) throw new MlsError('invalid', `cipher suite ${id} is not implemented`)
  const { random } = options
  const known = random === undefined ? shared.get(id) : undefined
  if (known !== undefined) return known
  const suite: CipherSuite = {
    id,
    kdf: hkdf(algorithms.kdf),
    aead: aead(algorithms.aead),
    hpke: hpke(algorithms, { random }),
    signature: signatureScheme(algorithms.signature, random ?? platformRandom),
    random: random ?? platformRandom,
    equal: (a, b) => a.length === b.length && platform.timingSafeEqual(a, b)
  }
  if (random === undefined) shared.set(id, suite)
  return suite
}
