/** Joining a group with a Welcome (RFC 9420 section 12.4.3.1), and verifying a GroupInfo with its tree. */
import { equal } from '../../base/bytes.ts'
import type { Random } from '../../base/random.ts'
import { cipherSuite } from './cipher-suite.ts'
import type { CipherSuite } from './cipher-suite.ts'
import { decode } from './codec.ts'
import { checkContinuation } from './continuation.ts'
import { invalid, MlsError } from './errors.ts'
import { enterEpoch } from './epoch-state.ts'
import type { EpochState } from './epoch-state.ts'
import { extensionData, extensionTypes } from './extension.ts'
import type { Extension } from './extension.ts'
import { encodeGroupContext } from './group-context.ts'
import { readGroupInfo, verifyGroupInfo } from './group-info.ts'
import type { GroupInfo } from './group-info.ts'
import { keyPackageRef } from './key-package.ts'
import type { KeyPackage, PrivateKeys } from './key-package.ts'
import { deriveEpochSecrets, deriveMemberSecret } from './key-schedule.ts'
import { decryptWithLabel } from './labels.ts'
import { encodeLeafNode } from './leaf-node.ts'
import { checkCredential, checkMembersSupport } from './leaf-validation.ts'
import type { LeafPolicy } from './leaf-validation.ts'
import { decodeMlsMessage } from './mls-message.ts'
import { resolvePsks, resumptionPsk } from './next-epoch.ts'
import { pskSecret } from './pre-shared-key.ts'
import type { PskLookup } from './pre-shared-key.ts'
import { RatchetTree } from './ratchet-tree.ts'
import { nextPathSecret, nodeKeyPair } from './tree-kem.ts'
import type { NodeKeys } from './tree-kem.ts'
import { commonAncestor, isBelow } from './tree-math.ts'
import { verifyTree } from './tree-validation.ts'
import { openGroupInfo, readGroupSecrets } from './welcome.ts'
import type { Welcome } from './welcome.ts'

/** What somebody who joins brings along. */
export interface JoinOptions extends LeafPolicy {
  readonly keyPackage: KeyPackage
  readonly privateKeys: PrivateKeys
  /** The tree (the data of a `ratchet_tree` extension), where the sender did not send it along. */
  readonly ratchetTree?: Uint8Array | undefined
  readonly psk?: PskLookup | undefined
  readonly random?: Random | undefined
  /** Another implementation of the cipher suite than `cipherSuite` has. */
  readonly suite?: CipherSuite | undefined
}

/** What somebody who joins by a Welcome brings along. */
export interface WelcomeOptions extends JoinOptions {
  /** The epoch that the new group continues, where it does (RFC 9420 sections 11.2 and 11.3). */
  readonly resumption?: EpochState | undefined
}

/** A new member's state, and the extensions of the GroupInfo that it came with. */
export interface Joined {
  readonly state: EpochState
  readonly groupInfoExtensions: readonly Extension[]
}

/** Joins the group of a Welcome. The caller deletes the init key afterwards. Throws MlsError. */
export function joinGroup(bytes: Uint8Array, options: WelcomeOptions): Joined {
  const message = decodeMlsMessage(bytes)
  if (message.type !== 'welcome') throw new MlsError('malformed', `a ${message.type} is no Welcome`)
  const { welcome } = message
  const { keyPackage, privateKeys } = options
  const suite = options.suite ?? cipherSuite(keyPackage.cipherSuite, { random: options.random })
  if (welcome.cipherSuite !== suite.id) throw invalid('a Welcome for another cipher suite')
  const secrets = openGroupSecrets(suite, welcome, options)
  checkNames(secrets.psks, suite)
  const lookUp: PskLookup = id =>
    (options.resumption && resumptionPsk(options.resumption, id)) ?? options.psk?.(id)
  const psks = resolvePsks(secrets.psks, lookUp)
  const memberSecret = deriveMemberSecret(suite, secrets.joinerSecret, pskSecret(suite, psks))
  const info = decode(readGroupInfo, openGroupInfo(suite, memberSecret, welcome.encryptedGroupInfo))
  const tree = verifyGroupInfoAndTree(suite, info, options)
  checkContinuation(secrets.psks, { suite, info, tree }, options.resumption)

  const context = info.groupContext
  const ownLeaf = ownLeafIn(tree, keyPackage)
  if (ownLeaf === info.signer) throw invalid('a Welcome from ourselves')
  const nodeKeys: NodeKeys = new Map([[2 * ownLeaf, Uint8Array.from(privateKeys.encryption)]])
  if (secrets.pathSecret !== undefined)
    learnPathKeys(suite, tree, nodeKeys, { ownLeaf, signer: info.signer, pathSecret: secrets.pathSecret })

  const epoch = deriveEpochSecrets(suite, memberSecret, encodeGroupContext(context))
  secrets.joinerSecret.fill(0)
  memberSecret.fill(0)
  const tag = suite.kdf.mac(epoch.secrets.confirmationKey, context.confirmedTranscriptHash)
  if (!suite.equal(tag, info.confirmationTag)) throw invalid('the confirmation tag of a Welcome is not valid')
  const state = enterEpoch({
    suite,
    context,
    tree,
    ownLeaf,
    nodeKeys,
    signatureSecret: Uint8Array.from(privateKeys.signature),
    ...epoch,
    confirmationTag: info.confirmationTag,
    resumptionPsks: new Map(),
    reinit: undefined
  })
  return { state, groupInfoExtensions: info.extensions }
}

function openGroupSecrets(suite: CipherSuite, welcome: Welcome, { keyPackage, privateKeys }: WelcomeOptions) {
  const reference = keyPackageRef(keyPackage, suite)
  const entry = welcome.secrets.find(({ newMember }) => equal(newMember, reference))
  if (entry === undefined) throw new MlsError('not-for-us', 'a Welcome for other key packages')
  const bytes = decryptWithLabel(
    suite,
    privateKeys.init,
    'Welcome',
    welcome.encryptedGroupInfo,
    entry.encryptedGroupSecrets
  )
  const secrets = decode(readGroupSecrets, bytes)
  bytes.fill(0)
  return secrets
}

function checkNames(psks: readonly { readonly nonce: Uint8Array }[], suite: CipherSuite): void {
  if (psks.some(({ nonce }) => nonce.length !== suite.kdf.hashLength))
    throw invalid('a pre-shared key with a nonce of wrong length')
}

/**
 * Verifies a GroupInfo: its tree, hash by hash and signature by signature, and that a member signed it.
 * Lifetimes are not checked here: they limit when somebody may be added, not how long they may stay.
 */
export function verifyGroupInfoAndTree(
  suite: CipherSuite,
  info: GroupInfo,
  options: LeafPolicy & { readonly ratchetTree?: Uint8Array | undefined }
): RatchetTree {
  const { groupContext: context } = info
  if (context.cipherSuite !== suite.id) throw invalid('a group with another cipher suite')
  const bytes = options.ratchetTree ?? extensionData(info.extensions, extensionTypes.ratchetTree)
  if (bytes === undefined) throw invalid('a GroupInfo without a tree, and no tree from elsewhere')
  const tree = RatchetTree.decode(suite, bytes)
  if (!equal(tree.treeHash(), context.treeHash)) throw invalid('the tree is not the one of the group')
  const signer = tree.leaf(info.signer)
  if (signer === undefined || !verifyGroupInfo(suite, signer.signatureKey, info))
    throw invalid('the signature of a GroupInfo is not valid')
  verifyTree(suite, tree, context.groupId)
  checkMembersSupport(tree, context.extensions)
  for (const { leaf } of tree.members()) checkCredential(leaf, undefined, options)
  return tree
}

function ownLeafIn(tree: RatchetTree, keyPackage: KeyPackage): number {
  const own = encodeLeafNode(keyPackage.leafNode)
  for (const { index, leaf } of tree.members())
    if (equal(leaf.signatureKey, keyPackage.leafNode.signatureKey) && equal(encodeLeafNode(leaf), own))
      return index
  throw invalid('a Welcome to a group in which our leaf is missing')
}

/** The keys from the lowest common ancestor with the committer up to the root. */
function learnPathKeys(
  suite: CipherSuite,
  tree: RatchetTree,
  nodeKeys: NodeKeys,
  from: { readonly ownLeaf: number; readonly signer: number; readonly pathSecret: Uint8Array }
): void {
  const ancestor = commonAncestor(2 * from.ownLeaf, 2 * from.signer)
  let secret = from.pathSecret
  for (const { node } of tree.filteredDirectPath(from.signer)) {
    if (!isBelow(ancestor, node)) continue
    const { publicKey, secretKey } = nodeKeyPair(suite, secret)
    const expected = tree.encryptionKey(node)
    if (expected === undefined || !equal(publicKey, expected))
      throw invalid('the path secret of a Welcome does not give the keys of the tree')
    nodeKeys.set(node, secretKey)
    const next = nextPathSecret(suite, secret)
    secret.fill(0)
    secret = next
  }
  secret.fill(0)
}
