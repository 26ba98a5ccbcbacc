/**
 * What verbs print: the objects of `--json` and of RPC results, each with its schema and the function that makes
 * it from the library's types. People's text is rendered from the same objects (verbs/*.ts).
 *
 * Contract: a field is never renamed or reused within a version. Times are ISO 8601 in UTC; what is not there is
 * null. Fields that hold other people's words hold them as they were written: a reader makes them safe.
 */
import type {
  Contact,
  ContactRequest,
  DeliveryStatus,
  Explanation,
  HearsayEvent,
  Identity,
  Invite,
  Message,
  Millis
} from 'hearsay'
import { z } from 'zod'

/** One line of `--json`. */
export interface Fact {
  readonly v: 1
  readonly type: string
  readonly [field: string]: unknown
}

const time = z.iso.datetime()
const id = z.string().regex(/^[0-9a-f]+$/)
const deliveryState = z.enum(['queued', 'sent', 'held', 'delivered', 'read', 'failed'])

/** The schema of one type of line. */
export const line = <Type extends string, Shape extends z.ZodRawShape>(type: Type, shape: Shape) =>
  z.strictObject({ v: z.literal(1), type: z.literal(type), ...shape })

/** The last moment that four digits of year can tell. */
const TIME_MAX_MS = 253_402_300_799_999

/** A time as text. A sender may claim any number, so what no calendar holds becomes the nearest that it does. */
export const isoTime = (at: Millis): string =>
  new Date(Number.isFinite(at) ? Math.min(Math.max(at, 0), TIME_MAX_MS) : 0).toISOString()

const optionalTime = (at: Millis | undefined): string | null => (at === undefined ? null : isoTime(at))

export const identityLine = line('identity', {
  id,
  fingerprint: z.string(),
  safetyNumber: z.string(),
  name: z.string(),
  home: z.string()
})
export type IdentityFact = z.infer<typeof identityLine>

/** The identity of a home. The safety number is this identity's half of every number that it shows with a contact. */
export const identityFact = (identity: Identity, safetyNumber: string, home: string): IdentityFact => ({
  v: 1,
  type: 'identity',
  id: identity.id,
  fingerprint: identity.fingerprint,
  safetyNumber,
  name: identity.name,
  home
})

export const inviteLine = line('invite', {
  id,
  link: z.string(),
  expiresAt: time.nullable(),
  reusable: z.boolean(),
  createdAt: time,
  state: z.enum(['open', 'used', 'revoked', 'expired'])
})
export type InviteFact = z.infer<typeof inviteLine>

export const inviteFact = (invite: Invite): InviteFact => ({
  v: 1,
  type: 'invite',
  id: invite.id,
  link: invite.link,
  expiresAt: optionalTime(invite.expiresAt),
  reusable: invite.reusable,
  createdAt: isoTime(invite.createdAt),
  state: invite.state
})

export const contactLine = line('contact', {
  id,
  name: z.string(),
  state: z.enum(['requested', 'ready', 'rejected']),
  verified: z.boolean(),
  blocked: z.boolean(),
  online: z.boolean(),
  fingerprint: z.string(),
  /** Another contact's name can be taken for this one. */
  lookAlike: z.boolean()
})
export type ContactFact = z.infer<typeof contactLine>

export const contactFact = (contact: Contact, alike: ReadonlySet<string>): ContactFact => ({
  v: 1,
  type: 'contact',
  id: contact.id,
  name: contact.name,
  state: contact.state,
  verified: contact.verified,
  blocked: contact.blocked,
  online: contact.online,
  fingerprint: contact.fingerprint,
  lookAlike: alike.has(contact.id)
})

export const requestLine = line('request', {
  id,
  from: id,
  name: z.string(),
  greeting: z.string(),
  receivedAt: time
})
export type RequestFact = z.infer<typeof requestLine>

export const requestFact = (request: ContactRequest): RequestFact => ({
  v: 1,
  type: 'request',
  id: request.id,
  from: request.from,
  name: request.name,
  greeting: request.greeting,
  receivedAt: isoTime(request.receivedAt)
})

const deviceState = z.strictObject({
  identity: id,
  device: id,
  state: deliveryState,
  reason: z.string().nullable()
})

export const deliveryLine = line('delivery', {
  message: id,
  conversation: id,
  state: deliveryState,
  /** Milliseconds from the call to this state; null where nobody waited. */
  ms: z.number().nullable(),
  devices: z.array(deviceState)
})
export type DeliveryFact = z.infer<typeof deliveryLine>

export const deliveryFact = (delivery: DeliveryStatus, ms: number | null): DeliveryFact => ({
  v: 1,
  type: 'delivery',
  message: delivery.message,
  conversation: delivery.conversation,
  state: delivery.state,
  ms,
  devices: delivery.devices.map(({ identity, device, state, reason }) => ({
    identity,
    device,
    state,
    reason: reason ?? null
  }))
})

export const messageLine = line('message', {
  id,
  conversation: id,
  conversationName: z.string(),
  from: z.strictObject({
    name: z.string(),
    id,
    verified: z.boolean(),
    self: z.boolean(),
    lookAlike: z.boolean()
  }),
  text: z.string(),
  sentAt: time,
  receivedAt: time,
  replyTo: id.nullable(),
  attachments: z.array(z.never()),
  /** How far one of our own messages is; null for others'. */
  delivery: deliveryState.nullable()
})
export type MessageFact = z.infer<typeof messageLine>

/** What a message does not say itself: what its conversation is called, and whose names look alike. */
export interface Names {
  readonly conversations: ReadonlyMap<string, string>
  readonly alike: ReadonlySet<string>
}

export const messageFact = (message: Message, names: Names): MessageFact => ({
  v: 1,
  type: 'message',
  id: message.id,
  conversation: message.conversation,
  conversationName: names.conversations.get(message.conversation) ?? '',
  from: {
    name: message.from.name,
    id: message.from.id,
    verified: message.from.verified,
    self: message.from.self,
    lookAlike: names.alike.has(message.from.id)
  },
  text: message.text,
  sentAt: isoTime(message.sentAt),
  receivedAt: isoTime(message.receivedAt),
  replyTo: message.replyTo ?? null,
  attachments: [],
  delivery: message.delivery ?? null
})

export const conversationLine = line('conversation', {
  id,
  kind: z.enum(['direct', 'group', 'channel']),
  name: z.string(),
  unread: z.int(),
  lastMessage: messageLine.nullable()
})
export type ConversationFact = z.infer<typeof conversationLine>

export const verificationLine = line('verification', {
  name: z.string(),
  safetyNumber: z.string(),
  verified: z.boolean()
})

export const whyLine = line('why', {
  message: id,
  conversation: id,
  state: deliveryState,
  devices: z.array(
    z.strictObject({
      identity: id,
      device: id,
      name: z.string(),
      state: deliveryState,
      reason: z.string().nullable(),
      attempts: z.array(z.strictObject({ at: time, path: z.string(), outcome: z.string() })),
      connected: z.boolean(),
      nextTryAt: time.nullable(),
      hint: z.string()
    })
  )
})
export type WhyFact = z.infer<typeof whyLine>

/** What became of a message; `nameOf` tells how a contact is called. */
export const whyFact = (explanation: Explanation, nameOf: (identity: string) => string): WhyFact => ({
  v: 1,
  type: 'why',
  message: explanation.message,
  conversation: explanation.conversation,
  state: explanation.state,
  devices: explanation.why.map(device => ({
    identity: device.identity,
    device: device.device,
    name: nameOf(device.identity),
    state: device.state,
    reason: device.reason ?? null,
    attempts: device.attempts.map(({ at, path, outcome }) => ({ at: isoTime(at), path, outcome })),
    connected: device.connected,
    nextTryAt: optionalTime(device.nextTryAt),
    hint: device.hint
  }))
})

const eventFields = { cursor: z.int(), at: time }

export const eventLine = z.discriminatedUnion('type', [
  line('message:received', { ...eventFields, message: messageLine }),
  line('message:sent', { ...eventFields, message: messageLine }),
  line('delivery:changed', { ...eventFields, delivery: deliveryLine }),
  line('contact:requested', { ...eventFields, request: requestLine }),
  line('contact:added', { ...eventFields, contact: contactLine }),
  line('contact:changed', { ...eventFields, contact: contactLine }),
  line('contact:removed', { ...eventFields, contact: contactLine }),
  line('contact:warned', {
    ...eventFields,
    contact: contactLine,
    warning: z.enum(['device-changed', 'forged-device-list', 'equivocated'])
  }),
  line('invite:used', { ...eventFields, invite: inviteLine, contact: contactLine }),
  line('contact:connected', { ...eventFields, contact: contactLine }),
  line('contact:disconnected', { ...eventFields, contact: contactLine })
])
export type EventFact = z.infer<typeof eventLine>

/** An event as a line. */
export function eventFact(event: HearsayEvent, names: Names): EventFact {
  const head = { v: 1, cursor: event.cursor, at: isoTime(event.at) } as const
  switch (event.type) {
    case 'message:received':
    case 'message:sent':
      return { ...head, type: event.type, message: messageFact(event.message, names) }
    case 'delivery:changed':
      return { ...head, type: event.type, delivery: deliveryFact(event.delivery, null) }
    case 'contact:requested':
      return { ...head, type: event.type, request: requestFact(event.request) }
    case 'contact:warned':
      return {
        ...head,
        type: event.type,
        contact: contactFact(event.contact, names.alike),
        warning: event.warning
      }
    case 'invite:used':
      return {
        ...head,
        type: event.type,
        invite: inviteFact(event.invite),
        contact: contactFact(event.contact, names.alike)
      }
    default:
      return { ...head, type: event.type, contact: contactFact(event.contact, names.alike) }
  }
}
