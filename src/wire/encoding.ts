/**
 * The one encoding of everything that is hashed, signed or sealed: deterministic CBOR (RFC 8949 section 4.2.1),
 * restricted to arrays, unsigned integers up to 2^53 - 1, byte strings, text, booleans and null.
 * Spec: specs/encoding.md, section 1.
 *
 * Always true: a value has exactly one encoding. `decode(encode(v))` is `v`, and `encode(decode(b))` is `b`
 * for every `b` that `decode` takes. Hence an id that is a hash of bytes is the id of a value.
 */
import { decode as decodeCbor, encode as encodeCbor, rfc8949EncodeOptions, Tokenizer, Type } from 'cborg'
import type { Token } from 'cborg'
import { equal, toUtf8 } from '../base/bytes.ts'
import { HearsayError, malformed } from '../base/errors.ts'

/** What can be encoded. Maps are not among it: an array has one order, a map has many. */
export type Value = number | string | boolean | null | Uint8Array | readonly Value[]

const decodeOptions = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowInfinity: false,
  allowNaN: false,
  allowBigInt: false,
  rejectDuplicateMapKeys: true,
  retainStringBytes: true
}

const allowed: ReadonlySet<Type> = new Set([
  Type.uint,
  Type.bytes,
  Type.string,
  Type.array,
  Type.true,
  Type.false,
  Type.null
])

/** Lets through what `Value` has, and reads text strictly: the library's own reader mends broken UTF-8. */
class StrictTokenizer extends Tokenizer {
  override next(): Token {
    const token = super.next()
    if (!allowed.has(token.type)) throw malformed(`${token.type.name} is not allowed`)
    // The library drops a leading byte order mark; somebody may have written one.
    if (token.type === Type.string && token.byteValue !== undefined) token.value = toUtf8(token.byteValue)
    return token
  }
}

/** The bytes of a value. The caller has checked it: shape.ts does. */
export const encode = (value: Value): Uint8Array =>
  // A copy: what the library returns may be a Buffer that shares its memory with others.
  new Uint8Array(encodeCbor(value, rfc8949EncodeOptions))

/**
 * The value of foreign bytes. Refuses more than `maxBytes` before it looks at one, whatever is not the
 * deterministic encoding of a `Value`, and bytes that follow it. Throws MALFORMED and nothing else.
 */
export function decode(bytes: Uint8Array, maxBytes: number): Value {
  if (bytes.length > maxBytes) throw malformed(`${bytes.length} bytes where at most ${maxBytes} may be`)
  // A plain view: slices of a Buffer would share its memory with whoever handed it over.
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let value: Value
  let again: Uint8Array
  try {
    value = decodeCbor(view, { ...decodeOptions, tokenizer: new StrictTokenizer(view, decodeOptions) })
    again = encode(value)
  } catch (error) {
    if (error instanceof HearsayError) throw error
    throw malformed('not CBOR as it is used here', error)
  }
  if (!equal(again, view)) throw malformed('not the deterministic encoding')
  return value
}
