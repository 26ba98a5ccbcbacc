/** Random bytes that a seed decides, for tests only: SHAKE128 over the seed and a counter. */
import { createHash } from 'node:crypto'
import type { Random } from '../../../src/base/random.ts'

/** The generator of a seed: the same bytes in every run. */
export function seededRandom(seed: number): Random {
  let counter = 0
  return length =>
    Uint8Array.from(
      createHash('shake128', { outputLength: Math.max(length, 1) })
        .update(`${seed}/${counter++}`)
        .digest()
        .subarray(0, length)
    )
}

/** An integer of [0, bound) from a generator. */
export function below(random: Random, bound: number): number {
  const [a, b, c, d] = random(4)
  return (((a! << 24) | (b! << 16) | (c! << 8) | d!) >>> 0) % bound
}

/** One of the items. */
export const pick = <T>(random: Random, items: readonly T[]): T => items[below(random, items.length)]!

/** The seeds to run: those of the variable SEEDS, or a few. */
export const seeds = (count: number): number[] => {
  const wanted = process.env['SEED']
  return wanted === undefined ? Array.from({ length: count }, (_, index) => index + 1) : [Number(wanted)]
}
