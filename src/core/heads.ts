/**
 * The head rule: which of the epochs that a device holds everybody seals on.
 *
 * Spec: specs/conversation.md, section "Head". Longest chain, then smallest epoch id; a founding that replaces
 * a group which somebody could not follow any more starts a later generation and comes before both. Never a
 * reader's clock and never the order of arrival, so that two devices which hold the same epochs choose the same head.
 */
import type { EpochId, GroupId } from '../base/ids.ts'

/** Where a device stands: an epoch and its place in the order. */
export interface Head {
  readonly group: GroupId
  /** When the group was founded, in seconds since 1970 by its founder's clock; a group that replaces another has more. */
  readonly generation: number
  /** How many commits lead to this epoch within its group. */
  readonly length: number
  readonly epoch: EpochId
}

/** Negative where `a` comes before `b`, that is, where `a` is the better head; zero for the same epoch. */
export function compareHeads(a: Head, b: Head): number {
  if (a.generation !== b.generation) return b.generation - a.generation
  if (a.length !== b.length) return b.length - a.length
  if (a.epoch === b.epoch) return 0
  return a.epoch < b.epoch ? -1 : 1
}
