/**
 * Shapes: what a field may hold, said once for both directions. Every structure of the wire is an array of
 * fields by position that begins with its version (specs/encoding.md, section 2).
 *
 * Always true: a shape encodes exactly what it decodes, so a node cannot send what every other node refuses.
 * A value that does not fit throws MALFORMED, in either direction, and names the field.
 */
import { fromHex, fromUtf8, toHex } from '../base/bytes.ts'
import { malformed } from '../base/errors.ts'
import type { Address, Millis, PeerId } from '../base/ids.ts'
import { spec } from '../base/limits.ts'
import { decode, encode, type Value } from './encoding.ts'

/** How one field looks to us and on the wire. `where` names it in errors. */
export interface Shape<T> {
  readonly toWire: (value: T, where: string) => Value
  readonly fromWire: (value: Value, where: string) => T
}

/** A shape that looks the same on both sides, and the one test that it has to pass. */
function same<T extends Value>(what: string, fits: (value: Value) => boolean): Shape<T> {
  const check = (value: Value, where: string): T => {
    if (!fits(value)) throw malformed(`${where} is not ${what}`)
    return value as T
  }
  return { toWire: check, fromWire: check }
}

/** An integer from `min` to `max`, both included. */
export const integer = (min = 0, max: number = spec.integerMax): Shape<number> =>
  same(
    `an integer from ${min} to ${max}`,
    value => Number.isSafeInteger(value) && min <= Number(value) && Number(value) <= max
  )

/** Milliseconds since 1970. */
export const time = integer() as Shape<unknown> as Shape<Millis>

/** Exactly `length` bytes. */
export const bytes = (length: number): Shape<Uint8Array> =>
  same(`${length} bytes`, value => value instanceof Uint8Array && value.length === length)

/** From `min` to `max` bytes. */
export const bytesBetween = (min: number, max: number): Shape<Uint8Array> =>
  same(
    `${min} to ${max} bytes`,
    value => value instanceof Uint8Array && min <= value.length && value.length <= max
  )

/** Text of at most `maxBytes` bytes of UTF-8. Without lone surrogates: those have no UTF-8. */
export const text = (maxBytes: number): Shape<string> =>
  same(
    `text of at most ${maxBytes} bytes`,
    value =>
      typeof value === 'string' &&
      value.length <= maxBytes &&
      value.isWellFormed() &&
      fromUtf8(value).length <= maxBytes
  )

const pattern = <T extends string>(what: string, expression: RegExp): Shape<T> =>
  same<string>(
    what,
    value => typeof value === 'string' && expression.test(value)
  ) as Shape<unknown> as Shape<T>

/** A PeerId. The wire holds only that it is one printable word; the network decides whether it is a key's. */
export const peerId = pattern<PeerId>('a peer id', new RegExp(`^[!-.0-~]{1,${spec.peerIdMaxBytes}}$`))

/** A multiaddr, in printable ASCII. The network decides whether it can be dialled. */
export const address = pattern<Address>('an address', new RegExp(`^/[!-~]{1,${spec.addressMaxBytes - 1}}$`))

/** True or false. */
export const boolean: Shape<boolean> = same('true or false', value => typeof value === 'boolean')

/** An id of `length` bytes: hexadecimal text for us, bytes on the wire. */
export function id<Id extends string>(length: number): Shape<Id> {
  const raw = bytes(length)
  const digits = new RegExp(`^[0-9a-f]{${2 * length}}$`)
  return {
    toWire: (value, where) => {
      if (!digits.test(value)) throw malformed(`${where} is not an id of ${length} bytes`)
      return fromHex(value)
    },
    fromWire: (value, where) => toHex(raw.fromWire(value, where)) as Id
  }
}

/** One of several words: a small number on the wire. */
export function oneOf<Word extends string>(codes: Readonly<Record<Word, number>>): Shape<Word> {
  const words = new Map(Object.entries<number>(codes).map(([word, code]) => [code, word as Word]))
  return {
    toWire: word => codes[word],
    fromWire: (value, where) => {
      const word = words.get(value as number)
      if (word === undefined) throw malformed(`${where} is not one of ${Object.keys(codes).join(', ')}`)
      return word
    }
  }
}

/** Something or, as null on the wire, nothing. */
export const optional = <T>(shape: Shape<T>): Shape<T | undefined> => ({
  toWire: (value, where) => (value === undefined ? null : shape.toWire(value, where)),
  fromWire: (value, where) => (value === null ? undefined : shape.fromWire(value, where))
})

/** From `min` to `max` items of one shape. */
export function list<T>(
  item: Shape<T>,
  { min = 0, max }: { min?: number; max: number }
): Shape<readonly T[]> {
  const check = (items: readonly unknown[], where: string): void => {
    if (items.length < min || items.length > max)
      throw malformed(`${where} has ${items.length} items where ${min} to ${max} may be`)
  }
  return {
    toWire: (values, where) => {
      check(values, where)
      return values.map(value => item.toWire(value, where))
    },
    fromWire: (value, where) => {
      if (!isArray(value)) throw malformed(`${where} is not a list`)
      check(value, where)
      return value.map(each => item.fromWire(each, where))
    }
  }
}

const isArray = (value: Value): value is readonly Value[] => Array.isArray(value)

/** The shapes of all fields, in the order of the wire: reordering them changes the protocol. */
export type Fields<T> = { readonly [Key in keyof T]-?: Shape<T[Key]> }

/** An array of fields by position, `prefix` first. */
export function record<T>(fields: Fields<T>, prefix: readonly number[] = []): Shape<T> {
  const shapes = Object.entries(fields) as [string, Shape<unknown>][]
  const length = prefix.length + shapes.length
  return {
    toWire: (value, where) => [
      ...prefix,
      ...shapes.map(([key, shape]) => shape.toWire(value[key as keyof T], `${where}.${key}`))
    ],
    fromWire: (value, where) => {
      if (!isArray(value)) throw malformed(`${where} is not an array`)
      // The version comes first, so that what a newer node sent is called by its name.
      for (const [index, expected] of prefix.entries())
        if (value[index] !== expected) throw malformed(`${where} is of an unknown version or kind`)
      if (value.length !== length)
        throw malformed(`${where} has ${value.length} fields where ${length} should be`)
      return Object.fromEntries(
        shapes.map(([key, shape], index) => [
          key,
          shape.fromWire(value[prefix.length + index]!, `${where}.${key}`)
        ])
      ) as T
    }
  }
}

/** Two of one shape. */
export const pair = <T>(item: Shape<T>): Shape<readonly [T, T]> =>
  list(item, { min: 2, max: 2 }) as Shape<unknown> as Shape<readonly [T, T]>

/** A record that begins with version 1. */
export const structure = <T>(fields: Fields<T>): Shape<T> => record(fields, [1])

/** Each case of a union with its number on the wire and its fields, `type` left out. */
export type Cases<T extends { readonly type: string }> = {
  readonly [Type in T['type']]: readonly [
    code: number,
    fields: Fields<Omit<Extract<T, { readonly type: Type }>, 'type'>>
  ]
}

/** One of several records, told apart by `type`: on the wire an array that begins with the number of its case. */
export function union<T extends { readonly type: string }>(cases: Cases<T>): Shape<T> {
  const all = Object.entries(cases) as [string, readonly [number, Fields<Record<string, unknown>>]][]
  const shapes = all.map(([type, [code, fields]]) => ({ type, code, shape: record(fields, [code]) }))
  return {
    toWire: (value, where) => {
      const found = shapes.find(({ type }) => type === value.type)
      if (found === undefined) throw malformed(`${where} is of an unknown kind`)
      return found.shape.toWire(value, `${where}.${found.type}`)
    },
    fromWire: (value, where) => {
      const found = isArray(value) ? shapes.find(({ code }) => code === value[0]) : undefined
      if (found === undefined) throw malformed(`${where} is of an unknown kind`)
      return { type: found.type, ...found.shape.fromWire(value, `${where}.${found.type}`) } as unknown as T
    }
  }
}

/** A shape with a rule across its fields: `broken` says what is wrong, or nothing. */
export function withRule<T>(shape: Shape<T>, broken: (value: T) => string | undefined): Shape<T> {
  const check = (value: T, where: string): T => {
    const why = broken(value)
    if (why !== undefined) throw malformed(`${where}: ${why}`)
    return value
  }
  return {
    toWire: (value, where) => shape.toWire(check(value, where), where),
    fromWire: (value, where) => check(shape.fromWire(value, where), where)
  }
}

/** Both directions of a whole structure. */
export interface Codec<T> {
  /** The bytes. Throws MALFORMED where a field breaks its limit. */
  readonly encode: (value: T) => Uint8Array
  /** The value of foreign bytes. Throws MALFORMED and nothing else. */
  readonly decode: (bytes: Uint8Array) => T
}

/** The codec of a structure that takes at most `maxBytes`. */
export const codec = <T>(name: string, maxBytes: number, shape: Shape<T>): Codec<T> => ({
  encode: value => {
    const encoded = encode(shape.toWire(value, name))
    if (encoded.length > maxBytes) throw malformed(`${name} takes more than ${maxBytes} bytes`)
    return encoded
  },
  decode: encoded => shape.fromWire(decode(encoded, maxBytes), name)
})
