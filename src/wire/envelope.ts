/**
 * The envelope: the unit on the wire, opaque to whoever carries it. A header of fixed layout, then the sealed
 * body to the end; the whole has one of five sizes. Spec: specs/envelope.md.
 *
 *     version 1 | kind 1 | tag 16 | nonce 12 | body …
 *
 * Padding is inside the seal, so nobody outside learns how long a message is, or can add to it.
 */
import { concat } from '../base/bytes.ts'
import { HearsayError, malformed } from '../base/errors.ts'
import { spec } from '../base/limits.ts'

const VERSION = 1
const KINDS = ['message', 'control', 'request', 'answer'] as const
const TAG_BYTES = 16
const NONCE_BYTES = 12
const LENGTH_BYTES = 4
const sizes: readonly number[] = spec.envelopeBytes

/** Bytes before the body. */
export const ENVELOPE_HEADER_BYTES = 2 + TAG_BYTES + NONCE_BYTES

export interface Envelope {
  readonly kind: (typeof KINDS)[number]
  /** What tells whoever holds the key that this is for them, and nobody else anything. 16 bytes. */
  readonly tag: Uint8Array
  /** 12 bytes. */
  readonly nonce: Uint8Array
  readonly body: Uint8Array
}

/** The header of an envelope: authenticated by every seal as additional data. */
export const envelopeHeader = ({ kind, tag, nonce }: Omit<Envelope, 'body'>): Uint8Array =>
  concat(Uint8Array.of(VERSION, KINDS.indexOf(kind)), tag, nonce)

/** The bytes of an envelope. Throws INTERNAL where it has none of the five sizes: its content was not padded. */
export function encodeEnvelope(envelope: Envelope): Uint8Array {
  const bytes = concat(envelopeHeader(envelope), envelope.body)
  const fits = envelope.tag.length === TAG_BYTES && envelope.nonce.length === NONCE_BYTES
  if (!fits || !sizes.includes(bytes.length)) throw new HearsayError('INTERNAL')
  return bytes
}

/** The envelope of foreign bytes. Its fields are views of them. Throws MALFORMED. */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  if (!sizes.includes(bytes.length)) throw malformed(`no envelope has ${bytes.length} bytes`)
  if (bytes[0] !== VERSION) throw malformed('an envelope of an unknown version')
  const kind = KINDS[bytes[1]!]
  if (kind === undefined) throw malformed('an envelope of an unknown kind')
  return {
    kind,
    tag: bytes.subarray(2, 2 + TAG_BYTES),
    nonce: bytes.subarray(2 + TAG_BYTES, ENVELOPE_HEADER_BYTES),
    body: bytes.subarray(ENVELOPE_HEADER_BYTES)
  }
}

/**
 * Content as it goes into the seal of an envelope: padded to the smallest envelope that has room beside header
 * and `overheadBytes` of the seal. Throws MESSAGE_TOO_LARGE where none has.
 */
export function padContent(content: Uint8Array, overheadBytes: number): Uint8Array {
  const outside = ENVELOPE_HEADER_BYTES + overheadBytes
  const size = sizes.find(each => each - outside >= LENGTH_BYTES + content.length)
  if (size === undefined) throw new HearsayError('MESSAGE_TOO_LARGE')
  return padTo(content, size - outside)
}

/** Whether content can be padded to `size` bytes. */
export const fitsPadded = (content: Uint8Array, size: number): boolean =>
  LENGTH_BYTES + content.length <= size

/** The length of the content as 32 bits, the content, zeros up to `size`. Throws INTERNAL where it does not fit. */
export function padTo(content: Uint8Array, size: number): Uint8Array {
  if (!fitsPadded(content, size)) throw new HearsayError('INTERNAL')
  const padded = new Uint8Array(size)
  new DataView(padded.buffer).setUint32(0, content.length)
  padded.set(content, LENGTH_BYTES)
  return padded
}

/**
 * The content of what came out of the seal. Throws MALFORMED where the length is not true or the padding is
 * anything but zeros: two envelopes of one content would hide a channel in it.
 */
export function unpadContent(padded: Uint8Array): Uint8Array {
  if (padded.length < LENGTH_BYTES) throw malformed('no room for a length')
  const length = new DataView(padded.buffer, padded.byteOffset).getUint32(0)
  const end = LENGTH_BYTES + length
  if (end > padded.length) throw malformed('a length beyond the end')
  for (let i = end; i < padded.length; i++) if (padded[i] !== 0) throw malformed('padding that is not zeros')
  return padded.subarray(LENGTH_BYTES, end)
}
