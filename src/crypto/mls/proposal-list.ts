/**
 * The proposals of a commit together (RFC 9420 sections 12.2 and 12.3): whether they may stand in one list, and
 * what tree they make of the one before.
 */
import { equal } from '../../base/bytes.ts'
import { mlsLimits } from '../../base/limits.ts'
import { asKey } from './as-key.ts'
import { PROTOCOL_VERSION } from './capabilities.ts'
import type { CipherSuite } from './cipher-suite.ts'
import { invalid } from './errors.ts'
import type { Extension } from './extension.ts'
import type { Sender } from './framing.ts'
import type { GroupContext } from './group-context.ts'
import { verifyKeyPackageSignature } from './key-package.ts'
import type { KeyPackage } from './key-package.ts'
import { verifyLeafNode } from './leaf-node.ts'
import { checkNewLeaf } from './leaf-validation.ts'
import type { LeafPolicy } from './leaf-validation.ts'
import { encodePreSharedKeyId } from './pre-shared-key.ts'
import type { PreSharedKeyId, ResumptionUsage } from './pre-shared-key.ts'
import type { Proposal, ProposalType, ReInit } from './proposal.ts'
import type { RatchetTree } from './ratchet-tree.ts'
import { distinctKeys } from './tree-validation.ts'

/** A proposal with who made it. `reference` is there where it was sent on its own before the commit. */
export interface SentProposal {
  readonly proposal: Proposal
  readonly sender: Sender
  readonly reference?: Uint8Array
}

/** What a list is applied to. */
export interface ProposalListInit extends LeafPolicy {
  readonly context: GroupContext
  readonly tree: RatchetTree
  readonly proposals: readonly SentProposal[]
  /** The leaf of the committer; undefined for somebody who joins by an external commit. */
  readonly committer: number | undefined
  /** The first commit of a group that continues another one mixes in a secret for this. */
  readonly continues?: Exclude<ResumptionUsage, 'application'>
}

/** What a list makes of a group. */
export interface AppliedProposals {
  /** The new tree, before a path. A copy: the tree before is untouched. */
  readonly tree: RatchetTree
  readonly extensions: readonly Extension[]
  readonly added: readonly { readonly leafIndex: number; readonly keyPackage: KeyPackage }[]
  readonly removed: ReadonlySet<number>
  readonly psks: readonly PreSharedKeyId[]
  readonly externalInit: Uint8Array | undefined
  readonly reinit: ReInit | undefined
  readonly pathRequired: boolean
  /** All encryption keys in the tree: none of them may come again in the path. */
  readonly encryptionKeys: ReadonlySet<string>
}

type Of<Type extends ProposalType> = SentProposal & { readonly proposal: Extract<Proposal, { type: Type }> }

const ofType = <Type extends ProposalType>(proposals: readonly SentProposal[], type: Type): Of<Type>[] =>
  proposals.filter((each): each is Of<Type> => each.proposal.type === type)

const WITHOUT_PATH: ReadonlySet<ProposalType> = new Set(['add', 'psk', 'reinit'])

/** Validates and applies the proposals of a commit. Throws MlsError and changes nothing. */
export function applyProposals(suite: CipherSuite, init: ProposalListInit): AppliedProposals {
  const { proposals, context } = init
  checkList(init)
  const tree = init.tree.copy()
  const removed = applyUpdatesAndRemoves(suite, init, tree)
  const added = ofType(proposals, 'add').map(({ proposal: { keyPackage } }) => {
    checkKeyPackage(suite, keyPackage, init)
    return { leafIndex: tree.addLeaf(keyPackage.leafNode), keyPackage }
  })
  const encryptionKeys = distinctKeys(tree)
  return {
    tree,
    extensions: ofType(proposals, 'group_context_extensions')[0]?.proposal.extensions ?? context.extensions,
    added,
    removed,
    psks: checkPsks(suite, init),
    externalInit: ofType(proposals, 'external_init')[0]?.proposal.kemOutput,
    reinit: ofType(proposals, 'reinit')[0]?.proposal,
    pathRequired: proposals.length === 0 || proposals.some(each => !WITHOUT_PATH.has(each.proposal.type)),
    encryptionKeys
  }
}

/** The rules that need only the list (RFC 9420 section 12.2). */
function checkList({ proposals, committer }: ProposalListInit): void {
  const count = (type: ProposalType): number => ofType(proposals, type).length
  if (proposals.length > mlsLimits.proposalsMax) throw invalid('a commit with too many proposals')
  if (count('group_context_extensions') > 1) throw invalid('the extensions of the group are set twice')
  if (count('reinit') > 0 && proposals.length > 1) throw invalid('a ReInit beside other proposals')
  if (ofType(proposals, 'reinit').some(({ proposal }) => proposal.version < PROTOCOL_VERSION))
    throw invalid('a ReInit to an older version')
  if (committer !== undefined) {
    if (count('external_init') > 0) throw invalid('an ExternalInit by a member')
    return
  }
  if (count('external_init') !== 1) throw invalid('an external commit without one ExternalInit')
  if (count('remove') > 1) throw invalid('an external commit that removes several members')
  for (const { proposal, reference } of proposals) {
    if (reference !== undefined) throw invalid('an external commit that names proposals of others')
    if (!['external_init', 'remove', 'psk'].includes(proposal.type))
      throw invalid(`an external commit with a proposal of type ${proposal.type}`)
  }
}

/** Updates first, then removes (RFC 9420 section 12.3); each leaf is the object of one of them at most. */
function applyUpdatesAndRemoves(suite: CipherSuite, init: ProposalListInit, tree: RatchetTree): Set<number> {
  const { proposals, committer, context } = init
  const touched = new Set<number>()
  const touch = (leafIndex: number): void => {
    if (leafIndex === committer) throw invalid('a committer who updates or removes itself')
    if (touched.has(leafIndex)) throw invalid(`several proposals for leaf ${leafIndex}`)
    touched.add(leafIndex)
  }
  for (const { proposal, sender } of ofType(proposals, 'update')) {
    if (sender.type !== 'member') throw invalid('an Update from outside the group')
    const { leafIndex } = sender
    touch(leafIndex)
    const { leafNode } = proposal
    const previous = tree.leaf(leafIndex)
    if (previous === undefined || leafNode.source.type !== 'update')
      throw invalid('an Update with the leaf of something else')
    if (equal(previous.encryptionKey, leafNode.encryptionKey)) throw invalid('an Update that updates no key')
    if (!verifyLeafNode(suite, leafNode, { groupId: context.groupId, leafIndex }))
      throw invalid('the signature of an updated leaf is not valid')
    checkNewLeaf(suite, leafNode, previous, init)
    tree.updateLeaf(leafIndex, leafNode)
  }
  const removed = new Set<number>()
  for (const { proposal } of ofType(proposals, 'remove')) {
    touch(proposal.removed)
    if (init.tree.leaf(proposal.removed) === undefined) throw invalid('a Remove of nobody')
    removed.add(proposal.removed)
    tree.removeLeaf(proposal.removed)
  }
  return removed
}

/** Validates a key package for a group (RFC 9420 section 10.1). Throws MlsError. */
export function checkKeyPackage(suite: CipherSuite, keyPackage: KeyPackage, policy: LeafPolicy): void {
  const { leafNode } = keyPackage
  if (keyPackage.version !== PROTOCOL_VERSION || keyPackage.cipherSuite !== suite.id)
    throw invalid('a key package for another version or cipher suite')
  if (leafNode.source.type !== 'key_package') throw invalid('a key package with the leaf of something else')
  if (equal(keyPackage.initKey, leafNode.encryptionKey))
    throw invalid('a key package that uses one key for two purposes')
  if (!verifyLeafNode(suite, leafNode) || !verifyKeyPackageSignature(suite, keyPackage))
    throw invalid('the signature of a key package is not valid')
  checkNewLeaf(suite, leafNode, undefined, policy)
}

/** RFC 9420 section 12.1.4. */
function checkPsks(suite: CipherSuite, { proposals, continues }: ProposalListInit): PreSharedKeyId[] {
  const psks = ofType(proposals, 'psk').map(each => each.proposal.psk)
  const seen = new Set<string>()
  for (const id of psks) {
    if (id.nonce.length !== suite.kdf.hashLength)
      throw invalid('a pre-shared key with a nonce of wrong length')
    if (id.type === 'resumption' && id.usage !== 'application' && id.usage !== continues)
      throw invalid(`a resumption secret for ${id.usage} inside a group`)
    const name = asKey(encodePreSharedKeyId(id))
    if (seen.has(name)) throw invalid('a pre-shared key twice')
    seen.add(name)
  }
  return psks
}
