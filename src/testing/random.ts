/**
 * Seeded randomness: the one source of chance in a simulation.
 *
 * Invariant: the same seed and name give the same values for ever, on every machine, and two names give
 * independent streams. A schedule that loses a step therefore draws the same chances everywhere else, which
 * is what makes a failing schedule shrinkable.
 *
 * The generator is sfc32 (Chris Doty-Humphrey, PractRand): fast and statistically sound, and no more secret
 * than its seed. Keys made from it are for tests only.
 */
import type { Random } from '../base/random.ts'

/** A stream of reproducible chance. */
export interface SeededRandom {
  /** Reproducible bytes: what a simulated node takes its keys and nonces from. */
  readonly bytes: Random
  /** A number from 0 (included) to 1 (excluded). */
  readonly float: () => number
  /** A whole number from 0 (included) to `below` (excluded). */
  readonly integer: (below: number) => number
  /** A whole number from `min` to `max`, both included. */
  readonly between: (min: number, max: number) => number
  /** True with this probability. */
  readonly chance: (probability: number) => boolean
  /** One of the values. Throws a RangeError when there are none. */
  readonly pick: <Value>(values: readonly Value[]) => Value
  /** An independent stream, told apart by its name alone: not moved by what this one has given so far. */
  readonly fork: (name: string) => SeededRandom
}

/** A stream of chance for a seed; `name` tells streams of one seed apart. */
export function seededRandom(seed: number, name = ''): SeededRandom {
  const word = sfc32(`${seed}/${name}`)
  const float = (): number => word() / 2 ** 32
  const integer = (below: number): number => Math.floor(float() * below)
  return {
    float,
    integer,
    bytes: length => randomBytes(word, length),
    between: (min, max) => min + integer(max - min + 1),
    chance: probability => float() < probability,
    pick: <Value>(values: readonly Value[]): Value => {
      if (values.length === 0) throw new RangeError('nothing to pick from')
      return values[integer(values.length)] as Value
    },
    fork: child => seededRandom(seed, `${name}/${child}`)
  }
}

function randomBytes(word: () => number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let bits = 0
  for (let i = 0; i < length; i++) {
    if (i % 4 === 0) bits = word()
    bytes[i] = bits & 0xff
    bits >>>= 8
  }
  return bytes
}

/** Words of 32 bits. The state is filled from a hash of the text and then run warm, as its author advises. */
function sfc32(text: string): () => number {
  const [high, low] = hash64(text)
  let a = high
  let b = low
  let c = high ^ 0x9e3779b9
  let counter = 1
  const word = (): number => {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + sum) | 0
    return sum >>> 0
  }
  for (let i = 0; i < 12; i++) word()
  return word
}

/** Two words that depend on every character: a small mixing hash (cyrb53 by bryc, public domain). */
export function hash64(text: string, start = 0): [number, number] {
  let high = 0xdeadbeef ^ start
  let low = 0x41c6ce57 ^ start
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    high = Math.imul(high ^ unit, 2654435761)
    low = Math.imul(low ^ unit, 1597334677)
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909)
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909)
  return [high >>> 0, low >>> 0]
}
