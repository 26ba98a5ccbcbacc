/** What comes in parts: control messages over one stream, MLS messages over any path. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concat } from '../../src/base/bytes.ts'
import { idOf, type EpochId } from '../../src/base/ids.ts'
import { spec } from '../../src/base/limits.ts'
import { Channels, noChannels } from '../../src/core/channels.ts'
import { Fragments, fragmentsOf, Parts, type Fragmented } from '../../src/core/parts.ts'
import { controlKeys, openControl } from '../../src/core/seal/control-seal.ts'
import { makeSelf } from '../../src/core/self.ts'
import { Turn } from '../../src/core/turn.ts'
import { labelledHash } from '../../src/crypto/hash.ts'
import { encodeControlBody, type ControlBody } from '../../src/wire/control.ts'
import { decodeEnvelope } from '../../src/wire/envelope.ts'
import { NOON, seededRandom } from './seal/cast.ts'

type Part = Extract<ControlBody, { type: 'part' }>

const refused = expect.objectContaining({ code: 'MALFORMED' })
const bytesOf = (name: string, length: number): Uint8Array => seededRandom(name)(length)

/** A welcome of about this many bytes. */
const welcome = (name: string, bytes: number): ControlBody => ({
  type: 'welcome',
  welcome: bytesOf(name, bytes),
  tree: undefined,
  lamport: 7
})

/** The parts of some bytes, each of at most `size`, as a peer in good faith cuts them. */
function cut(whole: Uint8Array, size: number): Part[] {
  const count = Math.ceil(whole.length / size)
  return Array.from({ length: count }, (_, index) => ({
    type: 'part',
    object: labelledHash('controlObject', whole),
    index,
    count,
    bytes: whole.subarray(index * size, (index + 1) * size)
  }))
}

/** Takes in all of them; what the last one made. */
const takeAll = (parts: Parts, all: readonly Part[]): ControlBody | undefined =>
  all.reduce<ControlBody | undefined>((_, part) => parts.take(part), undefined)

describe('a control message that is larger than an envelope', () => {
  test('comes whole, however it was cut', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 3000 }), fc.integer({ min: 50, max: 90 }), (length, size) => {
        const body = welcome('alice', length)
        const all = cut(encodeControlBody(body), size)
        const parts = new Parts()
        for (const part of all.slice(0, -1)) expect(parts.take(part)).toBeUndefined()
        expect(parts.take(all.at(-1)!)).toEqual(body)
      })
    )
  })

  test('leaves as envelopes that each have a counter of their own, and arrives as it was', () => {
    const turn = new Turn({ now: NOON, uptime: 0, cursor: 0 })
    const secret = bytesOf('secret', 32)
    const channels = new Channels({
      facts: noChannels(),
      key: 'bob',
      own: makeSelf(turn, seededRandom('alice'), { name: 'alice' }),
      random: seededRandom('nonces'),
      save: () => {}
    })
    channels.add(turn, { group: idOf(bytesOf('group', 16)), secret })
    const body = welcome('large', 3 * spec.partBytes)
    const controls = channels
      .seal(turn, body)
      .map(bytes => openControl(decodeEnvelope(bytes), controlKeys(secret), () => true)!)
    expect(controls).toHaveLength(4)
    expect(new Set(controls.map(({ counter }) => counter)).size).toBe(4)
    expect(
      takeAll(
        new Parts(),
        controls.map(control => control.body as Part)
      )
    ).toEqual(body)
    expect(channels.seal(turn, welcome('small', 100))).toHaveLength(1)
  })

  test('out of order, or of two messages mixed, is refused, and does not disturb what is coming', () => {
    const body = welcome('alice', 1000)
    const all = cut(encodeControlBody(body), 300)
    const other = cut(encodeControlBody(welcome('bob', 1000)), 300)
    const parts = new Parts()
    expect(() => parts.take(all[1]!)).toThrow(refused)
    parts.take(all[0]!)
    expect(() => parts.take(all[2]!)).toThrow(refused)
    expect(() => parts.take(other[1]!)).toThrow(refused)
    expect(takeAll(parts, all.slice(1))).toEqual(body)
    // It is gone with the last part: that part alone makes nothing again.
    expect(() => parts.take(all.at(-1)!)).toThrow(refused)
  })

  test('that begins anew drops what was there, so that one at most is kept', () => {
    const first = cut(encodeControlBody(welcome('alice', 1000)), 300)
    const body = welcome('bob', 1000)
    const parts = new Parts()
    takeAll(parts, first.slice(0, 3))
    expect(takeAll(parts, cut(encodeControlBody(body), 300))).toEqual(body)
    expect(() => parts.take(first[3]!)).toThrow(refused)
  })

  test('is refused where it is not what its hash says, and the next one is taken all the same', () => {
    const body = welcome('alice', 1000)
    const all = cut(encodeControlBody(body), 300)
    const forged = all.map(part => (part.index === 1 ? { ...part, bytes: bytesOf('forged', 300) } : part))
    const parts = new Parts()
    expect(() => takeAll(parts, forged)).toThrow(refused)
    expect(takeAll(parts, all)).toEqual(body)
  })

  test('cannot be ended early by another count, nor go on for ever', () => {
    const all = cut(encodeControlBody(welcome('alice', 1000)), 300)
    const parts = new Parts()
    parts.take(all[0]!)
    expect(() => parts.take({ ...all[1]!, count: 2 })).toThrow(refused)
    // More than a control message may have, though every part is within its limits and the hash is true.
    const count = Math.ceil(spec.controlMaxBytes / spec.partBytes)
    const giant = cut(new Uint8Array(count * spec.partBytes), spec.partBytes)
    expect(giant).toHaveLength(count)
    expect(() => takeAll(new Parts(), giant)).toThrow(refused)
  })

  test('is refused where a part of another is inside', () => {
    const inner = cut(encodeControlBody(welcome('alice', 1000)), 300)[0]!
    expect(() => takeAll(new Parts(), cut(encodeControlBody(inner), 100))).toThrow(refused)
  })
})

describe('an MLS message that is larger than an envelope', () => {
  const epoch = 'ee'.repeat(16) as EpochId
  const of = (sequence: number, parts: number): Fragmented => ({ epoch, leaf: 3, sequence, parts })

  test('comes whole, in whatever order its parts come and however often', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 0, max: spec.partBytes - 1 }),
        fc.infiniteStream(fc.nat()),
        (full, rest, picks) => {
          const mls = bytesOf('commit', full * spec.partBytes + rest)
          const pieces = fragmentsOf(mls)
          const left = new Set(pieces.keys())
          const fragments = new Fragments()
          while (left.size > 0) {
            const part = picks.next().value! % pieces.length
            left.delete(part)
            const whole = fragments.take(of(1, pieces.length), part, pieces[part]!)
            if (left.size > 0) expect(whole).toBeUndefined()
            else expect(whole).toEqual(mls)
          }
        }
      ),
      { numRuns: 10 }
    )
  })

  test('is cut into as few parts as hold it, none empty and none too large', () => {
    for (const length of [1, spec.partBytes, spec.partBytes + 1, 3 * spec.partBytes]) {
      const mls = bytesOf('commit', length)
      const pieces = fragmentsOf(mls)
      expect(pieces).toHaveLength(Math.ceil(length / spec.partBytes))
      expect(pieces.every(piece => piece.length > 0 && piece.length <= spec.partBytes)).toBe(true)
      expect(concat(...pieces)).toEqual(mls)
    }
  })

  test('that cannot be opened yet is there again with any of its parts, until it is let go', () => {
    const fragments = new Fragments()
    const pieces = fragmentsOf(bytesOf('commit', 2 * spec.partBytes))
    fragments.take(of(1, 2), 0, pieces[0]!)
    const whole = fragments.take(of(1, 2), 1, pieces[1]!)
    expect(whole).toBeDefined()
    expect(fragments.take(of(1, 2), 1, pieces[1]!)).toEqual(whole)
    fragments.drop(of(1, 2))
    expect(fragments.size).toBe(0)
    expect(fragments.take(of(1, 2), 1, pieces[1]!)).toBeUndefined()
  })

  test('is not mixed with another: of another number, leaf, epoch or count', () => {
    const fragments = new Fragments()
    const piece = bytesOf('piece', 10)
    const keys: Fragmented[] = [
      of(1, 2),
      of(2, 2),
      of(1, 3),
      { ...of(1, 2), leaf: 4 },
      { ...of(1, 2), epoch: 'dd'.repeat(16) as EpochId }
    ]
    for (const each of keys) expect(fragments.take(each, 0, piece)).toBeUndefined()
    expect(fragments.size).toBe(keys.length)
    expect(fragments.take(of(1, 2), 1, piece)).toEqual(concat(piece, piece))
  })

  test('keeps its parts even where the buffer that brought them is used again', () => {
    const fragments = new Fragments()
    const buffer = bytesOf('buffer', 10)
    const before = Uint8Array.from(buffer)
    fragments.take(of(1, 2), 0, buffer)
    buffer.fill(0)
    expect(fragments.take(of(1, 2), 1, before)).toEqual(concat(before, before))
  })

  test('that is never finished gives way to newer ones: a member who sends first parts only fills nothing', () => {
    const fragments = new Fragments()
    const piece = bytesOf('piece', 10)
    for (let sequence = 1; sequence <= 1000; sequence++) fragments.take(of(sequence, 64), 0, piece)
    expect(fragments.size).toBeLessThanOrEqual(8)
    expect(fragments.take(of(1001, 2), 0, piece)).toBeUndefined()
    expect(fragments.take(of(1001, 2), 1, piece)).toEqual(concat(piece, piece))
  })
})
