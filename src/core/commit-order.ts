/**
 * Commit order: what a device commits on its head, when its turn is, and which commits of others count.
 *
 * Spec: specs/group-order.md, sections 4 to 6. MLS leaves the order of commits to a server; here the roster says
 * what the tree ought to be, and any member may bring the tree there.
 * Always true: whether a commit counts depends only on its own past, so every device decides the same, in
 * whatever order things arrive; nobody lengthens a branch alone.
 */
import type { DeviceId, EpochId } from '../base/ids.ts'
import { fromHex, toHex } from '../base/bytes.ts'
import { labelledHash } from '../crypto/hash.ts'

/** Who ought to have a leaf. */
export interface Desired {
  has(device: DeviceId): boolean
  devices(): readonly DeviceId[]
}

/** A leaf of an epoch's tree, and whose device it is. */
export interface TreeLeaf {
  readonly index: number
  readonly device: DeviceId
}

/** What a commit does to the membership. An empty one renews its author's keys and nothing else. */
export interface MembershipChange {
  readonly adds: readonly DeviceId[]
  readonly removes: readonly TreeLeaf[]
}

/** What decides whether and what to commit on a head. */
export interface Position {
  readonly self: DeviceId
  readonly tree: readonly TreeLeaf[]
  readonly desired: Desired
  /** Whose commit began the head. */
  readonly author: DeviceId
  /** Whether our one commit on this head was made. */
  readonly committed: boolean
  /** Devices that have asked to be admitted, or admitted again because they cannot follow. */
  readonly asking: ReadonlySet<DeviceId>
  /** Whether there is a key package for a device. */
  readonly hasKeyPackage: (device: DeviceId) => boolean
}

/** Whether a device that the roster has dropped still reads what is sealed on this tree. */
export const holdsDropped = (tree: readonly TreeLeaf[], desired: Desired): boolean =>
  tree.some(({ device }) => !desired.has(device))

/** Whether the tree is what the roster says. */
export function isSettled(tree: readonly TreeLeaf[], desired: Desired): boolean {
  return tree.length === desired.devices().length && !holdsDropped(tree, desired)
}

/**
 * The membership change to commit on a head, at most `addsMax` newcomers at once; undefined where there is none
 * that this device could make. Who asks and has a leaf is removed and added in one commit. Whoever has committed on its
 * head is there again only because somebody was dropped whom that commit had left in: it commits once more.
 */
export function planChange(position: Position, addsMax: number): MembershipChange | undefined {
  const { self, tree, desired, asking, hasKeyPackage } = position
  const inTree = new Set(tree.map(({ device }) => device))
  if (!inTree.has(self) || !desired.has(self)) return undefined
  const readmitted = (device: DeviceId): boolean =>
    device !== self && desired.has(device) && asking.has(device) && hasKeyPackage(device)
  const missing = desired.devices().filter(device => !inTree.has(device) && hasKeyPackage(device))
  const again = tree.filter(({ device }) => readmitted(device)).slice(0, addsMax)
  const adds = [...again.map(({ device }) => device), ...missing].slice(0, addsMax)
  const removes = [...tree.filter(({ device }) => !desired.has(device)), ...again]
  return adds.length + removes.length === 0 ? undefined : { adds, removes }
}

/** Whether we may renew our keys on this head: nobody lengthens a branch alone. */
export const mayRenew = ({
  self,
  author,
  committed
}: Pick<Position, 'self' | 'author' | 'committed'>): boolean => !committed && author !== self

/**
 * Why a commit does not count, or undefined where it does. `desired` is the roster at the operations that the
 * commit names.
 */
export function objection(
  commit: MembershipChange & { readonly author: DeviceId; readonly parentAuthor: DeviceId },
  desired: Desired
): string | undefined {
  const { adds, removes, author, parentAuthor } = commit
  if (adds.length + removes.length === 0)
    return author === parentAuthor ? 'a commit on top of its author’s own' : undefined
  const added = new Set(adds)
  if (added.size !== adds.length) return 'a device added twice'
  if (adds.some(device => !desired.has(device))) return 'a device added that the roster does not have'
  if (removes.some(({ device }) => desired.has(device) && !added.has(device)))
    return 'a device removed that the roster has'
  return undefined
}

/**
 * How many others go before a device in committing what nobody in particular has to: its place in an order that
 * differs from epoch to epoch and that nobody chooses.
 */
export function rankOf(self: DeviceId, epoch: EpochId, candidates: readonly DeviceId[]): number {
  const weight = (device: DeviceId): string =>
    toHex(labelledHash('commitRank', fromHex(epoch), fromHex(device)))
  const own = weight(self)
  return candidates.filter(device => device !== self && weight(device) < own).length
}
