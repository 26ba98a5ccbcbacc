/**
 * Composing: a new entry of our own log, sealed and in the outbox.
 *
 * Spec: specs/conversation.md, sections "Entries" and "Updates".
 */
import { HearsayError } from '../base/errors.ts'
import { fromUtf8 } from '../base/bytes.ts'
import type { MessageId } from '../base/ids.ts'
import { limits, spec } from '../base/limits.ts'
import { planChange } from './commit-order.ts'
import type { MembershipChange } from './commit-order.ts'
import { admit, keyPackageOf } from './admit.ts'
import { encodeEntry } from '../wire/entry.ts'
import type { Entry, EntryContent, Parent } from '../wire/entry.ts'
import { entryHash, messageIdOf } from './seal/hashes.ts'
import type { Conversation } from './conversation.ts'
import { OUTBOX } from './conversation.ts'
import type { OutboxItem } from './outbox.ts'
import { encodeOutboxItem } from './records/outbox-item.ts'
import { keepMessage } from './messages.ts'
import { sortable } from './turn.ts'
import type { Turn } from './turn.ts'

/** Puts a text into our log. Throws MESSAGE_EMPTY, MESSAGE_TOO_LARGE, OUTBOX_FULL or NOT_A_MEMBER with nothing changed. */
export function composeText(
  conversation: Conversation,
  turn: Turn,
  text: string,
  replyTo: MessageId | undefined
): OutboxItem {
  if (text.length === 0) throw new HearsayError('MESSAGE_EMPTY')
  if (!text.isWellFormed() || fromUtf8(text).length > spec.textMaxBytes)
    throw new HearsayError('MESSAGE_TOO_LARGE')
  if (conversation.outbox.items.size >= limits.outboxMax) throw new HearsayError('OUTBOX_FULL')
  const { group, facts } = conversation
  // A new device of ours writes to a contact before it has heard that it is in: that waits for its epoch.
  const isOut = conversation.members?.has(conversation.self) === false
  if (isOut && conversation.roster?.kind === 'group') throw new HearsayError('NOT_A_MEMBER')
  commitRemovals(conversation, turn)
  if (group.updateDue(turn.now, facts.answering)) commit(conversation, turn, { adds: [], removes: [] })
  const { item, entry } = append(conversation, turn, { type: 'text', text, replyTo })
  facts.answering = false
  const message = keepMessage(conversation, turn, {
    id: item.message,
    identity: conversation.identity,
    entry,
    lamport: entry.lamport,
    receivedAt: turn.now
  })
  turn.announce({ type: 'message:sent', message })
  return item
}

/** Whoever was dropped reads nothing from now on: that commit waits for nobody's turn. */
function commitRemovals(conversation: Conversation, turn: Turn): void {
  if (conversation.group.clean) return
  const change = plannedChange(conversation)
  if (change !== undefined) commit(conversation, turn, change)
}

/** What we could commit on our head now. */
export function plannedChange(conversation: Conversation): MembershipChange | undefined {
  const { group, roster, self, asking } = conversation
  const position = group.position
  // What a commit may do follows from the operations that it names, which in a flood are not all that there are.
  const desired = roster?.at(roster.foremost(spec.operationsPerMessageMax))
  if (position === undefined || desired === undefined) return undefined
  return planChange(
    {
      self,
      tree: group.leaves,
      desired,
      author: position.author,
      committed: position.committed,
      asking: new Set([...asking.keys()].filter(device => !conversation.admitted.has(device))),
      hasKeyPackage: device => keyPackageOf(conversation, device) !== undefined
    },
    limits.addsPerCommitMax
  )
}

/** Commits a change of the membership, or new keys of ours: an entry of our own log. */
export function commit(conversation: Conversation, turn: Turn, change: MembershipChange): void {
  const { roster } = conversation
  const content: EntryContent = {
    type: 'commit',
    parent: conversation.group.head!.epoch,
    operations: roster!.foremost(spec.operationsPerMessageMax)
  }
  append(conversation, turn, content, change)
  conversation.ownOperation = undefined
  conversation.turnAt = undefined
  conversation.with.changed(turn)
}

/** Whether we may seal now: there is a head, and nobody who was dropped reads on it. */
export const maySeal = ({ group }: Conversation): boolean => group.head !== undefined && group.clean

/** Seals what was written while there was nobody to seal it for, or somebody who should not read it. */
export function sealWaiting(conversation: Conversation, turn: Turn): void {
  if (!maySeal(conversation)) return
  for (const item of conversation.outbox.items.values()) {
    if (item.envelopes.length === 0) reseal(conversation, turn, item)
  }
}

/** Seals an entry of the outbox on the present head, under the same message id. */
export function reseal(conversation: Conversation, turn: Turn, item: OutboxItem): OutboxItem {
  const { group, outbox } = conversation
  if (!maySeal(conversation)) return item
  const { envelopes, epoch } = group.seal(turn, item.entry, item.sequence)
  const again: OutboxItem = { ...item, envelopes, epoch }
  outbox.items.set(item.sequence, again)
  saveItem(conversation, turn, item.sequence)
  return again
}

/** Seals again what was sealed for an epoch that is gone. */
export function resealLost(conversation: Conversation, turn: Turn): void {
  const { group, outbox } = conversation
  if (!maySeal(conversation)) return
  for (const item of outbox.items.values())
    if (item.epoch === undefined || !group.holds(item.epoch) || item.envelopes.length === 0)
      reseal(conversation, turn, item)
}

/** Writes an item of the outbox with the batch. */
export function saveItem(conversation: Conversation, turn: Turn, sequence: number): void {
  const item = conversation.outbox.items.get(sequence)
  if (item === undefined) return
  turn.save(OUTBOX, `${conversation.id}/${sortable(sequence)}`, () => encodeOutboxItem(item))
}

function append(
  conversation: Conversation,
  turn: Turn,
  content: EntryContent,
  change?: MembershipChange
): { item: OutboxItem; entry: Entry } {
  const { facts, group, outbox } = conversation
  const entry: Entry = {
    device: conversation.self,
    sequence: facts.sequence + 1,
    previous: facts.previous,
    parents: parents(conversation),
    lamport: facts.lamport + 1,
    sentAt: turn.now,
    roster: conversation.roster?.digest() ?? new Uint8Array(32),
    content
  }
  const bytes = encodeEntry(entry)
  const hash = entryHash(bytes)
  const sealed =
    change === undefined
      ? seal(conversation, turn, bytes, entry.sequence)
      : sealCommit(conversation, turn, { bytes, sequence: entry.sequence, change })
  const item: OutboxItem = {
    sequence: entry.sequence,
    message: messageIdOf(hash),
    hash,
    entry: bytes,
    visible: content.type !== 'commit',
    createdAt: turn.now,
    envelopes: sealed?.envelopes ?? [],
    epoch: sealed?.epoch ?? group.head?.epoch,
    sent: false
  }
  facts.sequence = entry.sequence
  facts.previous = hash
  facts.lamport = entry.lamport
  conversation.save(turn)
  conversation.relay.hurry(turn)
  const nobody = conversation.roster?.kind === 'group' && outbox.acknowledged.size === 0
  if (nobody) facts.base = hash
  else {
    outbox.items.set(entry.sequence, item)
    saveItem(conversation, turn, entry.sequence)
  }
  return { item, entry }
}

type Sealed = Pick<OutboxItem, 'envelopes' | 'epoch'>

function seal(
  conversation: Conversation,
  turn: Turn,
  entry: Uint8Array,
  sequence: number
): Sealed | undefined {
  return maySeal(conversation) ? conversation.group.seal(turn, entry, sequence) : undefined
}

function sealCommit(
  conversation: Conversation,
  turn: Turn,
  { bytes, sequence, change }: { bytes: Uint8Array; sequence: number; change: MembershipChange }
): Sealed {
  const { group } = conversation
  const parent = group.head!.epoch
  const keyPackages = change.adds.map(device => keyPackageOf(conversation, device)!)
  const made = group.commit(turn, bytes, sequence, { keyPackages, removes: change.removes })
  admit(conversation, turn, change.adds, made)
  return { envelopes: made.envelopes, epoch: parent }
}

/** The newest delivered entry of every device that has said something since we last named it. */
function parents(conversation: Conversation): Parent[] {
  const named: Parent[] = []
  for (const log of conversation.inbox.logs.values()) {
    if (log.contiguous <= log.named || named.length >= spec.entryParentsMax) continue
    log.named = log.contiguous
    named.push({ device: log.device, sequence: log.contiguous, hash: log.hash })
  }
  return named.sort((a, b) => (a.device < b.device ? -1 : 1))
}
