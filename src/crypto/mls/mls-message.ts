/** MLSMessage (RFC 9420 section 6): the outermost frame of everything that goes over the wire. */
import { PROTOCOL_VERSION } from './capabilities.ts'
import { decode, encode } from './codec.ts'
import type { Read, Write } from './codec.ts'
import { MlsError } from './errors.ts'
import { wireFormats } from './framing.ts'
import { readGroupInfo, writeGroupInfo } from './group-info.ts'
import type { GroupInfo } from './group-info.ts'
import { readKeyPackage, writeKeyPackage } from './key-package.ts'
import type { KeyPackage } from './key-package.ts'
import { readPrivateMessage, writePrivateMessage } from './private-message.ts'
import type { PrivateMessage } from './private-message.ts'
import { readPublicMessage, writePublicMessage } from './public-message.ts'
import type { PublicMessage } from './public-message.ts'
import { readWelcome, writeWelcome } from './welcome.ts'
import type { Welcome } from './welcome.ts'

/** One message, by its wire format. */
export type MlsMessage =
  | { readonly type: 'publicMessage'; readonly publicMessage: PublicMessage }
  | { readonly type: 'privateMessage'; readonly privateMessage: PrivateMessage }
  | { readonly type: 'welcome'; readonly welcome: Welcome }
  | { readonly type: 'groupInfo'; readonly groupInfo: GroupInfo }
  | { readonly type: 'keyPackage'; readonly keyPackage: KeyPackage }

const writeMlsMessage: Write<MlsMessage> = (writer, message) => {
  writer.u16(PROTOCOL_VERSION).u16(wireFormats[message.type])
  switch (message.type) {
    case 'publicMessage':
      return writePublicMessage(writer, message.publicMessage)
    case 'privateMessage':
      return writePrivateMessage(writer, message.privateMessage)
    case 'welcome':
      return writeWelcome(writer, message.welcome)
    case 'groupInfo':
      return writeGroupInfo(writer, message.groupInfo)
    case 'keyPackage':
      return writeKeyPackage(writer, message.keyPackage)
  }
}

const readMlsMessage: Read<MlsMessage> = reader => {
  const version = reader.u16()
  if (version !== PROTOCOL_VERSION) throw new MlsError('malformed', `version ${version} is not known`)
  const wireFormat = reader.u16()
  switch (wireFormat) {
    case wireFormats.publicMessage:
      return { type: 'publicMessage', publicMessage: readPublicMessage(reader) }
    case wireFormats.privateMessage:
      return { type: 'privateMessage', privateMessage: readPrivateMessage(reader) }
    case wireFormats.welcome:
      return { type: 'welcome', welcome: readWelcome(reader) }
    case wireFormats.groupInfo:
      return { type: 'groupInfo', groupInfo: readGroupInfo(reader) }
    case wireFormats.keyPackage:
      return { type: 'keyPackage', keyPackage: readKeyPackage(reader) }
    default:
      throw new MlsError('malformed', `wire format ${wireFormat} is not known`)
  }
}

/** The encoding of a message. */
export const encodeMlsMessage = (message: MlsMessage): Uint8Array => encode(writeMlsMessage, message)

/** The message that `bytes` encode; nothing is verified by this. Throws MlsError `malformed`. */
export const decodeMlsMessage = (bytes: Uint8Array): MlsMessage => decode(readMlsMessage, bytes)
