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
import type { Delivered, Received } from './inbox.ts'
import { keepMessage } from './messages.ts'
import { encodePending } from './records/pending.ts'
import { sortable } from './turn.ts'
import type { Turn } from './turn.ts'

/** What became of an envelope. `unopened` waits for an epoch, or for its author to seal it again. */
export type Reception = 'taken' | 'known' | 'own' | 'unopened' | 'full'

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
  const { author, body } = opened
  if (author === conversation.self) return 'own'
  if (inbox.has(author, body.sequence)) {
    unopened.delete(id)
    return 'known'
  }
  if (!inbox.hasRoom(author, body.sequence)) return 'full'
  let processed
  try {
    processed = group.process(turn, opened)
  } catch (cause) {
    // Its key is gone (an older copy of our disk, or of theirs): the author has to seal it again.
    const keyGone =
      cause instanceof MlsError && (cause.reason === 'key-used' || cause.reason === 'too-far-ahead')
    if (!keyGone) throw cause
    return keepUnopened(unopened, id, bytes)
  }
  unopened.delete(id)
  const { entry } = processed
  const received: Received = {
    entry,
    bytes: processed.bytes,
    hash: entryHash(processed.bytes),
    receivedAt: turn.now
  }
  inbox.add(received)
  const key = pendingKey(conversation, entry.device, entry.sequence)
  turn.save(PENDING, key, () => encodePending({ receivedAt: received.receivedAt, entry: received.bytes }))
  return 'taken'
}

function keepUnopened(unopened: Map<EnvelopeId, Unopened>, id: EnvelopeId, bytes: Uint8Array): Reception {
  if (unopened.size >= limits.unopenedEnvelopesMax && !unopened.has(id)) return 'full'
  if (!unopened.has(id)) unopened.set(id, { bytes, refusals: 0 })
  return 'unopened'
}

/** Shows everything whose turn has come. */
export function drain(conversation: Conversation, turn: Turn): void {
  const { facts, inbox } = conversation
  for (;;) {
    const delivered = inbox.next(facts.sequence, facts.lamport)
    if (delivered === undefined) break
    show(conversation, turn, delivered)
  }
  conversation.save(turn)
}

function show(conversation: Conversation, turn: Turn, delivered: Delivered): void {
  const { facts } = conversation
  const { entry, lamport, equivocated, receivedAt } = delivered
  facts.lamport = Math.max(facts.lamport, lamport)
  turn.remove(PENDING, pendingKey(conversation, entry.device, entry.sequence))
  if (equivocated) conversation.with.warn(turn, 'equivocated')
  if (entry.content.type === 'commit') return
  facts.answering = true
  facts.unread += 1
  const id = messageIdOf(delivered.hash)
  const identity = conversation.with.identity
  const message = keepMessage(conversation, turn, { id, identity, entry, lamport, receivedAt })
  turn.announce({ type: 'message:received', message })
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
