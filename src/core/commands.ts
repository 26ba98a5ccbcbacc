/**
 * What a person or a program asks of the node, besides first contact. A command that throws has changed
 * nothing; what it returns is true once its batch is committed.
 */
import { HearsayError } from '../base/errors.ts'
import type { ConversationId, DeviceId, IdentityId, MessageId, RequestId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import type {
  Contact,
  ContactRequest,
  ConversationSummary,
  DeliveryStatus,
  Device,
  DeviceExplanation,
  Explanation,
  Group
} from '../base/model.ts'
import { millis } from '../base/ids.ts'
import { safetyNumber, sameSafetyNumber } from '../crypto/safety-number.ts'
import type { Acquaintance } from './book.ts'
import { composeText } from './compose.ts'
import type { Conversation } from './conversation.ts'
import type { Core } from './core.ts'
import { foldName } from './names.ts'
import type { MessageRecord } from './records/message.ts'
import { issue } from './roster-sync.ts'
import { requireStanding } from './self.ts'
import { openInviteLink } from './seal/invite.ts'
import type { OperationContent } from '../wire/roster-operation.ts'
import type { Turn } from './turn.ts'

/** The conversation that is meant. Throws UNKNOWN_CONVERSATION. */
export function conversationOf(core: Core, id: ConversationId): Conversation {
  const conversation = core.book.conversation(id)
  if (conversation === undefined) throw new HearsayError('UNKNOWN_CONVERSATION')
  return conversation
}

/** Redeems an invite. */
export function addContact(core: Core, init: { link: string; name: string; greeting: string }): Contact {
  requireStanding(core.own)
  const { turn, first, reach, sessions } = core
  const entry = first.request(turn, { ...init, presence: reach.presence })
  reach.changed()
  for (const address of first.outgoingTo(entry.contact.facts.id)!.invite.addresses)
    sessions.offer(turn, address.split('/p2p/').at(-1) as Parameters<typeof sessions.offer>[1])
  return entry.contact.view()
}

/** Redeems the link of a machine that is to become a device of ours. Returns who it is until then. */
export function linkDevice(core: Core, link: string): IdentityId {
  const { turn, first, reach, sessions, devices } = core
  const identity = devices.link(turn, link, reach.presence)
  reach.changed()
  for (const address of first.outgoingTo(identity)?.invite.addresses ?? [])
    sessions.offer(turn, address.split('/p2p/').at(-1) as Parameters<typeof sessions.offer>[1])
  return identity
}

/** Shuts a device of ours out. */
export function revokeDevice(core: Core, id: DeviceId): Device {
  const { turn, reach, sessions, devices } = core
  const device = devices.revoke(turn, id)
  reach.published(turn)
  sessions.tellPresenceToAll(turn)
  return device
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

/** All conversations that people see, without their last messages. */
export const listConversations = ({ book }: Core): Omit<ConversationSummary, 'lastMessage'>[] => [
  ...book.contacts().map(({ contact, conversation }) => ({
    id: conversation.id,
    kind: 'direct' as const,
    name: contact.facts.name,
    unread: conversation.facts.unread
  })),
  ...[...book.rooms.values()].map(({ name, conversation }) => ({
    id: conversation.id,
    kind: 'group' as const,
    name,
    unread: conversation.facts.unread
  }))
]

/** Sends a text. Throws UNKNOWN_CONVERSATION, CONTACT_BLOCKED, NOT_A_MEMBER, MESSAGE_EMPTY, MESSAGE_TOO_LARGE, OUTBOX_FULL. */
export function send(
  core: Core,
  id: ConversationId,
  text: string,
  replyTo: MessageId | undefined
): DeliveryStatus {
  requireStanding(core.own)
  const conversation = conversationOf(core, id)
  const entry = core.book.get(id as string as IdentityId)
  if (entry?.contact.facts.blocked === true) throw new HearsayError('CONTACT_BLOCKED')
  if (entry?.contact.facts.state === 'rejected') throw new HearsayError('REQUEST_REJECTED')
  if (core.book.rooms.get(id)?.facts.state === 'joining') throw new HearsayError('NOT_A_MEMBER')
  const item = composeText(conversation, core.turn, text, replyTo)
  for (const each of entry === undefined ? membersOf(core, conversation) : [entry])
    core.reach.wanted(core.turn, each)
  return conversation.delivery(item.message, item.sequence)
}

/** Everybody else of a conversation whom we know how to find. */
const membersOf = (core: Core, { members }: Conversation): Acquaintance[] =>
  [...(members?.members.keys() ?? [])].flatMap(identity => core.book.get(identity) ?? [])

/** Marks everything shown so far as read. */
export function markRead(core: Core, id: ConversationId): void {
  const conversation = conversationOf(core, id)
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
  const conversation = conversationOf(core, of)
  if (device !== core.own.device)
    throw new HearsayError('UNKNOWN_MESSAGE', { message: 'That message is not one of yours.' })
  const status = conversation.delivery(id, sequence)
  const attempts = (conversation.attempts.get(sequence) ?? []).map(attempt => ({
    ...attempt,
    at: millis(attempt.at)
  }))
  const why = status.devices.map((each): DeviceExplanation => {
    const link = [...conversation.links.values()].find(({ device: linked }) => linked === each.device)
    const entry = core.book.get(each.identity)
    const due = link !== undefined ? link.resendAt : entry && core.reach.nextDialAt(entry)
    const waits = each.state === 'queued' || each.state === 'sent'
    const nextTryAt =
      waits && due !== undefined ? millis(core.turn.now + Math.max(0, due - core.turn.uptime)) : undefined
    const name = each.identity === core.own.identity ? 'yours' : (entry?.contact.facts.name ?? each.identity)
    return {
      ...each,
      attempts,
      connected: link !== undefined,
      nextTryAt,
      hint: hint(each.state, link !== undefined, name)
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

/** Redeems a link into a group: its inviter becomes a contact, and its invitation is accepted by itself. */
export function joinGroup(core: Core, init: { link: string; name: string | undefined }): Contact {
  const { turn, book } = core
  const { identity, id } = openInviteLink(init.link, turn.now)
  const known = book.get(identity)
  const name =
    init.name ?? (known?.contact.isListed === true ? known.contact.facts.name : book.nameFor('', identity))
  const contact = addContact(core, { link: init.link, name, greeting: '' })
  const { facts } = book.get(identity)!.contact
  facts.joining = [...facts.joining, id].slice(-limits.requestsPerContactMax)
  book.get(identity)!.contact.save(turn)
  return contact
}

/** Says what a group is to be: who, with which role, called what. Throws NOT_ALLOWED, NOT_A_MEMBER. */
export function changeGroup(core: Core, reference: string, content: OperationContent): Group {
  const room = core.rooms.find(reference)
  issue(room.conversation, core.turn, core.own, content)
  return room.view()
}

/** The member that is meant: by id, by the name that we have for it, or by a part of either. Throws NOT_A_MEMBER. */
export function memberOf(core: Core, reference: string, member: string): IdentityId {
  const room = core.rooms.find(reference)
  const wanted = foldName(member.trim().replace(/^@/u, ''))
  const { members } = room.view()
  const exact = members.filter(({ id, name }) => id === wanted || foldName(name) === wanted)
  const partial = members.filter(
    ({ id, name }) => wanted !== '' && (id.startsWith(wanted) || foldName(name).startsWith(wanted))
  )
  const found = exact.length === 1 ? exact : partial
  if (found.length === 0)
    throw new HearsayError('NOT_A_MEMBER', { message: `"${member}" is not a member of #${room.name}.` })
  if (found.length > 1)
    throw new HearsayError('AMBIGUOUS_CONTACT', {
      message: `Several members fit "${member}": ${found.map(({ name }) => name).join(', ')}.`
    })
  return found[0]!.id
}
