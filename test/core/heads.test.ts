/** The head rule: the vectors of the spec, and that it is an order. */
import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromHex } from '../../src/base/bytes.ts'
import { idOf, type EpochId, type GroupId } from '../../src/base/ids.ts'
import { compareHeads, compareHeld } from '../../src/core/heads.ts'

const group = 'group' as GroupId
const file = new URL('../../specs/vectors/group-order.json', import.meta.url)
const { derived } = JSON.parse(readFileSync(file, 'utf8')) as {
  derived: {
    heads: {
      name: string
      epochs: { epoch: EpochId; generation: number; length: number; clean: boolean }[]
      order: EpochId[]
    }[]
  }
}

const held = fc.record({
  group: fc.constant(group),
  generation: fc.integer({ min: 1, max: 3 }),
  length: fc.integer({ min: 1, max: 4 }),
  epoch: fc.integer({ min: 0, max: 255 }).map(byte => idOf<EpochId>(new Uint8Array(16).fill(byte))),
  clean: fc.boolean()
})
/** No two epochs have one id. */
const several = fc.uniqueArray(held, { minLength: 1, maxLength: 8, selector: ({ epoch }) => epoch })

describe('the vectors of specs/group-order.md', () => {
  test.each(derived.heads)('$name', ({ epochs, order }) => {
    const sorted = epochs.map(each => ({ ...each, group })).toSorted(compareHeld)
    expect(sorted.map(({ epoch }) => epoch)).toEqual(order)
  })
})

test('whoever holds the same epochs has the same head, in whatever order they came', () => {
  const shuffled = several.chain(epochs =>
    fc.tuple(
      fc.constant(epochs),
      fc.shuffledSubarray(epochs, { minLength: epochs.length, maxLength: epochs.length })
    )
  )
  fc.assert(
    fc.property(shuffled, ([epochs, other]) => {
      expect(other.toSorted(compareHeld)).toEqual(epochs.toSorted(compareHeld))
    })
  )
})

test('the head is better than every other, and the order has no circles', () => {
  fc.assert(
    fc.property(several, epochs => {
      const sorted = epochs.toSorted(compareHeld)
      for (const [i, a] of sorted.entries())
        for (const b of sorted.slice(i + 1)) {
          expect(compareHeld(a, b)).toBeLessThan(0)
          expect(compareHeld(b, a)).toBeGreaterThan(0)
        }
    })
  )
})

test('nobody who was dropped reads on the head of a group while another of its epochs is clean', () => {
  fc.assert(
    fc.property(several, epochs => {
      const [head] = epochs.toSorted(compareHeld)
      const newest = epochs.filter(({ generation }) => generation === head!.generation)
      expect(head!.clean).toBe(newest.some(({ clean }) => clean))
    })
  )
})

test('a report says where a device stands, not who can read there: among clean epochs both orders are one', () => {
  fc.assert(
    fc.property(several, epochs => {
      const clean = epochs.map(each => ({ ...each, clean: true }))
      expect(clean.toSorted(compareHeld)).toEqual(clean.toSorted(compareHeads))
    })
  )
})

test('an epoch is as good as itself, whatever else is said of it', () => {
  const one = { group, generation: 1, length: 2, epoch: idOf<EpochId>(fromHex('00'.repeat(16))), clean: true }
  expect(compareHeads(one, { ...one })).toBe(0)
  expect(compareHeld(one, { ...one })).toBe(0)
})
