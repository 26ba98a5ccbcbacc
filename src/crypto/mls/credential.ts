/** Credential (RFC 9420 section 5.3): who a leaf says it is. Whether that is true, the application decides. */
import { encode, readOpaque, writeOpaque } from './codec.ts'
import type { Read, Write } from './codec.ts'
import { MlsError } from './errors.ts'

/** A basic credential is a bare identity; an X.509 credential a chain of DER certificates, the leaf's first. */
export type Credential =
  | { readonly type: 'basic'; readonly identity: Uint8Array }
  | { readonly type: 'x509'; readonly certificates: readonly Uint8Array[] }

/** The registered numbers of credential types (RFC 9420 section 17.5). */
export const credentialTypes = { basic: 1, x509: 2 } as const

/** The number of a credential's type. */
export const credentialType = (credential: Credential): number => credentialTypes[credential.type]

/** Appends a Credential. */
export const writeCredential: Write<Credential> = (writer, credential) => {
  writer.u16(credentialType(credential))
  if (credential.type === 'basic') writer.opaque(credential.identity)
  else writer.list(credential.certificates, writeOpaque)
}

/** Reads a Credential. A type without a known shape cannot be skipped, so it is refused. */
export const readCredential: Read<Credential> = reader => {
  const type = reader.u16()
  if (type === credentialTypes.basic) return { type: 'basic', identity: reader.opaque() }
  if (type === credentialTypes.x509) return { type: 'x509', certificates: reader.list(readOpaque) }
  throw new MlsError('malformed', `credential type ${type} is not known`)
}

/** The encoding, to compare credentials by. */
export const encodeCredential = (credential: Credential): Uint8Array => encode(writeCredential, credential)
