/**
 * Everything that a member holds of one epoch, and its stored form.
 *
 * Always true: but for the secret tree, the pending proposals and pending updates, a state never changes; no
 * two states share a secret array, the signature key apart, so one can be wiped while the others live.
 */
import { equal } from '../../base/bytes.ts'
import type { Random } from '../../base/random.ts'
import { mlsLimits } from '../../base/limits.ts'
import { asKey } from './as-key.ts'
import { cipherSuite } from './cipher-suite.ts'
import type { CipherSuite } from './cipher-suite.ts'
import { decode, Reader, Writer } from './codec.ts'
import { invalid, MlsError } from './errors.ts'
import { encodeGroupContext, readGroupContext, writeGroupContext } from './group-context.ts'
import type { GroupContext } from './group-context.ts'
import { epochSecretNames } from './key-schedule.ts'
import type { EpochSecrets } from './key-schedule.ts'
import type { SentProposal } from './proposal-list.ts'
import { readProposal, writeProposal } from './proposal.ts'
import type { ReInit } from './proposal.ts'
import { readSender, writeSender } from './framing.ts'
import { RatchetTree } from './ratchet-tree.ts'
import { SecretTree } from './secret-tree.ts'
import { interimTranscriptHash } from './transcript-hash.ts'
import type { NodeKeys } from './tree-kem.ts'

/** The secret keys of an Update that waits for a commit. */
export interface PendingUpdate {
  readonly encryptionKey: Uint8Array
  readonly encryptionSecret: Uint8Array
  readonly signatureSecret: Uint8Array
}

/** One epoch, as one member knows it. */
export interface EpochState {
  readonly suite: CipherSuite
  readonly context: GroupContext
  readonly contextBytes: Uint8Array
  readonly tree: RatchetTree
  readonly ownLeaf: number
  readonly nodeKeys: NodeKeys
  readonly signatureSecret: Uint8Array
  readonly secrets: EpochSecrets
  readonly confirmationTag: Uint8Array
  readonly interimTranscriptHash: Uint8Array
  readonly secretTree: SecretTree
  /** Proposals that a commit may name, by their reference as a key. */
  readonly proposals: Map<string, SentProposal & { readonly reference: Uint8Array }>
  readonly pendingUpdates: PendingUpdate[]
  /** Resumption secrets of earlier epochs of this group, oldest first. */
  readonly resumptionPsks: ReadonlyMap<bigint, Uint8Array>
  /** Set in the last epoch of a group: it was closed by this proposal. */
  readonly reinit: ReInit | undefined
}

/** What a new state is made of; the rest follows from it. */
export type EpochStateInit = Pick<
  EpochState,
  | 'suite'
  | 'context'
  | 'tree'
  | 'ownLeaf'
  | 'nodeKeys'
  | 'signatureSecret'
  | 'secrets'
  | 'confirmationTag'
  | 'resumptionPsks'
  | 'reinit'
> & { readonly encryptionSecret: Uint8Array }

/** The state at the beginning of an epoch. */
export function enterEpoch(init: EpochStateInit): EpochState {
  const { encryptionSecret, ...rest } = init
  const { suite, context, tree, confirmationTag } = init
  return {
    ...rest,
    contextBytes: encodeGroupContext(context),
    interimTranscriptHash: interimTranscriptHash(suite, context.confirmedTranscriptHash, confirmationTag),
    secretTree: SecretTree.fromEncryptionSecret(suite, tree.leafCount, encryptionSecret),
    proposals: new Map(),
    pendingUpdates: []
  }
}

/** The resumption secrets that the next epoch keeps: copies, and no more than the limit. */
export function resumptionPsksAfter(state: EpochState): Map<bigint, Uint8Array> {
  const all = [...state.resumptionPsks, [state.context.epoch, state.secrets.resumptionPsk] as const]
  return new Map(all.slice(-mlsLimits.resumptionPsksMax).map(([epoch, psk]) => [epoch, Uint8Array.from(psk)]))
}

/** Copies of the secret keys whose nodes have the same public key in another tree. */
export function keysStillValid({ nodeKeys, tree }: EpochState, next: RatchetTree): NodeKeys {
  const kept: NodeKeys = new Map()
  for (const [node, key] of nodeKeys) {
    const before = tree.encryptionKey(node)
    const after = next.encryptionKey(node)
    if (before !== undefined && after !== undefined && equal(before, after))
      kept.set(node, Uint8Array.from(key))
  }
  return kept
}

/** Overwrites every secret of a state but the signature key, which later epochs sign with. */
export function zeroizeState(state: EpochState): void {
  state.secretTree.zeroize()
  for (const name of epochSecretNames) state.secrets[name].fill(0)
  for (const key of state.nodeKeys.values()) key.fill(0)
  for (const psk of state.resumptionPsks.values()) psk.fill(0)
  for (const update of state.pendingUpdates) update.encryptionSecret.fill(0)
}

const FORMAT = 1

/** The state as bytes, secrets included: whoever stores them encrypts them. */
export function encodeState(state: EpochState): Uint8Array {
  const writer = new Writer().u16(FORMAT).u16(state.suite.id)
  writeGroupContext(writer, state.context)
  writer.opaque(state.tree.encode()).u32(state.ownLeaf)
  writer.list([...state.nodeKeys], (inner, [node, key]) => void inner.u32(node).opaque(key))
  writer.opaque(state.signatureSecret)
  for (const name of epochSecretNames) writer.opaque(state.secrets[name])
  writer.opaque(state.confirmationTag)
  writer.list([...state.resumptionPsks], (inner, [epoch, psk]) => void inner.u64(epoch).opaque(psk))
  writer.optional(state.reinit, writeProposal)
  writer.list(state.pendingUpdates, (inner, update) => {
    inner.opaque(update.encryptionKey).opaque(update.encryptionSecret).opaque(update.signatureSecret)
  })
  writer.list([...state.proposals.values()], (inner, { reference, sender, proposal }) => {
    writeSender(inner.opaque(reference), sender)
    writeProposal(inner, proposal)
  })
  return writer.opaque(encodeRatchets(state)).finish()
}

/** The opposite of `encodeState`. Throws MlsError `malformed`. */
export function decodeState(
  bytes: Uint8Array,
  options: { readonly suite?: CipherSuite | undefined; readonly random?: Random | undefined }
): EpochState {
  const reader = new Reader(bytes)
  if (reader.u16() !== FORMAT) throw new MlsError('malformed', 'a stored epoch of an unknown format')
  const suiteId = reader.u16()
  const suite = options.suite ?? cipherSuite(suiteId, { random: options.random })
  if (suite.id !== suiteId) throw invalid('a stored epoch of another cipher suite')
  const context = readGroupContext(reader)
  const state = {
    suite,
    context,
    contextBytes: encodeGroupContext(context),
    // What we could follow we can load, however large it has become.
    tree: RatchetTree.decode(suite, reader.opaque(), Infinity),
    ownLeaf: reader.u32(),
    nodeKeys: new Map(reader.list(inner => [inner.u32(), inner.opaque()] as const)),
    signatureSecret: reader.opaque(),
    secrets: Object.fromEntries(
      epochSecretNames.map(name => [name, reader.opaque()])
    ) as unknown as EpochSecrets,
    confirmationTag: reader.opaque(),
    resumptionPsks: new Map(reader.list(inner => [inner.u64(), inner.opaque()] as const)),
    reinit: reader.optional(readReInit),
    pendingUpdates: reader.list(inner => ({
      encryptionKey: inner.opaque(),
      encryptionSecret: inner.opaque(),
      signatureSecret: inner.opaque()
    })),
    proposals: new Map(
      reader.list(inner => {
        const reference = inner.opaque()
        return [asKey(reference), { reference, sender: readSender(inner), proposal: readProposal(inner) }]
      })
    )
  }
  const ratchets = reader.opaque()
  if (!reader.done) throw new MlsError('malformed', 'bytes are left over')
  return {
    ...state,
    interimTranscriptHash: interimTranscriptHash(
      suite,
      context.confirmedTranscriptHash,
      state.confirmationTag
    ),
    secretTree: decodeRatchets(ratchets, state)
  }
}

function readReInit(reader: Reader): ReInit {
  const proposal = readProposal(reader)
  if (proposal.type !== 'reinit') throw new MlsError('malformed', 'a stored epoch closed by something else')
  return proposal
}

/** The part of a state that changes with every message, bound to its epoch by the confirmation tag. */
export function encodeRatchets(state: Pick<EpochState, 'confirmationTag' | 'secretTree'>): Uint8Array {
  const writer = new Writer().opaque(state.confirmationTag)
  state.secretTree.write(writer)
  return writer.finish()
}

/** The opposite of `encodeRatchets`. Throws MlsError where they are those of another epoch. */
export function decodeRatchets(
  bytes: Uint8Array,
  epoch: Pick<EpochState, 'confirmationTag' | 'suite'>
): SecretTree {
  const read = (reader: Reader): SecretTree => {
    if (!equal(reader.opaque(), epoch.confirmationTag))
      throw invalid('the ratchets are those of another epoch')
    return SecretTree.read(reader, epoch.suite)
  }
  return decode(read, bytes, Infinity)
}
