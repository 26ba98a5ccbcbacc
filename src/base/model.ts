/**
 * The nouns that people and programs see: identities, contacts, messages, deliveries, events. Plain data,
 * shared by the core, which makes them, and the public API, which hands them out.
 */
import type { ErrorCode } from './errors.ts'
import type {
  ConversationId,
  Cursor,
  DeviceId,
  EpochId,
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

/** What somebody may do in a group; one who may do more may do everything that the lesser may. */
export type Role = 'owner' | 'admin' | 'member'

/** What the owners and admins of a group have agreed on. */
export interface GroupSettings {
  /** Who may take others in. */
  readonly mayAdd: 'admins' | 'members'
  /** How many of the last messages somebody new is given. */
  readonly history: number
  /** How long messages stay; undefined: for good. Kept in the roster for later: no node acts on it or sets it yet. */
  readonly disappearAfterMs: number | undefined
}

/** An identity that belongs to a group. */
export interface GroupMember {
  readonly id: IdentityId
  /** Ours for a contact, else what it calls itself: a claim. */
  readonly name: string
  readonly role: Role
  readonly devices: readonly DeviceId[]
  readonly verified: boolean
  readonly self: boolean
}

export interface Group {
  readonly id: ConversationId
  readonly name: string
  /** `joining`: we said yes and wait to be taken in. `left` and `removed` groups stay readable. */
  readonly state: 'joining' | 'joined' | 'left' | 'removed'
  /** The epoch that we seal on; undefined while joining. */
  readonly epoch: EpochId | undefined
  /** Whether every device of the roster, and no other, can read what we seal now. */
  readonly settled: boolean
  readonly members: readonly GroupMember[]
  /** Who was asked by us and has not answered. */
  readonly invited: readonly IdentityId[]
  readonly settings: GroupSettings
  /** The MLS cipher suite. */
  readonly suite: string
}

/** A contact asks us into a group; nobody is a member before saying yes. */
export interface GroupInvitation {
  readonly id: RequestId
  readonly group: ConversationId
  readonly name: string
  readonly from: IdentityId
  readonly members: number
  readonly role: Role
  readonly receivedAt: Millis
}

/** One node of this identity. */
export interface Device {
  readonly id: DeviceId
  /** Whether it is the one that we run on. */
  readonly current: boolean
  readonly addedAt: Millis
  readonly online: boolean
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
  /** Who passed it on, where we were not there yet: nothing but that member's word says that it was written so. */
  readonly via: IdentityId | undefined
  /** For our own messages: how far they are. */
  readonly delivery: DeliveryState | undefined
}

export interface ConversationSummary {
  readonly id: ConversationId
  readonly kind: 'direct' | 'group'
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
  | { readonly type: 'group:invited'; readonly invitation: GroupInvitation }
  | { readonly type: 'group:added' | 'group:changed' | 'group:removed'; readonly group: Group }
  /**
   * A member of a group contradicts itself or breaks its rules: loud on purpose. `member` is undefined where
   * nobody can be named.
   */
  | {
      readonly type: 'group:warned'
      readonly group: Group
      readonly member: GroupMember | undefined
      readonly device: DeviceId | undefined
      readonly warning: 'equivocated' | 'unjustified-commit' | 'forked' | 'ghost' | 'flooded'
    }
  | { readonly type: 'device:added' | 'device:removed'; readonly device: Device }
  /** A machine that we wanted to link was taken by somebody else before us, or was asked too late. */
  | { readonly type: 'device:refused' }
  /** Earlier messages of a conversation have come from another device of ours: so many so far. */
  | {
      readonly type: 'history:received'
      readonly conversation: ConversationId
      readonly messages: number
      readonly complete: boolean
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
