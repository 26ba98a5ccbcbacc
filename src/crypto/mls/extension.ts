/**
 * Extensions (RFC 9420 section 13): typed bytes that ride in key packages, leaves, the group context and
 * GroupInfo. Types that nobody knows are carried along unread.
 */
import { mlsLimits } from '../../base/limits.ts'
import { readNumbers } from './capabilities.ts'
import { decode, encode, writeU16 } from './codec.ts'
import type { Read, Write } from './codec.ts'
import { readCredential, writeCredential } from './credential.ts'
import type { Credential } from './credential.ts'
import { MlsError } from './errors.ts'

/** One extension, its data encoded. */
export interface Extension {
  readonly type: number
  readonly data: Uint8Array
}

/** The registered numbers of extension types (RFC 9420 section 17.3). */
export const extensionTypes = {
  applicationId: 1,
  ratchetTree: 2,
  requiredCapabilities: 3,
  externalPub: 4,
  externalSenders: 5
} as const

/** What every member of a group must support (RFC 9420 section 11.1). */
export interface RequiredCapabilities {
  readonly extensions: readonly number[]
  readonly proposals: readonly number[]
  readonly credentials: readonly number[]
}

/** A sender outside the group who may propose (RFC 9420 section 12.1.8.1). */
export interface ExternalSender {
  readonly signatureKey: Uint8Array
  readonly credential: Credential
}

/** Appends a list of extensions. */
export const writeExtensions: Write<readonly Extension[]> = (writer, extensions) => {
  writer.list(extensions, (inner, { type, data }) => void inner.u16(type).opaque(data))
}

/** Reads a list of extensions. Throws where a type is there twice (RFC 9420 section 13.4). */
export const readExtensions: Read<readonly Extension[]> = reader => {
  const read: Read<Extension> = inner => ({ type: inner.u16(), data: inner.opaque() })
  const extensions = reader.list(read, mlsLimits.extensionsMax)
  if (new Set(extensions.map(extension => extension.type)).size < extensions.length)
    throw new MlsError('malformed', 'an extension is there twice')
  return extensions
}

/** The data of the extension of a type, or undefined. */
export const extensionData = (extensions: readonly Extension[], type: number): Uint8Array | undefined =>
  extensions.find(extension => extension.type === type)?.data

/** The `required_capabilities` extension. */
export const requiredCapabilitiesExtension = (required: RequiredCapabilities): Extension => ({
  type: extensionTypes.requiredCapabilities,
  data: encode((writer, value) => {
    writer.list(value.extensions, writeU16).list(value.proposals, writeU16).list(value.credentials, writeU16)
  }, required)
})

/** What a group context requires of its members; nothing where it does not say. */
export function requiredCapabilities(extensions: readonly Extension[]): RequiredCapabilities {
  const data = extensionData(extensions, extensionTypes.requiredCapabilities)
  if (data === undefined) return { extensions: [], proposals: [], credentials: [] }
  return decode(
    reader => ({
      extensions: readNumbers(reader),
      proposals: readNumbers(reader),
      credentials: readNumbers(reader)
    }),
    data
  )
}

/** The `external_senders` extension. */
export const externalSendersExtension = (senders: readonly ExternalSender[]): Extension => ({
  type: extensionTypes.externalSenders,
  data: encode((writer, value) => {
    writer.list(value, (inner, sender) => {
      writeCredential(inner.opaque(sender.signatureKey), sender.credential)
    })
  }, senders)
})

/** Who outside the group may propose; nobody where the group context does not say. */
export function externalSenders(extensions: readonly Extension[]): readonly ExternalSender[] {
  const data = extensionData(extensions, extensionTypes.externalSenders)
  if (data === undefined) return []
  const read: Read<ExternalSender> = reader => ({
    signatureKey: reader.opaque(),
    credential: readCredential(reader)
  })
  return decode(reader => reader.list(read, mlsLimits.externalSendersMax), data)
}

/** The `external_pub` extension: the key that external commits are made to (RFC 9420 section 12.4.3.2). */
export const externalPubExtension = (publicKey: Uint8Array): Extension => ({
  type: extensionTypes.externalPub,
  data: encode((writer, value) => void writer.opaque(value), publicKey)
})

/** The key that external commits are made to, or undefined. */
export function externalPub(extensions: readonly Extension[]): Uint8Array | undefined {
  const data = extensionData(extensions, extensionTypes.externalPub)
  return data === undefined ? undefined : decode(reader => reader.opaque(), data)
}

/** The `application_id` extension of a leaf (RFC 9420 section 5.3.3). */
export const applicationIdExtension = (id: Uint8Array): Extension => ({
  type: extensionTypes.applicationId,
  data: encode((writer, value) => void writer.opaque(value), id)
})

/** The application's own identifier of a leaf, or undefined. */
export function applicationId(extensions: readonly Extension[]): Uint8Array | undefined {
  const data = extensionData(extensions, extensionTypes.applicationId)
  return data === undefined ? undefined : decode(reader => reader.opaque(), data)
}
