/**
 * RatchetTree (RFC 9420 sections 4.1 and 7): the public keys of a group.
 *
 * Always true: the tree has 2^d leaves, and its right half is never empty; nodes are values that nobody
 * changes, so trees share them. Epochs share trees too: whoever wants another tree takes a `copy` first.
 * Hashes of subtrees are remembered until something below them changes.
 */
import { equal } from '../../base/bytes.ts'
import { mlsLimits } from '../../base/limits.ts'
import type { CipherSuite } from './cipher-suite.ts'
import { decode, encode, readU32, Writer, writeU32 } from './codec.ts'
import type { Read, Write } from './codec.ts'
import { MlsError } from './errors.ts'
import { readLeafNode, writeLeafNode } from './leaf-node.ts'
import type { LeafNode } from './leaf-node.ts'
import { directPath, isBelow, left, nodeWidth, right, root } from './tree-math.ts'

/** The key of a subtree (RFC 9420 section 7.1). */
export interface ParentNode {
  readonly encryptionKey: Uint8Array
  readonly parentHash: Uint8Array
  /** Leaf indices below that do not know the secret key, ascending. */
  readonly unmergedLeaves: readonly number[]
}

/** A leaf that is not blank, and where it is. */
export interface Member {
  readonly index: number
  readonly leaf: LeafNode
}

/** A node of the direct path whose other child is not empty, with that child. */
export interface FilteredPathNode {
  readonly node: number
  readonly copathChild: number
}

const NODE_TYPE = { leaf: 1, parent: 2 } as const

const writeParentNode: Write<ParentNode> = (writer, node) => {
  writer.opaque(node.encryptionKey).opaque(node.parentHash).list(node.unmergedLeaves, writeU32)
}

const readParentNode: Read<ParentNode> = reader => ({
  encryptionKey: reader.opaque(),
  parentHash: reader.opaque(),
  unmergedLeaves: reader.list(readU32)
})

type Leaves = (LeafNode | undefined)[]
type Parents = (ParentNode | undefined)[]

/** The ratchet tree of a group. Leaves go by leaf index, parents and subtrees by node index. */
export class RatchetTree {
  readonly #suite: CipherSuite
  readonly #leaves: Leaves
  /** Parent at node index 2i + 1. */
  readonly #parents: Parents
  /** Hash of the subtree at a node index. */
  readonly #hashes: (Uint8Array | undefined)[]
  #memberCount: number

  private constructor(
    suite: CipherSuite,
    leaves: Leaves,
    parents: Parents,
    hashes: (Uint8Array | undefined)[] = []
  ) {
    this.#suite = suite
    this.#leaves = leaves
    this.#parents = parents
    this.#hashes = hashes
    this.#memberCount = leaves.reduce((count, leaf) => (leaf === undefined ? count : count + 1), 0)
  }

  /** The tree of a new group. */
  static ofOne(suite: CipherSuite, leaf: LeafNode): RatchetTree {
    return new RatchetTree(suite, [leaf], [])
  }

  /** Reads the `ratchet_tree` extension (RFC 9420 section 12.4.3.3); nothing is verified by this. */
  static reader(suite: CipherSuite): Read<RatchetTree> {
    return reader => {
      const leaves: Leaves = []
      const parents: Parents = []
      let blanks = 0
      reader.list(inner => {
        if (leaves.length > mlsLimits.leavesMax) throw new MlsError('malformed', 'a tree has too many leaves')
        const isLeaf = leaves.length === parents.length
        const type = inner.optional(item => item.u8())
        blanks = type === undefined ? blanks + 1 : 0
        if (type !== undefined && type !== (isLeaf ? NODE_TYPE.leaf : NODE_TYPE.parent))
          throw new MlsError('malformed', 'a tree has a node of the wrong type')
        if (isLeaf) leaves.push(type === undefined ? undefined : readLeafNode(inner))
        else parents.push(type === undefined ? undefined : readParentNode(inner))
      })
      if (leaves.length === 0 || blanks > 0) throw new MlsError('malformed', 'a tree ends in blank nodes')
      let width = 1
      while (width < leaves.length) width *= 2
      while (leaves.length < width) leaves.push(undefined)
      while (parents.length < width - 1) parents.push(undefined)
      return new RatchetTree(suite, leaves, parents)
    }
  }

  /** The tree of a `ratchet_tree` extension. Nothing is verified by this. Throws MlsError `malformed`. */
  static decode(
    suite: CipherSuite,
    bytes: Uint8Array,
    maxBytes: number = mlsLimits.treeMaxBytes
  ): RatchetTree {
    return decode(RatchetTree.reader(suite), bytes, maxBytes)
  }

  /** The data of the `ratchet_tree` extension. */
  encode(): Uint8Array {
    let width = nodeWidth(this.leafCount)
    while (width > 0 && this.#isBlank(width - 1)) width--
    return encode((writer, nodes: number) => {
      writer.nested(inner => {
        for (let node = 0; node < nodes; node++) this.#writeNode(inner, node)
      })
    }, width)
  }

  /** A tree of its own that starts as this one. Cheap: nodes are shared. */
  copy(): RatchetTree {
    return new RatchetTree(this.#suite, this.#leaves.slice(), this.#parents.slice(), this.#hashes.slice())
  }

  /** Takes over the nodes of another tree that are the same there, so that both need room for one. */
  shareNodes(other: RatchetTree): void {
    const shared = <T>(own: (T | undefined)[], theirs: readonly (T | undefined)[], write: Write<T>): void => {
      for (const [index, node] of own.entries()) {
        const their = theirs[index]
        if (node === undefined || their === undefined) continue
        if (equal(encode(write, node), encode(write, their))) own[index] = their
      }
    }
    shared(this.#leaves, other.#leaves, writeLeafNode)
    shared(this.#parents, other.#parents, writeParentNode)
  }

  /** How many leaves the tree is wide, blank ones included: a power of two. */
  get leafCount(): number {
    return this.#leaves.length
  }

  /** How many leaves are not blank. */
  get memberCount(): number {
    return this.#memberCount
  }

  /** The leaf at an index, or undefined where it is blank or outside the tree. */
  leaf(leafIndex: number): LeafNode | undefined {
    return this.#leaves[leafIndex]
  }

  /** The parent at a node index, or undefined where it is blank. */
  parent(node: number): ParentNode | undefined {
    return this.#parents[(node - 1) / 2]
  }

  /** The public key of any node, or undefined where it is blank or outside the tree. */
  encryptionKey(node: number): Uint8Array | undefined {
    return (node % 2 === 0 ? this.leaf(node / 2) : this.parent(node))?.encryptionKey
  }

  /** All members, by leaf index. */
  *members(): Generator<Member> {
    for (const [index, leaf] of this.#leaves.entries()) if (leaf !== undefined) yield { index, leaf }
  }

  /** The nodes whose keys reach everybody below a node (RFC 9420 section 4.1.1). */
  resolution(node: number): number[] {
    if (node % 2 === 0) return this.leaf(node / 2) === undefined ? [] : [node]
    const parent = this.parent(node)
    if (parent !== undefined) return [node, ...parent.unmergedLeaves.map(leafIndex => 2 * leafIndex)]
    return [...this.resolution(left(node)), ...this.resolution(right(node))]
  }

  /** The direct path of a leaf without the nodes whose other child is empty (RFC 9420 section 4.1.2). */
  filteredDirectPath(leafIndex: number): FilteredPathNode[] {
    const path: FilteredPathNode[] = []
    let below = 2 * leafIndex
    for (const node of directPath(below, this.leafCount)) {
      const copathChild = below < node ? right(node) : left(node)
      if (!this.#isEmpty(copathChild)) path.push({ node, copathChild })
      below = node
    }
    return path
  }

  /** Puts a leaf at the leftmost blank place and returns its index (RFC 9420 section 7.7). */
  addLeaf(leaf: LeafNode): number {
    let leafIndex = this.#leaves.indexOf(undefined)
    if (leafIndex < 0) {
      leafIndex = this.leafCount
      this.#widen()
    }
    for (const node of directPath(2 * leafIndex, this.leafCount)) {
      const parent = this.parent(node)
      if (parent === undefined) continue
      const unmergedLeaves = [...parent.unmergedLeaves, leafIndex].sort((a, b) => a - b)
      this.#parents[(node - 1) / 2] = { ...parent, unmergedLeaves }
    }
    this.#setLeaf(leafIndex, leaf)
    return leafIndex
  }

  /** Replaces a leaf and blanks its direct path (RFC 9420 section 12.1.2). */
  updateLeaf(leafIndex: number, leaf: LeafNode): void {
    this.#blankDirectPath(leafIndex)
    this.#setLeaf(leafIndex, leaf)
  }

  /** Blanks a leaf and its direct path, and drops right halves that became empty (RFC 9420 section 7.8). */
  removeLeaf(leafIndex: number): void {
    this.#blankDirectPath(leafIndex)
    this.#setLeaf(leafIndex, undefined)
    while (this.leafCount > 1 && this.#isRightHalfBlank()) {
      const half = this.leafCount / 2
      this.#leaves.length = half
      this.#parents.length = half - 1
      this.#hashes.length = Math.min(this.#hashes.length, nodeWidth(half))
    }
  }

  /**
   * Puts the keys of an UpdatePath onto the filtered direct path of a leaf and blanks the rest of that path
   * (RFC 9420 section 7.5). Returns the parent hash that belongs into the leaf. `setPathLeaf` comes after.
   */
  mergeKeys(leafIndex: number, encryptionKeys: readonly Uint8Array[]): Uint8Array {
    const path = this.filteredDirectPath(leafIndex)
    if (path.length !== encryptionKeys.length) throw new MlsError('invalid', 'a path has the wrong length')
    this.#blankDirectPath(leafIndex)
    let parentHash: Uint8Array = new Uint8Array(0)
    for (const [index, { node, copathChild }] of [...path.entries()].reverse()) {
      const parent: ParentNode = { encryptionKey: encryptionKeys[index]!, parentHash, unmergedLeaves: [] }
      this.#parents[(node - 1) / 2] = parent
      parentHash = this.parentHash(parent, copathChild)
    }
    return parentHash
  }

  /** Puts the leaf of an UpdatePath below the keys that `mergeKeys` has set. */
  setPathLeaf(leafIndex: number, leaf: LeafNode): void {
    this.#setLeaf(leafIndex, leaf)
  }

  /** The tree hash of a subtree, or of the whole tree (RFC 9420 section 7.8). */
  treeHash(node: number = root(this.leafCount)): Uint8Array {
    const known = this.#hashes[node]
    if (known !== undefined) return known
    const hash = this.#hashNode(node)
    this.#hashes[node] = hash
    return hash
  }

  /** ParentHashInput of a parent and one of its children, hashed (RFC 9420 section 7.9). */
  parentHash(parent: ParentNode, copathChild: number): Uint8Array {
    const siblingHash = this.#originalTreeHash(copathChild, parent.unmergedLeaves)
    return this.#suite.kdf.hash(
      new Writer().opaque(parent.encryptionKey).opaque(parent.parentHash).opaque(siblingHash).finish()
    )
  }

  /** The tree hash of a subtree as it was before some leaves were added. */
  #originalTreeHash(node: number, without: readonly number[]): Uint8Array {
    const inside = without.filter(leafIndex => isBelow(2 * leafIndex, node))
    return inside.length === 0 ? this.treeHash(node) : this.#hashNode(node, inside)
  }

  #hashNode(node: number, without: readonly number[] = []): Uint8Array {
    const omitted = new Set(without)
    const writer = new Writer()
    if (node % 2 === 0) {
      const leafIndex = node / 2
      const leaf = omitted.has(leafIndex) ? undefined : this.leaf(leafIndex)
      writer.u8(NODE_TYPE.leaf).u32(leafIndex).optional(leaf, writeLeafNode)
    } else {
      const parent = this.parent(node)
      const original = parent && {
        ...parent,
        unmergedLeaves: parent.unmergedLeaves.filter(leafIndex => !omitted.has(leafIndex))
      }
      writer.u8(NODE_TYPE.parent).optional(original, writeParentNode)
      for (const child of [left(node), right(node)]) writer.opaque(this.#originalTreeHash(child, without))
    }
    return this.#suite.kdf.hash(writer.finish())
  }

  #isRightHalfBlank(): boolean {
    for (let leafIndex = this.leafCount / 2; leafIndex < this.leafCount; leafIndex++)
      if (this.leaf(leafIndex) !== undefined) return false
    return true
  }

  #isBlank(node: number): boolean {
    return this.encryptionKey(node) === undefined
  }

  #isEmpty(node: number): boolean {
    if (!this.#isBlank(node)) return false
    return node % 2 === 0 || (this.#isEmpty(left(node)) && this.#isEmpty(right(node)))
  }

  #setLeaf(leafIndex: number, leaf: LeafNode | undefined): void {
    this.#memberCount += Number(leaf !== undefined) - Number(this.leaf(leafIndex) !== undefined)
    this.#leaves[leafIndex] = leaf
    this.#hashes[2 * leafIndex] = undefined
    for (const node of directPath(2 * leafIndex, this.leafCount)) this.#hashes[node] = undefined
  }

  #blankDirectPath(leafIndex: number): void {
    for (const node of directPath(2 * leafIndex, this.leafCount)) {
      this.#parents[(node - 1) / 2] = undefined
      this.#hashes[node] = undefined
    }
  }

  /** Doubles the width: the old tree becomes the left half. */
  #widen(): void {
    const leafCount = 2 * this.leafCount
    if (leafCount > mlsLimits.leavesMax) throw new MlsError('invalid', 'the tree has no room left')
    while (this.#leaves.length < leafCount) this.#leaves.push(undefined)
    while (this.#parents.length < leafCount - 1) this.#parents.push(undefined)
  }

  #writeNode(writer: Writer, node: number): void {
    if (node % 2 === 0)
      writer.optional(this.leaf(node / 2), (inner, leaf) => writeLeafNode(inner.u8(NODE_TYPE.leaf), leaf))
    else
      writer.optional(this.parent(node), (inner, parent) =>
        writeParentNode(inner.u8(NODE_TYPE.parent), parent)
      )
  }
}
