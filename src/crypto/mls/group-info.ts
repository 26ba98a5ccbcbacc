/** GroupInfo (RFC 9420 section 12.4.3): what a newcomer has to know about a group, signed by a member. */
import type { CipherSuite } from './cipher-suite.ts'
import { encode } from './codec.ts'
import type { Read, Write } from './codec.ts'
import { readExtensions, writeExtensions } from './extension.ts'
import type { Extension } from './extension.ts'
import { readGroupContext, writeGroupContext } from './group-context.ts'
import type { GroupContext } from './group-context.ts'
import { signWithLabel, verifyWithLabel } from './labels.ts'

/** What the signer of a GroupInfo signs. */
export interface GroupInfoContent {
  readonly groupContext: GroupContext
  readonly extensions: readonly Extension[]
  readonly confirmationTag: Uint8Array
  /** Leaf index of the member who signed. */
  readonly signer: number
}

/** A signed GroupInfo. */
export interface GroupInfo extends GroupInfoContent {
  readonly signature: Uint8Array
}

const writeContent: Write<GroupInfoContent> = (writer, info) => {
  writeGroupContext(writer, info.groupContext)
  writeExtensions(writer, info.extensions)
  writer.opaque(info.confirmationTag).u32(info.signer)
}

/** Appends a GroupInfo. */
export const writeGroupInfo: Write<GroupInfo> = (writer, info) => {
  writeContent(writer, info)
  writer.opaque(info.signature)
}

/** Reads a GroupInfo; nothing is verified by this. */
export const readGroupInfo: Read<GroupInfo> = reader => ({
  groupContext: readGroupContext(reader),
  extensions: readExtensions(reader),
  confirmationTag: reader.opaque(),
  signer: reader.u32(),
  signature: reader.opaque()
})

/** Signs a GroupInfo with the signature key of its signer. */
export const signGroupInfo = (
  suite: CipherSuite,
  signatureSecret: Uint8Array,
  content: GroupInfoContent
): GroupInfo => ({
  ...content,
  signature: signWithLabel(suite, signatureSecret, 'GroupInfoTBS', encode(writeContent, content))
})

/** Whether a GroupInfo was signed with the secret of this signature key. */
export const verifyGroupInfo = (suite: CipherSuite, signatureKey: Uint8Array, info: GroupInfo): boolean =>
  verifyWithLabel(suite, signatureKey, 'GroupInfoTBS', encode(writeContent, info), info.signature)
