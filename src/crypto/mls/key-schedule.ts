/** The key schedule (RFC 9420 section 8): all secrets of an epoch, from the commit and the group context. */
import type { CipherSuite } from './cipher-suite.ts'
import { deriveSecret, expandWithLabel } from './labels.ts'

/** The secrets that an epoch keeps. The encryption secret is not among them: the secret tree consumes it. */
export interface EpochSecrets {
  readonly senderDataSecret: Uint8Array
  readonly exporterSecret: Uint8Array
  readonly externalSecret: Uint8Array
  readonly confirmationKey: Uint8Array
  readonly membershipKey: Uint8Array
  readonly resumptionPsk: Uint8Array
  readonly epochAuthenticator: Uint8Array
  readonly initSecret: Uint8Array
}

/** The names of the kept secrets, in the order in which they are stored. */
export const epochSecretNames = [
  'senderDataSecret',
  'exporterSecret',
  'externalSecret',
  'confirmationKey',
  'membershipKey',
  'resumptionPsk',
  'epochAuthenticator',
  'initSecret'
] as const satisfies readonly (keyof EpochSecrets)[]

/** joiner_secret: the last epoch's init secret, this commit's secret, and the new group context. */
export function deriveJoinerSecret(
  suite: CipherSuite,
  initSecret: Uint8Array,
  commitSecret: Uint8Array,
  groupContext: Uint8Array
): Uint8Array {
  const extracted = suite.kdf.extract(initSecret, commitSecret)
  return expandWithLabel(suite, extracted, 'joiner', groupContext, suite.kdf.hashLength)
}

/** member_secret: the joiner secret with the pre-shared keys. The Welcome's key comes from it too. */
export const deriveMemberSecret = (
  suite: CipherSuite,
  joinerSecret: Uint8Array,
  pskSecret: Uint8Array
): Uint8Array => suite.kdf.extract(joinerSecret, pskSecret)

/** The secrets of an epoch and, apart, the root of its secret tree. */
export function deriveEpochSecrets(
  suite: CipherSuite,
  memberSecret: Uint8Array,
  groupContext: Uint8Array
): { readonly secrets: EpochSecrets; readonly encryptionSecret: Uint8Array } {
  const epochSecret = expandWithLabel(suite, memberSecret, 'epoch', groupContext, suite.kdf.hashLength)
  const derive = (label: string): Uint8Array => deriveSecret(suite, epochSecret, label)
  const secrets = {
    senderDataSecret: derive('sender data'),
    exporterSecret: derive('exporter'),
    externalSecret: derive('external'),
    confirmationKey: derive('confirm'),
    membershipKey: derive('membership'),
    resumptionPsk: derive('resumption'),
    epochAuthenticator: derive('authentication'),
    initSecret: derive('init')
  }
  const encryptionSecret = derive('encryption')
  epochSecret.fill(0)
  return { secrets, encryptionSecret }
}

/** MLS-Exporter (RFC 9420 section 8.5). */
export function exportSecret(
  suite: CipherSuite,
  exporterSecret: Uint8Array,
  label: string,
  context: Uint8Array,
  length: number
): Uint8Array {
  const secret = deriveSecret(suite, exporterSecret, label)
  return expandWithLabel(suite, secret, 'exported', suite.kdf.hash(context), length)
}

const EMPTY = new Uint8Array(0)
const EXTERNAL_INIT_CONTEXT = new TextEncoder().encode('MLS 1.0 external init secret')

/** The public key that external commits are made to (RFC 9420 section 8.3). */
export const externalPublicKey = (suite: CipherSuite, externalSecret: Uint8Array): Uint8Array =>
  suite.hpke.deriveKeyPair(externalSecret).publicKey

/** The init secret of an external commit, on the side of who joins. */
export function sendExternalInit(
  suite: CipherSuite,
  externalPub: Uint8Array
): { readonly kemOutput: Uint8Array; readonly initSecret: Uint8Array } {
  const sender = suite.hpke.setupSender(externalPub, EMPTY)
  return {
    kemOutput: sender.enc,
    initSecret: sender.export(EXTERNAL_INIT_CONTEXT, suite.kdf.hashLength)
  }
}

/** The init secret of an external commit, on the side of the members. */
export function receiveExternalInit(
  suite: CipherSuite,
  externalSecret: Uint8Array,
  kemOutput: Uint8Array
): Uint8Array {
  const { secretKey } = suite.hpke.deriveKeyPair(externalSecret)
  const receiver = suite.hpke.setupReceiver(secretKey, kemOutput, EMPTY)
  return receiver.export(EXTERNAL_INIT_CONTEXT, suite.kdf.hashLength)
}
