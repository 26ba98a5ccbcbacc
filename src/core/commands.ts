/**
 * What a person or a program asks of the node, besides first contact. A command that throws has changed
 * nothing; what it returns is true once its batch is committed.
 */
import { HearsayError } from '../base/errors.ts'
import type { ConversationId, MessageId, RequestId } from '../base/ids.ts'
import type {
  Contact,
  ContactRequest,
  DeliveryStatus,
  DeviceExplanation,
  Explanation
} from '../base/model.ts'
import { millis } from '../base/ids.ts'
import { safetyNumber, sameSafetyNumber } from '../crypto/safety-number.ts'
import type { Acquaintance } from './book.ts'
import { composeText } from './compose.ts'
import type { Core } from './core.ts'
import type { MessageRecord } from './records/message.ts'
import type { Turn } from './turn.ts'

/** The conversation that is meant. Throws UNKNOWN_CONVERSATION. */
export function conversationOf(core: Core, id: ConversationId): Acquaintance {
  const entry = core.book.get(id)
  if (entry === undefined) throw new HearsayError('UNKNOWN_CONVERSATION')
  return entry
}

/** Redeems an invite. */
export function addContact(core: Core, init: { link: string; name: string; greeting: string }): Contact {
  const { turn, first, reach, sessions } = core
  const entry = first.request(turn, { ...init, presence: reach.presence })
  reach.changed()
  for (const address of first.outgoingTo(entry.contact.facts.id)!.invite.addresses)
    sessions.offer(turn, address.split('/p2p/').at(-1) as Parameters<typeof sessions.offer>[1])
  return entry.contact.view()
}

/** Says yes to a request. */
export function acceptRequest(core: Core, id: RequestId, name: string | undefined): Contact {
  const { turn, first, reach, sessions } = core
  const { entry, answer } = first.accept(turn, id, name, reach.presence)
  reach.changed()
  sessions.offer(turn, answer.presence.peer)
  return entry.contact.view()
}

/** Says no to a request. */
export function rejectRequest(core: Core, id: RequestId): ContactRequest {
  const { turn, first, reach, sessions } = core
  const { request, answer } = first.reject(turn, id, reach.presence)
  reach.changed()
  sessions.offer(turn, answer.presence.peer)
  return request
}

/** Sends a text. Throws UNKNOWN_CONVERSATION, CONTACT_BLOCKED, MESSAGE_EMPTY, MESSAGE_TOO_LARGE, OUTBOX_FULL. */
export function send(
  core: Core,
  id: ConversationId,
  text: string,
  replyTo: MessageId | undefined
): DeliveryStatus {
  const entry = conversationOf(core, id)
  const { contact, conversation } = entry
  if (contact.facts.blocked) throw new HearsayError('CONTACT_BLOCKED')
  if (contact.facts.state === 'rejected') throw new HearsayError('REQUEST_REJECTED')
  const item = composeText(conversation, core.turn, text, replyTo)
  core.reach.wanted(core.turn, entry)
  return conversation.delivery(item.message, item.sequence)
}

/** Marks everything shown so far as read. */
export function markRead(core: Core, id: ConversationId): void {
  const { conversation } = conversationOf(core, id)
  for (const log of conversation.inbox.logs.values()) log.read = log.contiguous
  conversation.facts.unread = 0
  conversation.save(core.turn)
  conversation.oweAll()
}

/** Changes what is kept about a contact. */
export function changeContact(
  core: Core,
  reference: string,
  change: (entry: Acquaintance, turn: Turn) => void
): Contact {
  const entry = core.book.find(reference)
  change(entry, core.turn)
  entry.contact.save(core.turn)
  core.turn.announce({ type: 'contact:changed', contact: entry.contact.view() })
  return entry.contact.view()
}

/** Throws NAME_INVALID, CONTACT_EXISTS. */
export const rename = (core: Core, reference: string, name: string): Contact =>
  changeContact(core, reference, ({ contact }) => {
    contact.facts.name = core.book.freeName(name, contact.facts.id)
  })

/** A blocked contact is not heard and not told anything. */
export const block = (core: Core, reference: string): Contact =>
  changeContact(core, reference, (entry, turn) => {
    entry.contact.facts.blocked = true
    core.sessions.hangUp(turn, entry)
    core.reach.changed()
  })

export const unblock = (core: Core, reference: string): Contact =>
  changeContact(core, reference, (entry, turn) => {
    entry.contact.facts.blocked = false
    core.reach.wanted(turn, entry)
  })

/** Removes a contact, its keys and its messages. */
export function forgetContact(core: Core, reference: string): Contact {
  const { turn, book, first, sessions } = core
  const entry = book.find(reference)
  const contact = entry.contact.view()
  sessions.hangUp(turn, entry)
  first.forget(turn, contact.id)
  book.remove(turn, entry)
  core.reach.changed()
  turn.announce({ type: 'contact:removed', contact })
  return contact
}

/** The 60 digits of a contact and us. */
export function safetyNumberWith(core: Core, reference: string): string {
  const { contact } = core.book.find(reference)
  return safetyNumber(core.own.identity, contact.facts.id)
}

/** Throws SAFETY_NUMBER_MISMATCH. */
export function verify(core: Core, reference: string, digits: string): Contact {
  if (!sameSafetyNumber(safetyNumberWith(core, reference), digits))
    throw new HearsayError('SAFETY_NUMBER_MISMATCH')
  return changeContact(core, reference, ({ contact }) => {
    contact.facts.verified = true
  })
}

/** What became of a message of ours. */
export function explain(core: Core, { id, conversation: of, device, sequence }: MessageRecord): Explanation {
  const entry = conversationOf(core, of)
  const { conversation, contact } = entry
  if (device !== core.own.device)
    throw new HearsayError('UNKNOWN_MESSAGE', { message: 'That message is not one of yours.' })
  const status = conversation.delivery(id, sequence)
  const why = status.devices.map((each): DeviceExplanation => {
    const link = [...conversation.links.values()].find(({ device: linked }) => linked === each.device)
    const attempts = (conversation.attempts.get(sequence) ?? []).map(attempt => ({
      ...attempt,
      at: millis(attempt.at)
    }))
    const due = link === undefined ? core.reach.nextDialAt(entry) : link.resendAt
    const waits = each.state === 'queued' || each.state === 'sent'
    const nextTryAt =
      waits && due !== undefined ? millis(core.turn.now + Math.max(0, due - core.turn.uptime)) : undefined
    return {
      ...each,
      attempts,
      connected: link !== undefined,
      nextTryAt,
      hint: hint(each.state, link !== undefined, contact.facts.name)
    }
  })
  return { ...status, why }
}

function hint(state: DeliveryStatus['state'], connected: boolean, name: string): string {
  if (state === 'read') return `${name} has read it.`
  if (state === 'delivered') return `It is on the disk of this device of ${name}.`
  if (connected) return `${name} is connected and has not confirmed it yet; it is sent again by itself.`
  return `${name} is not reachable now. It is sent as soon as both of you are online at the same time.`
}
