/**
 * The operations of a roster on their way: making them, keeping them, and bringing them to every member.
 *
 * Spec: specs/group.md, section "Operations on their way". They do not travel in MLS: who belongs has to reach
 * also those who cannot follow the group. Every report names the digest of the roster; where two differ, each
 * says which operations it has, and is given what it lacks.
 * Always true: an operation that is taken in is on disk with the batch; what is refused changes nothing.
 */
import { equal } from '../base/bytes.ts'
import { HearsayError, malformed } from '../base/errors.ts'
import type { DeviceId, GroupId, IdentityId, OperationId, PeerId } from '../base/ids.ts'
import { limits, spec } from '../base/limits.ts'
import { decodeKeyPackage } from '../crypto/mls/index.ts'
import type { ControlBody } from '../wire/control.ts'
import type { OperationContent } from '../wire/roster-operation.ts'
import type { Conversation } from './conversation.ts'
import { ownerOf } from './leaves.ts'
import { Roster } from './roster.ts'
import { groupMoved } from './settling.ts'
import { operationId, signOperation } from './seal/roster-seal.ts'
import type { Own } from './self.ts'
import type { Turn } from './turn.ts'

/** Operations by conversation, roster and id. */
export const OPERATIONS = 'operations'

type RosterBody = Extract<ControlBody, { type: 'roster' }>

/** What all operations of one message may take. */
const BATCH_MAX_BYTES = 512 * 1024

/** The MLS group of a roster. */
export const groupOf = (roster: OperationId): GroupId => roster.slice(0, 32) as GroupId

/** Begins a roster with its first operation. Throws MALFORMED. */
export function beginRoster(conversation: Conversation, turn: Turn, create: Uint8Array): Roster {
  const roster = Roster.begin(create)
  const known = conversation.rosters.get(groupOf(roster.id))
  if (known !== undefined) return known
  conversation.rosters.set(groupOf(roster.id), roster)
  for (const [group] of conversation.rosters) {
    if (conversation.rosters.size <= limits.channelsPerContactMax) break
    if (group !== conversation.group.head?.group) conversation.rosters.delete(group)
  }
  keep(conversation, turn, roster, roster.id, create)
  return roster
}

function keep(
  conversation: Conversation,
  turn: Turn,
  roster: Roster,
  id: OperationId,
  bytes: Uint8Array
): void {
  turn.save(OPERATIONS, `${conversation.id}/${roster.id}/${id}`, () => bytes)
}

/** Signs an operation of ours, which has to be one that counts, and tells everybody. Throws NOT_ALLOWED. */
export function issue(
  conversation: Conversation,
  turn: Turn,
  own: Own,
  content: OperationContent
): OperationId {
  const { roster } = conversation
  if (roster === undefined) throw new HearsayError('NOT_A_MEMBER')
  if (roster.mayIssue(own.identity, content) !== undefined) throw new HearsayError('NOT_ALLOWED')
  const { sequence, parents } = roster.next(own)
  const bytes = signOperation(
    {
      group: roster.id,
      author: own.identity,
      device: own.device,
      sequence,
      parents,
      createdAt: turn.now,
      content
    },
    own.deviceSeed
  )
  roster.add(bytes)
  const id = operationId(bytes)
  keep(conversation, turn, roster, id, bytes)
  conversation.ownOperation = id
  push(conversation, turn, roster, [bytes], undefined)
  rosterChanged(conversation, turn)
  return id
}

/** Tells every linked member but the one that it came from. */
function push(
  conversation: Conversation,
  turn: Turn,
  roster: Roster,
  operations: readonly Uint8Array[],
  except: PeerId | undefined
): void {
  for (const peer of conversation.links.keys())
    if (peer !== except) conversation.tell(turn, peer, bodyOf(conversation, roster, operations, false))
}

function bodyOf(
  conversation: Conversation,
  roster: Roster,
  operations: readonly Uint8Array[],
  answer: boolean
): RosterBody {
  // With many links whoever has an operation also commits it, or newcomers ask by themselves.
  const few = conversation.links.size <= limits.reportsAtOnceMax
  const keyPackages = few
    ? [...conversation.keyPackages.values()].slice(0, spec.keyPackagesPerMessageMax)
    : []
  // In a flood there are more heads than a message may name: what is left out is at worst sent to us again.
  const heads = roster.foremost(spec.operationsPerMessageMax)
  return { type: 'roster', group: roster.id, heads, operations, keyPackages, answer }
}

/** A member's report names another roster than ours: ask for what we lack, and say what we have. */
export function compareRosters(
  conversation: Conversation,
  turn: Turn,
  peer: PeerId,
  digest: Uint8Array
): void {
  const { roster } = conversation
  if (roster === undefined) {
    const group = conversation.id as string as OperationId
    conversation.tell(turn, peer, {
      type: 'roster',
      group,
      heads: [],
      operations: [],
      keyPackages: [],
      answer: true
    })
  } else if (!equal(roster.digest(), digest)) {
    // With many links one of them is asked at a time: the others would all give us the same.
    const many = conversation.links.size > limits.reportsAtOnceMax
    if (many && turn.uptime - conversation.rosterAskedAt < limits.rosterAskPauseMs) return
    conversation.rosterAskedAt = turn.uptime
    conversation.tell(turn, peer, bodyOf(conversation, roster, [], true))
  }
}

/** Takes in what a member says about the roster. Throws MALFORMED at what is refused, having taken in the rest. */
export function followRoster(conversation: Conversation, turn: Turn, peer: PeerId, body: RosterBody): void {
  const roster = conversation.rosters.get(groupOf(body.group)) ?? begin(conversation, turn, peer, body)
  if (roster === undefined) return
  const { added, refused } = takeIn(conversation, turn, roster, body.operations)
  takeKeyPackages(conversation, roster, body.keyPackages)
  if (added.length > 0) {
    // What does not fit follows when the reports differ.
    const size = added.reduce((sum, { length }) => sum + length, 0)
    const isHeavy = conversation.links.size > limits.reportsAtOnceMax && size > limits.pushedMaxBytes
    if (!isHeavy) push(conversation, turn, roster, bounded(added), peer)
    rosterChanged(conversation, turn)
  }
  if (body.answer) giveLacking(conversation, turn, roster, peer, body)
  if (refused !== undefined) throw refused
}

/**
 * The first that we hear of a roster: that of a group that we were asked into, or one that the other side of a
 * direct conversation began when we met another time, which we have forgotten. Its `create` has to be there.
 */
function begin(conversation: Conversation, turn: Turn, peer: PeerId, body: RosterBody): Roster | undefined {
  const { group, operations } = body
  const direct = conversation.with.isDirect
  if (!direct && (conversation.rosters.size > 0 || conversation.id !== (group as string))) return undefined
  const create = operations.find(bytes => operationId(bytes) === group)
  if (create === undefined) {
    if (operations.length === 0)
      conversation.tell(turn, peer, {
        type: 'roster',
        group,
        heads: [],
        operations: [],
        keyPackages: [],
        answer: true
      })
    return undefined
  }
  if (direct) requireBoth(conversation, create)
  return beginRoster(conversation, turn, create)
}

/** A direct conversation is of two people and no others. */
function requireBoth(conversation: Conversation, create: Uint8Array): void {
  const { kind, current } = Roster.begin(create)
  const both = [conversation.identity, conversation.id as string as IdentityId]
  if (kind !== 'direct' || !both.every(identity => current.members.has(identity)))
    throw malformed('a roster of others')
}

function takeIn(
  conversation: Conversation,
  turn: Turn,
  roster: Roster,
  operations: readonly Uint8Array[]
): { added: Uint8Array[]; refused: HearsayError | undefined } {
  const added: Uint8Array[] = []
  let refused: HearsayError | undefined
  for (const bytes of operations) {
    try {
      const result = roster.add(bytes)
      if (result === 'known' || result === 'full') continue
      keep(conversation, turn, roster, operationId(bytes), bytes)
      added.push(bytes)
    } catch (error) {
      if (!(error instanceof HearsayError)) throw error
      refused = error
    }
  }
  return { added, refused }
}

/** Key packages say themselves whose they are. */
function takeKeyPackages(
  conversation: Conversation,
  roster: Roster,
  keyPackages: readonly Uint8Array[]
): void {
  const leaves = new Set(conversation.group.leaves.map(({ device }) => device))
  for (const bytes of keyPackages) {
    const { device } = ownerOf(decodeKeyPackage(bytes).leafNode)
    if (leaves.has(device) || !roster.current.has(device)) continue
    conversation.keyPackages.set(device, bytes)
  }
  forgetKeyPackages(conversation, leaves)
}

function forgetKeyPackages({ keyPackages, members }: Conversation, leaves: ReadonlySet<DeviceId>): void {
  for (const device of keyPackages.keys())
    if (leaves.has(device) || members?.has(device) === false) keyPackages.delete(device)
}

function giveLacking(
  conversation: Conversation,
  turn: Turn,
  roster: Roster,
  peer: PeerId,
  { heads }: RosterBody
): void {
  const lacking = bounded(roster.after(heads, spec.operationsPerMessageMax))
  const weLack = !roster.knows(heads)
  if (lacking.length > 0 || weLack)
    conversation.tell(turn, peer, bodyOf(conversation, roster, lacking, weLack))
}

function bounded(operations: readonly Uint8Array[]): Uint8Array[] {
  let size = 0
  const fitting: Uint8Array[] = []
  for (const bytes of operations) {
    size += bytes.length
    if (fitting.length > 0 && size > BATCH_MAX_BYTES) break
    fitting.push(bytes)
  }
  return fitting
}

/** After the roster has moved: messages are for others now, epochs rank anew, and there may be something to commit. */
export function rosterChanged(conversation: Conversation, turn: Turn): void {
  for (const { device } of conversation.roster?.equivocations() ?? [])
    conversation.with.warn(turn, device, 'equivocated')
  syncRecipients(conversation, turn)
  conversation.group.rosterChanged()
  conversation.with.changed(turn)
  groupMoved(conversation, turn)
}

/** Begins to count those who have come, and stops counting those who have gone. */
export function syncRecipients(conversation: Conversation, turn: Turn): void {
  const { facts, outbox, asking, heads, rows } = conversation
  const wanted = new Set(conversation.recipients().map(({ device }) => device))
  // Before anybody could read, everything is for those who come first.
  const first = outbox.acknowledged.size === 0 && conversation.roster?.kind === 'direct'
  for (const device of wanted)
    outbox.join(
      device,
      first ? outbox.first(facts.sequence) - 1 : facts.sequence,
      first ? facts.base : facts.previous
    )
  for (const device of outbox.acknowledged.keys()) {
    if (wanted.has(device)) continue
    for (const kept of [outbox.acknowledged, asking, heads, rows]) kept.delete(device)
  }
  conversation.save(turn)
}
