/** Joining by an external commit (RFC 9420 section 12.4.3.2): with a GroupInfo and nobody's help. */
import { cipherSuite } from './cipher-suite.ts'
import type { CipherSuite } from './cipher-suite.ts'
import { invalid, MlsError, refusing } from './errors.ts'
import { enterEpoch } from './epoch-state.ts'
import { externalPub } from './extension.ts'
import { signContent, wireFormats } from './framing.ts'
import type { FramedContent } from './framing.ts'
import { encodeGroupContext } from './group-context.ts'
import type { GroupInfo } from './group-info.ts'
import { verifyGroupInfoAndTree } from './joining.ts'
import type { JoinOptions } from './joining.ts'
import { sendExternalInit } from './key-schedule.ts'
import { checkMembersSupport } from './leaf-validation.ts'
import { decodeMlsMessage, encodeMlsMessage } from './mls-message.ts'
import { provisionalContext, resolvePsks, stepEpoch, wipeJoinerSecrets } from './next-epoch.ts'
import type { CreatedCommit } from './commit-creation.ts'
import type { UpdatePath } from './commit.ts'
import type { GroupContext } from './group-context.ts'
import type { PreSharedKeyId } from './pre-shared-key.ts'
import { applyProposals } from './proposal-list.ts'
import type { AppliedProposals } from './proposal-list.ts'
import type { Proposal } from './proposal.ts'
import { transcriptBefore } from './transcript-hash.ts'
import { createUpdatePath } from './tree-kem.ts'
import { distinctKeys } from './tree-validation.ts'

/** What somebody who joins from outside brings along. */
export interface ExternalOptions extends JoinOptions {
  /** The leaf index of an earlier self to remove in the same step (a resync). */
  readonly replace?: number | undefined
  /** Pre-shared keys to mix in. */
  readonly psks?: readonly PreSharedKeyId[] | undefined
  readonly authenticatedData?: Uint8Array | undefined
}

/** The GroupInfo in an MLSMessage. Throws MlsError `malformed`. */
export function decodeGroupInfo(bytes: Uint8Array): GroupInfo {
  const message = decodeMlsMessage(bytes)
  if (message.type !== 'groupInfo') throw new MlsError('malformed', `a ${message.type} is no GroupInfo`)
  return message.groupInfo
}

/** Joins the group of a GroupInfo. The commit is public and must reach every member. Throws MlsError. */
export function joinByExternalCommit(bytes: Uint8Array, options: ExternalOptions): CreatedCommit {
  const info = decodeGroupInfo(bytes)
  const { keyPackage, privateKeys } = options
  const { groupContext: context } = info
  const suite = options.suite ?? cipherSuite(keyPackage.cipherSuite, { random: options.random })
  const tree = verifyGroupInfoAndTree(suite, info, options)
  const { kemOutput, initSecret } = externalInit(suite, info)
  const proposals = proposalsOf(kemOutput, options)
  const applied = applyProposals(suite, {
    ...options,
    context,
    tree,
    proposals: proposals.map(proposal => ({ proposal, sender: SENDER })),
    committer: undefined
  })
  const { ownLeaf, created } = joinTree(suite, context, applied, options)
  const commit = signCommit(suite, context, { proposals, path: created.path }, options)
  const next = stepEpoch({
    suite,
    interimTranscriptHash: transcriptBefore(suite, info),
    initSecret,
    commitSecret: created.commitSecret,
    psks: resolvePsks(applied.psks, options.psk),
    context: provisionalContext(context, applied.extensions, applied.tree.treeHash()),
    commit
  })
  wipeJoinerSecrets(next)
  const { confirmationTag } = next
  const state = enterEpoch({
    suite,
    context: next.context,
    tree: applied.tree,
    ownLeaf,
    nodeKeys: created.nodeKeys,
    signatureSecret: Uint8Array.from(privateKeys.signature),
    secrets: next.secrets,
    encryptionSecret: next.encryptionSecret,
    confirmationTag,
    resumptionPsks: new Map(),
    reinit: undefined
  })
  const authenticated = { ...commit, confirmationTag }
  const publicMessage = { authenticated, membershipTag: undefined }
  const message = encodeMlsMessage({ type: 'publicMessage', publicMessage })
  return { state, commit: message, welcome: undefined }
}

const SENDER = { type: 'new_member_commit' } as const

function proposalsOf(kemOutput: Uint8Array, { replace, psks = [] }: ExternalOptions): Proposal[] {
  const proposals: Proposal[] = [{ type: 'external_init', kemOutput }]
  if (replace !== undefined) proposals.push({ type: 'remove', removed: replace })
  for (const psk of psks) proposals.push({ type: 'psk', psk })
  return proposals
}

/** Puts ourselves into the tree, with fresh keys up to the root. */
function joinTree(
  suite: CipherSuite,
  context: GroupContext,
  applied: AppliedProposals,
  { keyPackage, privateKeys }: ExternalOptions
) {
  // The leaf of the key package only holds the place: the path brings the real one.
  const ownLeaf = applied.tree.addLeaf(keyPackage.leafNode)
  const created = createUpdatePath(suite, {
    tree: applied.tree,
    groupId: context.groupId,
    leafIndex: ownLeaf,
    leaf: keyPackage.leafNode,
    signatureSecret: privateKeys.signature,
    addedLeaves: new Set(),
    groupContext: treeHash => encodeGroupContext(provisionalContext(context, applied.extensions, treeHash))
  })
  distinctKeys(applied.tree)
  checkMembersSupport(applied.tree, applied.extensions)
  return { ownLeaf, created }
}

function signCommit(
  suite: CipherSuite,
  context: GroupContext,
  { proposals, path }: { readonly proposals: readonly Proposal[]; readonly path: UpdatePath },
  { privateKeys, authenticatedData }: ExternalOptions
) {
  const wireFormat = wireFormats.publicMessage
  const framed: FramedContent = {
    groupId: context.groupId,
    epoch: context.epoch,
    sender: SENDER,
    authenticatedData: authenticatedData ?? new Uint8Array(0),
    content: {
      type: 'commit',
      commit: { proposals: proposals.map(proposal => ({ type: 'proposal', proposal })), path }
    }
  }
  const contextBytes = encodeGroupContext(context)
  return {
    wireFormat,
    framed,
    signature: signContent(suite, privateKeys.signature, wireFormat, framed, contextBytes)
  }
}

function externalInit(suite: CipherSuite, info: GroupInfo) {
  const publicKey = externalPub(info.extensions)
  if (publicKey === undefined) throw invalid('a GroupInfo that lets nobody join from outside')
  return refusing('the external key of a GroupInfo is not valid', () => sendExternalInit(suite, publicKey))
}
