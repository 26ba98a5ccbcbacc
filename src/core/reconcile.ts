/**
 * Reconciling: brings the tree of the group to what the roster says, and asks where we cannot follow.
 *
 * Spec: specs/group-order.md. Level-triggered: it looks at what is and what ought to be, whatever led there, so
 * what was lost in a fork is simply done again.
 */
import type { DeviceId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { rankOf } from './commit-order.ts'
import { commit, maySeal, plannedChange, sealWaiting } from './compose.ts'
import type { Conversation } from './conversation.ts'
import { compareHeads } from './heads.ts'
import type { Turn } from './turn.ts'

/** Commits what is to be committed where it is our turn, and asks where we have waited long enough. */
export function reconcile(conversation: Conversation, turn: Turn): void {
  commitDifference(conversation, turn)
  askWhereBehind(conversation, turn)
  if (maySeal(conversation)) sealWaiting(conversation, turn)
}

function commitDifference(conversation: Conversation, turn: Turn): void {
  const { group } = conversation
  const change = plannedChange(conversation)
  if (change === undefined) {
    conversation.turnAt = undefined
    conversation.ownOperation = undefined
    return
  }
  const { epoch } = group.position!
  if (conversation.turnAt?.epoch !== epoch)
    conversation.turnAt = { epoch, at: turn.uptime + waitFor(conversation, change.adds) }
  if (conversation.turnAt.at > turn.uptime) return
  commit(conversation, turn, change)
}

/** Whoever made the newest operation, and whoever alone has the key package, goes first; the others take turns. */
function waitFor(conversation: Conversation, adds: readonly DeviceId[]): number {
  const { group, links, ownOperation, self } = conversation
  if (ownOperation !== undefined) return 0
  const present = [...links.values()].map(({ device }) => device).filter(device => !adds.includes(device))
  const rank = rankOf(self, group.position!.epoch, present)
  return limits.commitGraceMs + Math.min(rank, limits.commitTurnsMax) * limits.commitTurnMs
}

/** Whether a member that is there stands on a head that we ought to follow and do not hold. */
export function isBehind(conversation: Conversation): boolean {
  const { group, heads, links, members, self } = conversation
  if (conversation.with.revoked(conversation.identity, self)) return false
  if (members?.has(self) !== true) return false
  if (group.head === undefined) return true
  for (const { device } of links.values()) {
    const reported = heads.get(device)
    if (reported === undefined || !members.has(device) || group.holds(reported.head.epoch)) continue
    // A branch that somebody lengthened alone is better by length; asking would carry us there all the same.
    if (conversation.unjust.has(device)) continue
    // A group of which we have no roster: that comes first.
    if (!conversation.rosters.has(reported.head.group)) continue
    if (compareHeads(reported.head, group.head) < 0) return true
  }
  return false
}

function askWhereBehind(conversation: Conversation, turn: Turn): void {
  if (!isBehind(conversation)) {
    if (conversation.ask?.keyPackage !== undefined) conversation.oweAll()
    conversation.ask = undefined
    return
  }
  conversation.ask ??= { keyPackage: undefined, at: turn.uptime }
  const { keyPackage, at } = conversation.ask
  if (turn.uptime - at < waitBeforeAsking(conversation, keyPackage !== undefined)) return
  conversation.ask = { keyPackage: conversation.packages.make(turn), at: turn.uptime }
  conversation.oweAll()
}

/** A plea that nobody answers may have led to a welcome that was lost: the next has another key package. */
function waitBeforeAsking(conversation: Conversation, asked: boolean): number {
  if (asked) return limits.askAgainMs
  return conversation.group.head === undefined || isCurrent(conversation) ? 0 : limits.askAfterMs
}

/** Whether we hold every entry that the members who are there hold: nothing that is on its way would help. */
function isCurrent({ inbox, links, rows, self, unopened }: Conversation): boolean {
  if ([...unopened.values()].some(({ refusals }) => refusals > 1)) return true
  for (const link of links.values())
    for (const { device, contiguous, ranges } of rows.get(link.device)?.values() ?? []) {
      if (device === self) continue
      const newest = ranges.at(-1)?.[1] ?? contiguous
      if (newest > 0 && !inbox.has(device, newest)) return false
    }
  return true
}

/** When `reconcile` has something to do next, in uptime. */
export function reconcileDueAt(conversation: Conversation): number | undefined {
  const { ask, turnAt } = conversation
  const askAt = ask && ask.at + (ask.keyPackage === undefined ? limits.askAfterMs : limits.askAgainMs)
  const times = [turnAt?.at, askAt].filter(at => at !== undefined)
  return times.length === 0 ? undefined : Math.min(...times)
}
