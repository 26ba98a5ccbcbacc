/**
 * One conversation as this device has it, with one person or many: its rosters, its group, the logs of all
 * devices, our own log, and what is owed to whom. The other files of the machine step it: compose.ts, receive.ts,
 * report.ts, transmission.ts, reconcile.ts, roster-sync.ts, carry.ts.
 *
 * Spec: specs/conversation.md and specs/delivery.md.
 * Always true: our log has no gap and no number twice; what a person was shown is in `messages` on disk.
 */
import type {
  ConversationId,
  DeviceId,
  EnvelopeId,
  EpochId,
  GroupId,
  IdentityId,
  MessageId,
  OperationId,
  PeerId
} from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import type { DeliveryState, DeliveryStatus, DeviceDelivery, Message } from '../base/model.ts'
import type { Random } from '../base/random.ts'
import type { ControlBody } from '../wire/control.ts'
import type { Desired } from './commit-order.ts'
import { Carrier } from './carry.ts'
import type { Rows } from './carry.ts'
import { Group } from './group.ts'
import type { Head } from './heads.ts'
import { Inbox } from './inbox.ts'
import { Inquiries } from './inquiries.ts'
import type { KeyPackages } from './key-packages.ts'
import { Outbox } from './outbox.ts'
import { Fragments } from './parts.ts'
import { encodeConversation } from './records/conversation.ts'
import type { MessageRecord } from './records/message.ts'
import { Relay } from './relay.ts'
import type { Members, Roster } from './roster.ts'
import type { Turn } from './turn.ts'

export const CONVERSATIONS = 'conversations'
export const OUTBOX = 'outbox'
export const PENDING = 'pending'
export const MESSAGES = 'messages'
export const MESSAGE_IDS = 'message-ids'

/** A proven device of the conversation at the end of an open direct stream. */
export interface Link {
  readonly peer: PeerId
  readonly device: DeviceId
  /** Its first report over this link has come: we know what it lacks. */
  ready: boolean
  /** The digest of the roster that it reported last. */
  roster: Uint8Array | undefined
  /** The digest of the roster under which it was told where all members are. */
  introduced: Uint8Array | undefined
  /** Of whom it lacks word, and the number of the newest report of each that we have passed on to it. */
  awaits: ReadonlySet<DeviceId>
  readonly relayed: Map<DeviceId, number>
  /** When it reported last, and when it was asked to for the sake of carrying, in uptime. */
  reportedAt: number
  askedAt: number | undefined
  /** What our last report over it said. */
  said: string | undefined
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

/** A device that the conversation is with. */
export interface Recipient {
  readonly identity: IdentityId
  readonly device: DeviceId
}

/** What a conversation needs of the contact or group that it is with. */
export interface Correspondents {
  /** Whether it is one person and not a group. */
  readonly isDirect: boolean
  /** Seals a control message for all of them; no envelope while there is no key for it. */
  control(turn: Turn, body: ControlBody): readonly Uint8Array[]
  /** A message as people see it. */
  describe(message: MessageRecord, delivery: DeliveryState | undefined): Message
  warn(turn: Turn, device: DeviceId | undefined, warning: Warning): void
  /** The gossip topics of today, the one to publish on last. */
  topics(turn: Turn): readonly string[]
  /** Devices of this identity that a list we have seen has revoked: they are out before the roster says so. */
  revoked(identity: IdentityId, device: DeviceId): boolean
  /** The roster or the epochs have changed, for whoever shows them. */
  changed(turn: Turn): void
}

/** What a member did that people ought to know. */
export type Warning = 'equivocated' | 'unjustified-commit' | 'forked' | 'ghost' | 'flooded'

/** A device that asks to be taken in, or in again. */
export interface Asking {
  readonly keyPackage: Uint8Array
  readonly head: Head | undefined
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
  readonly with: Correspondents
  readonly packages: KeyPackages
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
    unread: 0
  }
  /** The rosters of the groups that this conversation has had; two people who meet again begin another. */
  readonly rosters = new Map<GroupId, Roster>()
  readonly heads = new Map<DeviceId, ReportedHead>()
  /** Envelopes that no held epoch opens yet. In memory only: whoever sent them will send them again. */
  readonly unopened = new Map<EnvelopeId, Unopened>()
  readonly fragments = new Fragments()
  readonly carrier = new Carrier()
  readonly relay = new Relay()
  readonly inquiries = new Inquiries()
  /** Logs that begin for us after this number: what came before others of our devices may have (past-sync.ts). */
  readonly behind = new Map<DeviceId, number>()
  /** What each device has reported last of every log. */
  readonly rows = new Map<DeviceId, Rows>()
  readonly links = new Map<PeerId, Link>()
  /** Our delivered messages that have not been read, by number; the newest `limits.unreadWatchedMax`. */
  readonly unreadThere = new Map<number, MessageId>()
  readonly attempts = new Map<number, Attempt[]>()
  /** When to try gossip for what the direct path has not had acknowledged, in uptime. */
  gossipAt: number | undefined
  gossipedThrough = 0
  /** Peers that are owed a report, and whether we ask for one back. */
  readonly reportsDue = new Map<PeerId, { answer: boolean }>()
  /** Whether every linked peer is owed one, and when it is to get it, in uptime. */
  owesAll = false
  owesAllAt: number | undefined
  /** When a member was last asked for operations, in uptime. */
  rosterAskedAt = -Infinity
  /** Devices that ask to be taken in, by what they reported last. */
  readonly asking = new Map<DeviceId, Asking>()
  /** Key packages of devices that are to be taken in, from others than themselves. */
  readonly keyPackages = new Map<DeviceId, Uint8Array>()
  /** Whom we have taken in, and when in uptime: they need a moment to notice. */
  readonly admitted = new Map<DeviceId, number>()
  /** Welcomes of ours that have not been heard. */
  readonly welcomes = new Map<DeviceId, { readonly body: ControlBody; givenAt: number | undefined }>()
  /** The key package that we ask with, and since when, in uptime; none while we wait whether we cannot follow. */
  ask: { readonly keyPackage: Uint8Array | undefined; readonly at: number } | undefined
  /** When our turn to commit for others comes, in uptime, and on which epoch. */
  turnAt: { readonly epoch: EpochId; readonly at: number } | undefined
  /** When to show what still waits for others, in uptime. */
  patienceAt: number | undefined
  /** Devices that have broken the rules of commits: where they stand is no place to follow them to. */
  readonly unjust = new Set<DeviceId>()
  /** When each device has committed lately, in uptime. */
  readonly commitsSeen = new Map<DeviceId, number[]>()
  /** The newest operation of ours that no commit of ours has realised: its author goes first. */
  ownOperation: OperationId | undefined

  constructor(init: {
    id: ConversationId
    identity: IdentityId
    self: DeviceId
    with: Correspondents
    packages: KeyPackages
    random: Random
  }) {
    this.identity = init.identity
    this.self = init.self
    this.with = init.with
    this.packages = init.packages
    this.random = init.random
    this.id = init.id
    this.group = new Group({
      scope: this.id,
      self: init.self,
      random: init.random,
      desired: group => this.#desiredIn(group)
    })
    this.inbox = new Inbox(init.self)
  }

  /**
   * Who may read what we seal. Between two people a device that its owner has revoked is out as soon as we see the
   * list, though the operation is yet to come: whoever the message is for brings it. In a group that would let one
   * member silence others, by a list that it shows to them and no operation.
   */
  #desiredIn(group: GroupId): Desired | undefined {
    const roster = this.rosters.get(group)
    if (roster?.kind !== 'direct') return roster?.current
    const { current } = roster
    const has = (device: DeviceId): boolean => {
      const owner = current.ownerOf(device)
      return owner !== undefined && !this.with.revoked(owner, device)
    }
    return { has, devices: () => current.devices().filter(has) }
  }

  /** The roster of the head's group; before there is a head, the latest. */
  get roster(): Roster | undefined {
    const head = this.group.head
    if (head !== undefined) return this.rosters.get(head.group)
    return [...this.rosters.values()].at(-1)
  }

  /** Who belongs to it now. */
  get members(): Members | undefined {
    return this.roster?.current
  }

  /** Whether somebody's device takes part, by the roster and by every device list that we know. */
  includes({ identity, device }: Recipient): boolean {
    const member = this.members?.members.get(identity)
    return member?.devices.has(device) === true && !this.with.revoked(identity, device)
  }

  /** The devices that messages are for: those of others and our other ones. Empty while nobody has answered. */
  recipients(): Recipient[] {
    const members = this.members
    if (members === undefined) return []
    return members
      .devices()
      .filter(device => device !== this.self)
      .map(device => ({ identity: members.ownerOf(device)!, device }))
      .filter(({ identity, device }) => !this.with.revoked(identity, device))
  }

  /** Whether every device of the roster, and nobody else, reads what is sealed now. */
  get isReadable(): boolean {
    return this.group.head !== undefined && this.members?.has(this.self) === true
  }

  /** Writes the conversation's own record with the batch. */
  save(turn: Turn): void {
    turn.save(CONVERSATIONS, this.id, () => encodeConversation(this))
  }

  /** How far one of our messages is, at every device it is for; what counts is the slowest of other people's. */
  delivery(message: MessageId, sequence: number): DeliveryStatus {
    const devices = this.recipients()
      .filter(({ device }) => this.outbox.isFor(device, sequence))
      .map(({ identity, device }): DeviceDelivery => ({
        identity,
        device,
        state: this.outbox.stateAt(device, sequence)
      }))
    const others = devices.filter(({ identity }) => identity !== this.identity)
    // With nobody else in the group it is where it ought to be; before somebody has answered it is not.
    const alone = this.roster?.kind === 'group' ? 'delivered' : 'queued'
    const state = others.length === 0 ? alone : slowest(others.map(each => each.state))
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

  /** Hands a control message to a linked peer. */
  tell(turn: Turn, peer: PeerId, body: ControlBody): void {
    const envelopes = this.with.control(turn, body)
    if (envelopes.length > 0) turn.emit({ type: 'transmit', peer, envelopes, messages: undefined })
  }

  /** Asks for a report to every linked peer: with the batch, or a moment later where there are many. */
  oweAll(): void {
    this.owesAll = true
  }
}

const ORDER: readonly DeliveryState[] = ['failed', 'queued', 'sent', 'held', 'delivered', 'read']

/** The state that is true of all. */
export const slowest = (states: readonly DeliveryState[]): DeliveryState =>
  ORDER[Math.min(...states.map(state => ORDER.indexOf(state)))]!

/** Whether a state is as far as another or further. */
export const reaches = (state: DeliveryState, wanted: DeliveryState): boolean =>
  ORDER.indexOf(state) >= ORDER.indexOf(wanted)
