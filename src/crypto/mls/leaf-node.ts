/** LeafNode (RFC 9420 section 7.2): the keys, the credential and the capabilities of one member. */
import { readCapabilities, writeCapabilities } from './capabilities.ts'
import type { Capabilities } from './capabilities.ts'
import type { CipherSuite } from './cipher-suite.ts'
import { encode, Writer } from './codec.ts'
import type { Read, Reader, Write } from './codec.ts'
import { readCredential, writeCredential } from './credential.ts'
import type { Credential } from './credential.ts'
import { MlsError } from './errors.ts'
import { readExtensions, writeExtensions } from './extension.ts'
import type { Extension } from './extension.ts'
import { signWithLabel, verifyOnceWithLabel } from './labels.ts'

/** When a key package may be used, in seconds since 1970. */
export interface Lifetime {
  readonly notBefore: bigint
  readonly notAfter: bigint
}

/** How the leaf came to be: in a key package, by an Update, or by the path of a Commit. */
export type LeafNodeSource =
  | { readonly type: 'key_package'; readonly lifetime: Lifetime }
  | { readonly type: 'update' }
  | { readonly type: 'commit'; readonly parentHash: Uint8Array }

/** What the owner of a leaf signs. */
export interface LeafNodeContent {
  readonly encryptionKey: Uint8Array
  readonly signatureKey: Uint8Array
  readonly credential: Credential
  readonly capabilities: Capabilities
  readonly source: LeafNodeSource
  readonly extensions: readonly Extension[]
}

/** A signed leaf. */
export interface LeafNode extends LeafNodeContent {
  readonly signature: Uint8Array
}

/** Where in which group a leaf is: part of what is signed, except in key packages, which have no group yet. */
export interface LeafPosition {
  readonly groupId: Uint8Array
  readonly leafIndex: number
}

const SOURCE = { key_package: 1, update: 2, commit: 3 } as const

const writeSource: Write<LeafNodeSource> = (writer, source) => {
  writer.u8(SOURCE[source.type])
  if (source.type === 'key_package') writer.u64(source.lifetime.notBefore).u64(source.lifetime.notAfter)
  if (source.type === 'commit') writer.opaque(source.parentHash)
}

function readSource(reader: Reader): LeafNodeSource {
  const source = reader.u8()
  switch (source) {
    case SOURCE.key_package:
      return { type: 'key_package', lifetime: { notBefore: reader.u64(), notAfter: reader.u64() } }
    case SOURCE.update:
      return { type: 'update' }
    case SOURCE.commit:
      return { type: 'commit', parentHash: reader.opaque() }
    default:
      throw new MlsError('malformed', `leaf node source ${source} is not known`)
  }
}

const writeContent: Write<LeafNodeContent> = (writer, leaf) => {
  writer.opaque(leaf.encryptionKey).opaque(leaf.signatureKey)
  writeCredential(writer, leaf.credential)
  writeCapabilities(writer, leaf.capabilities)
  writeSource(writer, leaf.source)
  writeExtensions(writer, leaf.extensions)
}

/** Appends a LeafNode. */
export const writeLeafNode: Write<LeafNode> = (writer, leaf) => {
  writeContent(writer, leaf)
  writer.opaque(leaf.signature)
}

/** Reads a LeafNode; its signature is not verified by this. */
export const readLeafNode: Read<LeafNode> = reader => ({
  encryptionKey: reader.opaque(),
  signatureKey: reader.opaque(),
  credential: readCredential(reader),
  capabilities: readCapabilities(reader),
  source: readSource(reader),
  extensions: readExtensions(reader),
  signature: reader.opaque()
})

/** The encoding of a LeafNode. */
export const encodeLeafNode = (leaf: LeafNode): Uint8Array => encode(writeLeafNode, leaf)

/** LeafNodeTBS. */
function signedContent(leaf: LeafNodeContent, position: LeafPosition | undefined): Uint8Array {
  const writer = new Writer()
  writeContent(writer, leaf)
  if (leaf.source.type !== 'key_package') {
    if (position === undefined) throw new MlsError('invalid', 'a leaf of a group without its position')
    writer.opaque(position.groupId).u32(position.leafIndex)
  }
  return writer.finish()
}

/** Signs a leaf. `position` is needed for every source but key_package. */
export const signLeafNode = (
  suite: CipherSuite,
  signatureSecret: Uint8Array,
  leaf: LeafNodeContent,
  position?: LeafPosition
): LeafNode => ({
  ...leaf,
  signature: signWithLabel(suite, signatureSecret, 'LeafNodeTBS', signedContent(leaf, position))
})

/** Whether the leaf was signed by its own signature key, for this position. */
export const verifyLeafNode = (suite: CipherSuite, leaf: LeafNode, position?: LeafPosition): boolean =>
  verifyOnceWithLabel(suite, leaf.signatureKey, 'LeafNodeTBS', signedContent(leaf, position), leaf.signature)
