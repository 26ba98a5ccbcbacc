/**
 * Founding a conversation's group anew, for a device that cannot follow it any more.
 *
 * Spec: specs/conversation.md, section "Stuck". Two branches from an epoch that one side has forgotten cannot
 * meet again; the side that can go on adds the other again, in a group of the next generation, which comes
 * before all earlier ones. Nothing is lost: what was not acknowledged is sealed again.
 */
import type { DeviceId } from '../base/ids.ts'
import { HearsayError } from '../base/errors.ts'
import type { Epoch } from '../crypto/mls/index.ts'
import type { ControlBody } from '../wire/control.ts'
import type { Conversation } from './conversation.ts'
import { compareHeads } from './heads.ts'
import type { Head } from './heads.ts'
import type { Turn } from './turn.ts'

/** Whoever can make groups with this device's keys. */
export interface Founder {
  /** A new group of the contact and us. Throws MALFORMED where the key package is not the contact's. */
  found(turn: Turn, keyPackage: Uint8Array): { mls: Epoch; welcome: Uint8Array }
  /** Joins by a welcome for one of our key packages. Throws MALFORMED. */
  join(turn: Turn, welcome: Uint8Array): Epoch
}

/** Answers a device that is stuck on `theirs`: offers the new group that there is, or founds one. */
export function refound(conversation: Conversation, turn: Turn, device: DeviceId, theirs: Head): void {
  const { facts, group } = conversation
  const head = group.head
  // Who stands where we stand, or further on, needs nothing of us: its report was under way.
  if (head === undefined || compareHeads(theirs, head) <= 0) return
  if (facts.regroup === undefined || facts.regroup.generation !== head.generation) {
    const keyPackage = conversation.with.takeKeyPackage(turn)
    if (keyPackage === undefined) return
    const { mls, welcome } = conversation.with.founder.found(turn, keyPackage)
    const generation = Math.max(head.generation, theirs.generation) + 1
    group.add(turn, mls, {
      generation,
      length: 1,
      parent: undefined,
      author: conversation.self,
      fresh: false
    })
    facts.regroup = { generation, welcome, replaces: head.group }
    conversation.save(turn)
  }
  const { generation, welcome, replaces } = facts.regroup
  if (theirs.generation >= generation) return
  const body: ControlBody = { type: 'regroup', generation, welcome, replaces }
  const envelope = conversation.with.control(turn, body)
  if (envelope === undefined) return
  for (const link of conversation.links.values()) {
    if (link.device !== device) continue
    turn.emit({ type: 'transmit', peer: link.peer, envelopes: [envelope], messages: undefined })
  }
}

/** Follows a founding by a proven device of the contact. Returns whether it was new. Throws MALFORMED. */
export function followRegroup(
  conversation: Conversation,
  turn: Turn,
  device: DeviceId,
  body: Extract<ControlBody, { type: 'regroup' }>
): boolean {
  const head = conversation.group.head
  if (head !== undefined && head.generation > body.generation) return false
  let mls: Epoch
  try {
    mls = conversation.with.founder.join(turn, body.welcome)
  } catch (cause) {
    // A second copy of a welcome that we followed: its key package is spent.
    if (cause instanceof HearsayError && cause.code === 'MALFORMED') return false
    throw cause
  }
  const { generation } = body
  conversation.stuck = false
  conversation.group.add(turn, mls, { generation, length: 1, parent: undefined, author: device, fresh: true })
  conversation.save(turn)
  return true
}
