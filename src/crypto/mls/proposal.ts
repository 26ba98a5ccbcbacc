/**
 * Proposal (RFC 9420 section 12.1): one change to the group that a commit may make. A type that nobody here
 * knows has no known length and is refused; numbers in capabilities are another matter.
 */
import type { CipherSuite } from './cipher-suite.ts'
import type { Read, Write } from './codec.ts'
import { MlsError } from './errors.ts'
import { readExtensions, writeExtensions } from './extension.ts'
import type { Extension } from './extension.ts'
import { readKeyPackage, writeKeyPackage } from './key-package.ts'
import type { KeyPackage } from './key-package.ts'
import { refHash } from './labels.ts'
import { readLeafNode, writeLeafNode } from './leaf-node.ts'
import type { LeafNode } from './leaf-node.ts'
import { readPreSharedKeyId, writePreSharedKeyId } from './pre-shared-key.ts'
import type { PreSharedKeyId } from './pre-shared-key.ts'

/** Close this group; another one with these parameters follows it (RFC 9420 section 12.1.5). */
export interface ReInit {
  readonly type: 'reinit'
  readonly groupId: Uint8Array
  readonly version: number
  readonly cipherSuite: number
  readonly extensions: readonly Extension[]
}

/** One change to the group. */
export type Proposal =
  /** Adds a client. */
  | { readonly type: 'add'; readonly keyPackage: KeyPackage }
  /** Replaces the leaf of its sender. */
  | { readonly type: 'update'; readonly leafNode: LeafNode }
  /** Removes the member at a leaf index. */
  | { readonly type: 'remove'; readonly removed: number }
  /** Mixes in a pre-shared key. */
  | { readonly type: 'psk'; readonly psk: PreSharedKeyId }
  | ReInit
  /** Carries the init secret of somebody who joins by an external commit. */
  | { readonly type: 'external_init'; readonly kemOutput: Uint8Array }
  /** Replaces all extensions of the group context. */
  | { readonly type: 'group_context_extensions'; readonly extensions: readonly Extension[] }

/** The kinds of proposals. */
export type ProposalType = Proposal['type']

/** The registered numbers of proposal types (RFC 9420 section 17.4). */
export const proposalTypes = {
  add: 1,
  update: 2,
  remove: 3,
  psk: 4,
  reinit: 5,
  external_init: 6,
  group_context_extensions: 7
} as const satisfies Record<ProposalType, number>

/** Appends a Proposal. */
export const writeProposal: Write<Proposal> = (writer, proposal) => {
  writer.u16(proposalTypes[proposal.type])
  switch (proposal.type) {
    case 'add':
      return writeKeyPackage(writer, proposal.keyPackage)
    case 'update':
      return writeLeafNode(writer, proposal.leafNode)
    case 'remove':
      return void writer.u32(proposal.removed)
    case 'psk':
      return writePreSharedKeyId(writer, proposal.psk)
    case 'reinit':
      writer.opaque(proposal.groupId).u16(proposal.version).u16(proposal.cipherSuite)
      return writeExtensions(writer, proposal.extensions)
    case 'external_init':
      return void writer.opaque(proposal.kemOutput)
    case 'group_context_extensions':
      return writeExtensions(writer, proposal.extensions)
  }
}

/** Reads a Proposal. */
export const readProposal: Read<Proposal> = reader => {
  const type = reader.u16()
  switch (type) {
    case proposalTypes.add:
      return { type: 'add', keyPackage: readKeyPackage(reader) }
    case proposalTypes.update:
      return { type: 'update', leafNode: readLeafNode(reader) }
    case proposalTypes.remove:
      return { type: 'remove', removed: reader.u32() }
    case proposalTypes.psk:
      return { type: 'psk', psk: readPreSharedKeyId(reader) }
    case proposalTypes.reinit:
      return {
        type: 'reinit',
        groupId: reader.opaque(),
        version: reader.u16(),
        cipherSuite: reader.u16(),
        extensions: readExtensions(reader)
      }
    case proposalTypes.external_init:
      return { type: 'external_init', kemOutput: reader.opaque() }
    case proposalTypes.group_context_extensions:
      return { type: 'group_context_extensions', extensions: readExtensions(reader) }
    default:
      throw new MlsError('malformed', `proposal type ${type} is not known`)
  }
}

/** ProposalRef (RFC 9420 section 5.2) of an encoded AuthenticatedContent. */
export const proposalRef = (suite: CipherSuite, authenticatedContent: Uint8Array): Uint8Array =>
  refHash(suite, 'MLS 1.0 Proposal Reference', authenticatedContent)
