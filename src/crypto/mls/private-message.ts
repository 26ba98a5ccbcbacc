/**
 * PrivateMessage (RFC 9420 section 6.3): authenticated content sealed under a key of the sender's ratchet,
 * with the sender itself sealed beside it.
 */
import type { CipherSuite } from './cipher-suite.ts'
import { decode, Writer } from './codec.ts'
import type { Read, Write } from './codec.ts'
import { MlsError, refusing } from './errors.ts'
import {
  contentTypes,
  readAuthData,
  readContent,
  wireFormats,
  writeAuthData,
  writeContent
} from './framing.ts'
import type { AuthenticatedContent, Content } from './framing.ts'
import { expandWithLabel } from './labels.ts'
import type { MessageKey } from './secret-tree.ts'

/** Authenticated content, sealed. */
export interface PrivateMessage {
  readonly groupId: Uint8Array
  readonly epoch: bigint
  readonly contentType: number
  readonly authenticatedData: Uint8Array
  readonly encryptedSenderData: Uint8Array
  readonly ciphertext: Uint8Array
}

/** Who sent a PrivateMessage, and which of their keys opens it. */
export interface SenderData {
  readonly leafIndex: number
  readonly generation: number
  readonly reuseGuard: Uint8Array
}

const REUSE_GUARD_BYTES = 4

/** Appends a PrivateMessage. */
export const writePrivateMessage: Write<PrivateMessage> = (writer, message) => {
  writer
    .opaque(message.groupId)
    .u64(message.epoch)
    .u8(message.contentType)
    .opaque(message.authenticatedData)
    .opaque(message.encryptedSenderData)
    .opaque(message.ciphertext)
}

/** Reads a PrivateMessage. */
export const readPrivateMessage: Read<PrivateMessage> = reader => ({
  groupId: reader.opaque(),
  epoch: reader.u64(),
  contentType: reader.u8(),
  authenticatedData: reader.opaque(),
  encryptedSenderData: reader.opaque(),
  ciphertext: reader.opaque()
})

type Header = Pick<PrivateMessage, 'groupId' | 'epoch' | 'contentType' | 'authenticatedData'>

const senderDataAad = ({ groupId, epoch, contentType }: Header): Writer =>
  new Writer().opaque(groupId).u64(epoch).u8(contentType)

const contentAad = (header: Header): Uint8Array =>
  senderDataAad(header).opaque(header.authenticatedData).finish()

/** The key of the sender data depends on the first bytes of the ciphertext (RFC 9420 section 6.3.2). */
function senderDataKey(suite: CipherSuite, senderDataSecret: Uint8Array, ciphertext: Uint8Array) {
  const sample = ciphertext.subarray(0, suite.kdf.hashLength)
  return {
    key: expandWithLabel(suite, senderDataSecret, 'key', sample, suite.aead.keyLength),
    nonce: expandWithLabel(suite, senderDataSecret, 'nonce', sample, suite.aead.nonceLength)
  }
}

/** The nonce with its first bytes masked, so that a restored backup does not use one nonce twice. */
function guardedNonce(nonce: Uint8Array, reuseGuard: Uint8Array): Uint8Array {
  const guarded = nonce.slice()
  for (let index = 0; index < reuseGuard.length; index++) guarded[index]! ^= reuseGuard[index]!
  return guarded
}

/** Seals content of a member. `padTo`: the plaintext is filled with zeros to a multiple of so many bytes. */
export function sealPrivateMessage(
  suite: CipherSuite,
  senderDataSecret: Uint8Array,
  messageKey: MessageKey,
  leafIndex: number,
  authenticated: AuthenticatedContent,
  padTo = 0
): PrivateMessage {
  const { framed } = authenticated
  const header: Header = { ...framed, contentType: contentTypes[framed.content.type] }
  const plaintext = new Writer()
  writeContent(plaintext, framed.content)
  writeAuthData(plaintext, authenticated)
  if (padTo > 1) plaintext.bytes(new Uint8Array((padTo - (plaintext.length % padTo)) % padTo))
  const reuseGuard = suite.random(REUSE_GUARD_BYTES)
  const ciphertext = suite.aead.seal(
    messageKey.key,
    guardedNonce(messageKey.nonce, reuseGuard),
    contentAad(header),
    plaintext.finish()
  )
  const { key, nonce } = senderDataKey(suite, senderDataSecret, ciphertext)
  const senderData = new Writer().u32(leafIndex).u32(messageKey.generation).bytes(reuseGuard).finish()
  return {
    groupId: header.groupId,
    epoch: header.epoch,
    contentType: header.contentType,
    authenticatedData: header.authenticatedData,
    encryptedSenderData: suite.aead.seal(key, nonce, senderDataAad(header).finish(), senderData),
    ciphertext
  }
}

/** Opens the sender data of a message. Throws MlsError `invalid`. */
export function openSenderData(
  suite: CipherSuite,
  senderDataSecret: Uint8Array,
  message: PrivateMessage
): SenderData {
  const { key, nonce } = senderDataKey(suite, senderDataSecret, message.ciphertext)
  const bytes = refusing('the sender of a message does not open', () =>
    suite.aead.open(key, nonce, senderDataAad(message).finish(), message.encryptedSenderData)
  )
  return decode(
    reader => ({
      leafIndex: reader.u32(),
      generation: reader.u32(),
      reuseGuard: reader.bytes(REUSE_GUARD_BYTES)
    }),
    bytes
  )
}

/** Opens the content of a message. Its signature is not verified by this. Throws MlsError. */
export function openPrivateMessage(
  suite: CipherSuite,
  messageKey: Pick<MessageKey, 'key' | 'nonce'>,
  { leafIndex, reuseGuard }: SenderData,
  message: PrivateMessage
): AuthenticatedContent {
  const nonce = guardedNonce(messageKey.nonce, reuseGuard)
  const plaintext = refusing('a message does not open', () =>
    suite.aead.open(messageKey.key, nonce, contentAad(message), message.ciphertext)
  )
  return decode(reader => {
    const content: Content = readContent(reader, message.contentType)
    const authData = readAuthData(reader, content.type)
    if (reader.rest().some(byte => byte !== 0)) throw new MlsError('malformed', 'the padding is not zero')
    return {
      wireFormat: wireFormats.privateMessage,
      framed: {
        groupId: message.groupId,
        epoch: message.epoch,
        sender: { type: 'member', leafIndex },
        authenticatedData: message.authenticatedData,
        content
      },
      ...authData
    }
  }, plaintext)
}
