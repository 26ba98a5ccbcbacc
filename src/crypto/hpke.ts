/**
 * Hybrid public key encryption: seals bytes to a public key.
 *
 * Implements RFC 9180, base and PSK mode, with the KEMs of its section 7.1 and X-Wing
 * (draft-connolly-cfrg-xwing-kem), HKDF and the AEADs of section 7.3. Synchronous; every random byte comes
 * from the injected `random`.
 *
 * ```ts
 * const suite = hpke({ kem: 'xwing', kdf: 'sha512', aead: 'aes-256-gcm' })
 * const bob = suite.generateKeyPair()
 * const { enc, ciphertext } = suite.seal(bob.publicKey, info, aad, plaintext)
 * suite.open(bob.secretKey, enc, info, aad, ciphertext) // the plaintext
 * ```
 */
import { randomBytes } from 'node:crypto'
import { concat, equal, fromUtf8 } from '../base/bytes.ts'
import { HearsayError, malformed } from '../base/errors.ts'
import type { Random } from '../base/random.ts'
import { dhKem, labeledExpand, labeledExtract, uint16 } from './hpke/kem.ts'
import type { DhKemName, Kem } from './hpke/kem.ts'
import { plain } from './hpke/keys.ts'
import type { KeyPair } from './hpke/keys.ts'
import { aead as aeadOf, hkdf } from './hpke/primitives.ts'
import type { Aead, AeadName, HashName, Kdf } from './hpke/primitives.ts'
import { nobleMlKem, platformMlKem, XWing } from './hpke/xwing.ts'

export type { KeyPair } from './hpke/keys.ts'
export type { AeadName, HashName } from './hpke/primitives.ts'

/** The KEMs that `hpke` knows by name. */
export type KemName = DhKemName | 'xwing'

/** The three algorithms that make an HPKE suite (RFC 9180 section 7). `kdf` names the hash under HKDF. */
export interface HpkeSuite {
  readonly kem: KemName
  readonly kdf: HashName
  readonly aead: AeadName
}

/** A secret that both sides know beforehand (PSK mode). `secret` has at least 32 bytes (section 9.5). */
export interface PreSharedKey {
  readonly id: Uint8Array
  readonly secret: Uint8Array
}

/** Seals several messages in order to one receiver, and exports secrets that both sides share. */
export interface SenderContext {
  /** The encapsulated key; the receiver needs it before the first message. */
  readonly enc: Uint8Array
  seal(aad: Uint8Array, plaintext: Uint8Array): Uint8Array
  /** A secret of `length` bytes for one purpose (RFC 9180 section 5.3). */
  export(context: Uint8Array, length: number): Uint8Array
}

/** Opens the messages of a SenderContext, in the same order. */
export interface ReceiverContext {
  /** Throws MALFORMED at anything but the next message; the context then still waits for it. */
  open(aad: Uint8Array, ciphertext: Uint8Array): Uint8Array
  /** The same secret as the sender's. */
  export(context: Uint8Array, length: number): Uint8Array
}

/** One HPKE suite. Keys are raw bytes in the serialization of RFC 9180 section 7.1. */
export interface Hpke {
  readonly publicKeyLength: number
  /** Length of an encapsulated key in bytes. */
  readonly encLength: number
  generateKeyPair(): KeyPair
  /** DeriveKeyPair: always the same pair for the same bytes. */
  deriveKeyPair(ikm: Uint8Array): KeyPair
  publicKey(secretKey: Uint8Array): Uint8Array
  /** Throws MALFORMED at a key that nothing can be sealed to (RFC 9180 section 7.1.4). */
  validatePublicKey(publicKey: Uint8Array): void
  /** Single-shot encryption in base mode (RFC 9180 section 6.1). Throws MALFORMED at a bad public key. */
  seal(
    publicKey: Uint8Array,
    info: Uint8Array,
    aad: Uint8Array,
    plaintext: Uint8Array
  ): { readonly enc: Uint8Array; readonly ciphertext: Uint8Array }
  /** Single-shot decryption in base mode. Throws MALFORMED at anything that `seal` did not make. */
  open(
    secretKey: Uint8Array,
    enc: Uint8Array,
    info: Uint8Array,
    aad: Uint8Array,
    ciphertext: Uint8Array
  ): Uint8Array
  /** SetupBaseS, or SetupPSKS where `psk` is given. Throws MALFORMED at a bad public key. */
  setupSender(publicKey: Uint8Array, info: Uint8Array, psk?: PreSharedKey): SenderContext
  /** SetupBaseR, or SetupPSKR where `psk` is given. Throws MALFORMED where `enc` is no encapsulated key. */
  setupReceiver(secretKey: Uint8Array, enc: Uint8Array, info: Uint8Array, psk?: PreSharedKey): ReceiverContext
}

const EMPTY = new Uint8Array(0)
const MODE_BASE = 0
const MODE_PSK = 1
const PSK_MIN_BYTES = 32
const KDF_ID = { sha256: 1, sha384: 2, sha512: 3 } as const
const AEAD_ID = { 'aes-128-gcm': 1, 'aes-256-gcm': 2, 'chacha20-poly1305': 3 } as const

/** Unpredictable bytes of the platform, as a plain Uint8Array. */
export const platformRandom: Random = length => plain(randomBytes(length))

function kemOf(name: KemName, random: Random | undefined): Kem {
  if (name !== 'xwing') return dhKem(name)
  const mlKem = platformMlKem() ?? nobleMlKem()
  // Injected randomness must decide every byte, and the platform's encapsulation would not ask for it.
  return random === undefined ? new XWing(mlKem) : new XWing(mlKem, nobleMlKem)
}

/** The HPKE suite of three algorithms. Without `random` the platform's generator is used. */
export const hpke = (suite: HpkeSuite, options: { readonly random?: Random | undefined } = {}): Hpke =>
  new Suite(suite, options.random)

class Suite implements Hpke {
  readonly #kem: Kem
  readonly #kdf: Kdf
  readonly #aead: Aead
  readonly #random: Random
  readonly #suiteId: Uint8Array
  #noPskId: Uint8Array | undefined
  #lastInfo: { readonly info: Uint8Array; readonly hash: Uint8Array } | undefined

  constructor(suite: HpkeSuite, random: Random | undefined) {
    this.#kem = kemOf(suite.kem, random)
    this.#kdf = hkdf(suite.kdf)
    this.#aead = aeadOf(suite.aead)
    this.#random = random ?? platformRandom
    this.#suiteId = concat(
      fromUtf8('HPKE'),
      uint16(this.#kem.id),
      uint16(KDF_ID[suite.kdf]),
      uint16(AEAD_ID[suite.aead])
    )
  }

  get publicKeyLength(): number {
    return this.#kem.publicKeyLength
  }

  get encLength(): number {
    return this.#kem.encLength
  }

  generateKeyPair(): KeyPair {
    return this.#kem.generateKeyPair(this.#random)
  }

  deriveKeyPair(ikm: Uint8Array): KeyPair {
    return this.#kem.deriveKeyPair(ikm)
  }

  publicKey(secretKey: Uint8Array): Uint8Array {
    return this.#kem.publicKey(secretKey)
  }

  validatePublicKey(publicKey: Uint8Array): void {
    this.#kem.validatePublicKey(publicKey)
  }

  seal(publicKey: Uint8Array, info: Uint8Array, aad: Uint8Array, plaintext: Uint8Array) {
    const sender = this.setupSender(publicKey, info)
    return { enc: sender.enc, ciphertext: sender.seal(aad, plaintext) }
  }

  open(
    secretKey: Uint8Array,
    enc: Uint8Array,
    info: Uint8Array,
    aad: Uint8Array,
    ciphertext: Uint8Array
  ): Uint8Array {
    return this.setupReceiver(secretKey, enc, info).open(aad, ciphertext)
  }

  setupSender(publicKey: Uint8Array, info: Uint8Array, psk?: PreSharedKey): SenderContext {
    const { enc, sharedSecret } = this.#kem.encapsulate(publicKey, this.#random)
    const context = this.#schedule(sharedSecret, info, psk)
    return {
      enc,
      seal: (aad, plaintext) =>
        context.withNextNonce((key, nonce) => this.#aead.seal(key, nonce, aad, plaintext)),
      export: context.export
    }
  }

  setupReceiver(
    secretKey: Uint8Array,
    enc: Uint8Array,
    info: Uint8Array,
    psk?: PreSharedKey
  ): ReceiverContext {
    const context = this.#schedule(this.#kem.decapsulate(secretKey, enc), info, psk)
    return {
      open: (aad, ciphertext) =>
        context.withNextNonce((key, nonce) => this.#aead.open(key, nonce, aad, ciphertext)),
      export: context.export
    }
  }

  /** KeySchedule of RFC 9180 section 5.1. */
  #schedule(sharedSecret: Uint8Array, info: Uint8Array, psk?: PreSharedKey) {
    if (psk !== undefined && (psk.id.length === 0 || psk.secret.length < PSK_MIN_BYTES))
      throw new HearsayError('INVALID_ARGUMENT', { message: 'A pre-shared key needs an id and 32 bytes.' })
    const extract = (salt: Uint8Array, label: string, ikm: Uint8Array): Uint8Array =>
      labeledExtract(this.#kdf, this.#suiteId, salt, label, ikm)
    const context = concat(
      Uint8Array.of(psk === undefined ? MODE_BASE : MODE_PSK),
      psk === undefined ? this.#noPskIdHash() : extract(EMPTY, 'psk_id_hash', psk.id),
      this.#infoHash(info)
    )
    const secret = extract(sharedSecret, 'secret', psk?.secret ?? EMPTY)
    const expand = (label: string, length: number): Uint8Array =>
      labeledExpand(this.#kdf, this.#suiteId, secret, label, context, length)
    const key = expand('key', this.#aead.keyLength)
    const baseNonce = expand('base_nonce', this.#aead.nonceLength)
    let sequence = 0
    return {
      /** Runs one operation with the key and the next nonce, which is used up unless the operation throws. */
      withNextNonce(operation: (key: Uint8Array, nonce: Uint8Array) => Uint8Array): Uint8Array {
        const result = operation(key, nonceAt(baseNonce, sequence))
        sequence++
        return result
      },
      export: (exporterContext: Uint8Array, length: number): Uint8Array => {
        const exporterSecret = expand('exp', this.#kdf.hashLength)
        return labeledExpand(this.#kdf, this.#suiteId, exporterSecret, 'sec', exporterContext, length)
      }
    }
  }

  #noPskIdHash(): Uint8Array {
    this.#noPskId ??= labeledExtract(this.#kdf, this.#suiteId, EMPTY, 'psk_id_hash', EMPTY)
    return this.#noPskId
  }

  /** One message is sealed to a thousand keys with the same info, one after the other: it is hashed once. */
  #infoHash(info: Uint8Array): Uint8Array {
    const last = this.#lastInfo
    if (last !== undefined && equal(last.info, info)) return last.hash
    const hash = labeledExtract(this.#kdf, this.#suiteId, EMPTY, 'info_hash', info)
    this.#lastInfo = { info: Uint8Array.from(info), hash }
    return hash
  }
}

/** The base nonce with the sequence number folded in (RFC 9180 section 5.2). */
function nonceAt(baseNonce: Uint8Array, sequence: number): Uint8Array {
  if (!Number.isSafeInteger(sequence)) throw malformed('too many messages under one key')
  const nonce = Uint8Array.from(baseNonce)
  const view = new DataView(nonce.buffer)
  const at = nonce.length - 8
  view.setBigUint64(at, view.getBigUint64(at) ^ BigInt(sequence))
  return nonce
}
