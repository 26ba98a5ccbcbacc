/**
 * Hashing, authenticating and deriving, always under a label of the registry (base/labels.ts).
 * SHA-256, HMAC (RFC 2104) and HKDF (RFC 5869). Spec: specs/encoding.md, section 3.
 *
 * Always true: label and parts are framed by their lengths, so two different lists of parts, or two labels,
 * never give the same input. ("ab", "c") and ("a", "bc") are different.
 */
import { createHash, createHmac } from 'node:crypto'
import { fromUtf8 } from '../base/bytes.ts'
import { labels, type Label } from '../base/labels.ts'
import { hkdf as hkdfOf } from './hpke/primitives.ts'

/** Bytes of every hash and MAC here. */
export const HASH_BYTES = 32

const LENGTH_BYTES = 4
const sha256 = hkdfOf('sha256')
const NO_SALT = new Uint8Array(0)
const labelBytes = new Map(Object.entries(labels).map(([label, text]) => [label as Label, fromUtf8(text)]))

/** The label and every part, each after its length as 32 bits: the input of all that is hashed or signed. */
export function framed(label: Label, ...parts: readonly Uint8Array[]): Uint8Array {
  const all = [labelBytes.get(label)!, ...parts]
  const frame = new Uint8Array(all.reduce((sum, part) => sum + LENGTH_BYTES + part.length, 0))
  const view = new DataView(frame.buffer)
  let offset = 0
  for (const part of all) {
    view.setUint32(offset, part.length)
    frame.set(part, offset + LENGTH_BYTES)
    offset += LENGTH_BYTES + part.length
  }
  return frame
}

/** SHA-256 of label and parts. */
export const labelledHash = (label: Label, ...parts: readonly Uint8Array[]): Uint8Array =>
  new Uint8Array(
    createHash('sha256')
      .update(framed(label, ...parts))
      .digest()
  )

/** HMAC-SHA-256 of label and parts. */
export const hmac = (key: Uint8Array, label: Label, ...parts: readonly Uint8Array[]): Uint8Array =>
  new Uint8Array(
    createHmac('sha256', key)
      .update(framed(label, ...parts))
      .digest()
  )

/** `length` bytes of HKDF-SHA-256, without salt: `secret` is uniform already. Label and context are the info. */
export function hkdf(
  secret: Uint8Array,
  label: Label,
  length: number = HASH_BYTES,
  ...context: readonly Uint8Array[]
): Uint8Array {
  return sha256.expand(sha256.extract(NO_SALT, secret), framed(label, ...context), length)
}
