/**
 * Framing at work (RFC 9420 section 6): from content of this member to bytes, and from bytes to content whose
 * sender is proven.
 */
import { equal } from '../../base/bytes.ts'
import { mlsLimits } from '../../base/limits.ts'
import { encode } from './codec.ts'
import { invalid, MlsError } from './errors.ts'
import { externalSenders } from './extension.ts'
import { signContent, verifyContent, wireFormats, writeFramedContent } from './framing.ts'
import type { AuthenticatedContent, Content, FramedContent, MessageWireFormat } from './framing.ts'
import type { EpochState } from './epoch-state.ts'
import { encodeMlsMessage } from './mls-message.ts'
import type { MlsMessage } from './mls-message.ts'
import { openPrivateMessage, openSenderData, sealPrivateMessage } from './private-message.ts'
import type { PrivateMessage } from './private-message.ts'
import { computeMembershipTag } from './public-message.ts'
import type { PublicMessage } from './public-message.ts'
import type { ProposalType } from './proposal.ts'

/** How a message goes over the wire: sealed, or in the open. */
export type WireFormatName = 'private' | 'public'

/** The number of a wire format. */
export const wireFormatOf = (name: WireFormatName | undefined): MessageWireFormat =>
  name === 'public' ? wireFormats.publicMessage : wireFormats.privateMessage

/** Content of this member, in this epoch. */
export const frame = (
  state: EpochState,
  content: Content,
  authenticatedData: Uint8Array = new Uint8Array(0)
): FramedContent => ({
  groupId: state.context.groupId,
  epoch: state.context.epoch,
  sender: { type: 'member', leafIndex: state.ownLeaf },
  authenticatedData,
  content
})

/** Content of this member, signed. */
export const authenticate = (
  state: EpochState,
  wireFormat: MessageWireFormat,
  framed: FramedContent
): AuthenticatedContent => ({
  wireFormat,
  framed,
  signature: signContent(state.suite, state.signatureSecret, wireFormat, framed, state.contextBytes),
  confirmationTag: undefined
})

/** What surrounds the content of a message at most: framing, tags, and the lengths of both. */
const SURROUNDING_MAX_BYTES = 1024

/**
 * Checks that others accept content of this size: whoever made a commit that they do not would be alone in the
 * epoch after it. Throws MlsError `invalid`.
 */
export function checkSize(state: EpochState, { framed }: AuthenticatedContent, padTo: number = 0): void {
  const { content, authenticatedData } = framed
  const length =
    content.type === 'application'
      ? authenticatedData.length + content.data.length
      : encode(writeFramedContent, framed).length
  const around = SURROUNDING_MAX_BYTES + padTo + state.context.groupId.length
  if (length + around > mlsLimits.messageMaxBytes) throw invalid('a message larger than others accept')
}

/** The MLSMessage of authenticated content of this member. A private one uses up a key. Throws MlsError. */
export function protect(state: EpochState, authenticated: AuthenticatedContent, padTo?: number): Uint8Array {
  checkSize(state, authenticated, padTo)
  const { suite, secrets, ownLeaf } = state
  if (authenticated.wireFormat === wireFormats.publicMessage)
    return encodeMlsMessage({
      type: 'publicMessage',
      publicMessage: {
        authenticated,
        membershipTag: computeMembershipTag(suite, secrets.membershipKey, authenticated, state.contextBytes)
      }
    })
  const kind = authenticated.framed.content.type === 'application' ? 'application' : 'handshake'
  const messageKey = state.secretTree.next(ownLeaf, kind)
  const { senderDataSecret } = secrets
  const privateMessage = sealPrivateMessage(
    suite,
    senderDataSecret,
    messageKey,
    ownLeaf,
    authenticated,
    padTo
  )
  messageKey.key.fill(0)
  return encodeMlsMessage({ type: 'privateMessage', privateMessage })
}

/** Content whose sender is proven. Nothing has changed until `consume`. */
export interface Unprotected {
  readonly authenticated: AuthenticatedContent
  /** Deletes the key of the message. */
  readonly consume: () => void
}

/** Opens a message of this epoch and verifies its sender. Throws MlsError and changes nothing. */
export function unprotect(state: EpochState, message: MlsMessage): Unprotected {
  if (message.type === 'privateMessage') return unprotectPrivate(state, message.privateMessage)
  if (message.type === 'publicMessage') return unprotectPublic(state, message.publicMessage)
  throw new MlsError('malformed', `a ${message.type} is no message inside a group`)
}

function checkEpoch(
  { context }: EpochState,
  message: { readonly groupId: Uint8Array; readonly epoch: bigint }
): void {
  if (!equal(message.groupId, context.groupId))
    throw new MlsError('wrong-group', 'a message of another group')
  if (message.epoch !== context.epoch)
    throw new MlsError('wrong-epoch', `a message of epoch ${message.epoch} in epoch ${context.epoch}`)
}

/** The signature key of a member. Throws MlsError `own-message` or `not-a-member`. */
function memberKey(state: EpochState, leafIndex: number): Uint8Array {
  if (leafIndex === state.ownLeaf) throw new MlsError('own-message', 'a message of our own')
  const leaf = state.tree.leaf(leafIndex)
  if (leaf === undefined) throw new MlsError('not-a-member', 'a message of nobody in this epoch')
  return leaf.signatureKey
}

function unprotectPrivate(state: EpochState, message: PrivateMessage): Unprotected {
  checkEpoch(state, message)
  const { suite, secretTree, secrets } = state
  const sender = openSenderData(suite, secrets.senderDataSecret, message)
  const signatureKey = memberKey(state, sender.leafIndex)
  const kind = message.contentType === 1 ? 'application' : 'handshake'
  const messageKey = secretTree.lookUp(sender.leafIndex, kind, sender.generation)
  const authenticated = openPrivateMessage(suite, messageKey, sender, message)
  verifySender(state, authenticated, signatureKey)
  return { authenticated, consume: messageKey.consume }
}

function unprotectPublic(state: EpochState, message: PublicMessage): Unprotected {
  const { authenticated } = message
  checkEpoch(state, authenticated.framed)
  const signatureKey = senderKey(state, authenticated)
  if (authenticated.framed.sender.type === 'member') {
    const { membershipKey } = state.secrets
    const expected = computeMembershipTag(state.suite, membershipKey, authenticated, state.contextBytes)
    if (message.membershipTag === undefined || !state.suite.equal(expected, message.membershipTag))
      throw invalid('the membership tag of a message is not valid')
  }
  verifySender(state, authenticated, signatureKey)
  return { authenticated, consume: () => undefined }
}

function verifySender(
  state: EpochState,
  authenticated: AuthenticatedContent,
  signatureKey: Uint8Array
): void {
  if (!verifyContent(state.suite, signatureKey, authenticated, state.contextBytes))
    throw invalid('the signature of a message is not valid')
}

/** What senders outside the group may propose (RFC 9420 section 12.1.8). */
const PROPOSABLE_FROM_OUTSIDE: ReadonlySet<ProposalType> = new Set([
  'add',
  'remove',
  'psk',
  'reinit',
  'group_context_extensions'
])

/** The key that a public message must be signed with. Throws MlsError where its sender may not say this. */
function senderKey(state: EpochState, { framed }: AuthenticatedContent): Uint8Array {
  const { sender, content } = framed
  if (sender.type === 'member') return memberKey(state, sender.leafIndex)
  if (content.type === 'commit' && sender.type === 'new_member_commit') {
    if (content.commit.path === undefined) throw invalid('an external commit without a path')
    return content.commit.path.leafNode.signatureKey
  }
  if (content.type === 'proposal' && sender.type === 'new_member_proposal') {
    if (content.proposal.type === 'add') return content.proposal.keyPackage.leafNode.signatureKey
  }
  if (content.type === 'proposal' && sender.type === 'external') {
    const known = externalSenders(state.context.extensions)[sender.senderIndex]
    if (known === undefined) throw new MlsError('not-a-member', 'a sender that the group does not know')
    if (PROPOSABLE_FROM_OUTSIDE.has(content.proposal.type)) return known.signatureKey
  }
  throw invalid(`a ${content.type} that a sender of type ${sender.type} may not send`)
}
