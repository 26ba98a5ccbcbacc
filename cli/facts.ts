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
  Identity,
  IdentityId,
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

export const time = z.iso.datetime()
export const id = z.string().regex(/^[0-9a-f]+$/)
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
  conversationKind: z.enum(['direct', 'group']),
  conversationName: z.string(),
  /** Another group's name can be taken for this one's. */
  conversationLookAlike: z.boolean(),
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

/** What a message does not say itself: what its conversation and people are called, and which names look alike. */
export interface Names {
  /** Contacts, members of groups, and ourselves, by identity. */
  readonly people: ReadonlyMap<string, string>
  /** Groups by id. */
  readonly groups: ReadonlyMap<string, string>
  /** People and groups whose names can be taken for those of others. */
  readonly alike: ReadonlySet<string>
}

/** How a message says where it belongs. A direct conversation has the id and the name of its contact. */
function conversationOf(conversation: string, { groups, people, alike }: Names) {
  const group = groups.get(conversation)
  return {
    conversationKind: group === undefined ? ('direct' as const) : ('group' as const),
    conversationName: group ?? people.get(conversation) ?? '',
    conversationLookAlike: alike.has(conversation)
  }
}

export const messageFact = (message: Message, names: Names): MessageFact => ({
  v: 1,
  type: 'message',
  id: message.id,
  conversation: message.conversation,
  ...conversationOf(message.conversation, names),
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
  /** Somebody else's or another group's name can be taken for this one. */
  lookAlike: z.boolean(),
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
      /** Whether it is another device of ours. */
      self: z.boolean(),
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

/** What became of a message that `self` sent. */
export const whyFact = (explanation: Explanation, people: Names['people'], self: IdentityId): WhyFact => ({
  v: 1,
  type: 'why',
  message: explanation.message,
  conversation: explanation.conversation,
  state: explanation.state,
  devices: explanation.why.map(device => ({
    identity: device.identity,
    device: device.device,
    name: people.get(device.identity) ?? '',
    self: device.identity === self,
    state: device.state,
    reason: device.reason ?? null,
    attempts: device.attempts.map(({ at, path, outcome }) => ({ at: isoTime(at), path, outcome })),
    connected: device.connected,
    nextTryAt: optionalTime(device.nextTryAt),
    hint: device.hint
  }))
})
