/**
 * What a leaf must be to stand in a group (RFC 9420 section 7.3), beyond its signature: able to read what the
 * group uses, within its lifetime, and who it says it is (which the application decides).
 */
import { equal } from '../../base/bytes.ts'
import { supports } from './capabilities.ts'
import type { Capabilities } from './capabilities.ts'
import type { CipherSuite } from './cipher-suite.ts'
import { credentialType, encodeCredential } from './credential.ts'
import type { Credential } from './credential.ts'
import { invalid, MlsError, refusing } from './errors.ts'
import { externalSenders, requiredCapabilities } from './extension.ts'
import type { Extension } from './extension.ts'
import type { LeafNode } from './leaf-node.ts'
import type { RatchetTree } from './ratchet-tree.ts'

/**
 * Whether a credential belongs to a signature key: the authentication service of RFC 9420 section 5.3.1.
 * `previous` is the leaf that this one takes the place of, where there is one: who decides must then also
 * see that both are the same client.
 */
export type ValidateCredential = (
  credential: Credential,
  signatureKey: Uint8Array,
  previous: LeafNode | undefined
) => boolean

/** What the application brings to the validation of leaves. */
export interface LeafPolicy {
  /** Without it every credential is accepted, but a leaf cannot change its credential. */
  readonly validateCredential?: ValidateCredential | undefined
  /** Seconds since 1970, to check the lifetime of key packages that are added; not checked without it. */
  readonly now?: bigint | undefined
}

/** Checks a leaf that comes new into a group. Throws MlsError `invalid` or `refused`. */
export function checkNewLeaf(
  suite: CipherSuite,
  leaf: LeafNode,
  previous: LeafNode | undefined,
  policy: LeafPolicy
): void {
  // One member with a key that nothing can be sealed to would keep everybody else from ever updating.
  refusing('an encryption key is not valid', () => suite.hpke.validatePublicKey(leaf.encryptionKey))
  for (const { type } of leaf.extensions)
    if (!supports(leaf.capabilities, 'extensions', type))
      throw invalid(`a leaf has an extension ${type} that its owner does not support`)
  if (leaf.source.type === 'key_package' && policy.now !== undefined) {
    const { notBefore, notAfter } = leaf.source.lifetime
    if (policy.now < notBefore || policy.now > notAfter) throw invalid('a key package is not valid now')
  }
  checkCredential(leaf, previous, policy)
}

/** Asks the application about a credential. Throws MlsError `refused`. */
export function checkCredential(leaf: LeafNode, previous: LeafNode | undefined, policy: LeafPolicy): void {
  const { validateCredential } = policy
  const accepted =
    validateCredential === undefined
      ? previous === undefined ||
        equal(encodeCredential(leaf.credential), encodeCredential(previous.credential))
      : validateCredential(leaf.credential, leaf.signatureKey, previous)
  if (!accepted) throw new MlsError('refused', 'a credential was not accepted')
}

/** Checks that every member can read what the group uses. Throws MlsError `invalid`. */
export function checkMembersSupport(tree: RatchetTree, groupExtensions: readonly Extension[]): void {
  const required = requiredCapabilities(groupExtensions)
  // Throws here, where nothing has changed yet, rather than when a sender from outside speaks.
  externalSenders(groupExtensions)
  const extensions = new Set([...required.extensions, ...groupExtensions.map(({ type }) => type)])
  const credentials = new Set(required.credentials)
  for (const { leaf } of tree.members()) credentials.add(credentialType(leaf.credential))
  for (const { index, leaf } of tree.members()) {
    const lacking = lackingIn(leaf.capabilities, extensions, required.proposals, credentials)
    if (lacking !== undefined) throw invalid(`leaf ${index} does not support ${lacking}`)
  }
}

function lackingIn(
  capabilities: Capabilities,
  extensions: Iterable<number>,
  proposals: Iterable<number>,
  credentials: Iterable<number>
): string | undefined {
  for (const type of extensions) if (!supports(capabilities, 'extensions', type)) return `extension ${type}`
  for (const type of proposals) if (!supports(capabilities, 'proposals', type)) return `proposal ${type}`
  for (const type of credentials) if (!capabilities.credentials.includes(type)) return `credential ${type}`
  return undefined
}
