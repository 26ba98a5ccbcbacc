/**
 * The nouns that people and programs see: identities, contacts, messages, deliveries, events. Plain data,
 * shared by the core, which makes them, and the public API, which hands them out.
 */
import type { ErrorCode } from './errors.ts'
import type {
  ConversationId,
  Cursor,
  DeviceId,
  IdentityId,
  InviteId,
  MessageId,
  Millis,
  RequestId
} from './ids.ts'

/** The identity that this node speaks for. */
export interface Identity {
  readonly id: IdentityId
  /** The identity's public key, as hexadecimal text. */
  readonly fingerprint: string
  /** The name that contacts are offered when they have none for us; may be empty. */
  readonly name: string
  readonly device: DeviceId
}

/** A one-time invite, or a reusable address. */
export interface Invite {
  readonly id: InviteId
  /** `hearsay:invite/…`: whoever has it can ask to become a contact. */
  readonly link: string
  readonly reusable: boolean
  readonly expiresAt: Millis | undefined
  readonly createdAt: Millis
  readonly state: 'open' | 'used' | 'revoked' | 'expired'
}

export interface Contact {
  readonly id: IdentityId
  readonly name: string
  /** `requested`: our request waits for its answer. `ready`: messages can be sealed. */
  readonly state: 'requested' | 'ready' | 'rejected'
  readonly verified: boolean
  readonly blocked: boolean
  readonly fingerprint: string
  /** Whether a proven device of this contact is connected right now. */
  readonly online: boolean
}

/** Somebody redeemed one of our reusable addresses and waits for our word. */
export interface ContactRequest {
  readonly id: RequestId
  readonly from: IdentityId
  readonly name: string
  readonly greeting: string
  readonly receivedAt: Millis
}

export type DeliveryState = 'queued' | 'sent' | 'held' | 'delivered' | 'read' | 'failed'

/** What became of one message at one device. States never go backwards and never run ahead of the truth. */
export interface DeviceDelivery {
  readonly identity: IdentityId
  readonly device: DeviceId
  readonly state: DeliveryState
  readonly reason?: ErrorCode
}

/** What became of one message: `state` is that of the slowest device. */
export interface DeliveryStatus {
  readonly message: MessageId
  readonly conversation: ConversationId
  readonly state: DeliveryState
  readonly devices: readonly DeviceDelivery[]
}

export interface Sender {
  readonly id: IdentityId
  readonly name: string
  readonly verified: boolean
  readonly self: boolean
}

export interface Message {
  readonly id: MessageId
  readonly conversation: ConversationId
  readonly from: Sender
  /** As it was written. Pass it through SafeText before it reaches a terminal. */
  readonly text: string
  /** By the sender's clock: a claim. */
  readonly sentAt: Millis
  readonly receivedAt: Millis
  readonly replyTo: MessageId | undefined
  /** For our own messages: how far they are. */
  readonly delivery: DeliveryState | undefined
}

export interface ConversationSummary {
  readonly id: ConversationId
  readonly kind: 'direct'
  readonly name: string
  readonly unread: number
  readonly lastMessage: Message | undefined
}

/** Everything that happens, with a durable cursor. Names are past tense. */
export type HearsayEvent = { readonly cursor: Cursor; readonly at: Millis } & (
  | { readonly type: 'message:received' | 'message:sent'; readonly message: Message }
  | { readonly type: 'delivery:changed'; readonly delivery: DeliveryStatus }
  | { readonly type: 'contact:requested'; readonly request: ContactRequest }
  | { readonly type: 'contact:added' | 'contact:changed' | 'contact:removed'; readonly contact: Contact }
  /** A contact's devices are not those we knew, or contradict themselves: loud on purpose. */
  | {
      readonly type: 'contact:warned'
      readonly contact: Contact
      readonly warning: 'device-changed' | 'forged-device-list' | 'equivocated'
    }
  | { readonly type: 'invite:used'; readonly invite: Invite; readonly contact: Contact }
  | { readonly type: 'contact:connected' | 'contact:disconnected'; readonly contact: Contact }
)

/** What became of a message at one device, for `why`. */
export interface DeviceExplanation extends DeviceDelivery {
  /** Paths tried, newest last. */
  readonly attempts: ReadonlyArray<{
    readonly at: Millis
    readonly path: 'direct' | 'gossip'
    readonly outcome: string
  }>
  readonly connected: boolean
  /** When it is tried next, if nothing happens before. */
  readonly nextTryAt: Millis | undefined
  /** What would help, as a sentence. */
  readonly hint: string
}

export interface Explanation extends DeliveryStatus {
  readonly why: readonly DeviceExplanation[]
}
