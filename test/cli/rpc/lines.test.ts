import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { linesOf, LineWriter, type Line } from '../../../cli/rpc/lines.ts'

const collected = async (parts: Iterable<Uint8Array>, maxBytes?: number): Promise<Line[]> => {
  const lines: Line[] = []
  for await (const line of linesOf(Readable.from(parts, { objectMode: true }), maxBytes)) lines.push(line)
  return lines
}

/** Bytes cut where the network likes. */
function* cut(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

describe('lines', () => {
  test('come out as they went in, however they are cut', async () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 }).filter(line => !line.includes('\n'))
    await fc.assert(
      fc.asyncProperty(
        fc.array(text, { maxLength: 5 }),
        fc.integer({ min: 1, max: 7 }),
        async (lines, size) => {
          const bytes = new TextEncoder().encode(lines.map(line => `${line}\n`).join(''))
          expect(await collected(cut(bytes, size))).toEqual(lines.map(line => ({ text: line })))
        }
      )
    )
  })

  test('one that is too long is refused, and the next is read', async () => {
    const bytes = new TextEncoder().encode(`${'x'.repeat(11)}\n${'y'.repeat(10)}\n`)
    for (const size of [1, 5, 100]) {
      expect(await collected(cut(bytes, size), 10)).toEqual([
        { refused: 'too long' },
        { text: 'y'.repeat(10) }
      ])
    }
  })

  test('one that is not UTF-8 is refused; an unfinished last one is read', async () => {
    expect(await collected([Uint8Array.of(0xff, 10), Uint8Array.of(0x61)])).toEqual([
      { refused: 'not UTF-8' },
      { text: 'a' }
    ])
  })
})

describe('a writer', () => {
  test('gives up a reader that has too much unread', async () => {
    const sink = new PassThrough({ highWaterMark: 1 })
    const closed = once(sink, 'close')
    const writer = new LineWriter(sink, 1000)
    for (let line = 0; line < 100; line++) writer.write({ text: 'x'.repeat(100) })
    await closed
    expect(sink.writableLength).toBeLessThan(5000)
  })

  test('gives up a subscriber that reads nothing, and waits for one that does', async () => {
    const slow = new PassThrough({ highWaterMark: 1 })
    const writer = new LineWriter(slow)
    writer.write({ text: 'x' })
    const room = writer.room()
    slow.resume()
    await room
    expect(slow.destroyed).toBe(false)

    const dead = new PassThrough({ highWaterMark: 1 })
    const other = new LineWriter(dead)
    for (let line = 0; line < 3; line++) other.write({ text: 'x' })
    await other.room(1)
    expect(dead.destroyed).toBe(true)
  })
})
