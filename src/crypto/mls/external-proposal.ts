/** Proposals from outside a group (RFC 9420 section 12.1.8): public messages that a member may commit. */
import type { CipherSuite } from './cipher-suite.ts'
import { signContent, wireFormats } from './framing.ts'
import type { FramedContent, Sender } from './framing.ts'
import type { KeyPackage } from './key-package.ts'
import { encodeMlsMessage } from './mls-message.ts'
import type { Proposal } from './proposal.ts'

/** The group and epoch that a proposal from outside is for. */
export interface ExternalProposalInit {
  readonly suite: CipherSuite
  readonly groupId: Uint8Array
  readonly epoch: bigint
  /** The secret of the key that the group knows the sender by. */
  readonly signatureSecret: Uint8Array
  readonly authenticatedData?: Uint8Array
}

/** A proposal by the entry `senderIndex` of the group's `external_senders`, as an MLSMessage. */
export const proposeFromOutside = (
  proposal: Exclude<Proposal, { type: 'update' | 'external_init' }>,
  senderIndex: number,
  init: ExternalProposalInit
): Uint8Array => publicProposal(proposal, { type: 'external', senderIndex }, init)

/** A proposal to be added, by somebody who is not in the group, as an MLSMessage. */
export const proposeOneself = (keyPackage: KeyPackage, init: ExternalProposalInit): Uint8Array =>
  publicProposal({ type: 'add', keyPackage }, { type: 'new_member_proposal' }, init)

function publicProposal(proposal: Proposal, sender: Sender, init: ExternalProposalInit): Uint8Array {
  const framed: FramedContent = {
    groupId: init.groupId,
    epoch: init.epoch,
    sender,
    authenticatedData: init.authenticatedData ?? new Uint8Array(0),
    content: { type: 'proposal', proposal }
  }
  const wireFormat = wireFormats.publicMessage
  // Senders outside the group do not know its context and do not sign it.
  const signature = signContent(init.suite, init.signatureSecret, wireFormat, framed, new Uint8Array(0))
  return encodeMlsMessage({
    type: 'publicMessage',
    publicMessage: {
      authenticated: { wireFormat, framed, signature, confirmationTag: undefined },
      membershipTag: undefined
    }
  })
}
