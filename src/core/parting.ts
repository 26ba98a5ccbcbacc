/**
 * Parting: tells a device that was in a group with us that one of us is not in it any more.
 *
 * Spec: specs/group.md, section "Parting". Members talk to members only, so who was away when it was removed, or
 * left while others were away, would never hear of it, or be heard.
 * Always true: who is out is given what put it out and what came before that, and nothing newer; it is told once in
 * a session, and may say what we do not know that keeps it in.
 */
import type { IdentityId, PeerId } from '../base/ids.ts'
import { spec } from '../base/limits.ts'
import type { Conversation, Recipient } from './conversation.ts'
import type { Turn } from './turn.ts'

/** Operations in one message: few enough for their bytes to fit, too. */
const BATCH = spec.operationsPerMessageMax / 8

/** Whether a device has ever been in this group, and so have we: then each may hear what became of the other. */
export const haveMet = ({ roster, identity, self }: Conversation, other: Recipient): boolean =>
  roster?.everHad(other.identity, other.device) === true && roster.everHad(identity, self)

/** Which of the two is out of the group where the other is not; undefined where both are in, or out. */
export function whoParted({ members, identity }: Conversation, other: IdentityId): IdentityId | undefined {
  if (members === undefined) return undefined
  const ours = members.members.has(identity)
  if (ours === members.members.has(other)) return undefined
  return ours ? other : identity
}

/** Tells a device what put one of us out. */
export function tellParted(conversation: Conversation, turn: Turn, peer: PeerId, out: IdentityId): void {
  const { roster } = conversation
  if (roster === undefined) return
  const { operations, heads } = roster.partingOf(out)
  for (let at = 0; at < operations.length; at += BATCH) {
    const isLast = at + BATCH >= operations.length
    conversation.tell(turn, peer, {
      type: 'roster',
      group: roster.id,
      heads: isLast ? heads.slice(0, spec.operationsPerMessageMax) : [],
      operations: operations.slice(at, at + BATCH),
      keyPackages: [],
      answer: isLast
    })
  }
}
