/**
 * FramedContent and AuthenticatedContent (RFC 9420 section 6): what a sender says, and the signature over it,
 * before it is sealed (PrivateMessage) or not (PublicMessage).
 */
import { PROTOCOL_VERSION } from './capabilities.ts'
import type { CipherSuite } from './cipher-suite.ts'
import { Writer } from './codec.ts'
import type { Read, Reader, Write } from './codec.ts'
import { readCommit, writeCommit } from './commit.ts'
import type { Commit } from './commit.ts'
import { MlsError } from './errors.ts'
import { signWithLabel, verifyWithLabel } from './labels.ts'
import { readProposal, writeProposal } from './proposal.ts'
import type { Proposal } from './proposal.ts'

/** The registered numbers of wire formats (RFC 9420 section 17.2). */
export const wireFormats = {
  publicMessage: 1,
  privateMessage: 2,
  welcome: 3,
  groupInfo: 4,
  keyPackage: 5
} as const

/** The two wire formats of messages inside a group. */
export type MessageWireFormat = typeof wireFormats.publicMessage | typeof wireFormats.privateMessage

/** Who speaks. */
export type Sender =
  | { readonly type: 'member'; readonly leafIndex: number }
  /** An entry of the `external_senders` extension. */
  | { readonly type: 'external'; readonly senderIndex: number }
  | { readonly type: 'new_member_proposal' }
  | { readonly type: 'new_member_commit' }

/** What is said. */
export type Content =
  | { readonly type: 'application'; readonly data: Uint8Array }
  | { readonly type: 'proposal'; readonly proposal: Proposal }
  | { readonly type: 'commit'; readonly commit: Commit }

/** Content with the group, the epoch and the sender that it belongs to. */
export interface FramedContent {
  readonly groupId: Uint8Array
  readonly epoch: bigint
  readonly sender: Sender
  readonly authenticatedData: Uint8Array
  readonly content: Content
}

/** Content as its sender signed it. Only commits have a confirmation tag. */
export interface AuthenticatedContent {
  readonly wireFormat: MessageWireFormat
  readonly framed: FramedContent
  readonly signature: Uint8Array
  readonly confirmationTag: Uint8Array | undefined
}

/** The numbers of content types. */
export const contentTypes = { application: 1, proposal: 2, commit: 3 } as const

const SENDER = { member: 1, external: 2, new_member_proposal: 3, new_member_commit: 4 } as const

/** Appends a Sender. */
export const writeSender: Write<Sender> = (writer, sender) => {
  writer.u8(SENDER[sender.type])
  if (sender.type === 'member') writer.u32(sender.leafIndex)
  if (sender.type === 'external') writer.u32(sender.senderIndex)
}

/** Reads a Sender. */
export const readSender: Read<Sender> = reader => {
  const type = reader.u8()
  switch (type) {
    case SENDER.member:
      return { type: 'member', leafIndex: reader.u32() }
    case SENDER.external:
      return { type: 'external', senderIndex: reader.u32() }
    case SENDER.new_member_proposal:
      return { type: 'new_member_proposal' }
    case SENDER.new_member_commit:
      return { type: 'new_member_commit' }
    default:
      throw new MlsError('malformed', `sender type ${type} is not known`)
  }
}

/** Appends content without its type. */
export const writeContent: Write<Content> = (writer, content) => {
  switch (content.type) {
    case 'application':
      return void writer.opaque(content.data)
    case 'proposal':
      return writeProposal(writer, content.proposal)
    case 'commit':
      return writeCommit(writer, content.commit)
  }
}

/** Reads content of a given type. */
export function readContent(reader: Reader, type: number): Content {
  switch (type) {
    case contentTypes.application:
      return { type: 'application', data: reader.opaque() }
    case contentTypes.proposal:
      return { type: 'proposal', proposal: readProposal(reader) }
    case contentTypes.commit:
      return { type: 'commit', commit: readCommit(reader) }
    default:
      throw new MlsError('malformed', `content type ${type} is not known`)
  }
}

/** Appends FramedContent. */
export const writeFramedContent: Write<FramedContent> = (writer, framed) => {
  writer.opaque(framed.groupId).u64(framed.epoch)
  writeSender(writer, framed.sender)
  writer.opaque(framed.authenticatedData).u8(contentTypes[framed.content.type])
  writeContent(writer, framed.content)
}

/** Reads FramedContent. */
export const readFramedContent: Read<FramedContent> = reader => ({
  groupId: reader.opaque(),
  epoch: reader.u64(),
  sender: readSender(reader),
  authenticatedData: reader.opaque(),
  content: readContent(reader, reader.u8())
})

/** Appends FramedContentAuthData. */
export const writeAuthData: Write<Pick<AuthenticatedContent, 'signature' | 'confirmationTag'>> = (
  writer,
  { signature, confirmationTag }
) => {
  writer.opaque(signature)
  if (confirmationTag !== undefined) writer.opaque(confirmationTag)
}

/** Reads FramedContentAuthData for content of a type. */
export const readAuthData = (
  reader: Reader,
  type: Content['type']
): Pick<AuthenticatedContent, 'signature' | 'confirmationTag'> => ({
  signature: reader.opaque(),
  confirmationTag: type === 'commit' ? reader.opaque() : undefined
})

/** The encoding of AuthenticatedContent, which proposal references are hashes of. */
export function encodeAuthenticatedContent(authenticated: AuthenticatedContent): Uint8Array {
  const writer = new Writer().u16(authenticated.wireFormat)
  writeFramedContent(writer, authenticated.framed)
  writeAuthData(writer, authenticated)
  return writer.finish()
}

/** FramedContentTBS: members and newcomers sign the group context with their content. */
export function signedContent(
  wireFormat: MessageWireFormat,
  framed: FramedContent,
  groupContext: Uint8Array
): Uint8Array {
  const writer = new Writer().u16(PROTOCOL_VERSION).u16(wireFormat)
  writeFramedContent(writer, framed)
  const { type } = framed.sender
  if (type === 'member' || type === 'new_member_commit') writer.bytes(groupContext)
  return writer.finish()
}

/** The signature of a sender over content. */
export const signContent = (
  suite: CipherSuite,
  signatureSecret: Uint8Array,
  wireFormat: MessageWireFormat,
  framed: FramedContent,
  groupContext: Uint8Array
): Uint8Array =>
  signWithLabel(suite, signatureSecret, 'FramedContentTBS', signedContent(wireFormat, framed, groupContext))

/** Whether content was signed with the secret of this signature key in this group context. */
export const verifyContent = (
  suite: CipherSuite,
  signatureKey: Uint8Array,
  { wireFormat, framed, signature }: AuthenticatedContent,
  groupContext: Uint8Array
): boolean =>
  verifyWithLabel(
    suite,
    signatureKey,
    'FramedContentTBS',
    signedContent(wireFormat, framed, groupContext),
    signature
  )
