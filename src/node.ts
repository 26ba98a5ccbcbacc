/**
 * The composition root: a node over its ports, behind the public API.
 *
 * Nothing of the protocol is here; every method is a command or a question to the core, or reads the store.
 */
import type {
  AbortOptions,
  ContactReference,
  Contacts,
  Conversation,
  Delivery,
  Devices,
  Groups,
  HearsayNode,
  NodeStatus
} from './api.ts'
import { HearsayError } from './base/errors.ts'
import type { Address, ConversationId, Cursor, InviteId, MessageId, Millis, RequestId } from './base/ids.ts'

import { limits } from './base/limits.ts'
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
import { toUtf8 } from './base/bytes.ts'
import * as commands from './core/commands.ts'
import { MESSAGE_IDS, MESSAGES, reaches } from './core/conversation.ts'
import type { Core } from './core/core.ts'
import { messageKey, viewMessage } from './core/messages.ts'
import { decodeMessageRecord } from './core/records/message.ts'
import type { MessageRecord } from './core/records/message.ts'
import { recoveryPhrase, viewSelf } from './core/self.ts'
import { NodeDevices } from './node-devices.ts'
import { NodeGroups } from './node-groups.ts'
import { Runtime } from './runtime.ts'
import type { RuntimeInit } from './runtime.ts'
import type { Store } from './ports/store.ts'
import { version } from './version.ts'

/** Opens a node over its ports. Resolves once it is up. Throws what `Runtime.open` throws, and NETWORK_FAILED. */
export async function openNode(init: RuntimeInit): Promise<HearsayNode> {
  return new Node(await Runtime.open(init), init.store)
}

const referenceOf = (reference: ContactReference): string =>
  typeof reference === 'string' ? reference : reference.id

class Node implements HearsayNode {
  readonly identity: Identity
  readonly contacts: Contacts
  readonly groups: Groups
  readonly devices: Devices
  readonly #runtime: Runtime
  readonly #store: Store

  constructor(runtime: Runtime, store: Store) {
    this.#runtime = runtime
    this.#store = store
    this.identity = viewSelf(runtime.own)
    this.contacts = new NodeContacts(runtime)
    this.groups = new NodeGroups(runtime, id => new StoredConversation(runtime, store, id))
    this.devices = new NodeDevices(runtime)
  }

  async direct(contact: ContactReference): Promise<Conversation> {
    const id = await this.#runtime.execute(core => core.book.find(referenceOf(contact)).conversation.id)
    return new StoredConversation(this.#runtime, this.#store, id)
  }

  async conversation(id: ConversationId): Promise<Conversation> {
    await this.#runtime.execute(core => commands.conversationOf(core, id).id)
    return new StoredConversation(this.#runtime, this.#store, id)
  }

  async conversations(): Promise<ConversationSummary[]> {
    const all = await this.#runtime.execute(core => commands.listConversations(core))
    const summaries = all.map(async (each): Promise<ConversationSummary> => {
      const [last] = await readHistory(this.#runtime, this.#store, each.id, 1)
      return { ...each, lastMessage: last }
    })
    return Promise.all(summaries)
  }

  async message(id: MessageId): Promise<Message> {
    const record = await readMessage(this.#store, id)
    return this.#runtime.execute(core =>
      viewMessage(commands.conversationOf(core, record.conversation), record)
    )
  }

  async delivery(id: MessageId): Promise<Delivery> {
    const record = await readMessage(this.#store, id)
    const status = await this.#runtime.execute(core => deliveryOf(core, record))
    return new MessageDelivery(this.#runtime, status, record.sequence)
  }

  async why(id: MessageId): Promise<Explanation> {
    const record = await readMessage(this.#store, id)
    return this.#runtime.execute(core => commands.explain(core, record))
  }

  events(options: { since?: Cursor } & AbortOptions = {}): AsyncIterable<HearsayEvent> {
    const { events } = this.#runtime
    return events.since(options.since ?? events.last, options.signal)
  }

  status(): NodeStatus {
    const network = this.#runtime.network?.status()
    return this.#runtime.peek(core => statusOf(core, this.identity, network))
  }

  recoveryPhrase(): string {
    return recoveryPhrase(this.#runtime.own)
  }

  stop(): Promise<void> {
    return this.#runtime.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

function statusOf(
  core: Core,
  identity: Identity,
  network: ReturnType<NonNullable<Runtime['network']>['status']> | undefined
): NodeStatus {
  let messages = 0
  let oldestAt: Millis | undefined
  for (const conversation of core.book.conversations()) {
    for (const { visible, createdAt } of conversation.outbox.items.values()) {
      if (!visible) continue
      messages += 1
      oldestAt = oldestAt === undefined || createdAt < oldestAt ? createdAt : oldestAt
    }
  }
  const connections = (network?.connections ?? []).map(({ peer, address, direction }) => ({
    peer,
    address,
    direction,
    contact: core.sessions.contactAt(peer)?.contact.facts.name
  }))
  return {
    identity,
    peerId: core.reach.presence.peer,
    addresses: network?.addresses ?? [],
    connections,
    outbox: { messages, oldestAt },
    dht: network?.dht ?? { enabled: false, mode: 'client', peers: 0, records: 0 },
    mdns: network?.mdns ?? false,
    contacts: core.book.contacts().length,
    version
  }
}

class NodeContacts implements Contacts {
  readonly #runtime: Runtime

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  invite({
    reusable = false,
    expiresInMs
  }: { reusable?: boolean; expiresInMs?: number } = {}): Promise<Invite> {
    return this.#runtime.execute(({ first, reach, turn }) => {
      const { addresses: known, peer } = reach.presence
      // Without an address the invite still says whom to look for, among neighbours.
      const addresses = known.length > 0 ? known : [`/p2p/${peer}` as Address]
      const invite = first.invite(turn, { reusable, expiresInMs, addresses })
      reach.published(turn)
      return invite
    })
  }

  async invites(): Promise<Invite[]> {
    return this.#runtime.execute(({ first, turn }) => first.listInvites(turn.now))
  }

  revokeInvite(id: InviteId): Promise<Invite> {
    return this.#runtime.execute(({ first, turn }) => first.revoke(turn, id))
  }

  add(link: string, { name, greeting = '' }: { name: string; greeting?: string }): Promise<Contact> {
    return this.#runtime.execute(core => commands.addContact(core, { link, name, greeting }))
  }

  async ready(contact: ContactReference, { signal }: AbortOptions = {}): Promise<Contact> {
    const { events } = this.#runtime
    const from = events.last
    const now = await this.get(contact)
    const answered = (each: Contact): Contact | undefined => {
      if (each.state === 'rejected') throw new HearsayError('REQUEST_REJECTED')
      return each.state === 'ready' ? each : undefined
    }
    const answer = (event: HearsayEvent): Contact | undefined =>
      event.type === 'contact:changed' && event.contact.id === now.id ? answered(event.contact) : undefined
    return answered(now) ?? events.find(answer, from, signal)
  }

  async list(): Promise<Contact[]> {
    return this.#runtime.execute(({ book }) => book.contacts().map(({ contact }) => contact.view()))
  }

  async get(reference: ContactReference): Promise<Contact> {
    return this.#runtime.execute(({ book }) => book.find(referenceOf(reference)).contact.view())
  }

  async requests(): Promise<ContactRequest[]> {
    return this.#runtime.execute(({ first }) => first.listWaiting())
  }

  accept(id: RequestId, { name }: { name?: string } = {}): Promise<Contact> {
    return this.#runtime.execute(core => commands.acceptRequest(core, id, name))
  }

  reject(id: RequestId): Promise<ContactRequest> {
    return this.#runtime.execute(core => commands.rejectRequest(core, id))
  }

  rename(contact: ContactReference, name: string): Promise<Contact> {
    return this.#runtime.execute(core => commands.rename(core, referenceOf(contact), name))
  }

  block(contact: ContactReference): Promise<Contact> {
    return this.#runtime.execute(core => commands.block(core, referenceOf(contact)))
  }

  unblock(contact: ContactReference): Promise<Contact> {
    return this.#runtime.execute(core => commands.unblock(core, referenceOf(contact)))
  }

  forget(contact: ContactReference): Promise<Contact> {
    return this.#runtime.execute(core => commands.forgetContact(core, referenceOf(contact)))
  }

  async safetyNumber(contact: ContactReference): Promise<string> {
    return this.#runtime.execute(core => commands.safetyNumberWith(core, referenceOf(contact)))
  }

  verify(contact: ContactReference, safetyNumber: string): Promise<Contact> {
    return this.#runtime.execute(core => commands.verify(core, referenceOf(contact), safetyNumber))
  }
}

class StoredConversation implements Conversation {
  readonly id: ConversationId
  readonly #runtime: Runtime
  readonly #store: Store

  constructor(runtime: Runtime, store: Store, id: ConversationId) {
    this.#runtime = runtime
    this.#store = store
    this.id = id
  }

  get kind(): Conversation['kind'] {
    return this.#runtime.peek(({ book }) => (book.rooms.has(this.id) ? 'group' : 'direct'))
  }

  async send(text: string, { replyTo }: { replyTo?: MessageId } = {}): Promise<Delivery> {
    const { status, sequence } = await this.#runtime.execute(core => {
      const sent = commands.send(core, this.id, text, replyTo)
      return { status: sent, sequence: commands.conversationOf(core, this.id).facts.sequence }
    })
    return new MessageDelivery(this.#runtime, status, sequence)
  }

  async history({ limit = limits.tailDefault, before }: { limit?: number; before?: MessageId } = {}): Promise<
    Message[]
  > {
    const end = before === undefined ? undefined : messageKey(await readMessage(this.#store, before))
    return readHistory(this.#runtime, this.#store, this.id, Math.min(limit, limits.tailMax), end)
  }

  messages({ signal }: AbortOptions = {}): AsyncIterable<Message> {
    const { events } = this.#runtime
    const from = events.last
    const { id } = this
    return (async function* () {
      for await (const event of events.since(from, signal)) {
        if (event.type === 'message:received' && event.message.conversation === id) yield event.message
      }
    })()
  }

  markRead(): Promise<void> {
    return this.#runtime.execute(core => commands.markRead(core, this.id))
  }
}

class MessageDelivery implements Delivery {
  readonly message: MessageId
  readonly conversation: ConversationId
  readonly #runtime: Runtime
  readonly #sequence: number
  #status: DeliveryStatus

  constructor(runtime: Runtime, status: DeliveryStatus, sequence: number) {
    this.#runtime = runtime
    this.#sequence = sequence
    this.#status = status
    this.message = status.message
    this.conversation = status.conversation
  }

  get state(): DeliveryState {
    return this.#now().state
  }

  get devices(): DeliveryStatus['devices'] {
    return this.#now().devices
  }

  async reached(
    state: Exclude<DeliveryState, 'failed'>,
    { signal }: AbortOptions = {}
  ): Promise<DeliveryStatus> {
    const { events } = this.#runtime
    const from = events.last
    // What was true last may be long past, and its event with it: while a batch is on its way, wait to be told.
    if (this.#runtime.committing) this.#status = await this.#runtime.execute(core => this.#ask(core))
    const now = this.#now()
    if (reaches(now.state, state)) return now
    return events.find(
      event => {
        const changed = event.type === 'delivery:changed' && event.delivery.message === this.message
        return changed && reaches(event.delivery.state, state) ? event.delivery : undefined
      },
      from,
      signal
    )
  }

  /** What is true now; what was true last, once the contact is forgotten. */
  #now(): DeliveryStatus {
    // While a batch is on its way to the disk, memory is ahead of the truth.
    if (!this.#runtime.committing) this.#status = this.#runtime.peek(core => this.#ask(core))
    return this.#status
  }

  #ask(core: Core): DeliveryStatus {
    const { message, conversation } = this
    return core.book.conversation(conversation)?.delivery(message, this.#sequence) ?? this.#status
  }
}

function deliveryOf(core: Core, record: MessageRecord): DeliveryStatus {
  if (record.device !== core.own.device)
    throw new HearsayError('UNKNOWN_MESSAGE', { message: 'That message is not one of yours.' })
  return commands.conversationOf(core, record.conversation).delivery(record.id, record.sequence)
}

async function readMessage(store: Store, id: MessageId): Promise<MessageRecord> {
  const key = await store.get(MESSAGE_IDS, id)
  const record = key === undefined ? undefined : await store.get(MESSAGES, toUtf8(key))
  if (record === undefined) throw new HearsayError('UNKNOWN_MESSAGE')
  return decodeMessageRecord(record)
}

async function readHistory(
  runtime: Runtime,
  store: Store,
  id: ConversationId,
  limit: number,
  before?: string
): Promise<Message[]> {
  // "0" is the character after "/": everything under this conversation.
  const records = await store.range(MESSAGES, {
    from: `${id}/`,
    to: before ?? `${id}0`,
    reverse: true,
    limit
  })
  return runtime.execute(core => {
    const conversation = commands.conversationOf(core, id)
    return records.map(({ value }) => viewMessage(conversation, decodeMessageRecord(value))).reverse()
  })
}
