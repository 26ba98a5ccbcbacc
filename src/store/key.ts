/**
 * The store's key as it lies on disk: wrapped with a passphrase, or bare where the owner chose none.
 * Spec: specs/store.md, section "Key". argon2id is RFC 9106, AES-256-GCM is NIST SP 800-38D.
 *
 * Always true: the key itself is random and never changes; a passphrase only wraps it, so that changing the
 * passphrase rewrites one small file and no record.
 */
import * as crypto from 'node:crypto'
import { fromBase64url, fromUtf8, toBase64url } from '../base/bytes.ts'
import { HearsayError } from '../base/errors.ts'
import { labels } from '../base/labels.ts'

/** What a person unlocks the store with. Text is taken as NFC, so that every keyboard makes the same bytes. */
export type Passphrase = string | Uint8Array

/** How a passphrase becomes a key that wraps. */
export interface Argon2Parameters {
  readonly memoryKib: number
  readonly passes: number
  readonly parallelism: number
}

/** The parameters of new files: RFC 9106, section 4, second recommendation, with one lane. */
const ARGON2: Argon2Parameters = { memoryKib: 64 * 1024, passes: 3, parallelism: 1 }
/** The most that a file may ask for: what is there was written by us, or by somebody who wants to hurt. */
const ARGON2_MAX: Argon2Parameters = { memoryKib: 1024 * 1024, passes: 16, parallelism: 4 }

const VERSION = 1
const CIPHER = 'aes-256-gcm'
const KEY_BYTES = 32
const SALT_BYTES = 16
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** A file of version 1, as parsed. */
type KeyFile =
  | { readonly passphrase: false; readonly key: Uint8Array }
  | {
      readonly passphrase: true
      readonly argon2id: Argon2Parameters
      readonly salt: Uint8Array
      readonly nonce: Uint8Array
      readonly wrappedKey: Uint8Array
    }

/** A new key. */
export const generateKey = (): Uint8Array => crypto.getRandomValues(new Uint8Array(KEY_BYTES))

function passphraseBytes(passphrase: Passphrase): Uint8Array {
  return typeof passphrase === 'string' ? fromUtf8(passphrase.normalize('NFC')) : passphrase
}

/** Throws INVALID_ARGUMENT where something is to be locked with nothing. */
export function checkPassphrase(passphrase: Passphrase | undefined): void {
  if (passphrase?.length === 0)
    throw new HearsayError('INVALID_ARGUMENT', {
      message: 'The passphrase is empty.',
      hint: 'Give one, or none at all: the key then lies in the home, and whoever reads the home has it.'
    })
}

/** argon2id of the platform, off this thread. Undefined where the platform has none (Node before 24.7). */
export function platformArgon2id(
  passphrase: Uint8Array,
  salt: Uint8Array,
  { memoryKib, passes, parallelism }: Argon2Parameters
): Promise<Uint8Array> | undefined {
  // An import by name would not even link on a platform without it.
  const argon2 = crypto.argon2 as typeof crypto.argon2 | undefined
  if (argon2 === undefined) return undefined
  const parameters = { message: passphrase, nonce: salt, parallelism, passes, memory: memoryKib }
  return new Promise((resolve, reject) => {
    argon2('argon2id', { ...parameters, tagLength: KEY_BYTES }, (error, tag) => {
      if (error === null) resolve(tag)
      else reject(error)
    })
  })
}

/** argon2id in WebAssembly: the same bytes on every platform, but on this thread and more slowly. */
export async function portableArgon2id(
  passphrase: Uint8Array,
  salt: Uint8Array,
  { memoryKib, passes, parallelism }: Argon2Parameters
): Promise<Uint8Array> {
  // Loaded only where it is needed: most platforms have their own.
  const { argon2id } = await import('hash-wasm')
  const parameters = { password: passphrase, salt, parallelism, iterations: passes, memorySize: memoryKib }
  return argon2id({ ...parameters, hashLength: KEY_BYTES, outputType: 'binary' })
}

function wrappingKey(passphrase: Passphrase, salt: Uint8Array, parameters: Argon2Parameters) {
  const secret = passphraseBytes(passphrase)
  return platformArgon2id(secret, salt, parameters) ?? portableArgon2id(secret, salt, parameters)
}

/** The text of a key file: the key wrapped with the passphrase, or bare without one. */
export async function formatKeyFile(key: Uint8Array, passphrase: Passphrase | undefined): Promise<string> {
  if (passphrase === undefined)
    return formatJson({ version: VERSION, passphrase: false, key: toBase64url(key) })
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES))
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
  const cipher = crypto.createCipheriv(CIPHER, await wrappingKey(passphrase, salt, ARGON2), nonce)
  cipher.setAAD(fromUtf8(labels.storeKey))
  const wrappedKey = Buffer.concat([cipher.update(key), cipher.final(), cipher.getAuthTag()])
  return formatJson({
    version: VERSION,
    passphrase: true,
    argon2id: ARGON2,
    salt: toBase64url(salt),
    nonce: toBase64url(nonce),
    wrappedKey: toBase64url(wrappedKey)
  })
}

const formatJson = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`

/**
 * The key in a key file. Throws PASSPHRASE_NEEDED, WRONG_PASSPHRASE (also where one is given and none is set:
 * its owner believes the store to be locked, and it is not), STORE_CORRUPT or STORE_TOO_NEW.
 */
export async function openKeyFile(text: string, passphrase: Passphrase | undefined): Promise<Uint8Array> {
  const file = parseKeyFile(text)
  if (!file.passphrase) {
    if (passphrase === undefined) return file.key
    throw new HearsayError('WRONG_PASSPHRASE', {
      message: 'This store is not locked with a passphrase.',
      hint: 'Open it without one, or set one first.'
    })
  }
  if (passphrase === undefined) throw new HearsayError('PASSPHRASE_NEEDED')
  const decipher = crypto.createDecipheriv(
    CIPHER,
    await wrappingKey(passphrase, file.salt, file.argon2id),
    file.nonce,
    { authTagLength: TAG_BYTES }
  )
  decipher.setAAD(fromUtf8(labels.storeKey))
  decipher.setAuthTag(file.wrappedKey.subarray(KEY_BYTES))
  const key = decipher.update(file.wrappedKey.subarray(0, KEY_BYTES))
  try {
    decipher.final()
  } catch {
    key.fill(0)
    throw new HearsayError('WRONG_PASSPHRASE')
  }
  return key
}

function parseKeyFile(text: string): KeyFile {
  const file = parseObject(text)
  const version = wholeNumber(file, 'version', Number.MAX_SAFE_INTEGER)
  if (version > VERSION) throw new HearsayError('STORE_TOO_NEW')
  if (file['passphrase'] === false) return { passphrase: false, key: bytes(file, 'key', KEY_BYTES) }
  if (file['passphrase'] !== true) throw damaged('passphrase')
  const argon2id = file['argon2id']
  if (!isObject(argon2id)) throw damaged('argon2id')
  const parallelism = wholeNumber(argon2id, 'parallelism', ARGON2_MAX.parallelism)
  const memoryKib = wholeNumber(argon2id, 'memoryKib', ARGON2_MAX.memoryKib)
  // RFC 9106, section 3.1: at least eight blocks a lane.
  if (memoryKib < 8 * parallelism) throw damaged('memoryKib')
  return {
    passphrase: true,
    argon2id: { memoryKib, passes: wholeNumber(argon2id, 'passes', ARGON2_MAX.passes), parallelism },
    salt: bytes(file, 'salt', SALT_BYTES),
    nonce: bytes(file, 'nonce', NONCE_BYTES),
    wrappedKey: bytes(file, 'wrappedKey', KEY_BYTES + TAG_BYTES)
  }
}

type JsonObject = Readonly<Record<string, unknown>>

const damaged = (what: string): HearsayError =>
  new HearsayError('STORE_CORRUPT', { message: `The key file of the store is damaged: ${what}.` })

const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null

function parseObject(text: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // Not as the cause: what the parser says quotes the text, and that may be the key.
    throw damaged('it is not JSON')
  }
  if (!isObject(value)) throw damaged('it is not an object')
  return value
}

function wholeNumber(object: JsonObject, name: string, max: number): number {
  const value = object[name]
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1 || value > max)
    throw damaged(name)
  return value
}

function bytes(object: JsonObject, name: string, length: number): Uint8Array {
  const text = object[name]
  if (typeof text !== 'string') throw damaged(name)
  try {
    const value = fromBase64url(text)
    if (value.length === length) return value
  } catch {
    // Falls through to the same answer; the text is not repeated in it.
  }
  throw damaged(name)
}
