/**
 * The graph of a roster's operations, verified or not yet judged: which came before which.
 * Spec: specs/roster.md, section 4.
 *
 * Always true: nodes stand after their parents, so an operation's past has smaller indexes than its own. The
 * index depends on the order of arrival and decides nothing; it only numbers the bits of a past.
 */
import type { DeviceId, IdentityId, OperationId } from '../../base/ids.ts'
import type { Consent } from '../../wire/consent.ts'
import type { RosterOperation } from '../../wire/roster-operation.ts'
import type { DeviceList } from '../seal/device-list.ts'

/** A set of operations, by their index. */
export type Bits = Uint32Array

/** An operation in its place. */
export interface Node {
  readonly index: number
  readonly id: OperationId
  readonly bytes: Uint8Array
  readonly operation: RosterOperation
  /** Steps of the longest way from the `create`. Grows along every path, so whoever grants ranks first. */
  readonly depth: number
  /** Everything that the author knew, itself left out. */
  readonly past: Bits
  /** The author's device list that the device stands on. */
  readonly list: DeviceList
  /** The device lists that this operation carries. */
  readonly claims: readonly DeviceList[]
  /** The consents of an `add`, in the order of its members. */
  readonly consents: readonly Consent[]
  /** What tells each of these consents from others: whose it is, and to which invitation. */
  readonly uses: readonly string[]
}

const WORD = 32

/** A set with room for the indexes below `size`. */
export const emptyBits = (size: number): Bits => new Uint32Array(Math.ceil(size / WORD))

/** Puts an index into a set that has room for it. */
export const setBit = (bits: Bits, index: number): void => {
  bits[index >>> 5]! |= 1 << (index & 31)
}

/** Whether a set has an index. */
export const hasBit = (bits: Bits, index: number): boolean =>
  ((bits[index >>> 5] ?? 0) & (1 << (index & 31))) !== 0

/** Whether two sets have anything in common. */
export function meet(a: Bits, b: Bits): boolean {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) if ((a[i]! & b[i]!) !== 0) return true
  return false
}

/** Whether `bits`, or what of it is in `within`, has anything that `past` has not. */
export function leaves(bits: Bits, past: Bits, within?: Bits): boolean {
  for (let i = 0; i < bits.length; i++) {
    const word = within === undefined ? bits[i]! : bits[i]! & (within[i] ?? 0)
    if ((word & ~(past[i] ?? 0)) !== 0) return true
  }
  return false
}

/** Puts an item into the list of its key. */
export function append<Key, Item>(map: Map<Key, Item[]>, key: Key, item: Item): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [item])
  else list.push(item)
}

/** The set of these nodes. */
export function bitsOf(nodes: readonly Node[]): Bits {
  const bits = emptyBits(nodes.reduce((most, node) => Math.max(most, node.index + 1), 0))
  for (const { index } of nodes) setBit(bits, index)
  return bits
}

/** Whether the author of `later` knew `earlier`. */
export const precedes = (earlier: Node, later: Node): boolean => hasBit(later.past, earlier.index)

/** Whether neither author knew the other's operation. */
export const concurrent = (a: Node, b: Node): boolean => a !== b && !precedes(a, b) && !precedes(b, a)

/** A device list and the operation that carries it. */
export interface Claim {
  readonly node: Node
  readonly list: DeviceList
}

/** The operations of one roster that have all of their parents. */
export class History {
  readonly #nodes: Node[] = []
  readonly #byId = new Map<OperationId, Node>()
  readonly #byDevice = new Map<DeviceId, Node[]>()
  readonly #claims = new Map<IdentityId, Claim[]>()
  readonly #heads = new Set<OperationId>()
  #sorted: readonly OperationId[] | undefined

  /** In an order in which parents come first. */
  get nodes(): readonly Node[] {
    return this.#nodes
  }

  /** The operations that no other one names, ascending. */
  get heads(): readonly OperationId[] {
    this.#sorted ??= [...this.#heads].toSorted()
    return this.#sorted
  }

  get(id: OperationId): Node | undefined {
    return this.#byId.get(id)
  }

  /** Takes in a node whose index is the number of nodes and whose parents are there. */
  append(node: Node): void {
    this.#nodes.push(node)
    this.#byId.set(node.id, node)
    append(this.#byDevice, node.operation.device, node)
    for (const list of node.claims) append(this.#claims, list.identity, { node, list })
    for (const parent of node.operation.parents) this.#heads.delete(parent)
    this.#heads.add(node.id)
    this.#sorted = undefined
  }

  /** The operation of a device with the highest number; the first that came, where it has several of one. */
  lastOf(device: DeviceId): Node | undefined {
    let last: Node | undefined
    for (const node of this.#byDevice.get(device) ?? [])
      if (last === undefined || node.operation.sequence > last.operation.sequence) last = node
    return last
  }

  /** The highest number of a device in a past; 0 where there is none. */
  sequenceIn(past: Bits, device: DeviceId): number {
    let highest = 0
    for (const { index, operation } of this.#byDevice.get(device) ?? [])
      if (operation.sequence > highest && hasBit(past, index)) highest = operation.sequence
    return highest
  }

  /** The lists of an identity that any operation carries. */
  listsOf(identity: IdentityId): DeviceList[] {
    return (this.#claims.get(identity) ?? []).map(({ list }) => list)
  }

  /** The lists of an identity that the operations of a past carry. */
  listsIn(past: Bits, identity: IdentityId): DeviceList[] {
    const claims = this.#claims.get(identity) ?? []
    return claims.filter(({ node }) => hasBit(past, node.index)).map(({ list }) => list)
  }

  /** These operations and everything before them. Those that are not known are left out. */
  closure(heads: readonly OperationId[]): Bits {
    const bits = emptyBits(this.#nodes.length)
    for (const head of heads) {
      const node = this.#byId.get(head)
      if (node === undefined) continue
      for (let i = 0; i < node.past.length; i++) bits[i]! |= node.past[i]!
      setBit(bits, node.index)
    }
    return bits
  }
}
