/**
 * Justification: whether a commit counts, by what it names as its past.
 *
 * Spec: specs/group-order.md, section "Commits". Always true: the answer does not depend on the reader; where the
 * reader does not know that past yet, it waits.
 */
import { HearsayError } from '../base/errors.ts'
import type { DeviceId, EpochId, GroupId, OperationId } from '../base/ids.ts'
import type { CommitReview } from '../crypto/mls/index.ts'
import { decodeEntry } from '../wire/entry.ts'
import { objection } from './commit-order.ts'
import type { TreeLeaf } from './commit-order.ts'
import { leafAt, ownerOf } from './leaves.ts'
import type { Leaf } from './leaves.ts'
import type { Members } from './roster.ts'

/** The roster at some operations; undefined where some of them are not known yet. */
export type DesiredAt = (group: GroupId, operations: readonly OperationId[]) => Members | undefined

/** The epoch that a commit is made on. */
export interface JudgedEpoch {
  readonly group: GroupId
  readonly epoch: EpochId
  /** Whose commit began it. */
  readonly author: DeviceId
  readonly leaves: readonly Leaf[]
}

/** A commit that breaks the rules, by a member who signed it. */
export class Unjustified extends HearsayError {
  readonly device: DeviceId

  constructor(why: string, device: DeviceId) {
    super('MALFORMED', { message: `Refused: ${why}.` })
    this.device = device
  }
}

/** What `whyNot` says of a commit whose past we do not know yet. */
export const WAITING = 'operations that have not come yet'

/** Why a commit does not count (yet), by what it names as its past. */
export function whyNot(held: JudgedEpoch, review: CommitReview, desiredAt: DesiredAt): string | undefined {
  if (review.sender === undefined) return 'a commit from outside the group'
  const { content } = decodeEntry(review.authenticatedData)
  if (content.type !== 'commit' || content.parent !== held.epoch) return 'a commit that is not in its log'
  const desired = desiredAt(held.group, content.operations)
  if (desired === undefined) return WAITING
  const adds: DeviceId[] = []
  const removes: TreeLeaf[] = []
  for (const { proposal, sender } of review.proposals) {
    if (sender.type !== 'member' || sender.leafIndex !== review.sender) return 'somebody else’s proposal'
    if (proposal.type === 'add') {
      const { identity, device } = ownerOf(proposal.keyPackage.leafNode)
      if (!desired.holds(identity, device)) return 'a device added that the roster does not have'
      adds.push(device)
    } else if (proposal.type === 'remove') removes.push(leafAt(held.leaves, proposal.removed))
    else return 'a proposal that Hearsay has no use for'
  }
  const author = leafAt(held.leaves, review.sender).device
  return objection({ author, parentAuthor: held.author, adds, removes }, desired)
}
