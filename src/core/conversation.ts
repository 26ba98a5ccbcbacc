/**
 * One direct conversation as this device has it: its group, the logs of all devices, our own log, and what is
 * owed to whom. The other files of the machine step it: compose.ts, receive.ts, report.ts, transmission.ts.
 *
 * Spec: specs/conversation.md and specs/delivery.md.
 * Always true: our log has no gap and no number twice; what a person was shown is in `messages` on disk.
 */
import type {
  ConversationId,
  DeviceId,
  EnvelopeId,
  GroupId,
  IdentityId,
  MessageId,
  Millis,
  PeerId
} from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import type { DeliveryState, DeliveryStatus, DeviceDelivery, Message } from '../base/model.ts'
import type { Random } from '../base/random.ts'
import type { ControlBody } from '../wire/control.ts'
import { Group } from './group.ts'
import type { Head } from './heads.ts'
import { Inbox } from './inbox.ts'
import type { Founder } from './regroup.ts'
import { Outbox } from './outbox.ts'
import { encodeConversation } from './records/conversation.ts'
import type { MessageRecord } from './records/message.ts'
import type { Turn } from './turn.ts'

export const CONVERSATIONS = 'conversations'
export const OUTBOX = 'outbox'
export const PENDING = 'pending'
export const MESSAGES = 'messages'
export const MESSAGE_IDS = 'message-ids'

/** A proven device of the contact at the end of an open direct stream. */
export interface Link {
  readonly peer: PeerId
  readonly device: DeviceId
  /** Its first report over this link has come: we know what it lacks. */
  ready: boolean
  /** The next number of our log to send over it. */
  cursor: number
  /** When to send again what has not been acknowledged, in uptime; undefined while nothing is in flight. */
  resendAt: number | undefined
  resendDelayMs: number
  /** Whether we have gone on from a past of ours that only this device knew. */
  adopted: boolean
}

/** One try to get something to a device, for `why`. */
export interface Attempt {
  readonly at: number
  readonly path: 'direct' | 'gossip'
  readonly outcome: string
}

/** An envelope that no held epoch opens, and how often its author was told. */
export interface Unopened {
  readonly bytes: Uint8Array
  refusals: number
}

/** What a conversation needs of the contact it is with. */
export interface Correspondent {
  readonly identity: IdentityId
  /** The devices that messages are for. Empty while the contact has not answered. */
  devices(): readonly DeviceId[]
  /** Seals a control message for the contact. Undefined while there is no key for it. */
  control(turn: Turn, body: ControlBody): Uint8Array | undefined
  /** One of the contact's key packages, never the same twice. */
  takeKeyPackage(turn: Turn): Uint8Array | undefined
  /** A message as people see it. */
  describe(message: MessageRecord, delivery: DeliveryState | undefined): Message
  warn(turn: Turn, warning: 'equivocated'): void
  readonly founder: Founder
  /** The gossip topic of the day. */
  topic(now: Millis): string | undefined
}

/** A founding that the other side has not followed yet. */
export interface Regroup {
  readonly generation: number
  readonly welcome: Uint8Array
  readonly replaces: GroupId
}

/** What lasts of a conversation besides its group, logs and outbox. */
export interface ConversationFacts {
  /** The newest number of our own log. */
  sequence: number
  /** Hash of our newest entry; zeros before the first. */
  previous: Uint8Array
  /** Hash of the entry before the oldest in the outbox. */
  base: Uint8Array
  lamport: number
  /** Whether the last word is the other side's, so that our next message answers. */
  answering: boolean
  unread: number
  regroup: Regroup | undefined
}

/** A head that a device reported, true once we have its log up to `through`. */
export interface ReportedHead {
  readonly head: Head
  readonly through: number
}

export class Conversation {
  readonly id: ConversationId
  readonly self: DeviceId
  readonly identity: IdentityId
  readonly with: Correspondent
  readonly random: Random
  readonly group: Group
  readonly inbox: Inbox
  readonly outbox = new Outbox()
  readonly facts: ConversationFacts = {
    sequence: 0,
    previous: new Uint8Array(32),
    base: new Uint8Array(32),
    lamport: 0,
    answering: false,
    unread: 0,
    regroup: undefined
  }
  readonly heads = new Map<DeviceId, ReportedHead>()
  /** Envelopes that no held epoch opens yet. In memory only: whoever sent them will send them again. */
  readonly unopened = new Map<EnvelopeId, Unopened>()
  readonly links = new Map<PeerId, Link>()
  /** Our delivered messages that have not been read, by number; the newest `limits.unreadWatchedMax`. */
  readonly unreadThere = new Map<number, MessageId>()
  readonly attempts = new Map<number, Attempt[]>()
  /** When to try gossip for what the direct path has not had acknowledged, in uptime. */
  gossipAt: number | undefined
  gossipedThrough = 0
  /** Peers that are owed a report, and whether we ask for one back. */
  readonly reportsDue = new Map<PeerId, { answer: boolean }>()
  stuck = false

  constructor(init: { identity: IdentityId; self: DeviceId; with: Correspondent; random: Random }) {
    this.identity = init.identity
    this.self = init.self
    this.with = init.with
    this.random = init.random
    this.id = init.with.identity as string as ConversationId
    this.group = new Group({ scope: this.id, self: init.self, random: init.random })
    this.inbox = new Inbox(init.self)
  }

  /** Writes the conversation's own record with the batch. */
  save(turn: Turn): void {
    turn.save(CONVERSATIONS, this.id, () => encodeConversation(this))
  }

  /** How far one of our messages is, at every device it is for and at the slowest. */
  delivery(message: MessageId, sequence: number): DeliveryStatus {
    const devices = this.with.devices().map((device): DeviceDelivery => {
      return { identity: this.with.identity, device, state: this.outbox.stateAt(device, sequence) }
    })
    const state = devices.length === 0 ? 'queued' : slowest(devices.map(each => each.state))
    return { message, conversation: this.id, state, devices }
  }

  /** Remembers a try, the newest `limits.attemptsKeptMax` of each entry. */
  attempted(sequence: number, attempt: Attempt): void {
    const attempts = this.attempts.get(sequence) ?? []
    attempts.push(attempt)
    if (attempts.length > limits.attemptsKeptMax) attempts.shift()
    this.attempts.set(sequence, attempts)
  }

  /** Asks for a report to a peer with the batch. */
  owe(peer: PeerId, answer = false): void {
    this.reportsDue.set(peer, { answer: answer || this.reportsDue.get(peer)?.answer === true })
  }

  /** Asks for a report to every linked peer with the batch. */
  oweAll(): void {
    for (const peer of this.links.keys()) this.owe(peer)
  }
}

const ORDER: readonly DeliveryState[] = ['failed', 'queued', 'sent', 'held', 'delivered', 'read']

/** The state that is true of all. */
export const slowest = (states: readonly DeliveryState[]): DeliveryState =>
  ORDER[Math.min(...states.map(state => ORDER.indexOf(state)))]!

/** Whether a state is as far as another or further. */
export const reaches = (state: DeliveryState, wanted: DeliveryState): boolean =>
  ORDER.indexOf(state) >= ORDER.indexOf(wanted)
