/**
 * Epoch: a group between two commits, as one member holds it. The face of the engine.
 *
 * Always true: `commit` and `process` of a commit return a new Epoch and leave this one usable, so branches of
 * a group can be followed side by side; whatever throws has changed nothing (`save()` gives the same bytes);
 * message keys alone are consumed, on both sides, and a consumed key is overwritten.
 *
 * Two copies of one epoch (a restored backup beside the original) must not both seal or commit: they would
 * use one message key twice. Store `saveRatchets()` before the bytes of `seal` leave the process.
 */
import { fromUtf8 } from '../../base/bytes.ts'
import type { Random } from '../../base/random.ts'
import type { KeyPair } from '../hpke.ts'
import { cipherSuite } from './cipher-suite.ts'
import type { CipherSuite } from './cipher-suite.ts'
import { changedLeaf, createCommit, createGroupInfo } from './commit-creation.ts'
import type { CommitOptions, CreatedCommit, GroupInfoOptions, LeafChange } from './commit-creation.ts'
import { continuationPskId } from './continuation.ts'
import { invalid, MlsError } from './errors.ts'
import { decodeRatchets, decodeState, encodeRatchets, encodeState, enterEpoch } from './epoch-state.ts'
import { zeroizeState } from './epoch-state.ts'
import type { EpochState } from './epoch-state.ts'
import { joinByExternalCommit } from './external-commit.ts'
import type { ExternalOptions } from './external-commit.ts'
import type { Extension } from './extension.ts'
import { encodeAuthenticatedContent } from './framing.ts'
import { encodeGroupContext } from './group-context.ts'
import type { GroupContext } from './group-context.ts'
import { joinGroup } from './joining.ts'
import type { JoinOptions } from './joining.ts'
import type { KeyPackage, PrivateKeys } from './key-package.ts'
import { deriveEpochSecrets, exportSecret } from './key-schedule.ts'
import { signLeafNode } from './leaf-node.ts'
import type { LeafNode } from './leaf-node.ts'
import { checkMembersSupport } from './leaf-validation.ts'
import { authenticate, checkSize, frame, protect, wireFormatOf } from './message-protection.ts'
import type { WireFormatName } from './message-protection.ts'
import { keepProposal, processMessage } from './message-processing.ts'
import type { ProcessedState, ProcessOptions } from './message-processing.ts'
import { encodeMlsMessage } from './mls-message.ts'
import { resumptionPsk } from './next-epoch.ts'
import type { PskLookup } from './pre-shared-key.ts'
import { proposalRef } from './proposal.ts'
import type { Proposal, ReInit } from './proposal.ts'
import type { SentProposal } from './proposal-list.ts'
import { RatchetTree } from './ratchet-tree.ts'
import type { Member } from './ratchet-tree.ts'

/** A commit that was made: the epoch that it leads to, and what to send to whom. */
export interface Committed {
  readonly epoch: Epoch
  /** For all members of the epoch before. */
  readonly commit: Uint8Array
  /** For those whom the commit adds; absent where it adds nobody. */
  readonly welcome?: Uint8Array
}

/** What a message was. */
export type Processed =
  | Extract<ProcessedState, { kind: 'application' | 'proposal' }>
  | (Omit<Extract<ProcessedState, { kind: 'commit' }>, 'state'> & {
      /** The epoch that the commit leads to, or undefined where it removes us. */
      readonly epoch: Epoch | undefined
    })

/** What a new group is made of. */
export interface EpochInit {
  readonly suite?: CipherSuite | undefined
  readonly groupId: Uint8Array
  readonly keyPackage: KeyPackage
  readonly privateKeys: PrivateKeys
  /** Extensions of the group context. */
  readonly extensions?: readonly Extension[]
}

/** What a group that continues this one is made of. */
export interface ContinuationInit extends Omit<CommitOptions, 'proposals' | 'proposalRefs'> {
  readonly keyPackage: KeyPackage
  readonly privateKeys: PrivateKeys
  /** The key packages of everybody else. */
  readonly members: readonly KeyPackage[]
}

/** What a message of this member may be told. */
export interface SealOptions {
  /** Sent in the open, but bound to the message. */
  readonly authenticatedData?: Uint8Array | undefined
  /** The plaintext is filled up with zeros to a multiple of this many bytes. */
  readonly padTo?: number | undefined
}

/** A proposal of one's own leaf: the engine makes the new keys. */
export interface UpdateRequest {
  readonly type: 'update'
  readonly leaf?: LeafChange
}

/** One epoch of a group, as one member holds it. */
export class Epoch {
  #state: EpochState
  #wiped = false
  #members: readonly Member[] | undefined
  /** The extensions of the GroupInfo that this member joined with. Not stored by `save`. */
  readonly groupInfoExtensions: readonly Extension[]

  private constructor(state: EpochState, groupInfoExtensions: readonly Extension[] = []) {
    this.#state = state
    this.groupInfoExtensions = groupInfoExtensions
  }

  /** A new group with one member, in epoch 0. */
  static create(init: EpochInit): Epoch {
    const { keyPackage, privateKeys, extensions = [] } = init
    const suite = init.suite ?? cipherSuite(keyPackage.cipherSuite)
    if (keyPackage.cipherSuite !== suite.id) throw invalid('a key package for another cipher suite')
    const tree = RatchetTree.ofOne(suite, keyPackage.leafNode)
    checkMembersSupport(tree, extensions)
    const context: GroupContext = {
      cipherSuite: suite.id,
      groupId: Uint8Array.from(init.groupId),
      epoch: 0n,
      treeHash: tree.treeHash(),
      confirmedTranscriptHash: new Uint8Array(0),
      extensions
    }
    // RFC 9420 section 11: the first epoch secret is random.
    const random = Uint8Array.from(suite.random(suite.kdf.hashLength))
    const epoch = deriveEpochSecrets(suite, random, encodeGroupContext(context))
    random.fill(0)
    return new Epoch(
      enterEpoch({
        suite,
        context,
        tree,
        ownLeaf: 0,
        nodeKeys: new Map([[0, Uint8Array.from(privateKeys.encryption)]]),
        signatureSecret: Uint8Array.from(privateKeys.signature),
        ...epoch,
        confirmationTag: suite.kdf.mac(epoch.secrets.confirmationKey, context.confirmedTranscriptHash),
        resumptionPsks: new Map(),
        reinit: undefined
      })
    )
  }

  /**
   * Joins the group of a Welcome (an MLSMessage). Delete the init key of the key package afterwards.
   * `resumption` is the old epoch, where the Welcome continues a group. Throws MlsError.
   */
  static join(welcome: Uint8Array, options: JoinOptions & { readonly resumption?: Epoch }): Epoch {
    const { resumption, ...rest } = options
    const joined = joinGroup(welcome, {
      ...rest,
      resumption: resumption === undefined ? undefined : resumption.#live()
    })
    return new Epoch(joined.state, joined.groupInfoExtensions)
  }

  /** Joins the group of a GroupInfo (an MLSMessage) from outside; the commit goes to all members. */
  static external(groupInfo: Uint8Array, options: ExternalOptions): Committed {
    const { state, commit } = joinByExternalCommit(groupInfo, options)
    return { epoch: new Epoch(state), commit }
  }

  /**
   * The opposite of `save`. Nothing of the tree is verified again. With `sharing`, an epoch of the same group,
   * nodes that both have are in memory once and are the same objects. Throws MlsError `malformed`.
   */
  static load(
    bytes: Uint8Array,
    options: {
      readonly random?: Random | undefined
      readonly suite?: CipherSuite | undefined
      readonly sharing?: Epoch | undefined
    } = {}
  ): Epoch {
    const state = decodeState(bytes, options)
    if (options.sharing !== undefined) state.tree.shareNodes(options.sharing.#state.tree)
    return new Epoch(state)
  }

  get suite(): CipherSuite {
    return this.#state.suite
  }

  get groupId(): Uint8Array {
    return Uint8Array.from(this.#state.context.groupId)
  }

  /** The number of the epoch. Branches share numbers; `authenticator` tells them apart. */
  get number(): bigint {
    return this.#state.context.epoch
  }

  /** A secret that only members of exactly this epoch know, to compare (RFC 9420 section 8.7). */
  get authenticator(): Uint8Array {
    return Uint8Array.from(this.#live().secrets.epochAuthenticator)
  }

  /** The leaf index of this member. */
  get ownLeaf(): number {
    return this.#state.ownLeaf
  }

  /** Extensions of the group context. */
  get extensions(): readonly Extension[] {
    return this.#state.context.extensions
  }

  /** The ReInit that closed the group, in its last epoch. */
  get reinit(): ReInit | undefined {
    return this.#state.reinit
  }

  /** How many members the group has, oneself included. */
  get memberCount(): number {
    return this.#state.tree.memberCount
  }

  /**
   * The leaf of a member, at once; undefined where nobody has that leaf index. It is the same object in every
   * epoch of a branch in which the leaf did not change: a WeakMap remembers what was found out about it.
   */
  memberAt(leafIndex: number): LeafNode | undefined {
    return this.#state.tree.leaf(leafIndex)
  }

  /** Everybody in the group, by leaf index, oneself included: always the same list, made when first asked. */
  members(): readonly Member[] {
    this.#members ??= [...this.#state.tree.members()]
    return this.#members
  }

  /** The tree, as a `ratchet_tree` extension has it: for Welcomes without one. */
  ratchetTree(): Uint8Array {
    return this.#state.tree.encode()
  }

  /** A secret of this epoch for one purpose (RFC 9420 section 8.5). */
  export(label: string, context: Uint8Array | string, length: number): Uint8Array {
    const bytes = typeof context === 'string' ? fromUtf8(context) : context
    return exportSecret(this.suite, this.#live().secrets.exporterSecret, label, bytes, length)
  }

  /** The resumption secret of this epoch, or of an earlier one of this group; undefined where it is gone. */
  resumptionPsk(number: bigint = this.number): Uint8Array | undefined {
    const { groupId } = this.#state.context
    const nonce = new Uint8Array(0)
    const id = { type: 'resumption', usage: 'application', groupId, epoch: number, nonce } as const
    const psk = resumptionPsk(this.#live(), id)
    return psk && Uint8Array.from(psk)
  }

  /** Seals application data for all other members of this epoch, and signs it. */
  seal(data: Uint8Array, options: SealOptions = {}): Uint8Array {
    const state = this.#live()
    if (state.reinit !== undefined) throw new MlsError('reinitialised', 'this group was closed by a ReInit')
    const framed = frame(state, { type: 'application', data }, options.authenticatedData)
    return protect(state, authenticate(state, wireFormatOf('private'), framed), options.padTo)
  }

  /** Processes one message of this epoch. Throws MlsError and changes nothing. */
  process(message: Uint8Array, options: ProcessOptions = {}): Processed {
    const processed = processMessage(this.#live(), message, options)
    if (processed.kind !== 'commit') return processed
    const { state, ...rest } = processed
    return { ...rest, epoch: state && new Epoch(state) }
  }

  /**
   * Sends a proposal on its own, for somebody's commit to name by `reference`. An Update gets its keys here.
   * Pending proposals and the keys of an Update are part of `save`, not of `saveRatchets`.
   */
  propose(
    request: Exclude<Proposal, { type: 'update' }> | UpdateRequest,
    options: SealOptions & { readonly wireFormat?: WireFormatName } = {}
  ): { readonly message: Uint8Array; readonly reference: Uint8Array } {
    const state = this.#live()
    if (state.reinit !== undefined) throw new MlsError('reinitialised', 'this group was closed by a ReInit')
    const update = request.type === 'update' ? newLeaf(state, request.leaf) : undefined
    const proposal: Proposal =
      request.type === 'update' ? { type: 'update', leafNode: update!.leafNode } : request
    const framed = frame(state, { type: 'proposal', proposal }, options.authenticatedData)
    const authenticated = authenticate(state, wireFormatOf(options.wireFormat), framed)
    const reference = proposalRef(state.suite, encodeAuthenticatedContent(authenticated))
    checkSize(state, authenticated, options.padTo)
    keepProposal(state, { proposal, sender: framed.sender, reference })
    if (update !== undefined) {
      const { publicKey: encryptionKey, secretKey: encryptionSecret } = update.encryption
      state.pendingUpdates.push({ encryptionKey, encryptionSecret, signatureSecret: update.signatureSecret })
    }
    return { message: protect(state, authenticated, options.padTo), reference }
  }

  /** Proposals that a commit in this epoch may name. */
  pendingProposals(): readonly (SentProposal & { readonly reference: Uint8Array })[] {
    return [...this.#state.proposals.values()]
  }

  /**
   * Commits proposals. Returns the epoch that follows; this one stays usable. Store the new epoch, and the
   * ratchets of this one, before the commit leaves the process. Throws MlsError and changes nothing.
   */
  commit(options: CommitOptions = {}): Committed {
    return Epoch.#committed(createCommit(this.#live(), options))
  }

  /** A signed GroupInfo of this epoch, as an MLSMessage. */
  groupInfo(options: GroupInfoOptions = {}): Uint8Array {
    return encodeMlsMessage({ type: 'groupInfo', groupInfo: createGroupInfo(this.#live(), options) })
  }

  /**
   * The successor that a ReInit proposed (RFC 9420 section 11.2), in its first epoch with members. Everybody of
   * this group must be among `members`; they join with `resumption`.
   */
  reinitialise(init: ContinuationInit): Committed {
    const { reinit } = this.#state
    if (reinit === undefined) throw invalid('a successor of a group that was not closed')
    return this.#continue('reinit', reinit.groupId, reinit.extensions, init)
  }

  /** A new group with some members of this one (RFC 9420 section 11.3); they join with `resumption`. */
  branch(
    init: ContinuationInit & { readonly groupId: Uint8Array; readonly extensions?: readonly Extension[] }
  ): Committed {
    return this.#continue('branch', init.groupId, init.extensions ?? [], init)
  }

  #continue(
    usage: 'reinit' | 'branch',
    groupId: Uint8Array,
    extensions: readonly Extension[],
    init: ContinuationInit
  ): Committed {
    const old = this.#live()
    const { keyPackage, privateKeys, members, psk, ...options } = init
    const wanted = usage === 'reinit' ? old.reinit?.cipherSuite : old.suite.id
    if (keyPackage.cipherSuite !== wanted) throw invalid('a continued group with another cipher suite')
    const suite = wanted === old.suite.id ? old.suite : cipherSuite(wanted, { random: old.suite.random })
    const first = Epoch.create({ suite, groupId, keyPackage, privateKeys, extensions })
    const proposals: Proposal[] = members.map(member => ({ type: 'add', keyPackage: member }))
    proposals.push({ type: 'psk', psk: continuationPskId(old, suite, usage) })
    const lookUp: PskLookup = id => resumptionPsk(old, id) ?? psk?.(id)
    return Epoch.#committed(createCommit(first.#state, { ...options, proposals, psk: lookUp }, usage))
  }

  /** The whole epoch as bytes, secrets and pending proposals included: whoever stores them encrypts them. */
  save(): Uint8Array {
    return encodeState(this.#live())
  }

  /** What changes with every message sealed or opened: a few hundred bytes in a small group. */
  saveRatchets(): Uint8Array {
    return encodeRatchets(this.#live())
  }

  /** Brings an epoch from `load` up to the message after which `saveRatchets` was called. Throws MlsError. */
  loadRatchets(bytes: Uint8Array): void {
    const state = this.#live()
    const secretTree = decodeRatchets(bytes, state)
    state.secretTree.zeroize()
    this.#state = { ...state, secretTree }
  }

  /** Overwrites every secret but the signature key, which later epochs sign with. Nothing works afterwards. */
  zeroize(): void {
    this.#wiped = true
    zeroizeState(this.#state)
  }

  #live(): EpochState {
    if (this.#wiped) throw new MlsError('wiped', 'the secrets of this epoch are gone')
    return this.#state
  }

  static #committed({ state, commit, welcome }: CreatedCommit): Committed {
    return { epoch: new Epoch(state), commit, ...(welcome === undefined ? {} : { welcome }) }
  }
}

/** A leaf with a new encryption key for this member, signed with its (new) signature key. */
function newLeaf(
  state: EpochState,
  change: LeafChange | undefined
): { readonly leafNode: LeafNode; readonly encryption: KeyPair; readonly signatureSecret: Uint8Array } {
  const { suite, context, ownLeaf } = state
  const encryption = suite.hpke.generateKeyPair()
  const signatureSecret = change?.signatureKeyPair?.secretKey ?? state.signatureSecret
  const content = {
    ...changedLeaf(state, change),
    encryptionKey: encryption.publicKey,
    source: { type: 'update' }
  } as const
  const position = { groupId: context.groupId, leafIndex: ownLeaf }
  return { leafNode: signLeafNode(suite, signatureSecret, content, position), encryption, signatureSecret }
}
