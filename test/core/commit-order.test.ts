/** What a device commits, which commits count and whose turn it is: the vectors of the spec, and properties. */
import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { idOf, type DeviceId, type EpochId } from '../../src/base/ids.ts'
import { isSettled, mayRenew, objection, planChange, rankOf } from '../../src/core/commit-order.ts'
import type { Desired, MembershipChange, Position, TreeLeaf } from '../../src/core/commit-order.ts'
import { expectSameEpoch, groupOf, nextEpoch, opened, person, say } from '../crypto/mls/people.ts'

const file = new URL('../../specs/vectors/group-order.json', import.meta.url)
const { derived } = JSON.parse(readFileSync(file, 'utf8')) as {
  derived: {
    changes: {
      name: string
      self: DeviceId
      tree: DeviceId[]
      desired: DeviceId[]
      asking: DeviceId[]
      keyPackages: DeviceId[]
      addsMax: number
      change: MembershipChange | null
    }[]
    commits: (MembershipChange & {
      name: string
      author: DeviceId
      parentAuthor: DeviceId
      desired: DeviceId[]
      counts: boolean
    })[]
    ranks: { epoch: EpochId; candidates: DeviceId[]; ranks: number[] }[]
  }
}

const desiredOf = (devices: readonly DeviceId[]): Desired => ({
  has: device => devices.includes(device),
  devices: () => devices
})
const treeOf = (devices: readonly DeviceId[]): TreeLeaf[] =>
  devices.map((device, index) => ({ device, index }))

describe('the vectors of specs/group-order.md', () => {
  test.each(derived.changes)('change: $name', ({ change, tree, desired, asking, keyPackages, ...given }) => {
    const position: Position = {
      self: given.self,
      tree: treeOf(tree),
      desired: desiredOf(desired),
      author: tree[1]!,
      committed: false,
      asking: new Set(asking),
      hasKeyPackage: device => keyPackages.includes(device)
    }
    expect(planChange(position, given.addsMax) ?? null).toEqual(change)
  })

  test.each(derived.commits)('commit: $name', ({ counts, desired, ...commit }) => {
    expect(objection(commit, desiredOf(desired)) === undefined).toBe(counts)
  })

  test.each(derived.ranks)('ranks on epoch $epoch', ({ epoch, candidates, ranks }) => {
    expect(candidates.map(device => rankOf(device, epoch, candidates))).toEqual(ranks)
  })
})

const devices = Array.from({ length: 6 }, (_, i) => idOf<DeviceId>(new Uint8Array(32).fill(i)))
const some = fc.subarray(devices)
const positions = fc
  .record({ self: fc.constantFrom(...devices), tree: some, desired: some, asking: some, keyPackages: some })
  .map(({ self, tree, desired, asking, keyPackages }): Position => {
    const shared = { self, tree: treeOf(tree), desired: desiredOf(desired), asking: new Set(asking) }
    return {
      ...shared,
      author: devices[0]!,
      committed: false,
      hasKeyPackage: device => keyPackages.includes(device)
    }
  })

/** The devices of the tree after a change. */
function after({ tree }: Position, { adds, removes }: MembershipChange): DeviceId[] {
  const gone = new Set(removes.map(({ index }) => index))
  return [...tree.filter(({ index }) => !gone.has(index)).map(({ device }) => device), ...adds]
}

describe('a device brings the tree to what the roster says:', () => {
  test('what it commits counts for everybody else', () => {
    fc.assert(
      fc.property(positions, position => {
        const change = planChange(position, devices.length)
        if (change === undefined) return
        const { self, author, desired } = position
        expect(objection({ ...change, author: self, parentAuthor: author }, desired)).toBeUndefined()
      })
    )
  })

  test('nobody dropped is left after it, and everybody for whom there is a key package is in', () => {
    fc.assert(
      fc.property(positions, position => {
        const change = planChange(position, devices.length)
        if (change === undefined) return
        const left = after(position, change)
        const { desired, hasKeyPackage } = position
        expect(left.filter(device => !desired.has(device))).toEqual([])
        expect(desired.devices().filter(device => hasKeyPackage(device) && !left.includes(device))).toEqual(
          []
        )
        expect(new Set(left).size).toBe(left.length)
      })
    )
  })

  test('it never takes itself out, and where all is as it should be it does nothing', () => {
    fc.assert(
      fc.property(positions, position => {
        const change = planChange(position, devices.length)
        if (change !== undefined) expect(after(position, change)).toContain(position.self)
        const calm: Position = { ...position, asking: new Set() }
        if (isSettled(calm.tree, calm.desired)) expect(planChange(calm, devices.length)).toBeUndefined()
      })
    )
  })

  test('newcomers come in portions, and those who are dropped go at once', () => {
    fc.assert(
      fc.property(positions, position => {
        const change = planChange(position, 1)
        if (change === undefined) return
        expect(change.adds.length).toBeLessThanOrEqual(1)
        const dropped = position.tree.filter(({ device }) => !position.desired.has(device))
        expect(change.removes).toEqual(expect.arrayContaining(dropped))
      })
    )
  })
})

test('nobody renews keys on an epoch of its own, or twice on one', () => {
  const [alice, bob] = devices as [DeviceId, DeviceId]
  expect(mayRenew({ self: alice, author: bob, committed: false })).toBe(true)
  expect(mayRenew({ self: alice, author: alice, committed: false })).toBe(false)
  expect(mayRenew({ self: alice, author: bob, committed: true })).toBe(false)
})

test('everybody has another turn', () => {
  fc.assert(
    fc.property(some, fc.uint8Array({ minLength: 16, maxLength: 16 }), (candidates, bytes) => {
      const epoch = idOf<EpochId>(bytes)
      const ranks = candidates.map(device => rankOf(device, epoch, candidates))
      expect(ranks.toSorted((a, b) => a - b)).toEqual([...candidates.keys()])
    })
  )
})

test('two commits of one device on one epoch have keys of their own, and both can be followed', () => {
  const [alices, bobs] = groupOf(['alice', 'bob'].map(name => person(name)))
  const [first, second] = [alices!, alices!].map(epoch => epoch.commit({ forcePath: true }))
  const [one, two] = [first!, second!].map(({ commit }) => nextEpoch(bobs!, commit))
  expectSameEpoch([first!.epoch, one!])
  expectSameEpoch([second!.epoch, two!])
  expect(opened(two!, say(second!.epoch, 'carol can come now'))).toBe('carol can come now')
})
