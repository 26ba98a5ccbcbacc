/** What every structure of the wire promises, for every structure. */
import { decode as decodeCbor, encode as encodeCbor } from 'cborg'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HearsayError } from '../../src/base/errors.ts'
import { codecs, joined, type Row } from './arbitraries.ts'

/** Holds that these bytes are refused as MALFORMED, or that they are the one encoding of what they decode to. */
function refusedOrCanonical({ encode, decode }: Row, bytes: Uint8Array): 'refused' | 'canonical' {
  let value: unknown
  try {
    value = decode(bytes)
  } catch (error) {
    expect(error).toBeInstanceOf(HearsayError)
    expect((error as HearsayError).code).toBe('MALFORMED')
    return 'refused'
  }
  expect(encode(value)).toEqual(new Uint8Array(bytes))
  return 'canonical'
}

const refused = (row: Row, bytes: Uint8Array): void => {
  expect(() => row.decode(bytes)).toThrow(expect.objectContaining({ code: 'MALFORMED' }))
}

/** The array of fields that a structure is, to be tampered with. */
const fieldsOf = (bytes: Uint8Array): unknown[] => decodeCbor(bytes) as unknown[]

describe.each([...codecs, joined])('$name', row => {
  const { values, encode, decode, maxBytes } = row

  test('what is decoded is what was encoded', () => {
    fc.assert(
      fc.property(values, value => {
        const bytes = encode(value)
        expect(bytes.length).toBeLessThanOrEqual(maxBytes)
        expect(decode(bytes)).toEqual(value)
      })
    )
  })

  test('it begins with version 1, and no other version is taken', () => {
    fc.assert(
      fc.property(values, fc.constantFrom<unknown>(0, 2, 255, null, 'x'), (value, version) => {
        const fields = fieldsOf(encode(value))
        expect(fields[0]).toBe(1)
        refused(row, encodeCbor([version, ...fields.slice(1)]))
      }),
      { numRuns: 20 }
    )
  })

  test('cut short at any byte, it is refused', () => {
    fc.assert(
      fc.property(values, value => {
        const bytes = encode(value)
        const step = Math.max(1, Math.floor(bytes.length / 200))
        for (let length = 0; length < bytes.length; length += step) refused(row, bytes.subarray(0, length))
        refused(row, bytes.subarray(0, -1))
      }),
      { numRuns: 10 }
    )
  })

  test('with a bit flipped, it is refused or is the one encoding of another value', () => {
    fc.assert(
      fc.property(values, fc.array(fc.nat(), { minLength: 50, maxLength: 50 }), (value, positions) => {
        const bytes = encode(value)
        const original = decode(bytes)
        for (const position of positions) {
          const flipped = Uint8Array.from(bytes)
          flipped[(position >> 3) % bytes.length]! ^= 1 << (position & 7)
          if (refusedOrCanonical(row, flipped) === 'canonical') expect(decode(flipped)).not.toEqual(original)
        }
      }),
      { numRuns: 20 }
    )
  })

  test('a field too many, too few, or of another type is refused', () => {
    fc.assert(
      fc.property(values, value => {
        const fields = fieldsOf(encode(value))
        refused(row, encodeCbor([...fields, 0]))
        refused(row, encodeCbor(fields.slice(0, -1)))
        for (const index of fields.keys())
          for (const foreign of [-1, 1.5, 2n ** 60n, { a: 1 }, [[[]]], '\u0000 ', undefined])
            refusedOrCanonical(row, encodeCbor(fields.with(index, foreign)))
        for (const index of fields.keys()) refused(row, encodeCbor(fields.with(index, { a: 1 })))
      }),
      { numRuns: 10 }
    )
  })

  test('bytes that follow, and more bytes than it may have, are refused', () => {
    fc.assert(
      fc.property(values, value => {
        refused(row, Uint8Array.of(...encode(value), 0))
        refused(row, new Uint8Array(maxBytes + 1))
      }),
      { numRuns: 5 }
    )
  })

  test('no bytes at all make it do anything but refuse', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), bytes => void refusedOrCanonical(row, bytes)))
  })

  test('what is decoded shares no memory with the bytes it came from', () => {
    fc.assert(
      fc.property(values, value => {
        const bytes = Buffer.from(encode(value))
        const decoded = decode(bytes)
        bytes.fill(0)
        expect(decoded).toEqual(value)
      }),
      { numRuns: 5 }
    )
  })
})
