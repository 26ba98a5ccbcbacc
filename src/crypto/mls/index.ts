/**
 * `hearsay/mls`: Messaging Layer Security (RFC 9420), whole, synchronous, over the platform's cryptography.
 *
 * Not audited. It invents nothing and is tested against the vectors of the MLS working group, Wycheproof and
 * other implementations; nobody independent has reviewed it yet.
 *
 * ```ts
 * import { cipherSuite, Epoch, generateKeyPackage, XWING_SUITE } from 'hearsay/mls'
 *
 * const suite = cipherSuite(XWING_SUITE)
 * const lifetime = { notBefore: 0n, notAfter: 4_102_444_800n } // seconds; the engine has no clock
 * const alice = generateKeyPackage({ suite, identity: 'alice', lifetime })
 * const bob = generateKeyPackage({ suite, identity: 'bob', lifetime })
 *
 * const first = Epoch.create({ groupId: new TextEncoder().encode('climbers'), ...alice })
 * const added = first.commit({ proposals: [{ type: 'add', keyPackage: bob.keyPackage }] })
 * const bobs = Epoch.join(added.welcome!, bob)
 *
 * const sealed = added.epoch.seal(new TextEncoder().encode('who has the rope?'))
 * const opened = bobs.process(sealed) // { kind: 'application', sender: 0, data, … }
 * ```
 *
 * An Epoch is a value: `commit()` and `process(commit)` return the next one and leave the old one usable, so
 * forks of a group can be followed side by side. Specification: RFC 9420; decisions: specs/mls.md.
 *
 * @packageDocumentation
 */
export { cipherSuite, cipherSuiteIds, XWING_SUITE } from './cipher-suite.ts'
export type { CipherSuite, SignatureScheme } from './cipher-suite.ts'
export type { KeyPair } from '../hpke.ts'
export type { Capabilities } from './capabilities.ts'
export type { Credential } from './credential.ts'
export { MlsError } from './errors.ts'
export type { MlsReason } from './errors.ts'
export { Epoch } from './epoch.ts'
export type {
  Committed,
  ContinuationInit,
  EpochInit,
  Processed,
  SealOptions,
  UpdateRequest
} from './epoch.ts'
export type { CommitOptions, GroupInfoOptions, LeafChange } from './commit-creation.ts'
export type { ExternalOptions } from './external-commit.ts'
export { decodeGroupInfo } from './external-commit.ts'
export { proposeFromOutside, proposeOneself } from './external-proposal.ts'
export type { ExternalProposalInit } from './external-proposal.ts'
export type { GroupInfo } from './group-info.ts'
export type { GroupContext } from './group-context.ts'
export type { JoinOptions } from './joining.ts'
export {
  applicationId,
  applicationIdExtension,
  extensionData,
  extensionTypes,
  externalSendersExtension,
  requiredCapabilitiesExtension
} from './extension.ts'
export type { Extension, ExternalSender, RequiredCapabilities } from './extension.ts'
export {
  decodeKeyPackage,
  decodePrivateKeys,
  encodeKeyPackage,
  encodePrivateKeys,
  generateKeyPackage,
  keyPackageRef
} from './key-package.ts'
export type { GeneratedKeyPackage, KeyPackage, KeyPackageInit, PrivateKeys } from './key-package.ts'
export type { LeafNode, LeafNodeSource, Lifetime } from './leaf-node.ts'
export type { LeafPolicy, ValidateCredential } from './leaf-validation.ts'
export type { CommitReview, ProcessOptions } from './message-processing.ts'
export { decodeMlsMessage, encodeMlsMessage } from './mls-message.ts'
export type { MlsMessage } from './mls-message.ts'
export { externalPskId } from './pre-shared-key.ts'
export type { PreSharedKeyId, PskLookup, ResumptionUsage } from './pre-shared-key.ts'
export type { Proposal, ProposalType, ReInit } from './proposal.ts'
export { checkKeyPackage } from './proposal-list.ts'
export { verifyLeaves } from './tree-validation.ts'
export type { LeafRange, VerifiedLeaves } from './tree-validation.ts'
export type { Member } from './ratchet-tree.ts'
export type { SentProposal } from './proposal-list.ts'
export type { WireFormatName } from './message-protection.ts'
