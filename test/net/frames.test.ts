/** The frames of a direct stream: one encoding each, and nothing else gets past the length. */
import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { decode } from 'it-length-prefixed'
import { expect, test } from 'vitest'
import { equal, fromHex, toHex } from '../../src/base/bytes.ts'
import { HearsayError } from '../../src/base/errors.ts'
import { spec } from '../../src/base/limits.ts'
import { encodeFrames, FRAME_BYTES_MAX, frameLengths, LENGTH_BYTES_MAX } from '../../src/net/frames.ts'

interface Vectors {
  readonly lengths: ReadonlyArray<{ readonly bytes: number; readonly prefix: string }>
  readonly refused: ReadonlyArray<{ readonly why: string; readonly stream: string }>
  readonly accepted: string
}

const vectors = JSON.parse(
  readFileSync(new URL('../../specs/vectors/direct-stream.json', import.meta.url), 'utf8')
) as Vectors

const options = (awaitsAccept: boolean): Parameters<typeof decode>[1] => ({
  lengthDecoder: frameLengths(awaitsAccept),
  maxLengthLength: LENGTH_BYTES_MAX,
  maxDataLength: FRAME_BYTES_MAX
})

const read = (chunks: readonly Uint8Array[], awaitsAccept = false): Uint8Array[] =>
  [...decode(chunks as Uint8Array<ArrayBuffer>[], options(awaitsAccept))].map(
    frame => new Uint8Array(frame.subarray())
  )

const envelopes = fc.array(
  fc.constantFrom(...spec.envelopeBytes).map(bytes => new Uint8Array(bytes).fill(bytes & 0xff)),
  { maxLength: 6 }
)

test('what is written is read back, however the stream cuts it', () => {
  fc.assert(
    fc.property(envelopes, fc.array(fc.integer({ min: 1, max: 70_000 }), { maxLength: 20 }), (sent, cuts) => {
      let rest = encodeFrames(sent)
      const chunks: Uint8Array[] = []
      for (const cut of cuts) {
        chunks.push(rest.slice(0, cut))
        rest = rest.slice(cut)
      }
      const got = read([...chunks, rest].filter(chunk => chunk.length > 0))
      expect(got.length).toBe(sent.length)
      expect(got.every((frame, i) => equal(frame, sent[i]!))).toBe(true)
    })
  )
})

test('whatever the first bytes are, they are a frame, the start of one, or refused with MALFORMED', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 12 }), start => {
      try {
        read([start])
      } catch (error) {
        // The end of input inside a frame is what a length that counts leads to.
        const isCut = error instanceof Error && error.name === 'UnexpectedEOFError'
        expect(isCut || (error instanceof HearsayError && error.code === 'MALFORMED')).toBe(true)
      }
    }),
    { numRuns: 2000 }
  )
})

test('an envelope of another size cannot be written', () => {
  expect(() => encodeFrames([new Uint8Array(513)])).toThrow(expect.objectContaining({ code: 'MALFORMED' }))
})

test.each(vectors.lengths)('a frame of $bytes bytes begins with $prefix', ({ bytes, prefix }) => {
  const frame = encodeFrames([new Uint8Array(bytes)])
  expect(toHex(frame.slice(0, frame.length - bytes))).toBe(prefix)
})

test.each(vectors.refused)('refuses $why', ({ stream }) => {
  expect(() => read([fromHex(stream)])).toThrow(expect.objectContaining({ code: 'MALFORMED' }))
})

test('a dialler takes nothing before the word of acceptance, and takes it once', () => {
  const accepted = fromHex(vectors.accepted)
  const frame = encodeFrames([new Uint8Array(512)])
  expect(read([accepted, frame], true).map(({ length }) => length)).toEqual([0, 512])
  expect(() => read([frame], true)).toThrow(expect.objectContaining({ code: 'MALFORMED' }))
  expect(() => read([accepted, accepted], true)).toThrow(expect.objectContaining({ code: 'MALFORMED' }))
  expect(() => read([accepted])).toThrow(expect.objectContaining({ code: 'MALFORMED' }))
})
