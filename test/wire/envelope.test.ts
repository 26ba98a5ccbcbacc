import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { spec } from '../../src/base/limits.ts'
import {
  decodeEnvelope,
  encodeEnvelope,
  ENVELOPE_HEADER_BYTES,
  padContent,
  padTo,
  unpadContent,
  type Envelope
} from '../../src/wire/envelope.ts'

const SEAL_BYTES = 16
const largest = spec.envelopeBytes.at(-1)!
const refused = expect.objectContaining({ code: 'MALFORMED' })

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length })
const envelope: fc.Arbitrary<Envelope> = fc.record({
  kind: fc.constantFrom('message', 'control', 'request', 'answer'),
  tag: bytes(16),
  nonce: bytes(12),
  body: fc
    .constantFrom(...spec.envelopeBytes)
    .map(size => new Uint8Array(size - ENVELOPE_HEADER_BYTES).fill(5))
})

describe('an envelope', () => {
  test('is what it was after the wire', () => {
    fc.assert(
      fc.property(envelope, value => {
        expect(decodeEnvelope(encodeEnvelope(value))).toEqual(value)
      }),
      { numRuns: 20 }
    )
  })

  test('has one of five sizes and no other', () => {
    const valid = (size: number): Uint8Array => new Uint8Array(size).fill(1, 0, 1)
    for (const size of spec.envelopeBytes) {
      expect(decodeEnvelope(valid(size)).body.length).toBe(size - 30)
      for (const other of [size - 1, size + 1]) expect(() => decodeEnvelope(valid(other))).toThrow(refused)
    }
    for (const size of [0, 1, 29, 30, 511, largest * 2])
      expect(() => decodeEnvelope(valid(size))).toThrow(refused)
  })

  test('of another version or an unknown kind is refused', () => {
    const good = new Uint8Array(512).fill(1, 0, 1)
    for (const version of [0, 2, 255]) expect(() => decodeEnvelope(good.with(0, version))).toThrow(refused)
    for (const kind of [4, 128, 255]) expect(() => decodeEnvelope(good.with(1, kind))).toThrow(refused)
  })

  test('is never sent in a size that nobody takes', () => {
    const header = { kind: 'message', tag: new Uint8Array(16), nonce: new Uint8Array(12) } as const
    for (const size of [0, 481, 483]) {
      const unpadded = { ...header, body: new Uint8Array(size) }
      expect(() => encodeEnvelope(unpadded)).toThrow(expect.objectContaining({ code: 'INTERNAL' }))
    }
    const longTag = { ...header, tag: new Uint8Array(17), body: new Uint8Array(481) }
    expect(() => encodeEnvelope(longTag)).toThrow(expect.objectContaining({ code: 'INTERNAL' }))
  })
})

describe('padding', () => {
  test('makes the smallest envelope that has room, and gives the content back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70_000, size: 'max' }), content => {
        const room = (size: number): number => size - ENVELOPE_HEADER_BYTES - SEAL_BYTES - 4
        const size = spec.envelopeBytes.find(each => room(each) >= content.length)
        if (size === undefined) {
          expect(() => padContent(content, SEAL_BYTES)).toThrow(
            expect.objectContaining({ code: 'MESSAGE_TOO_LARGE' })
          )
          return
        }
        const padded = padContent(content, SEAL_BYTES)
        expect(padded.length + ENVELOPE_HEADER_BYTES + SEAL_BYTES).toBe(size)
        expect(unpadContent(padded)).toEqual(content)
      })
    )
  })

  test('hits every boundary between two sizes exactly', () => {
    for (const size of spec.envelopeBytes) {
      const room = size - ENVELOPE_HEADER_BYTES - SEAL_BYTES - 4
      expect(padContent(new Uint8Array(room), SEAL_BYTES).length).toBe(room + 4)
      if (size === largest) expect(() => padContent(new Uint8Array(room + 1), SEAL_BYTES)).toThrow()
      else expect(padContent(new Uint8Array(room + 1), SEAL_BYTES).length).toBeGreaterThan(room + 4)
    }
  })

  test('that is not zeros, or a length that is not true, is refused', () => {
    const padded = padTo(Uint8Array.of(7, 7), 20)
    for (let i = 6; i < 20; i++) expect(() => unpadContent(padded.with(i, 1))).toThrow(refused)
    expect(() => unpadContent(padded.with(3, 17))).toThrow(refused)
    expect(() => unpadContent(padded.with(0, 255))).toThrow(refused)
    expect(() => unpadContent(padded.with(3, 1))).toThrow(refused)
    for (let length = 0; length < 4; length++)
      expect(() => unpadContent(new Uint8Array(length))).toThrow(refused)
    expect(unpadContent(padTo(new Uint8Array(0), 4))).toEqual(new Uint8Array(0))
  })
})
