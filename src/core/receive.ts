/**
 * Receiving: an envelope of a conversation is opened, put in line and, when its turn comes, shown.
 *
 * Spec: specs/conversation.md, section "Receiving".
 * Always true: an envelope that is refused changes nothing; one that was taken in is on disk before anybody
 * is told so, since the report goes out with the batch that holds it.
 */
import { HearsayError } from '../base/errors.ts'
import type { DeviceId, EnvelopeId, PeerId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { MlsError } from '../crypto/mls/index.ts'
import type { Envelope } from '../wire/envelope.ts'
import { decodeEnvelope } from '../wire/envelope.ts'
import { entryHash, envelopeId, messageIdOf } from './seal/hashes.ts'
import { PENDING } from './conversation.ts'
import type { Conversation, Unopened } from './conversation.ts'
import { Unjustified } from './justification.ts'
import type { Opened, Processed } from './held-epoch.ts'
import { placeOf } from './inbox.ts'
import type { Received } from './inbox.ts'
import { keepMessage } from './messages.ts'
import { encodePending } from './records/pending.ts'
import { sortable } from './turn.ts'
import type { Turn } from './turn.ts'

const MINUTE_MS = 60_000

/** What became of an envelope. `unopened` waits for an epoch, or for its author to seal it again. */
export type Reception = 'taken' | 'partial' | 'known' | 'own' | 'unopened' | 'full'

/**
 * Takes in a message envelope of this conversation. `from` is who brought it, where that was a linked peer: it
 * is owed a report. Throws MALFORMED with nothing changed.
 */
export function receive(
  conversation: Conversation,
  turn: Turn,
  bytes: Uint8Array,
  envelope: Envelope,
  from: PeerId | undefined
): Reception {
  const reception = take(conversation, turn, bytes, envelope)
  if (from !== undefined && conversation.links.has(from)) conversation.owe(from)
  else if (reception !== 'own') conversation.oweAll()
  if (reception === 'taken') {
    drain(conversation, turn)
    retryUnopened(conversation, turn)
  }
  return reception
}

function take(conversation: Conversation, turn: Turn, bytes: Uint8Array, envelope: Envelope): Reception {
  const { group, inbox, unopened } = conversation
  const opened = group.open(envelope)
  const id = envelopeId(bytes)
  if (opened === undefined) return keepUnopened(unopened, id, bytes)
  const { author, body, epoch } = opened
  if (author === conversation.self) return 'own'
  if (inbox.has(author, body.sequence)) {
    unopened.delete(id)
    // Its author may have sealed it again, for somebody who could not open what we have.
    keepForOthers(conversation, turn, opened, bytes)
    return 'known'
  }
  if (!inbox.hasRoom(author, body.sequence)) return 'full'
  const fragmented = { epoch, ...body }
  const mls = conversation.fragments.take(fragmented, body.part, body.mls)
  if (mls === undefined) {
    keepForOthers(conversation, turn, opened, bytes)
    return 'partial'
  }
  const commit = body.type === 'commit'
  if (commit && floods(conversation, turn, author)) return 'full'
  const whole = { ...opened, body: { ...body, mls } }
  const processed = openInner(conversation, turn, whole)
  if (processed === 'unopened') return keepUnopened(unopened, id, bytes)
  if (commit) countCommit(conversation, turn, author)
  conversation.fragments.drop(fragmented)
  unopened.delete(id)
  keepForOthers(conversation, turn, opened, bytes)
  const { entry } = processed
  const received: Received = {
    entry,
    bytes: processed.bytes,
    hash: entryHash(processed.bytes),
    identity: processed.identity,
    receivedAt: turn.now,
    arrivedAt: turn.uptime,
    shownAt: undefined
  }
  inbox.add(received)
  conversation.inquiries.moved(entry.device)
  savePending(conversation, turn, received)
  if (entry.content.type === 'commit') conversation.with.changed(turn)
  return 'taken'
}

/** Opens the inner seal, where what justifies it is known. */
function openInner(conversation: Conversation, turn: Turn, opened: Opened): Processed | 'unopened' {
  try {
    const processed = conversation.group.process(turn, opened, (group, operations) =>
      conversation.rosters.get(group)?.at(operations)
    )
    if (processed !== 'waiting') {
      if (processed.equivocated) conversation.with.warn(turn, opened.author, 'equivocated')
      // Each plea is answered once on each branch.
      for (const device of processed.adds) conversation.admitted.set(device, turn.uptime)
      return processed
    }
    // Its past is on its way: whoever brought it has it.
    conversation.oweAll()
    return 'unopened'
  } catch (cause) {
    if (cause instanceof Unjustified) {
      conversation.unjust.add(cause.device)
      conversation.with.warn(turn, cause.device, 'unjustified-commit')
    }
    // Its key is gone (an older copy of our disk, or of theirs): the author has to seal it again.
    const keyGone =
      cause instanceof MlsError && (cause.reason === 'key-used' || cause.reason === 'too-far-ahead')
    if (!keyGone) {
      conversation.fragments.drop({ epoch: opened.epoch, ...opened.body })
      throw cause
    }
    return 'unopened'
  }
}

/** When a device has committed, in the last minute. A commit that waits, or is a part, is not one yet. */
const recentCommits = ({ commitsSeen }: Conversation, { uptime }: Turn, device: DeviceId): number[] =>
  (commitsSeen.get(device) ?? []).filter(at => uptime - at < MINUTE_MS)

/** Whether a device commits more often than any honest one does. What it sends then has to come again later. */
function floods(conversation: Conversation, turn: Turn, device: DeviceId): boolean {
  if (recentCommits(conversation, turn, device).length < limits.commitsPerMinuteMax) return false
  conversation.with.warn(turn, device, 'flooded')
  return true
}

function countCommit(conversation: Conversation, turn: Turn, device: DeviceId): void {
  conversation.commitsSeen.set(device, [...recentCommits(conversation, turn, device), turn.uptime])
}

function keepForOthers(
  conversation: Conversation,
  turn: Turn,
  { author, body }: Opened,
  bytes: Uint8Array
): void {
  const others =
    conversation.outbox.acknowledged.size > (conversation.outbox.acknowledged.has(author) ? 1 : 0)
  if (others) conversation.carrier.add(turn, author, body.sequence, bytes)
}

function keepUnopened(unopened: Map<EnvelopeId, Unopened>, id: EnvelopeId, bytes: Uint8Array): Reception {
  if (unopened.size >= limits.unopenedEnvelopesMax && !unopened.has(id)) return 'full'
  if (!unopened.has(id)) unopened.set(id, { bytes, refusals: 0 })
  return 'unopened'
}

function savePending(conversation: Conversation, turn: Turn, received: Received): void {
  const { entry, bytes, identity, receivedAt, shownAt } = received
  const key = pendingKey(conversation, entry.device, entry.sequence)
  turn.save(PENDING, key, () => encodePending({ identity, receivedAt, shownAt, entry: bytes }))
}

/** Shows everything whose turn has come. */
export function drain(conversation: Conversation, turn: Turn): void {
  const { facts, inbox } = conversation
  const overdue = turn.uptime - limits.patienceMs
  for (;;) {
    const delivered = inbox.next(facts.sequence, facts.lamport, overdue)
    if (delivered === undefined) break
    turn.remove(PENDING, pendingKey(conversation, delivered.entry.device, delivered.entry.sequence))
    if (delivered.equivocated) conversation.with.warn(turn, delivered.entry.device, 'equivocated')
    facts.lamport = Math.max(facts.lamport, delivered.lamport)
    if (delivered.shownAt === undefined) show(conversation, turn, delivered, delivered.lamport)
  }
  showOverdue(conversation, turn, overdue)
  conversation.save(turn)
}

/** What has waited too long for an earlier entry of its device is shown before it comes. */
function showOverdue(conversation: Conversation, turn: Turn, overdue: number): void {
  const { facts, inbox } = conversation
  let next: number | undefined
  for (const received of inbox.hidden()) {
    if (received.arrivedAt > overdue) {
      next = Math.min(next ?? Infinity, received.arrivedAt + limits.patienceMs)
      continue
    }
    const lamport = placeOf(received.entry, 0, facts.lamport)
    facts.lamport = Math.max(facts.lamport, lamport)
    const shown = { ...received, shownAt: lamport }
    inbox.add(shown)
    savePending(conversation, turn, shown)
    show(conversation, turn, shown, lamport)
  }
  conversation.patienceAt = next
}

function show(conversation: Conversation, turn: Turn, received: Received, lamport: number): void {
  const { facts } = conversation
  const { entry, hash, identity, receivedAt } = received
  if (entry.content.type === 'commit') return
  const ours = identity === conversation.identity
  facts.answering = !ours
  if (!ours) facts.unread += 1
  const message = keepMessage(conversation, turn, {
    id: messageIdOf(hash),
    identity,
    entry,
    lamport,
    receivedAt
  })
  turn.announce({ type: ours ? 'message:sent' : 'message:received', message })
}

/** A new epoch may open what none before could. */
export function retryUnopened(conversation: Conversation, turn: Turn): void {
  const { unopened } = conversation
  for (let again = true; again;) {
    again = false
    for (const [id, { bytes }] of unopened) {
      let reception: Reception
      try {
        reception = take(conversation, turn, bytes, decodeEnvelope(bytes))
      } catch (cause) {
        if (!(cause instanceof HearsayError)) throw cause
        unopened.delete(id)
        continue
      }
      if (reception === 'taken') again = true
    }
    if (again) drain(conversation, turn)
  }
}

const pendingKey = (conversation: Conversation, device: DeviceId, sequence: number): string =>
  `${conversation.id}/${device}/${sortable(sequence)}`
