/** Creating a commit (RFC 9420 section 12.4.1), its GroupInfo and its Welcome. */
import { mlsLimits } from '../../base/limits.ts'
import type { KeyPair } from '../hpke.ts'
import { asKey } from './as-key.ts'
import { encode } from './codec.ts'
import type { Capabilities } from './capabilities.ts'
import type { CipherSuite } from './cipher-suite.ts'
import type { Credential } from './credential.ts'
import { invalid, MlsError } from './errors.ts'
import { enterEpoch, keysStillValid, resumptionPsksAfter } from './epoch-state.ts'
import type { EpochState } from './epoch-state.ts'
import { externalPubExtension, extensionTypes } from './extension.ts'
import type { Extension } from './extension.ts'
import { encodeGroupContext } from './group-context.ts'
import { signGroupInfo, writeGroupInfo } from './group-info.ts'
import type { GroupInfo } from './group-info.ts'
import { keyPackageRef } from './key-package.ts'
import { externalPublicKey } from './key-schedule.ts'
import { encryptWithLabel } from './labels.ts'
import type { LeafNodeContent } from './leaf-node.ts'
import { checkMembersSupport, checkNewLeaf } from './leaf-validation.ts'
import type { LeafPolicy } from './leaf-validation.ts'
import { authenticate, frame, protect, wireFormatOf } from './message-protection.ts'
import type { WireFormatName } from './message-protection.ts'
import { encodeMlsMessage } from './mls-message.ts'
import { provisionalContext, resolvePsks, stepEpoch, wipeJoinerSecrets } from './next-epoch.ts'
import type { NextEpoch } from './next-epoch.ts'
import type { PreSharedKeyId, PskLookup, ResumptionUsage } from './pre-shared-key.ts'
import { applyProposals } from './proposal-list.ts'
import type { AppliedProposals, SentProposal } from './proposal-list.ts'
import type { Proposal } from './proposal.ts'
import { createUpdatePath } from './tree-kem.ts'
import type { CreatedUpdatePath } from './tree-kem.ts'
import { commonAncestor } from './tree-math.ts'
import { distinctKeys } from './tree-validation.ts'
import { sealGroupInfo, writeGroupSecrets } from './welcome.ts'

/** What a member may change about its own leaf, beyond the encryption key that always changes. */
export interface LeafChange {
  /** The commit or Update itself is still signed with the old key. */
  readonly signatureKeyPair?: KeyPair
  readonly credential?: Credential
  readonly capabilities?: Capabilities
  readonly extensions?: readonly Extension[]
}

/** What a commit may be told. */
export interface CommitOptions extends LeafPolicy {
  readonly proposals?: readonly Proposal[]
  /** References of proposals that were sent on their own and processed here. */
  readonly proposalRefs?: readonly Uint8Array[]
  readonly authenticatedData?: Uint8Array
  readonly psk?: PskLookup
  /** New keys for this member's path even where the proposals do not need them. */
  readonly forcePath?: boolean
  /** Changes of the own leaf; they come with a path. */
  readonly leaf?: LeafChange
  readonly wireFormat?: WireFormatName
  /** Default true. Without it newcomers need the tree from elsewhere (`ratchetTree`). */
  readonly ratchetTreeInWelcome?: boolean
  /** Extensions of the GroupInfo in the Welcome. */
  readonly groupInfoExtensions?: readonly Extension[]
  /** A private commit is padded to a multiple of this many bytes. */
  readonly padTo?: number
}

/** A commit, with the state that its author moves to. */
export interface CreatedCommit {
  readonly state: EpochState
  readonly commit: Uint8Array
  readonly welcome: Uint8Array | undefined
}

/** The leaf of this member after a change, but for what every new leaf gets. */
export function changedLeaf(
  state: EpochState,
  change: LeafChange = {}
): Omit<LeafNodeContent, 'encryptionKey' | 'source'> {
  const leaf = state.tree.leaf(state.ownLeaf)!
  return {
    signatureKey: change.signatureKeyPair?.publicKey ?? leaf.signatureKey,
    credential: change.credential ?? leaf.credential,
    capabilities: change.capabilities ?? leaf.capabilities,
    extensions: change.extensions ?? leaf.extensions
  }
}

/** All proposals of a commit, those by reference first. Throws MlsError `missing-proposal`. */
function gather(state: EpochState, options: CommitOptions): SentProposal[] {
  const referenced = (options.proposalRefs ?? []).map(reference => {
    const known = state.proposals.get(asKey(reference))
    if (known === undefined) throw new MlsError('missing-proposal', 'a proposal that this epoch has not seen')
    return known
  })
  const sender = { type: 'member', leafIndex: state.ownLeaf } as const
  return [...referenced, ...(options.proposals ?? []).map(proposal => ({ proposal, sender }))]
}

/** Creates a commit. The state stays as it is, but for the key of a private message. Throws MlsError. */
export function createCommit(
  state: EpochState,
  options: CommitOptions,
  continues?: Exclude<ResumptionUsage, 'application'>
): CreatedCommit {
  if (state.reinit !== undefined) throw new MlsError('reinitialised', 'this group was closed by a ReInit')
  const { suite, ownLeaf } = state
  const proposals = gather(state, options)
  const applied = applyProposals(suite, {
    ...options,
    ...(continues === undefined ? {} : { continues }),
    context: state.context,
    tree: state.tree,
    proposals,
    committer: ownLeaf
  })
  const path = createPath(state, options, applied)
  checkMembersSupport(applied.tree, applied.extensions)

  const content = {
    type: 'commit',
    commit: {
      proposals: proposals.map(({ proposal, reference }) =>
        reference === undefined
          ? ({ type: 'proposal', proposal } as const)
          : ({ type: 'reference', reference } as const)
      ),
      path: path?.path
    }
  } as const
  const framed = frame(state, content, options.authenticatedData)
  const signed = authenticate(state, wireFormatOf(options.wireFormat), framed)
  const next = stepEpoch({
    suite,
    interimTranscriptHash: state.interimTranscriptHash,
    initSecret: state.secrets.initSecret,
    commitSecret: path?.commitSecret ?? new Uint8Array(suite.kdf.hashLength),
    psks: resolvePsks(applied.psks, options.psk, state),
    context: provisionalContext(state.context, applied.extensions, applied.tree.treeHash()),
    commit: signed
  })
  const entered = enterEpoch({
    suite,
    context: next.context,
    tree: applied.tree,
    ownLeaf,
    nodeKeys: new Map([...keysStillValid(state, applied.tree), ...(path?.nodeKeys ?? [])]),
    signatureSecret: options.leaf?.signatureKeyPair?.secretKey ?? state.signatureSecret,
    secrets: next.secrets,
    encryptionSecret: next.encryptionSecret,
    confirmationTag: next.confirmationTag,
    resumptionPsks: resumptionPsksAfter(state),
    reinit: applied.reinit
  })
  const welcome = createWelcome(entered, next, applied, path, options)
  wipeWelcomeSecrets(next, path)
  // Last, because it uses up a key: whatever throws above leaves the state as it was.
  const commit = protect(state, { ...signed, confirmationTag: next.confirmationTag }, options.padTo)
  return { state: entered, commit, welcome }
}

function createPath(
  state: EpochState,
  options: CommitOptions,
  applied: AppliedProposals
): CreatedUpdatePath | undefined {
  if (!applied.pathRequired && options.forcePath !== true && options.leaf === undefined) return undefined
  const { suite, ownLeaf, context } = state
  const previous = state.tree.leaf(ownLeaf)
  const created = createUpdatePath(suite, {
    tree: applied.tree,
    groupId: context.groupId,
    leafIndex: ownLeaf,
    leaf: changedLeaf(state, options.leaf),
    signatureSecret: options.leaf?.signatureKeyPair?.secretKey ?? state.signatureSecret,
    addedLeaves: new Set(applied.added.map(({ leafIndex }) => leafIndex)),
    groupContext: treeHash => encodeGroupContext(provisionalContext(context, applied.extensions, treeHash))
  })
  if (options.leaf !== undefined) checkNewLeaf(suite, created.path.leafNode, previous, options)
  distinctKeys(applied.tree)
  return created
}

/** What a GroupInfo is made with. */
export interface GroupInfoOptions {
  /** Default true: the tree comes along. */
  readonly ratchetTree?: boolean
  /** Default false: with it, whoever has the GroupInfo can join by an external commit. */
  readonly external?: boolean
  readonly extensions?: readonly Extension[]
}

/** A GroupInfo of this epoch, signed by this member. */
export function createGroupInfo(state: EpochState, options: GroupInfoOptions = {}): GroupInfo {
  const { suite, secrets } = state
  const extensions = [...(options.extensions ?? [])]
  if (options.ratchetTree !== false)
    extensions.push({ type: extensionTypes.ratchetTree, data: state.tree.encode() })
  if (options.external === true)
    extensions.push(externalPubExtension(externalPublicKey(suite, secrets.externalSecret)))
  if (new Set(extensions.map(({ type }) => type)).size < extensions.length)
    throw invalid('a GroupInfo with one extension twice')
  return signGroupInfo(suite, state.signatureSecret, {
    groupContext: state.context,
    extensions,
    confirmationTag: state.confirmationTag,
    signer: state.ownLeaf
  })
}

/** One Welcome for everybody whom a commit adds, or undefined where it adds nobody. */
function createWelcome(
  state: EpochState,
  next: NextEpoch,
  applied: AppliedProposals,
  path: CreatedUpdatePath | undefined,
  options: CommitOptions
): Uint8Array | undefined {
  if (applied.added.length === 0) return undefined
  const { suite } = state
  const groupInfo = createGroupInfo(state, {
    ratchetTree: options.ratchetTreeInWelcome ?? true,
    extensions: options.groupInfoExtensions ?? []
  })
  const encryptedGroupInfo = sealGroupInfo(suite, next.memberSecret, encode(writeGroupInfo, groupInfo))
  const secrets = applied.added.map(({ leafIndex, keyPackage }) => {
    const pathSecret = path && pathSecretFor(path, state.ownLeaf, leafIndex)
    const groupSecrets = groupSecretsBytes(next.joinerSecret, pathSecret, applied.psks)
    const { initKey } = keyPackage
    return {
      newMember: keyPackageRef(keyPackage, suite),
      encryptedGroupSecrets: sealGroupSecrets(suite, initKey, encryptedGroupInfo, groupSecrets)
    }
  })
  const welcome = { cipherSuite: suite.id, secrets, encryptedGroupInfo }
  const bytes = encodeMlsMessage({ type: 'welcome', welcome })
  if (bytes.length > mlsLimits.messageMaxBytes)
    throw invalid('a Welcome larger than anybody accepts, its tree has to go beside it')
  return bytes
}

/** Overwrites what nobody needs once the Welcome is sealed. */
function wipeWelcomeSecrets(next: NextEpoch, path: CreatedUpdatePath | undefined): void {
  wipeJoinerSecrets(next)
  for (const { secret } of path?.pathSecrets ?? []) secret.fill(0)
}

/** The secret of the lowest node above both the committer and a newcomer. */
function pathSecretFor(path: CreatedUpdatePath, committer: number, newcomer: number): Uint8Array | undefined {
  const ancestor = commonAncestor(2 * newcomer, 2 * committer)
  return path.pathSecrets.find(({ node }) => node === ancestor)?.secret
}

const groupSecretsBytes = (
  joinerSecret: Uint8Array,
  pathSecret: Uint8Array | undefined,
  psks: readonly PreSharedKeyId[]
): Uint8Array => encode(writeGroupSecrets, { joinerSecret, pathSecret, psks })

function sealGroupSecrets(
  suite: CipherSuite,
  initKey: Uint8Array,
  encryptedGroupInfo: Uint8Array,
  groupSecrets: Uint8Array
) {
  const sealed = encryptWithLabel(suite, initKey, 'Welcome', encryptedGroupInfo, groupSecrets)
  groupSecrets.fill(0)
  return sealed
}
