/**
 * The vectors of specs/group-order.md: which epoch is the head, what a device commits on it, which commits
 * count, and in whose order a change is made that nobody in particular has to make.
 */
import { idOf, type DeviceId, type EpochId, type GroupId } from '../../src/base/ids.ts'
import { objection, planChange, rankOf } from '../../src/core/commit-order.ts'
import type { Desired, MembershipChange, TreeLeaf } from '../../src/core/commit-order.ts'
import { compareHeld } from '../../src/core/heads.ts'
import { seededRandom } from '../../test/core/seal/cast.ts'

const bytesOf = (name: string, length: number): Uint8Array => seededRandom(`vectors/${name}`)(length)
const names = ['alice', 'bob', 'carol', 'dave'] as const
const [alice, bob, carol, dave] = names.map(name => idOf<DeviceId>(bytesOf(`${name}'s device`, 32))) as [
  DeviceId,
  DeviceId,
  DeviceId,
  DeviceId
]
const group = idOf<GroupId>(bytesOf('group', 16))
const [one, two, three] = [1, 2, 3].map(each => `${each}`.repeat(32) as EpochId) as [
  EpochId,
  EpochId,
  EpochId
]

/** Epochs that a device holds, in any order, and the order in which they are better heads. */
interface HeadsCase {
  readonly name: string
  readonly epochs: readonly {
    readonly epoch: EpochId
    readonly generation: number
    readonly length: number
    readonly clean: boolean
  }[]
  readonly order: readonly EpochId[]
}

const heads = (name: string, epochs: HeadsCase['epochs']): HeadsCase => ({
  name,
  epochs,
  order: epochs
    .map(each => ({ ...each, group }))
    .toSorted(compareHeld)
    .map(({ epoch }) => epoch)
})

const place = (epoch: EpochId, length: number, clean = true, generation = 1) => ({
  epoch,
  generation,
  length,
  clean
})

const desiredOf = (devices: readonly DeviceId[]): Desired => ({
  has: device => devices.includes(device),
  devices: () => devices
})

const treeOf = (devices: readonly DeviceId[]): TreeLeaf[] =>
  devices.map((device, index) => ({ device, index }))

/** What one device commits on its head. */
interface ChangeCase {
  readonly name: string
  readonly self: DeviceId
  /** By leaf. */
  readonly tree: readonly DeviceId[]
  readonly desired: readonly DeviceId[]
  readonly asking: readonly DeviceId[]
  readonly keyPackages: readonly DeviceId[]
  readonly addsMax: number
  readonly change: MembershipChange | undefined
}

function change(name: string, given: Partial<Omit<ChangeCase, 'name' | 'change'>>): ChangeCase {
  const all = {
    self: alice,
    tree: [alice, bob, carol],
    desired: [alice, bob, carol],
    asking: [],
    keyPackages: [],
    addsMax: 100,
    ...given
  }
  const position = {
    self: all.self,
    tree: treeOf(all.tree),
    desired: desiredOf(all.desired),
    author: bob,
    committed: false,
    asking: new Set(all.asking),
    hasKeyPackage: (device: DeviceId) => all.keyPackages.includes(device)
  }
  return { name, ...all, change: planChange(position, all.addsMax) }
}

/** Whether a commit counts, by the roster at the operations that it names. */
interface CommitCase extends MembershipChange {
  readonly name: string
  readonly author: DeviceId
  readonly parentAuthor: DeviceId
  readonly desired: readonly DeviceId[]
  readonly counts: boolean
}

function commit(name: string, given: Partial<Omit<CommitCase, 'name' | 'counts'>>): CommitCase {
  const all = {
    author: alice,
    parentAuthor: alice,
    adds: [],
    removes: [],
    desired: [alice, bob, carol],
    ...given
  }
  return { name, ...all, counts: objection(all, desiredOf(all.desired)) === undefined }
}

const leaf = (device: DeviceId, index: number): TreeLeaf => ({ device, index })

/** All that is derived by the rules of the page. */
export function groupOrder(): Record<string, unknown> {
  const candidates = [alice, bob, carol, dave]
  return {
    devices: Object.fromEntries(names.map((name, i) => [name, candidates[i]])),
    heads: [
      heads('the longest chain', [place(one, 2), place(two, 3), place(three, 1)]),
      heads('of equal length the smallest id', [place(three, 2), place(one, 2), place(two, 2)]),
      heads('nobody dropped before length', [place(one, 5, false), place(two, 2), place(three, 3)]),
      heads('all hold somebody dropped', [place(one, 2, false), place(two, 4, false)]),
      heads('the latest founding before everything', [place(one, 9), place(two, 1, false, 2)])
    ],
    changes: [
      change('nothing to do', {}),
      change('who was dropped goes', { desired: [alice, bob] }),
      change('a newcomer with a key package', { desired: [alice, bob, carol, dave], keyPackages: [dave] }),
      change('a newcomer without one waits', { desired: [alice, bob, carol, dave] }),
      change('both in one commit', { desired: [alice, bob, dave], keyPackages: [dave] }),
      change('who asks is removed and added', { asking: [bob], keyPackages: [bob] }),
      change('who asks goes before newcomers', {
        desired: [alice, bob, carol, dave],
        asking: [carol],
        keyPackages: [carol, dave],
        addsMax: 1
      }),
      change('who asks and was dropped only goes', {
        desired: [alice, bob],
        asking: [carol],
        keyPackages: [carol]
      }),
      change('who was dropped itself does nothing', { self: carol, desired: [alice, bob] }),
      change('who has no leaf does nothing', { self: dave, desired: [alice, bob, dave] })
    ],
    commits: [
      commit('new keys on the epoch of another', { parentAuthor: bob }),
      commit('new keys on one’s own epoch', {}),
      commit('a newcomer, on one’s own epoch', { adds: [carol] }),
      commit('a newcomer whom the roster does not have', { adds: [dave], parentAuthor: bob }),
      commit('a newcomer twice', { adds: [carol, carol], parentAuthor: bob }),
      commit('a removal of who is not in the roster', { removes: [leaf(dave, 3)], parentAuthor: bob }),
      commit('a removal of who is', { removes: [leaf(bob, 1)], parentAuthor: bob }),
      commit('a removal of who comes again', { removes: [leaf(bob, 1)], adds: [bob], parentAuthor: bob })
    ],
    ranks: [one, two, three].map(epoch => ({
      epoch,
      candidates,
      ranks: candidates.map(device => rankOf(device, epoch, candidates))
    }))
  }
}
