import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromHex, toHex } from '../../src/base/bytes.ts'
import { decode, encode, type Value } from '../../src/wire/encoding.ts'
import { address, codec, integer, list, peerId, record, structure, text } from '../../src/wire/shape.ts'

const MAX = 1 << 20

const { value: anyValue } = fc.letrec<{ value: Value }>(tie => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.maxSafeNat(),
    fc.nat(300),
    fc.string({ unit: 'binary' }),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array({ maxLength: 70 }),
    fc.array(tie('value'), { maxLength: 30 })
  )
}))

describe('the encoding', () => {
  test('gives back every value, and has one encoding for it', () => {
    fc.assert(
      fc.property(anyValue, value => {
        const bytes = encode(value)
        const again = decode(bytes, MAX)
        expect(again).toEqual(value)
        expect(encode(again)).toEqual(bytes)
      }),
      { numRuns: 500 }
    )
  })

  test('is RFC 8949: the examples of appendix A that are within it', () => {
    const examples: readonly (readonly [Value, string])[] = [
      [0, '00'],
      [23, '17'],
      [24, '1818'],
      [100, '1864'],
      [1000, '1903e8'],
      [1000000, '1a000f4240'],
      [1000000000000, '1b000000e8d4a51000'],
      [false, 'f4'],
      [true, 'f5'],
      [null, 'f6'],
      [fromHex('01020304'), '4401020304'],
      ['', '60'],
      ['IETF', '6449455446'],
      ['\u6c34', '63e6b0b4'],
      ['\ud800\udd51', '64f0908591'],
      [[], '80'],
      [[1, [2, 3], [4, 5]], '8301820203820405']
    ]
    for (const [value, hex] of examples) {
      expect(toHex(encode(value))).toBe(hex)
      expect(decode(fromHex(hex), MAX)).toEqual(value)
    }
  })

  test.each([
    ['nothing', ''],
    ['an integer longer than it needs to be', '1817'],
    ['an integer in eight bytes that fits in four', '1b0000000000000001'],
    ['a length longer than it needs to be', '580101'],
    ['an integer beyond 2^53 - 1', '1b0020000000000000'],
    ['a negative integer', '20'],
    ['a float', 'f93c00'],
    ['a float that is an integer', 'fb3ff0000000000000'],
    ['not a number', 'f97e00'],
    ['undefined', 'f7'],
    ['another simple value', 'f8ff'],
    ['a tag', 'c100'],
    ['a big number', 'c249010000000000000000'],
    ['a map', 'a0'],
    ['a map with a key', 'a1616101'],
    ['bytes of indefinite length', '5f4101ff'],
    ['text of indefinite length', '7f6161ff'],
    ['an array of indefinite length', '9f01ff'],
    ['a break', 'ff'],
    ['two values', '0000'],
    ['an array that ends too early', '8201'],
    ['an array that claims 2^32 - 1 items', '9affffffff01'],
    ['bytes that claim 2^32 - 1 bytes', '5affffffff01'],
    ['text that is not UTF-8', '61ff'],
    ['text with a surrogate', '63eda080'],
    ['text with an overlong form', '62c080'],
    ['a reserved length', '1c']
  ])('refuses %s', (_, hex) => {
    expect(() => decode(fromHex(hex), MAX)).toThrow(expect.objectContaining({ code: 'MALFORMED' }))
  })

  test('refuses arrays nested as deep as the bytes allow, without falling over', () => {
    expect(() => decode(new Uint8Array(65_536).fill(0x81), MAX)).toThrow(
      expect.objectContaining({ code: 'MALFORMED' })
    )
  })

  test('looks at the length before it looks at a byte', () => {
    expect(() => decode(encode('ten bytes.'), 10)).toThrow('11 bytes where at most 10 may be')
  })

  test('keeps a byte order mark that somebody wrote', () => {
    expect(decode(encode('\uFEFFhello'), MAX)).toBe('\uFEFFhello')
    const long = `\uFEFF${'é'.repeat(40)}`
    expect(decode(encode(long), MAX)).toBe(long)
  })
})

describe('a shape', () => {
  const note = codec(
    'note',
    100,
    structure<{ text: string; count: number }>({ text: text(8), count: integer(1, 9) })
  )

  test('refuses to encode what it would refuse to decode, and names the field', () => {
    expect(() => note.encode({ text: 'x', count: 10 })).toThrow('note.count is not an integer from 1 to 9')
    expect(() => note.encode({ text: 'nine byte', count: 1 })).toThrow('note.text')
    expect(() => note.encode({ text: '\ud800', count: 1 })).toThrow('note.text')
    expect(() => note.decode(encode([1, 'x', 10]))).toThrow('note.count')
  })

  test('counts bytes of text, not characters', () => {
    expect(() => note.encode({ text: 'ééééé', count: 1 })).toThrow('note.text')
    expect(note.decode(note.encode({ text: 'éééé', count: 1 })).text).toBe('éééé')
  })

  test('refuses a whole that is longer than it may be, though every field fits', () => {
    const many = codec('many', 10, record<{ texts: readonly string[] }>({ texts: list(text(8), { max: 9 }) }))
    expect(() => many.encode({ texts: Array.from({ length: 9 }, () => '12345678') })).toThrow('many')
  })

  test('takes a peer id or an address only where it is one printable word', () => {
    for (const bad of ['', 'a b', 'a/b', 'a\n', 'é', 'a\u202e', 'x'.repeat(129)])
      expect(() => peerId.fromWire(bad, 'peer')).toThrow('peer is not')
    expect(peerId.fromWire('12D3KooWalice', 'peer')).toBe('12D3KooWalice')
    for (const bad of ['', '/', 'ip4/1.2.3.4', '/ip4/1.2.3.4\n', '/dns/é', `/${'x'.repeat(256)}`])
      expect(() => address.fromWire(bad, 'address')).toThrow('address is not')
    expect(address.fromWire('/ip4/192.0.2.1/tcp/1', 'address')).toBe('/ip4/192.0.2.1/tcp/1')
  })
})
