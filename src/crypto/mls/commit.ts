/** Commit and UpdatePath (RFC 9420 sections 12.4 and 7.6): the step from one epoch to the next. */
import { mlsLimits } from '../../base/limits.ts'
import type { Read, Write } from './codec.ts'
import { MlsError } from './errors.ts'
import type { HpkeCiphertext } from './labels.ts'
import { readLeafNode, writeLeafNode } from './leaf-node.ts'
import type { LeafNode } from './leaf-node.ts'
import { readProposal, writeProposal } from './proposal.ts'
import type { Proposal } from './proposal.ts'

/** A proposal inside a commit: itself, or the reference of one that was sent before. */
export type ProposalOrRef =
  | { readonly type: 'proposal'; readonly proposal: Proposal }
  | { readonly type: 'reference'; readonly reference: Uint8Array }

/** The new key of one parent, and its path secret sealed to everybody below the other child. */
export interface UpdatePathNode {
  readonly encryptionKey: Uint8Array
  readonly encryptedPathSecrets: readonly HpkeCiphertext[]
}

/** Fresh keys for the sender's leaf and its filtered direct path. */
export interface UpdatePath {
  readonly leafNode: LeafNode
  readonly nodes: readonly UpdatePathNode[]
}

/** The proposals that take effect, and new keys where they need them. */
export interface Commit {
  readonly proposals: readonly ProposalOrRef[]
  readonly path: UpdatePath | undefined
}

const ENTRY = { proposal: 1, reference: 2 } as const

/** Appends an HPKECiphertext. */
export const writeHpkeCiphertext: Write<HpkeCiphertext> = (writer, { kemOutput, ciphertext }) =>
  void writer.opaque(kemOutput).opaque(ciphertext)

/** Reads an HPKECiphertext. */
export const readHpkeCiphertext: Read<HpkeCiphertext> = reader => ({
  kemOutput: reader.opaque(),
  ciphertext: reader.opaque()
})

/** Appends an UpdatePath. */
export const writeUpdatePath: Write<UpdatePath> = (writer, path) => {
  writeLeafNode(writer, path.leafNode)
  writer.list(path.nodes, (inner, node) => {
    inner.opaque(node.encryptionKey).list(node.encryptedPathSecrets, writeHpkeCiphertext)
  })
}

/** Reads an UpdatePath. */
export const readUpdatePath: Read<UpdatePath> = reader => ({
  leafNode: readLeafNode(reader),
  nodes: reader.list(inner => ({
    encryptionKey: inner.opaque(),
    encryptedPathSecrets: inner.list(readHpkeCiphertext)
  }))
})

const writeProposalOrRef: Write<ProposalOrRef> = (writer, entry) => {
  writer.u8(ENTRY[entry.type])
  if (entry.type === 'proposal') writeProposal(writer, entry.proposal)
  else writer.opaque(entry.reference)
}

const readProposalOrRef: Read<ProposalOrRef> = reader => {
  const type = reader.u8()
  if (type === ENTRY.proposal) return { type: 'proposal', proposal: readProposal(reader) }
  if (type === ENTRY.reference) return { type: 'reference', reference: reader.opaque() }
  throw new MlsError('malformed', 'a commit holds neither a proposal nor a reference')
}

/** Appends a Commit. */
export const writeCommit: Write<Commit> = (writer, commit) => {
  writer.list(commit.proposals, writeProposalOrRef).optional(commit.path, writeUpdatePath)
}

/** Reads a Commit. */
export const readCommit: Read<Commit> = reader => ({
  proposals: reader.list(readProposalOrRef, mlsLimits.proposalsMax),
  path: reader.optional(readUpdatePath)
})
