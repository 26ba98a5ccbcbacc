/** PublicMessage (RFC 9420 section 6.2): signed, not sealed; members add a MAC that only members can make. */
import type { CipherSuite } from './cipher-suite.ts'
import { Writer } from './codec.ts'
import type { Read, Write } from './codec.ts'
import { MlsError } from './errors.ts'
import { readAuthData, readFramedContent, signedContent, wireFormats } from './framing.ts'
import { writeAuthData, writeFramedContent } from './framing.ts'
import type { AuthenticatedContent } from './framing.ts'

/** Authenticated content in the open. `membershipTag` is there if and only if the sender is a member. */
export interface PublicMessage {
  readonly authenticated: AuthenticatedContent
  readonly membershipTag: Uint8Array | undefined
}

/** Appends a PublicMessage. */
export const writePublicMessage: Write<PublicMessage> = (writer, { authenticated, membershipTag }) => {
  writeFramedContent(writer, authenticated.framed)
  writeAuthData(writer, authenticated)
  if (membershipTag !== undefined) writer.opaque(membershipTag)
}

/** Reads a PublicMessage. Application data in the open is refused, as the RFC demands. */
export const readPublicMessage: Read<PublicMessage> = reader => {
  const framed = readFramedContent(reader)
  if (framed.content.type === 'application')
    throw new MlsError('malformed', 'application data in a public message')
  const authData = readAuthData(reader, framed.content.type)
  return {
    authenticated: { wireFormat: wireFormats.publicMessage, framed, ...authData },
    membershipTag: framed.sender.type === 'member' ? reader.opaque() : undefined
  }
}

/** The membership tag (RFC 9420 section 6.2): a MAC over the signed content and its authentication data. */
export function computeMembershipTag(
  suite: CipherSuite,
  membershipKey: Uint8Array,
  authenticated: AuthenticatedContent,
  groupContext: Uint8Array
): Uint8Array {
  const writer = new Writer().bytes(
    signedContent(authenticated.wireFormat, authenticated.framed, groupContext)
  )
  writeAuthData(writer, authenticated)
  return suite.kdf.mac(membershipKey, writer.finish())
}
