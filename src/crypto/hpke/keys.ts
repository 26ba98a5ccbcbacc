/**
 * Raw keys, as protocols carry them, to and from the platform's key objects.
 *
 * Implements the fixed DER wrappings of RFC 8410 (X25519, X448, Ed25519, Ed448) and RFC 9935 (ML-KEM) and the
 * uncompressed points of SEC 1. Always true: a key of the wrong length, or a point that is not on its curve,
 * throws MALFORMED and never reaches an operation.
 */
import * as platform from 'node:crypto'
import type { KeyObject, JsonWebKeyInput } from 'node:crypto'
import { concat, equal, fromHex, toBase64url } from '../../base/bytes.ts'
import { malformed } from '../../base/errors.ts'

/** A key pair as raw bytes. */
export interface KeyPair {
  readonly publicKey: Uint8Array
  readonly secretKey: Uint8Array
}

/** The same bytes as a plain Uint8Array: a Buffer's `slice` is a view, which would surprise our callers. */
export const plain = (buffer: Uint8Array): Uint8Array =>
  new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length)

/**
 * `make`, remembering what it made for as long as the caller holds that very array: importing a key costs as
 * much as using it. The bytes are compared, so an array that was overwritten (a wiped key, a reused buffer)
 * is never answered with what it was before.
 */
export function remembering<T>(make: (bytes: Uint8Array) => T): (bytes: Uint8Array) => T {
  const made = new WeakMap<Uint8Array, { readonly bytes: Uint8Array; readonly value: T }>()
  return bytes => {
    const known = made.get(bytes)
    if (known !== undefined && equal(known.bytes, bytes)) return known.value
    const value = make(bytes)
    made.set(bytes, { bytes: Uint8Array.from(bytes), value })
    return value
  }
}

/** Imports raw keys of one algorithm. */
export interface KeyFormat {
  readonly publicKeyLength: number
  readonly secretKeyLength: number
  readonly importPublic: (publicKey: Uint8Array) => KeyObject
  readonly importSecret: (secretKey: Uint8Array) => KeyObject
  /** The raw public key that belongs to a raw secret key. */
  readonly publicKey: (secretKey: Uint8Array) => Uint8Array
}

interface DerPrefix {
  readonly publicKeyLength: number
  readonly secretKeyLength: number
  readonly spki: Uint8Array
  readonly pkcs8: Uint8Array
}

function der(spki: string, publicKeyLength: number, pkcs8: string, secretKeyLength: number): DerPrefix {
  return { publicKeyLength, secretKeyLength, spki: fromHex(spki), pkcs8: fromHex(pkcs8) }
}

const DER = {
  x25519: der('302a300506032b656e032100', 32, '302e020100300506032b656e04220420', 32),
  x448: der('3042300506032b656f033900', 56, '3046020100300506032b656f043a0438', 56),
  ed25519: der('302a300506032b6570032100', 32, '302e020100300506032b657004220420', 32),
  ed448: der('3043300506032b6571033a00', 57, '3047020100300506032b6571043b0439', 57),
  // The secret key is the seed (d, z) of FIPS 203, the form that RFC 9935 calls `seed`.
  'ml-kem-768': der(
    '308204b2300b0609608648016503040402038204a100',
    1184,
    '3054020100300b060960864801650304040204428040',
    64
  )
} as const

/** The algorithms whose raw keys are a fixed DER prefix away from the platform's form. */
export type DerAlgorithm = keyof typeof DER

/** Raw keys of an algorithm with fixed-length keys (RFC 8410, RFC 9935). */
export function derKeys(algorithm: DerAlgorithm): KeyFormat {
  const { publicKeyLength, secretKeyLength, spki, pkcs8 } = DER[algorithm]
  const importPublic = remembering(publicKey => {
    if (publicKey.length !== publicKeyLength) throw malformed(`not ${algorithm} public key`)
    try {
      return platform.createPublicKey({
        key: Buffer.from(concat(spki, publicKey)),
        format: 'der',
        type: 'spki'
      })
    } catch (error) {
      throw malformed(`not ${algorithm} public key`, error)
    }
  })
  const importSecret = remembering(secretKey => {
    if (secretKey.length !== secretKeyLength) throw malformed(`not ${algorithm} secret key`)
    const wrapped = Buffer.from(concat(pkcs8, secretKey))
    const key = platform.createPrivateKey({ key: wrapped, format: 'der', type: 'pkcs8' })
    wrapped.fill(0)
    return key
  })
  const publicKey = remembering(secretKey => {
    const key = platform.createPublicKey(importSecret(secretKey))
    // A JWK takes a twentieth of the time of DER, which matters where every recipient gets a key of its own.
    // The platform's JWK of ML-KEM keys differs between versions; that of curves is RFC 8037.
    if (algorithm !== 'ml-kem-768')
      return Uint8Array.from(Buffer.from(key.export({ format: 'jwk' }).x!, 'base64url'))
    const encoded = key.export({ format: 'der', type: 'spki' })
    return Uint8Array.from(encoded.subarray(-publicKeyLength))
  })
  return { publicKeyLength, secretKeyLength, importPublic, importSecret, publicKey }
}

const CURVES = {
  p256: { platformName: 'prime256v1', jwkName: 'P-256', length: 32 },
  p384: { platformName: 'secp384r1', jwkName: 'P-384', length: 48 },
  p521: { platformName: 'secp521r1', jwkName: 'P-521', length: 66 }
} as const

/** The NIST curves. */
export type Curve = keyof typeof CURVES

/** The bytes with zeros in front, up to a length: the platform drops leading zeros of a scalar. */
const padded = (bytes: Uint8Array, length: number): Uint8Array =>
  bytes.length >= length ? Uint8Array.from(bytes) : concat(new Uint8Array(length - bytes.length), bytes)

/** Raw keys of a NIST curve: secret keys are big-endian scalars, public keys uncompressed points (SEC 1). */
export interface CurveKeys extends KeyFormat {
  /** The x coordinate of the shared point. */
  readonly sharedSecret: (secretKey: Uint8Array, publicKey: Uint8Array) => Uint8Array
}

/** Raw keys and Diffie-Hellman of a NIST curve. */
export function curveKeys(curve: Curve): CurveKeys {
  const { platformName, jwkName, length } = CURVES[curve]
  const checked = (publicKey: Uint8Array): Uint8Array => {
    if (publicKey.length !== 1 + 2 * length || publicKey[0] !== 4)
      throw malformed(`not an uncompressed point of ${curve}`)
    return publicKey
  }
  const withSecret = (secretKey: Uint8Array): platform.ECDH => {
    // Shorter scalars are valid: old implementations strip leading zeros, and the RFC 9420 vectors do.
    if (secretKey.length > length) throw malformed(`not ${curve} secret key`)
    const ecdh = platform.createECDH(platformName)
    try {
      ecdh.setPrivateKey(padded(secretKey, length))
    } catch (error) {
      throw malformed(`not ${curve} secret key`, error)
    }
    return ecdh
  }
  const publicKey = remembering(secretKey => Uint8Array.from(withSecret(secretKey).getPublicKey()))
  const jwk = (point: Uint8Array): JsonWebKeyInput['key'] => ({
    kty: 'EC',
    crv: jwkName,
    x: toBase64url(point.subarray(1, 1 + length)),
    y: toBase64url(point.subarray(1 + length))
  })
  const importPublic = remembering(point => {
    try {
      return platform.createPublicKey({ key: jwk(checked(point)), format: 'jwk' })
    } catch (error) {
      throw malformed(`not a point of ${curve}`, error)
    }
  })
  const importSecret = remembering(secretKey => {
    const d = toBase64url(padded(secretKey, length))
    return platform.createPrivateKey({ key: { ...jwk(publicKey(secretKey)), d }, format: 'jwk' })
  })
  const sharedSecret = (secretKey: Uint8Array, point: Uint8Array): Uint8Array => {
    const ecdh = withSecret(secretKey)
    try {
      return padded(ecdh.computeSecret(checked(point)), length)
    } catch (error) {
      throw malformed(`not a point of ${curve}`, error)
    }
  }
  const publicKeyLength = 1 + 2 * length
  return { publicKeyLength, secretKeyLength: length, importPublic, importSecret, publicKey, sharedSecret }
}
