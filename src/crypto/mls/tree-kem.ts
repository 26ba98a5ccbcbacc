/**
 * TreeKEM (RFC 9420 sections 7.4 to 7.6): a member replaces the keys on its path, and everybody else learns
 * exactly the secrets of the nodes above them.
 */
import { equal } from '../../base/bytes.ts'
import type { CipherSuite } from './cipher-suite.ts'
import type { UpdatePath } from './commit.ts'
import { invalid } from './errors.ts'
import { decryptWithLabel, deriveSecret, encryptWithLabel } from './labels.ts'
import { signLeafNode } from './leaf-node.ts'
import type { LeafNodeContent } from './leaf-node.ts'
import type { RatchetTree } from './ratchet-tree.ts'
import { isBelow } from './tree-math.ts'

/** Secret HPKE keys by node index. */
export type NodeKeys = Map<number, Uint8Array>

/** The key pair of a node, from its path secret (RFC 9420 section 7.4). */
export function nodeKeyPair(suite: CipherSuite, pathSecret: Uint8Array) {
  const nodeSecret = deriveSecret(suite, pathSecret, 'node')
  const pair = suite.hpke.deriveKeyPair(nodeSecret)
  nodeSecret.fill(0)
  return pair
}

/** The path secret one node further up. */
export const nextPathSecret = (suite: CipherSuite, pathSecret: Uint8Array): Uint8Array =>
  deriveSecret(suite, pathSecret, 'path')

/** What `createUpdatePath` needs. */
export interface UpdatePathInit {
  /** The tree after all proposals; it is changed into the tree after the commit. */
  readonly tree: RatchetTree
  readonly groupId: Uint8Array
  readonly leafIndex: number
  /** The new leaf but for its encryption key and its source. */
  readonly leaf: Omit<LeafNodeContent, 'encryptionKey' | 'source'>
  readonly signatureSecret: Uint8Array
  /** Leaves that this commit adds: they get the secrets in their Welcome and not by the path. */
  readonly addedLeaves: ReadonlySet<number>
  /** The encoded group context of the new epoch but for its transcript, once its tree hash is known. */
  readonly groupContext: (treeHash: Uint8Array) => Uint8Array
}

/** A path, and what its author keeps. */
export interface CreatedUpdatePath {
  readonly path: UpdatePath
  readonly commitSecret: Uint8Array
  readonly nodeKeys: NodeKeys
  /** The path secret of each node on the filtered direct path, from the leaf up. */
  readonly pathSecrets: readonly { readonly node: number; readonly secret: Uint8Array }[]
}

/** Replaces all keys on one's own path, in the tree too. */
export function createUpdatePath(suite: CipherSuite, init: UpdatePathInit): CreatedUpdatePath {
  const { tree, leafIndex, addedLeaves } = init
  const filtered = tree.filteredDirectPath(leafIndex)
  const recipients = filtered.map(({ copathChild }) => resolutionWithout(tree, copathChild, addedLeaves))
  const leafKeys = suite.hpke.generateKeyPair()
  const nodeKeys: NodeKeys = new Map([[2 * leafIndex, leafKeys.secretKey]])

  let secret = suite.random(suite.kdf.hashLength)
  const steps = filtered.map(({ node }) => {
    const step = { node, secret, keys: nodeKeyPair(suite, secret) }
    nodeKeys.set(node, step.keys.secretKey)
    secret = nextPathSecret(suite, secret)
    return step
  })
  const parentHash = tree.mergeKeys(
    leafIndex,
    steps.map(step => step.keys.publicKey)
  )
  const leafNode = signLeafNode(
    suite,
    init.signatureSecret,
    { ...init.leaf, encryptionKey: leafKeys.publicKey, source: { type: 'commit', parentHash } },
    { groupId: init.groupId, leafIndex }
  )
  tree.setPathLeaf(leafIndex, leafNode)

  const groupContext = init.groupContext(tree.treeHash())
  const nodes = steps.map((step, index) => ({
    encryptionKey: step.keys.publicKey,
    encryptedPathSecrets: recipients[index]!.map(node =>
      encryptWithLabel(suite, tree.encryptionKey(node)!, 'UpdatePathNode', groupContext, step.secret)
    )
  }))
  // Without anybody else in the tree there is no root secret to derive from; any fresh secret will do.
  const commitSecret = filtered.length > 0 ? secret : nextPathSecret(suite, secret)
  return { path: { leafNode, nodes }, commitSecret, nodeKeys, pathSecrets: steps }
}

/** What `applyUpdatePath` needs. */
export interface ReceivedUpdatePath {
  /** The tree after all proposals; it is changed into the tree after the commit. */
  readonly tree: RatchetTree
  readonly senderLeaf: number
  readonly path: UpdatePath
  readonly ownLeaf: number
  /** One's secret keys in that tree; the new ones are put in. */
  readonly nodeKeys: NodeKeys
  readonly addedLeaves: ReadonlySet<number>
  readonly groupContext: (treeHash: Uint8Array) => Uint8Array
}

/** Learns the secrets that a path has for us and changes the tree. Returns the commit secret. Throws MlsError. */
export function applyUpdatePath(suite: CipherSuite, received: ReceivedUpdatePath): Uint8Array {
  const { tree, path, senderLeaf, ownLeaf, nodeKeys } = received
  const filtered = tree.filteredDirectPath(senderLeaf)
  const overlap = filtered.findIndex(({ node }) => isBelow(2 * ownLeaf, node))
  const shared = filtered[overlap]
  if (shared === undefined) throw invalid('a path has nothing for us')
  const recipients = resolutionWithout(tree, shared.copathChild, received.addedLeaves)

  const parentHash = tree.mergeKeys(
    senderLeaf,
    path.nodes.map(node => node.encryptionKey)
  )
  const { source } = path.leafNode
  if (source.type !== 'commit' || !equal(source.parentHash, parentHash))
    throw invalid('the leaf of a path has the wrong parent hash')
  tree.setPathLeaf(senderLeaf, path.leafNode)

  const ciphertexts = path.nodes[overlap]!.encryptedPathSecrets
  if (ciphertexts.length !== recipients.length) throw invalid('a path has the wrong number of recipients')
  const ours = recipients.findIndex(node => nodeKeys.has(node))
  if (ours < 0) throw invalid('we have no key for this path')
  let secret = decryptWithLabel(
    suite,
    nodeKeys.get(recipients[ours]!)!,
    'UpdatePathNode',
    received.groupContext(tree.treeHash()),
    ciphertexts[ours]!
  )
  if (secret.length !== suite.kdf.hashLength) throw invalid('a path secret has the wrong length')

  // Keys of nodes that the sender blanked or replaced open nothing any more.
  for (const node of nodeKeys.keys())
    if (node % 2 === 1 && isBelow(2 * senderLeaf, node)) nodeKeys.delete(node)
  for (let index = overlap; index < filtered.length; index++) {
    const pair = nodeKeyPair(suite, secret)
    if (!equal(pair.publicKey, path.nodes[index]!.encryptionKey))
      throw invalid('a path secret does not give its public key')
    nodeKeys.set(filtered[index]!.node, pair.secretKey)
    const next = nextPathSecret(suite, secret)
    secret.fill(0)
    secret = next
  }
  return secret
}

const resolutionWithout = (tree: RatchetTree, node: number, leaves: ReadonlySet<number>): number[] =>
  tree.resolution(node).filter(each => each % 2 === 1 || !leaves.has(each / 2))
