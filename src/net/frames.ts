/**
 * Framing of `/hearsay/direct/1`: envelopes with a length before them, nothing else.
 * Spec: specs/direct-stream.md, sections "Frames" and "Opening".
 * Always true: a length that no frame may have is refused before a byte is kept for it, and only the shortest
 * form of a length counts, so that a stream of frames has exactly one encoding.
 */
import * as lengthPrefixed from 'it-length-prefixed'
import type { LengthDecoderFunction } from 'it-length-prefixed'
import { malformed } from '../base/errors.ts'
import { spec } from '../base/limits.ts'

/** The protocol id that is negotiated with multistream-select. */
export const DIRECT_PROTOCOL = '/hearsay/direct/1'

/** What the listener says first: a frame without bytes, "I take this stream". */
export const ACCEPT = Uint8Array.of(0)

/** The largest frame body. */
export const FRAME_BYTES_MAX = Math.max(...spec.envelopeBytes)

/** No length of a frame takes more bytes than this as a varint. */
export const LENGTH_BYTES_MAX = 3

const sizes: ReadonlySet<number> = new Set(spec.envelopeBytes)

/** The length before each size of envelope, as it-length-prefixed writes it. */
const prefixes = new Map(
  spec.envelopeBytes.map(size => {
    const framed = lengthPrefixed.encode.single(new Uint8Array(size))
    return [size, framed.slice(0, framed.byteLength - size)]
  })
)

/** Whether an envelope may have this many bytes. */
export const isEnvelopeSize = (bytes: number): boolean => sizes.has(bytes)

/** Frames of envelopes, one after the other, in one array. Throws MALFORMED where a size is not an envelope's. */
export function encodeFrames(envelopes: readonly Uint8Array[]): Uint8Array {
  let bytes = 0
  for (const envelope of envelopes) bytes += envelope.length + prefixOf(envelope).length
  const frames = new Uint8Array(bytes)
  let offset = 0
  for (const envelope of envelopes) {
    const prefix = prefixOf(envelope)
    frames.set(prefix, offset)
    frames.set(envelope, offset + prefix.length)
    offset += prefix.length + envelope.length
  }
  return frames
}

function prefixOf(envelope: Uint8Array): Uint8Array {
  const prefix = prefixes.get(envelope.length)
  if (prefix === undefined) throw malformed(`an envelope of ${envelope.length} bytes`)
  return prefix
}

/**
 * Reads the lengths of one stream for it-length-prefixed: strict varints of allowed sizes. With `awaitsAccept`
 * the first length has to be zero and no later one may be. Throws MALFORMED; a RangeError asks for more bytes.
 */
export function frameLengths(awaitsAccept: boolean): LengthDecoderFunction {
  let first = awaitsAccept
  const decode: LengthDecoderFunction = data => {
    let length = 0
    for (let i = 0; i < LENGTH_BYTES_MAX; i++) {
      // it-length-prefixed waits for more bytes on a RangeError, and only on that.
      if (i >= data.byteLength) throw new RangeError('the length goes on')
      const byte = data.get(i)
      length += (byte & 0x7f) * 2 ** (7 * i)
      if (byte >= 0x80) continue
      if (i > 0 && byte === 0) throw malformed('a length that is not in its shortest form')
      decode.bytes = i + 1
      if (first ? length !== 0 : !isEnvelopeSize(length)) throw malformed(`a frame of ${length} bytes`)
      first = false
      return length
    }
    throw malformed('a length of too many bytes')
  }
  decode.bytes = 0
  return decode
}
