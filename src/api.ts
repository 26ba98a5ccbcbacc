/**
 * The types of the public API. What a promise means when it resolves stands in its comment; every wait takes
 * an AbortSignal; state changes are events, messages are async iterables.
 */
import type {
  Address,
  ConversationId,
  Cursor,
  IdentityId,
  InviteId,
  MessageId,
  Millis,
  PeerId,
  RequestId
} from './base/ids.ts'
import type {
  Contact,
  ContactRequest,
  ConversationSummary,
  DeliveryState,
  DeliveryStatus,
  Explanation,
  HearsayEvent,
  Identity,
  Invite,
  Message
} from './base/model.ts'

export type {
  Identity,
  Invite,
  Contact,
  ContactRequest,
  DeliveryState,
  DeviceDelivery,
  DeliveryStatus,
  Sender,
  Message,
  ConversationSummary,
  HearsayEvent,
  DeviceExplanation,
  Explanation
} from './base/model.ts'

export interface AbortOptions {
  readonly signal?: AbortSignal
}

/** The handle that `send()` returns. */
export interface Delivery extends DeliveryStatus {
  /** Resolves once this state or a later one is true of every device. Rejects with ABORTED, or when it failed. */
  reached(state: Exclude<DeliveryState, 'failed'>, options?: AbortOptions): Promise<DeliveryStatus>
}

export interface Conversation {
  readonly id: ConversationId
  readonly kind: 'direct'
  /**
   * Resolves once the message is encrypted (or, while the contact has not answered yet, kept) in the store on
   * disk: it is safe to exit. Not once it has arrived. Throws MESSAGE_EMPTY, MESSAGE_TOO_LARGE, OUTBOX_FULL,
   * CONTACT_BLOCKED.
   */
  send(text: string, options?: { replyTo?: MessageId }): Promise<Delivery>
  /** The last messages, oldest first, in the order that every member sees. */
  history(options?: { limit?: number; before?: MessageId }): Promise<Message[]>
  /** Messages as they arrive from now on, our own from other places included; one sender's come in order. */
  messages(options?: AbortOptions): AsyncIterable<Message>
  /** Marks everything up to now as read and lets the senders know. Resolves once that is on disk. */
  markRead(): Promise<void>
}

export interface NodeStatus {
  readonly identity: Identity
  readonly peerId: PeerId
  readonly addresses: readonly Address[]
  readonly connections: ReadonlyArray<{
    peer: PeerId
    address: Address
    direction: 'inbound' | 'outbound'
    contact: string | undefined
  }>
  readonly outbox: { readonly messages: number; readonly oldestAt: Millis | undefined }
  readonly dht: {
    readonly enabled: boolean
    readonly mode: 'client' | 'server'
    readonly peers: number
    readonly records: number
  }
  readonly mdns: boolean
  readonly contacts: number
  readonly version: string
}

export interface Contacts {
  /** Resolves once the invite is on disk. `expiresInMs` defaults to 7 days; reusable ones do not expire by default. */
  invite(options?: { reusable?: boolean; expiresInMs?: number }): Promise<Invite>
  invites(): Promise<Invite[]>
  /** Resolves once no request through it is accepted any more. Contacts made through it stay. */
  revokeInvite(id: InviteId): Promise<Invite>
  /**
   * Redeems an invite: resolves once the request is on disk. The contact is `requested`; `ready()` waits for
   * the answer. Throws INVALID_INVITE, INVITE_EXPIRED, INVITE_OWN, CONTACT_EXISTS, NAME_INVALID.
   */
  add(link: string, options: { name: string; greeting?: string }): Promise<Contact>
  /** Resolves with the contact once it is ready. Rejects when the request was rejected or on ABORTED. */
  ready(contact: ContactReference, options?: AbortOptions): Promise<Contact>
  list(): Promise<Contact[]>
  /** By id, by name, or by a part of either that fits only one. Throws UNKNOWN_CONTACT, AMBIGUOUS_CONTACT. */
  get(reference: ContactReference): Promise<Contact>
  requests(): Promise<ContactRequest[]>
  accept(id: RequestId, options?: { name?: string }): Promise<Contact>
  reject(id: RequestId): Promise<ContactRequest>
  rename(contact: ContactReference, name: string): Promise<Contact>
  block(contact: ContactReference): Promise<Contact>
  unblock(contact: ContactReference): Promise<Contact>
  /** Removes the contact, its keys and its messages from this node. */
  forget(contact: ContactReference): Promise<Contact>
  /** The 60 digits that both sides see if nobody sits between them. */
  safetyNumber(contact: ContactReference): Promise<string>
  /** Compares what the other side reads out and marks the contact as verified. Throws SAFETY_NUMBER_MISMATCH. */
  verify(contact: ContactReference, safetyNumber: string): Promise<Contact>
}

/** An IdentityId or a name. */
export type ContactReference = IdentityId | Contact | string

/** One running Hearsay. */
export interface HearsayNode extends AsyncDisposable {
  readonly identity: Identity
  readonly contacts: Contacts
  direct(contact: ContactReference): Promise<Conversation>
  conversations(): Promise<ConversationSummary[]>
  message(id: MessageId): Promise<Message>
  delivery(id: MessageId): Promise<Delivery>
  why(id: MessageId): Promise<Explanation>
  /** Every event after `since` (default: from now on), then those to come, in order, without a gap. */
  events(options?: { since?: Cursor } & AbortOptions): AsyncIterable<HearsayEvent>
  status(): NodeStatus
  /** The recovery phrase. Never log it. */
  recoveryPhrase(): string
  /** Resolves when everything is on disk and nothing is left running. Idempotent. */
  stop(): Promise<void>
}
