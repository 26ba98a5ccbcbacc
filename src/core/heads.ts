/**
 * The head rule: which of the epochs that a device holds everybody seals on.
 *
 * Spec: specs/conversation.md, section "Head". First the latest founding, then epochs whose tree has nobody whom
 * the roster has dropped, then the longest chain, then the smallest epoch id. Never a reader's clock and never
 * the order of arrival, so that two devices which hold the same epochs and operations choose the same head.
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

/** The same among epochs whose trees we know: one that somebody dropped can read is never before one that nobody dropped can. */
export function compareHeld(
  a: Head & { readonly clean: boolean },
  b: Head & { readonly clean: boolean }
): number {
  if (a.generation === b.generation && a.clean !== b.clean) return a.clean ? -1 : 1
  return compareHeads(a, b)
}
