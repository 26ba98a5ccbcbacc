/**
 * The integrity of a ratchet tree from elsewhere (RFC 9420 sections 7.9.2 and 12.4.3.1): every parent was
 * put there by somebody below it, so nobody outside can know its secret.
 */
import { equal } from '../../base/bytes.ts'
import { asLastingKey } from './as-key.ts'
import type { CipherSuite } from './cipher-suite.ts'
import { invalid } from './errors.ts'
import { verifyLeafNode } from './leaf-node.ts'
import { RatchetTree } from './ratchet-tree.ts'
import type { Member, ParentNode } from './ratchet-tree.ts'
import { isBelow, left, nodeWidth, parent as parentOf, right } from './tree-math.ts'

/** The keys in a tree. Throws MlsError `invalid` where two nodes have one encryption or signature key. */
export function distinctKeys(tree: RatchetTree): Set<string> {
  const encryptionKeys = new Set<string>()
  const signatureKeys = new Set<string>()
  for (let node = 0; node < nodeWidth(tree.leafCount); node++) {
    const key = tree.encryptionKey(node)
    if (key === undefined) continue
    const text = asLastingKey(key)
    if (encryptionKeys.has(text)) throw invalid('two nodes have one encryption key')
    encryptionKeys.add(text)
  }
  for (const { leaf } of tree.members()) {
    const text = asLastingKey(leaf.signatureKey)
    if (signatureKeys.has(text)) throw invalid('two members have one signature key')
    signatureKeys.add(text)
  }
  return encryptionKeys
}

/** Verifies the whole tree: leaf signatures, parent hashes, unmerged leaves, distinct keys. Throws MlsError. */
export function verifyTree(suite: CipherSuite, tree: RatchetTree, groupId: Uint8Array): void {
  distinctKeys(tree)
  const parents = new Map<number, ParentNode>()
  for (let node = 1; node < nodeWidth(tree.leafCount); node += 2) {
    const parent = tree.parent(node)
    if (parent !== undefined) parents.set(node, parent)
  }
  const unmergedIn = new Map([...parents].map(([node, parent]) => [node, new Set(parent.unmergedLeaves)]))
  for (const [node, parent] of parents) verifyUnmergedLeaves(tree, node, parent, unmergedIn)
  for (const [node, parent] of parents) verifyParentHash(tree, node, parent)
  verifyLeafSignatures(suite, tree, groupId, 0, tree.leafCount)
}

/** The members from one leaf index up to another one, exclusive, their signatures verified. Throws MlsError. */
function verifyLeafSignatures(
  suite: CipherSuite,
  tree: RatchetTree,
  groupId: Uint8Array,
  from: number,
  to: number
): Member[] {
  const members: Member[] = []
  for (let index = from; index < to; index++) {
    const leaf = tree.leaf(index)
    if (leaf === undefined) continue
    if (!verifyLeafNode(suite, leaf, { groupId, leafIndex: index }))
      throw invalid(`the signature of leaf ${index} is not valid`)
    members.push({ index, leaf })
  }
  return members
}

/** Which leaves of which tree `verifyLeaves` looks at. */
export interface LeafRange {
  /** The suite that the join will be given: it remembers what is valid. */
  readonly suite: CipherSuite
  readonly groupId: Uint8Array
  /** The leaf index to begin with. */
  readonly from: number
  /** How many leaf indices to look at. */
  readonly count: number
}

/** What `verifyLeaves` found. */
export interface VerifiedLeaves {
  /** The members in the range, their credentials for the application to judge. */
  readonly members: readonly Member[]
  /** The leaf index to go on with, or undefined where the tree ends. */
  readonly next: number | undefined
}

/**
 * Verifies the signatures of some leaves of a tree that came beside a Welcome, so that a join that follows need
 * not. It is most of what joining a large group costs, and a program that must not stop for that long does it
 * in pieces. Nothing else of the tree is verified by this. Throws MlsError `malformed` or `invalid`; a tree that
 * it refuses no join accepts.
 */
export function verifyLeaves(ratchetTree: Uint8Array, range: LeafRange): VerifiedLeaves {
  const { suite, groupId, from, count } = range
  const tree = RatchetTree.decode(suite, ratchetTree)
  const to = Math.min(from + count, tree.leafCount)
  const members = verifyLeafSignatures(suite, tree, groupId, from, to)
  return { members, next: to < tree.leafCount ? to : undefined }
}

/** Unmerged leaves ascend, are members below the parent, and are unmerged in everything between as well. */
function verifyUnmergedLeaves(
  tree: RatchetTree,
  node: number,
  parent: ParentNode,
  unmergedIn: ReadonlyMap<number, ReadonlySet<number>>
): void {
  let previous = -1
  for (const leafIndex of parent.unmergedLeaves) {
    const leaf = 2 * leafIndex
    if (leafIndex <= previous || !isBelow(leaf, node) || tree.leaf(leafIndex) === undefined)
      throw invalid('unmerged leaves are not below their parent')
    previous = leafIndex
    for (let between = parentOf(leaf); between !== node; between = parentOf(between))
      if (unmergedIn.get(between)?.has(leafIndex) === false)
        throw invalid('a leaf is unmerged above and merged below')
  }
}

/**
 * A parent is valid where some node D below one of its children C carries its parent hash, and everything else
 * in the resolution of C came later, that is: is one of the parent's unmerged leaves.
 *
 * Only the parent's own unmerged leaves count here. A leaf that was added below C after the parent's path was
 * set is unmerged in the parent, whatever it is to other ancestors; comparing those too refuses valid trees.
 */
function verifyParentHash(tree: RatchetTree, node: number, parent: ParentNode): void {
  const children = [left(node), right(node)] as const
  const isLinked = (child: number, sibling: number): boolean => {
    const expected = tree.parentHash(parent, sibling)
    const resolution = tree.resolution(child)
    const linked = resolution.find(descendant => {
      const hash = parentHashIn(tree, descendant)
      return hash !== undefined && equal(hash, expected)
    })
    if (linked === undefined) return false
    const later = parent.unmergedLeaves.filter(leafIndex => isBelow(2 * leafIndex, child))
    const others = new Set(resolution)
    others.delete(linked)
    return others.size === later.length && later.every(leafIndex => others.has(2 * leafIndex))
  }
  if (!isLinked(children[0], children[1]) && !isLinked(children[1], children[0]))
    throw invalid(`nobody below node ${node} vouches for it`)
}

function parentHashIn(tree: RatchetTree, node: number): Uint8Array | undefined {
  if (node % 2 === 1) return tree.parent(node)?.parentHash
  const source = tree.leaf(node / 2)?.source
  return source?.type === 'commit' ? source.parentHash : undefined
}
