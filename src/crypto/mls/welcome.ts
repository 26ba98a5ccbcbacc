/** Welcome (RFC 9420 section 12.4.3.1): the secrets of an epoch, sealed to those whom a commit adds. */
import type { CipherSuite } from './cipher-suite.ts'
import { readOpaque, writeOpaque } from './codec.ts'
import type { Read, Write } from './codec.ts'
import { readHpkeCiphertext, writeHpkeCiphertext } from './commit.ts'
import { refusing } from './errors.ts'
import { deriveSecret, expandWithLabel } from './labels.ts'
import type { HpkeCiphertext } from './labels.ts'
import { readPreSharedKeyId, writePreSharedKeyId } from './pre-shared-key.ts'
import type { PreSharedKeyId } from './pre-shared-key.ts'

/** What one newcomer is told. */
export interface GroupSecrets {
  readonly joinerSecret: Uint8Array
  /** The path secret of the lowest common ancestor with the committer, where the commit had a path. */
  readonly pathSecret: Uint8Array | undefined
  readonly psks: readonly PreSharedKeyId[]
}

/** GroupSecrets sealed to the init key of one key package. */
export interface EncryptedGroupSecrets {
  readonly newMember: Uint8Array
  readonly encryptedGroupSecrets: HpkeCiphertext
}

/** One message for all newcomers of a commit. */
export interface Welcome {
  readonly cipherSuite: number
  readonly secrets: readonly EncryptedGroupSecrets[]
  readonly encryptedGroupInfo: Uint8Array
}

/** Appends GroupSecrets. */
export const writeGroupSecrets: Write<GroupSecrets> = (writer, secrets) => {
  writer
    .opaque(secrets.joinerSecret)
    .optional(secrets.pathSecret, writeOpaque)
    .list(secrets.psks, writePreSharedKeyId)
}

/** Reads GroupSecrets. */
export const readGroupSecrets: Read<GroupSecrets> = reader => ({
  joinerSecret: reader.opaque(),
  pathSecret: reader.optional(readOpaque),
  psks: reader.list(readPreSharedKeyId)
})

/** Appends a Welcome. */
export const writeWelcome: Write<Welcome> = (writer, welcome) => {
  writer.u16(welcome.cipherSuite)
  writer.list(welcome.secrets, (inner, secret) => {
    writeHpkeCiphertext(inner.opaque(secret.newMember), secret.encryptedGroupSecrets)
  })
  writer.opaque(welcome.encryptedGroupInfo)
}

/** Reads a Welcome. */
export const readWelcome: Read<Welcome> = reader => ({
  cipherSuite: reader.u16(),
  secrets: reader.list(inner => ({
    newMember: inner.opaque(),
    encryptedGroupSecrets: readHpkeCiphertext(inner)
  })),
  encryptedGroupInfo: reader.opaque()
})

const EMPTY = new Uint8Array(0)

/** The key and nonce of the GroupInfo in a Welcome, from `member_secret` (joiner secret and PSK secret). */
function welcomeKey(suite: CipherSuite, memberSecret: Uint8Array): { key: Uint8Array; nonce: Uint8Array } {
  const secret = deriveSecret(suite, memberSecret, 'welcome')
  return {
    key: expandWithLabel(suite, secret, 'key', EMPTY, suite.aead.keyLength),
    nonce: expandWithLabel(suite, secret, 'nonce', EMPTY, suite.aead.nonceLength)
  }
}

/** Seals an encoded GroupInfo for a Welcome. */
export function sealGroupInfo(
  suite: CipherSuite,
  memberSecret: Uint8Array,
  groupInfo: Uint8Array
): Uint8Array {
  const { key, nonce } = welcomeKey(suite, memberSecret)
  return suite.aead.seal(key, nonce, EMPTY, groupInfo)
}

/** Opens the GroupInfo of a Welcome. Throws MlsError `invalid`. */
export function openGroupInfo(suite: CipherSuite, memberSecret: Uint8Array, sealed: Uint8Array): Uint8Array {
  const { key, nonce } = welcomeKey(suite, memberSecret)
  return refusing('the GroupInfo of a Welcome does not open', () =>
    suite.aead.open(key, nonce, EMPTY, sealed)
  )
}
