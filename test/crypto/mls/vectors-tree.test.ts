/** The RFC 9420 vectors of the MLS working group: ratchet trees. */
import { expect, test } from 'vitest'
import { fromUtf8, toHex } from '../../../src/base/bytes.ts'
import { cipherSuite } from '../../../src/crypto/mls/cipher-suite.ts'
import { decode, encode } from '../../../src/crypto/mls/codec.ts'
import { readUpdatePath, writeUpdatePath } from '../../../src/crypto/mls/commit.ts'
import { encodeGroupContext } from '../../../src/crypto/mls/group-context.ts'
import type { GroupContext } from '../../../src/crypto/mls/group-context.ts'
import { readProposal } from '../../../src/crypto/mls/proposal.ts'
import { RatchetTree } from '../../../src/crypto/mls/ratchet-tree.ts'
import { applyUpdatePath, createUpdatePath, nodeKeyPair } from '../../../src/crypto/mls/tree-kem.ts'
import * as treeMath from '../../../src/crypto/mls/tree-math.ts'
import { verifyTree } from '../../../src/crypto/mls/tree-validation.ts'
import { describeVectors, hex } from './vectors.ts'

interface TreeMathCase {
  n_leaves: number
  n_nodes: number
  root: number
  left: (number | null)[]
  right: (number | null)[]
  parent: (number | null)[]
  sibling: (number | null)[]
}

describeVectors<TreeMathCase>('mls/tree-math', cases => {
  test.each(cases)('a tree of $n_leaves leaves', vector => {
    const root = treeMath.root(vector.n_leaves)
    expect(root).toBe(vector.root)
    expect(treeMath.nodeWidth(vector.n_leaves)).toBe(vector.n_nodes)
    for (let node = 0; node < vector.n_nodes; node++) {
      if (node % 2 === 1) expect(treeMath.left(node)).toBe(vector.left[node])
      if (node % 2 === 1) expect(treeMath.right(node)).toBe(vector.right[node])
      if (node !== root) expect(treeMath.parent(node)).toBe(vector.parent[node])
      if (node !== root) expect(treeMath.sibling(node)).toBe(vector.sibling[node])
    }
  })
})

interface TreeOperationCase {
  cipher_suite: number
  proposal: string
  proposal_sender: number
  tree_before: string
  tree_after: string
  tree_hash_before: string
  tree_hash_after: string
}

describeVectors<TreeOperationCase>('mls/tree-operations', cases => {
  test.each(cases.map((vector, index) => [index, vector] as const))('case %i', (_, vector) => {
    const suite = cipherSuite(vector.cipher_suite)
    const before = decode(RatchetTree.reader(suite), hex(vector.tree_before))
    expect(toHex(before.treeHash())).toBe(vector.tree_hash_before)
    const proposal = decode(readProposal, hex(vector.proposal))
    const after = before.copy()
    if (proposal.type === 'add') after.addLeaf(proposal.keyPackage.leafNode)
    if (proposal.type === 'update') after.updateLeaf(vector.proposal_sender, proposal.leafNode)
    if (proposal.type === 'remove') after.removeLeaf(proposal.removed)
    expect(toHex(after.encode())).toBe(vector.tree_after)
    expect(toHex(after.treeHash())).toBe(vector.tree_hash_after)
    expect(toHex(before.encode())).toBe(vector.tree_before)
    expect(toHex(before.treeHash())).toBe(vector.tree_hash_before)
  })
})

interface TreeValidationCase {
  cipher_suite: number
  tree: string
  group_id: string
  tree_hashes: string[]
  resolutions: number[][]
}

describeVectors<TreeValidationCase>('mls/tree-validation', cases => {
  test.each(cases.map((vector, index) => [index, vector] as const))('case %i', (_, vector) => {
    const suite = cipherSuite(vector.cipher_suite)
    const tree = decode(RatchetTree.reader(suite), hex(vector.tree))
    for (const [node, hash] of vector.tree_hashes.entries()) expect(toHex(tree.treeHash(node))).toBe(hash)
    for (const [node, expected] of vector.resolutions.entries())
      expect(tree.resolution(node)).toEqual(expected)
    verifyTree(suite, tree, hex(vector.group_id))
    expect(() => verifyTree(suite, tree, fromUtf8('another group'))).toThrow()
  })
})

interface TreeKemCase {
  cipher_suite: number
  confirmed_transcript_hash: string
  epoch: number
  group_id: string
  leaves_private: {
    encryption_priv: string
    index: number
    path_secrets: { node: number; path_secret: string }[]
    signature_priv: string
  }[]
  ratchet_tree: string
  update_paths: {
    commit_secret: string
    path_secrets: (string | null)[]
    sender: number
    tree_hash_after: string
    update_path: string
  }[]
}

describeVectors<TreeKemCase>('mls/treekem', cases => {
  test.each(cases.map((vector, index) => [index, vector] as const))('case %i', (_, vector) => {
    const suite = cipherSuite(vector.cipher_suite)
    const tree = decode(RatchetTree.reader(suite), hex(vector.ratchet_tree))
    const context = (treeHash: Uint8Array): GroupContext => ({
      cipherSuite: suite.id,
      groupId: hex(vector.group_id),
      epoch: BigInt(vector.epoch),
      treeHash,
      confirmedTranscriptHash: hex(vector.confirmed_transcript_hash),
      extensions: []
    })
    const groupContext = (treeHash: Uint8Array): Uint8Array => encodeGroupContext(context(treeHash))
    const members = vector.leaves_private.map(member => {
      const nodeKeys = new Map([[2 * member.index, hex(member.encryption_priv)]])
      for (const { node, path_secret: secret } of member.path_secrets) {
        const pair = nodeKeyPair(suite, hex(secret))
        expect(pair.publicKey).toEqual(tree.encryptionKey(node))
        nodeKeys.set(node, pair.secretKey)
      }
      return { index: member.index, nodeKeys, signatureSecret: hex(member.signature_priv) }
    })
    const receive = (index: number, nodeKeys: Map<number, Uint8Array>, sender: number, path: Uint8Array) => {
      const after = tree.copy()
      const commitSecret = applyUpdatePath(suite, {
        tree: after,
        senderLeaf: sender,
        path: decode(readUpdatePath, path),
        ownLeaf: index,
        nodeKeys: new Map(nodeKeys),
        addedLeaves: new Set(),
        groupContext
      })
      return { after, commitSecret }
    }
    for (const update of vector.update_paths) {
      const path = hex(update.update_path)
      expect(toHex(encode(writeUpdatePath, decode(readUpdatePath, path)))).toBe(update.update_path)
      for (const { index, nodeKeys } of members) {
        if (index === update.sender) continue
        const { after, commitSecret } = receive(index, nodeKeys, update.sender, path)
        expect(toHex(after.treeHash())).toBe(update.tree_hash_after)
        expect(toHex(commitSecret)).toBe(update.commit_secret)
      }
    }
    // And the other way: a path of ours gives everybody else the same secret.
    const [author, ...others] = members
    const ours = tree.copy()
    const created = createUpdatePath(suite, {
      tree: ours,
      groupId: hex(vector.group_id),
      leafIndex: author!.index,
      leaf: tree.leaf(author!.index)!,
      signatureSecret: author!.signatureSecret,
      addedLeaves: new Set(),
      groupContext
    })
    verifyTree(suite, ours, hex(vector.group_id))
    for (const { index, nodeKeys } of others) {
      const { after, commitSecret } = receive(
        index,
        nodeKeys,
        author!.index,
        encode(writeUpdatePath, created.path)
      )
      expect(after.treeHash()).toEqual(ours.treeHash())
      expect(commitSecret).toEqual(created.commitSecret)
    }
  })
})
