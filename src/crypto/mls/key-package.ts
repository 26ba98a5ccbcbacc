/**
 * KeyPackage (RFC 9420 section 10): what somebody publishes so that others can add them while they are away.
 * A key package is for one group only; its init key must be deleted once a Welcome was opened with it.
 */
import { fromUtf8 } from '../../base/bytes.ts'
import { PROTOCOL_VERSION } from './capabilities.ts'
import type { Capabilities } from './capabilities.ts'
import { cipherSuite } from './cipher-suite.ts'
import type { CipherSuite } from './cipher-suite.ts'
import { decode, encode } from './codec.ts'
import type { Read, Write } from './codec.ts'
import { credentialType } from './credential.ts'
import type { Credential } from './credential.ts'
import { readExtensions, writeExtensions } from './extension.ts'
import type { Extension } from './extension.ts'
import type { KeyPair } from '../hpke.ts'
import { readLeafNode, signLeafNode, writeLeafNode } from './leaf-node.ts'
import type { LeafNode, Lifetime } from './leaf-node.ts'
import { refHash, signWithLabel, verifyOnceWithLabel } from './labels.ts'

/** What the owner of a key package signs. */
export interface KeyPackageContent {
  readonly version: number
  readonly cipherSuite: number
  readonly initKey: Uint8Array
  readonly leafNode: LeafNode
  readonly extensions: readonly Extension[]
}

/** A signed key package. */
export interface KeyPackage extends KeyPackageContent {
  readonly signature: Uint8Array
}

/** The secret keys behind a key package. To be kept encrypted, and `init` only until it was used. */
export interface PrivateKeys {
  readonly init: Uint8Array
  readonly encryption: Uint8Array
  readonly signature: Uint8Array
}

const writeContent: Write<KeyPackageContent> = (writer, keyPackage) => {
  writer.u16(keyPackage.version).u16(keyPackage.cipherSuite).opaque(keyPackage.initKey)
  writeLeafNode(writer, keyPackage.leafNode)
  writeExtensions(writer, keyPackage.extensions)
}

/** Appends a KeyPackage. */
export const writeKeyPackage: Write<KeyPackage> = (writer, keyPackage) => {
  writeContent(writer, keyPackage)
  writer.opaque(keyPackage.signature)
}

/** Reads a KeyPackage; nothing is verified by this. */
export const readKeyPackage: Read<KeyPackage> = reader => ({
  version: reader.u16(),
  cipherSuite: reader.u16(),
  initKey: reader.opaque(),
  leafNode: readLeafNode(reader),
  extensions: readExtensions(reader),
  signature: reader.opaque()
})

/** The encoding of a KeyPackage (the bare structure, not an MLSMessage). */
export const encodeKeyPackage = (keyPackage: KeyPackage): Uint8Array => encode(writeKeyPackage, keyPackage)

/**
 * The KeyPackage that `bytes` encode (the bare structure, not an MLSMessage). Its signatures are verified when
 * it is proposed or applied, or by `verifyKeyPackage`. Throws MlsError `malformed`.
 */
export const decodeKeyPackage = (bytes: Uint8Array): KeyPackage => decode(readKeyPackage, bytes)

/** KeyPackageRef (RFC 9420 section 5.2): how a Welcome names a key package. */
export const keyPackageRef = (
  keyPackage: KeyPackage,
  suite: CipherSuite = cipherSuite(keyPackage.cipherSuite)
): Uint8Array => refHash(suite, 'MLS 1.0 KeyPackage Reference', encodeKeyPackage(keyPackage))

/** Signs a key package. */
export const signKeyPackage = (
  suite: CipherSuite,
  signatureSecret: Uint8Array,
  content: KeyPackageContent
): KeyPackage => ({
  ...content,
  signature: signWithLabel(suite, signatureSecret, 'KeyPackageTBS', encode(writeContent, content))
})

/** Whether the key package is signed by the signature key of its leaf. The leaf is verified separately. */
export const verifyKeyPackageSignature = (suite: CipherSuite, keyPackage: KeyPackage): boolean =>
  verifyOnceWithLabel(
    suite,
    keyPackage.leafNode.signatureKey,
    'KeyPackageTBS',
    encode(writeContent, keyPackage),
    keyPackage.signature
  )

/** The encoding of the secret keys behind a key package, for a store that encrypts. */
export const encodePrivateKeys = (keys: PrivateKeys): Uint8Array =>
  encode((writer, { init, encryption, signature }) => {
    writer.opaque(init).opaque(encryption).opaque(signature)
  }, keys)

/** The opposite of `encodePrivateKeys`. Throws MlsError `malformed`. */
export const decodePrivateKeys = (bytes: Uint8Array): PrivateKeys =>
  decode(
    reader => ({ init: reader.opaque(), encryption: reader.opaque(), signature: reader.opaque() }),
    bytes
  )

/** What `generateKeyPackage` is told. */
export interface KeyPackageInit {
  readonly suite: CipherSuite
  /** The identity of a basic credential; whoever needs another kind gives `credential` as well. */
  readonly identity: Uint8Array | string
  readonly credential?: Credential
  /** A fresh pair where it is absent. */
  readonly signatureKeyPair?: KeyPair
  /** In seconds since 1970. Always explicit: the engine has no clock. */
  readonly lifetime: Lifetime
  readonly extensions?: readonly Extension[]
  readonly leafExtensions?: readonly Extension[]
  /** Added to what the engine itself supports, which is always listed. */
  readonly capabilities?: Partial<Capabilities>
}

/** What one needs to be added to a group: the public half to publish, the secret half to keep. */
export interface GeneratedKeyPackage {
  readonly keyPackage: KeyPackage
  /** The encoded KeyPackage structure. */
  readonly bytes: Uint8Array
  readonly privateKeys: PrivateKeys
}

const union = (defaults: readonly number[], more: readonly number[] = []): number[] => [
  ...new Set([...defaults, ...more])
]

/** Makes a key package with fresh keys. */
export function generateKeyPackage(init: KeyPackageInit): GeneratedKeyPackage {
  const { suite, lifetime, extensions = [], leafExtensions = [] } = init
  const { identity } = init
  const credential: Credential = init.credential ?? {
    type: 'basic',
    identity: typeof identity === 'string' ? fromUtf8(identity) : Uint8Array.from(identity)
  }
  const initKeys = suite.hpke.generateKeyPair()
  const encryption = suite.hpke.generateKeyPair()
  const signature = init.signatureKeyPair ?? suite.signature.generateKeyPair()
  const leafNode = signLeafNode(suite, signature.secretKey, {
    encryptionKey: encryption.publicKey,
    signatureKey: signature.publicKey,
    credential,
    capabilities: {
      versions: union([PROTOCOL_VERSION], init.capabilities?.versions),
      cipherSuites: union([suite.id], init.capabilities?.cipherSuites),
      // Whoever puts an extension into the leaf supports it.
      extensions: union(
        leafExtensions.map(extension => extension.type).filter(type => type > 5),
        init.capabilities?.extensions
      ),
      proposals: union([], init.capabilities?.proposals),
      credentials: union([credentialType(credential)], init.capabilities?.credentials)
    },
    source: { type: 'key_package', lifetime },
    extensions: leafExtensions
  })
  const content: KeyPackageContent = {
    version: PROTOCOL_VERSION,
    cipherSuite: suite.id,
    initKey: initKeys.publicKey,
    leafNode,
    extensions
  }
  const keyPackage = signKeyPackage(suite, signature.secretKey, content)
  return {
    keyPackage,
    bytes: encodeKeyPackage(keyPackage),
    privateKeys: {
      init: initKeys.secretKey,
      encryption: encryption.secretKey,
      signature: signature.secretKey
    }
  }
}
