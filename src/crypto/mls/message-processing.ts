/**
 * Processing what others sent in an epoch (RFC 9420 sections 12.1.8 and 12.4.2).
 *
 * Always true: a message that is refused changes nothing. A commit makes a new state and leaves the old one as
 * it was but for the key of the message, so several commits on one epoch can be followed side by side.
 */
import { mlsLimits } from '../../base/limits.ts'
import { asKey } from './as-key.ts'
import type { Commit } from './commit.ts'
import { invalid, MlsError, refusing } from './errors.ts'
import { enterEpoch, keysStillValid, resumptionPsksAfter } from './epoch-state.ts'
import type { EpochState } from './epoch-state.ts'
import { encodeAuthenticatedContent } from './framing.ts'
import type { AuthenticatedContent, Sender } from './framing.ts'
import { encodeGroupContext } from './group-context.ts'
import { receiveExternalInit } from './key-schedule.ts'
import { verifyLeafNode } from './leaf-node.ts'
import type { LeafNode } from './leaf-node.ts'
import { checkMembersSupport, checkNewLeaf } from './leaf-validation.ts'
import type { LeafPolicy } from './leaf-validation.ts'
import { unprotect } from './message-protection.ts'
import { decodeMlsMessage } from './mls-message.ts'
import { provisionalContext, resolvePsks, stepEpoch, wipeJoinerSecrets } from './next-epoch.ts'
import type { PskLookup } from './pre-shared-key.ts'
import { applyProposals } from './proposal-list.ts'
import type { AppliedProposals, SentProposal } from './proposal-list.ts'
import { proposalRef } from './proposal.ts'
import { applyUpdatePath } from './tree-kem.ts'
import type { NodeKeys } from './tree-kem.ts'
import { distinctKeys } from './tree-validation.ts'
import { equal } from '../../base/bytes.ts'

/** A commit before it takes effect, for `authorize`. */
export interface CommitReview {
  /** The leaf index of the committer in this epoch; undefined for somebody who joins by it. */
  readonly sender: number | undefined
  readonly senderType: Sender['type']
  readonly proposals: readonly SentProposal[]
  readonly authenticatedData: Uint8Array
  /** The new leaf of the committer, where the commit has a path. */
  readonly pathLeaf: LeafNode | undefined
}

/** What the processing of a message may be told. */
export interface ProcessOptions extends LeafPolicy {
  /**
   * Whether a commit may take effect. Asked before anything but the sender's signature is verified, so that who
   * refuses does not first verify a thousand key packages; `proposals` may be nonsense. The commit is refused
   * where this says no, and where it throws, with that error; nothing has changed in either case.
   */
  readonly authorize?: ((review: CommitReview) => boolean) | undefined
  /** Default true. With false, proposals sent on their own are refused, so that no commit can name them. */
  readonly standaloneProposals?: boolean | undefined
  readonly psk?: PskLookup | undefined
}

interface Received {
  /** The leaf index of the sender in this epoch; undefined for senders outside it. */
  readonly sender: number | undefined
  readonly senderType: Sender['type']
  readonly authenticatedData: Uint8Array
}

/** What a message was. A commit that removes us has no state. */
export type ProcessedState =
  | (Received & { readonly kind: 'application'; readonly data: Uint8Array })
  | (Received & {
      readonly kind: 'proposal'
      readonly proposal: SentProposal
      readonly reference: Uint8Array
    })
  | (Received & {
      readonly kind: 'commit'
      readonly proposals: readonly SentProposal[]
      readonly state: EpochState | undefined
    })

/** Processes one MLSMessage of this epoch. Throws MlsError and changes nothing. */
export function processMessage(
  state: EpochState,
  bytes: Uint8Array,
  options: ProcessOptions
): ProcessedState {
  const { authenticated, consume } = unprotect(state, decodeMlsMessage(bytes))
  const { content, sender, authenticatedData } = authenticated.framed
  const received: Received = {
    sender: sender.type === 'member' ? sender.leafIndex : undefined,
    senderType: sender.type,
    authenticatedData
  }
  if (content.type === 'application') {
    consume()
    return { kind: 'application', ...received, data: content.data }
  }
  if (content.type === 'proposal') {
    if (options.standaloneProposals === false)
      throw new MlsError('refused', 'a proposal outside of a commit was not authorized')
    const reference = proposalRef(state.suite, encodeAuthenticatedContent(authenticated))
    const proposal = { proposal: content.proposal, sender, reference }
    keepProposal(state, proposal)
    consume()
    return { kind: 'proposal', ...received, proposal, reference }
  }
  const { proposals, state: next } = processCommit(state, authenticated, content.commit, options)
  consume()
  return { kind: 'commit', ...received, proposals, state: next }
}

/** Keeps a proposal for a commit to name. Throws MlsError where an epoch has too many. */
export function keepProposal(
  state: EpochState,
  proposal: SentProposal & { readonly reference: Uint8Array }
): void {
  const key = asKey(proposal.reference)
  if (!state.proposals.has(key) && state.proposals.size >= mlsLimits.proposalsPendingMax)
    throw invalid('this epoch has too many proposals')
  state.proposals.set(key, proposal)
}

function processCommit(
  state: EpochState,
  authenticated: AuthenticatedContent,
  commit: Commit,
  options: ProcessOptions
): { proposals: readonly SentProposal[]; state: EpochState | undefined } {
  if (state.reinit !== undefined) throw new MlsError('reinitialised', 'this group was closed by a ReInit')
  const { suite } = state
  const { sender, authenticatedData } = authenticated.framed
  const committer = sender.type === 'member' ? sender.leafIndex : undefined
  const proposals = resolveProposals(state, commit, sender)
  askApplication(options, {
    sender: committer,
    senderType: sender.type,
    proposals,
    authenticatedData,
    pathLeaf: commit.path?.leafNode
  })
  const applied = applyProposals(suite, {
    ...options,
    context: state.context,
    tree: state.tree,
    proposals,
    committer
  })
  if (applied.pathRequired && commit.path === undefined)
    throw invalid('a commit without the path that it needs')
  if (applied.removed.has(state.ownLeaf)) return { proposals, state: undefined }

  const own = ownKeysAfter(state, applied)
  const commitSecret = followPath(state, commit, committer, applied, own.nodeKeys, options)
  checkMembersSupport(applied.tree, applied.extensions)
  const next = stepEpoch({
    suite,
    interimTranscriptHash: state.interimTranscriptHash,
    initSecret: initSecretOf(state, applied),
    commitSecret,
    psks: resolvePsks(applied.psks, options.psk, state),
    context: provisionalContext(state.context, applied.extensions, applied.tree.treeHash()),
    commit: authenticated
  })
  wipeJoinerSecrets(next)
  if (!suite.equal(next.confirmationTag, authenticated.confirmationTag ?? new Uint8Array(0)))
    throw invalid('the confirmation tag of a commit is not valid')
  return {
    proposals,
    state: enterEpoch({
      suite,
      context: next.context,
      tree: applied.tree,
      ownLeaf: state.ownLeaf,
      ...own,
      secrets: next.secrets,
      encryptionSecret: next.encryptionSecret,
      confirmationTag: next.confirmationTag,
      resumptionPsks: resumptionPsksAfter(state),
      reinit: applied.reinit
    })
  }
}

function askApplication({ authorize }: ProcessOptions, review: CommitReview): void {
  if (authorize !== undefined && !authorize(review))
    throw new MlsError('refused', 'a commit was not authorized')
}

function resolveProposals(state: EpochState, commit: Commit, sender: Sender): SentProposal[] {
  return commit.proposals.map(entry => {
    if (entry.type === 'proposal') return { proposal: entry.proposal, sender }
    const known = state.proposals.get(asKey(entry.reference))
    if (known === undefined) throw new MlsError('missing-proposal', 'a commit names a proposal not seen here')
    return known
  })
}

/** Our keys once the proposals took effect: those of a pending Update where the commit applies it. */
function ownKeysAfter(
  state: EpochState,
  { tree }: AppliedProposals
): { nodeKeys: NodeKeys; signatureSecret: Uint8Array } {
  const nodeKeys = keysStillValid(state, tree)
  const leaf = tree.leaf(state.ownLeaf)!
  const update = state.pendingUpdates.find(({ encryptionKey }) => equal(encryptionKey, leaf.encryptionKey))
  if (update === undefined) return { nodeKeys, signatureSecret: state.signatureSecret }
  nodeKeys.set(2 * state.ownLeaf, Uint8Array.from(update.encryptionSecret))
  return { nodeKeys, signatureSecret: update.signatureSecret }
}

/** Applies the path of a commit to the tree and to our keys; returns the commit secret. */
function followPath(
  state: EpochState,
  { path }: Commit,
  committer: number | undefined,
  applied: AppliedProposals,
  nodeKeys: NodeKeys,
  policy: LeafPolicy
): Uint8Array {
  const { suite, context } = state
  const { tree, extensions, encryptionKeys } = applied
  if (path === undefined) return new Uint8Array(suite.kdf.hashLength)
  const { leafNode } = path
  const keys = [leafNode.encryptionKey, ...path.nodes.map(node => node.encryptionKey)].map(asKey)
  if (new Set(keys).size < keys.length || keys.some(key => encryptionKeys.has(key)))
    throw invalid('a path with keys that are not new')
  const replaced = committer ?? [...applied.removed][0]
  const previous = replaced === undefined ? undefined : state.tree.leaf(replaced)
  const senderLeaf = committer ?? tree.addLeaf(leafNode)
  const position = { groupId: context.groupId, leafIndex: senderLeaf }
  if (leafNode.source.type !== 'commit' || !verifyLeafNode(suite, leafNode, position))
    throw invalid('the signature of the leaf of a path is not valid')
  checkNewLeaf(suite, leafNode, previous, policy)
  if (path.nodes.length !== tree.filteredDirectPath(senderLeaf).length)
    throw invalid('a path has the wrong length')
  // Nobody who has to seal to one of these keys later could update any more if it were not valid.
  for (const node of path.nodes)
    refusing('a key of a path is not valid', () => suite.hpke.validatePublicKey(node.encryptionKey))
  const commitSecret = applyUpdatePath(suite, {
    tree,
    senderLeaf,
    path,
    ownLeaf: state.ownLeaf,
    nodeKeys,
    addedLeaves: new Set(applied.added.map(({ leafIndex }) => leafIndex)),
    groupContext: treeHash => encodeGroupContext(provisionalContext(context, extensions, treeHash))
  })
  distinctKeys(tree)
  return commitSecret
}

const initSecretOf = (state: EpochState, { externalInit }: AppliedProposals): Uint8Array =>
  externalInit === undefined
    ? state.secrets.initSecret
    : refusing('an ExternalInit does not open', () =>
        receiveExternalInit(state.suite, state.secrets.externalSecret, externalInit)
      )
