/**
 * The types of the public API. What a promise means when it resolves stands in its comment; every wait takes
 * an AbortSignal; state changes are events, messages are async iterables.
 */
import type {
  Address,
  ConversationId,
  Cursor,
  DeviceId,
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
  Device,
  Explanation,
  Group,
  GroupInvitation,
  GroupSettings,
  HearsayEvent,
  Identity,
  Invite,
  Message,
  Role
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
  Role,
  GroupSettings,
  GroupMember,
  Group,
  GroupInvitation,
  Device,
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
  readonly kind: 'direct' | 'group'
  /**
   * Resolves once the message is encrypted (or, while the contact has not answered yet, kept) in the store on
   * disk: it is safe to exit. Not once it has arrived. Throws MESSAGE_EMPTY, MESSAGE_TOO_LARGE, OUTBOX_FULL,
   * CONTACT_BLOCKED, NOT_A_MEMBER.
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

/** A ConversationId, a name with or without `#`, or a part of either that fits only one. */
export type GroupReference = ConversationId | Group | string

export interface Groups {
  /**
   * Founds a group of ourselves and asks these contacts in. Resolves once it is on disk and can be written to;
   * the others are members once they have said yes. Throws NAME_INVALID, GROUP_EXISTS, UNKNOWN_CONTACT.
   */
  create(
    name: string,
    options?: { members?: readonly ContactReference[]; settings?: Partial<GroupSettings> }
  ): Promise<Group>
  list(): Promise<Group[]>
  /** Throws UNKNOWN_GROUP, AMBIGUOUS_GROUP. */
  get(reference: GroupReference): Promise<Group>
  conversation(reference: GroupReference): Promise<Conversation>
  /** Asks a contact in. Throws NOT_ALLOWED, ALREADY_MEMBER. */
  add(reference: GroupReference, member: ContactReference): Promise<Group>
  /** Throws NOT_ALLOWED, NOT_A_MEMBER. What is sealed from now on the removed cannot read. */
  remove(reference: GroupReference, member: ContactReference): Promise<Group>
  /** Promotes and demotes. Throws NOT_ALLOWED, NOT_A_MEMBER. */
  setRole(reference: GroupReference, member: ContactReference, role: Role): Promise<Group>
  rename(reference: GroupReference, name: string): Promise<Group>
  configure(reference: GroupReference, settings: Partial<GroupSettings>): Promise<Group>
  leave(reference: GroupReference): Promise<Group>
  invitations(): Promise<GroupInvitation[]>
  /** Says yes: the group is `joining`; `joined()` waits for the first member to take us in. */
  accept(id: RequestId): Promise<Group>
  decline(id: RequestId): Promise<GroupInvitation>
  /** Resolves once we can read and write. Rejects when we were removed, or on ABORTED. */
  joined(reference: GroupReference, options?: AbortOptions): Promise<Group>
  /** A link that brings whoever has it into the group with this role, until it expires or is revoked (`contacts.revokeInvite`). */
  invite(reference: GroupReference, options?: { role?: Role; expiresInMs?: number }): Promise<Invite>
  /** Redeems such a link: resolves once the request is on disk. `name` is what we call the inviter. */
  join(link: string, options?: { name?: string }): Promise<Contact>
}

export interface Devices {
  list(): Promise<Device[]>
  /**
   * Links a new device to this identity by the link that it shows: it comes into every conversation, and all
   * other devices and contacts are told. Resolves once the new device is on our device list and that is on
   * disk. Throws INVALID_INVITE, NOT_PRIMARY_DEVICE where this device cannot sign for the identity.
   */
  link(link: string): Promise<Device>
  /** Shuts a device out of everything that is sealed from now on. Throws UNKNOWN_DEVICE, NOT_PRIMARY_DEVICE. */
  revoke(device: DeviceId | string): Promise<Device>
}

/** One running Hearsay. */
export interface HearsayNode extends AsyncDisposable {
  readonly identity: Identity
  readonly contacts: Contacts
  readonly groups: Groups
  readonly devices: Devices
  direct(contact: ContactReference): Promise<Conversation>
  /** Any conversation, by its id. Throws UNKNOWN_CONVERSATION. */
  conversation(id: ConversationId): Promise<Conversation>
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
