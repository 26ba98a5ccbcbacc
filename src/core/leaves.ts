/**
 * Leaves: whose device each leaf of an MLS tree is, proved by its credential.
 *
 * Spec: specs/identity.md, section 4. Always true: a leaf belongs to one device of one identity and never changes
 * hands; a credential is verified once, however many epochs have it.
 */
import { equal } from '../base/bytes.ts'
import { malformed } from '../base/errors.ts'
import type { IdentityId } from '../base/ids.ts'
import type { Epoch, LeafNode, ValidateCredential } from '../crypto/mls/index.ts'
import type { TreeLeaf } from './commit-order.ts'
import { verifyCredential } from './seal/credential.ts'

/** A leaf of a tree, and whom it belongs to. */
export interface Leaf extends TreeLeaf {
  readonly identity: IdentityId
}

/** Whom each leaf belongs to: trees of one branch share their leaves, and a credential is verified once. */
const owners = new WeakMap<LeafNode, Omit<Leaf, 'index'>>()

/** Whom a leaf belongs to, by its credential. Throws MALFORMED. */
export function ownerOf(leaf: LeafNode): Omit<Leaf, 'index'> {
  let owner = owners.get(leaf)
  if (owner === undefined) {
    const { credential, signatureKey } = leaf
    if (credential.type !== 'basic') throw malformed('a leaf without a Hearsay credential')
    const { identity, device } = verifyCredential(credential.identity, signatureKey)
    owner = { identity, device }
    owners.set(leaf, owner)
  }
  return owner
}

/** Everybody's leaf. Throws MALFORMED at a credential that is not Hearsay's. */
export const leavesOf = (mls: Epoch): Leaf[] =>
  mls.members().map(({ index, leaf }) => ({ index, ...ownerOf(leaf) }))

/** The leaf at an index. Throws MALFORMED where nobody has it. */
export function leafAt(leaves: readonly Leaf[], index: number): Leaf {
  const leaf = leaves.find(each => each.index === index)
  if (leaf === undefined) throw malformed('a message of no member')
  return leaf
}

/** A newcomer is somebody whom a credential names; a commit may renew its author's keys, never its author. */
export const hearsayCredential: ValidateCredential = (credential, signatureKey) => {
  if (credential.type !== 'basic') return false
  verifyCredential(credential.identity, signatureKey)
  return true
}

/** The same leaf key and the same owner as before, for a leaf that was there; a good credential for a new one. */
export const sameOwner: ValidateCredential = (credential, signatureKey, previous) => {
  if (previous === undefined) return hearsayCredential(credential, signatureKey, previous)
  return (
    previous.credential.type === 'basic' &&
    credential.type === 'basic' &&
    equal(previous.credential.identity, credential.identity) &&
    equal(previous.signatureKey, signatureKey)
  )
}
