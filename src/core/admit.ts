/**
 * Taking devices into the group, for the first time or again because they cannot follow it, and being taken in.
 *
 * Spec: specs/group-order.md, section "Asking". A device that the roster has and that holds no head, or cannot
 * reach the one that a live member reports, says so in its reports and puts a fresh key package into them. Who
 * holds the better head adds it, or removes and adds it in one commit, and sends it the welcome.
 * Always true: nobody is in a tree that we join whom the roster never had; what a device had acknowledged before
 * it was taken in again stays acknowledged, and what it had not is sealed again when it asks.
 */
import { equal } from '../base/bytes.ts'
import { HearsayError, malformed } from '../base/errors.ts'
import { idOf } from '../base/ids.ts'
import type { DeviceId, GroupId } from '../base/ids.ts'
import { limits, spec } from '../base/limits.ts'
import type { Epoch } from '../crypto/mls/index.ts'
import type { ControlBody } from '../wire/control.ts'
import type { Conversation, Link } from './conversation.ts'
import { leavesOf } from './leaves.ts'
import type { CommittedChange } from './group.ts'
import { compareHeads } from './heads.ts'
import type { Head } from './heads.ts'
import type { Turn } from './turn.ts'

type Welcome = Extract<ControlBody, { type: 'welcome' }>

/** The key package that a device would be taken in with: the one that it asks with, or one that came for it. */
export const keyPackageOf = (conversation: Conversation, device: DeviceId): Uint8Array | undefined =>
  conversation.asking.get(device)?.keyPackage ?? conversation.keyPackages.get(device)

/** A commit of ours takes devices in: they are given the welcome as soon as they are linked. */
export function admit(
  conversation: Conversation,
  turn: Turn,
  devices: readonly DeviceId[],
  { welcome, tree }: CommittedChange
): void {
  if (welcome === undefined) return
  const lamport = Math.min(conversation.facts.lamport, spec.lamportMax)
  const body: Welcome = { type: 'welcome', welcome, tree, lamport }
  for (const device of devices) {
    conversation.admitted.set(device, turn.uptime)
    conversation.keyPackages.delete(device)
    conversation.welcomes.set(device, { body, givenAt: undefined })
    for (const link of conversation.links.values())
      if (link.device === device) offerWelcome(conversation, turn, link)
  }
}

/**
 * Gives a device the welcome that it may not have had, once it has the roster: before that it could not tell who
 * belongs into the tree.
 */
export function offerWelcome(conversation: Conversation, turn: Turn, link: Link): void {
  const welcome = conversation.welcomes.get(link.device)
  const digest = conversation.roster?.digest()
  if (welcome === undefined || link.roster === undefined || digest === undefined) return
  const given = welcome.givenAt !== undefined && turn.uptime - welcome.givenAt < limits.readmitPauseMs
  if (given || !equal(link.roster, digest)) return
  welcome.givenAt = turn.uptime
  conversation.tell(turn, link.peer, welcome.body)
}

/** Takes in what a device says about asking, with the head that it reports. */
export function heardAsking(
  conversation: Conversation,
  turn: Turn,
  device: DeviceId,
  asks: Uint8Array | undefined,
  theirs: Head | undefined
): void {
  const { asking, group } = conversation
  const head = group.head
  // Who stands where we stand, or further on, needs nothing of us.
  const behind = theirs === undefined || (head !== undefined && compareHeads(theirs, head) > 0)
  if (asks === undefined || !behind) {
    asking.delete(device)
    if (theirs !== undefined && head !== undefined && theirs.epoch === head.epoch) {
      conversation.welcomes.delete(device)
      conversation.admitted.delete(device)
    }
    return
  }
  asking.set(device, { keyPackage: asks, head: theirs })
  const admittedAt = conversation.admitted.get(device)
  if (admittedAt !== undefined && turn.uptime - admittedAt > limits.readmitPauseMs)
    conversation.admitted.delete(device)
}

/** Follows a welcome by a proven device. Returns whether it was new. Throws MALFORMED with nothing changed. */
export function followWelcome(
  conversation: Conversation,
  turn: Turn,
  device: DeviceId,
  body: Welcome
): boolean {
  const { group } = conversation
  if (conversation.unjust.has(device)) return false
  let mls: Epoch
  try {
    mls = conversation.packages.join(turn, body.welcome, { tree: body.tree })
  } catch (cause) {
    // A second copy of a welcome that we followed: its key package is spent.
    if (cause instanceof HearsayError && cause.code === 'MALFORMED') return false
    throw cause
  }
  const groupId = idOf<GroupId>(mls.groupId)
  const roster = conversation.rosters.get(groupId)
  if (roster === undefined) throw malformed('a welcome into a group that we know nothing about')
  const ghost = leavesOf(mls).find(({ identity, device: leaf }) => !roster.everHad(identity, leaf))
  if (ghost !== undefined) {
    conversation.with.warn(turn, device, 'ghost')
    throw malformed('a welcome into a group with somebody whom nobody took in')
  }
  const before = group.head
  group.add(turn, mls, {
    generation: generationOf(roster.create.createdAt),
    parent: undefined,
    author: device,
    fresh: true
  })
  if (before?.group !== groupId) conversation.heads.clear()
  conversation.ask = undefined
  conversation.facts.lamport = Math.max(conversation.facts.lamport, body.lamport)
  conversation.save(turn)
  conversation.with.changed(turn)
  return true
}

/** The generation of the group of a roster: when it was begun, in seconds. */
export const generationOf = (createdAt: number): number => Math.floor(createdAt / 1000)
