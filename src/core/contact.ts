/**
 * One contact: whom it is, what we share with it, and where it may be found.
 *
 * Spec: specs/contact.md. Always true: the identity never changes; its devices only as a signed list says;
 * every control message that we seal for it has a counter of its own, also after a crash.
 */
import type { DeviceId, GroupId, IdentityId, Millis, PeerId, RequestId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import type { Contact as ContactView, DeliveryState, Message } from '../base/model.ts'
import type { Random } from '../base/random.ts'
import type { Control, ControlBody } from '../wire/control.ts'
import type { Envelope } from '../wire/envelope.ts'
import type { Presence } from '../wire/presence.ts'
import type { Correspondent } from './conversation.ts'
import type { Founder } from './regroup.ts'
import type { KeyPackages } from './key-packages.ts'
import { encodeContact } from './records/contact.ts'
import { encodeCounters } from './records/counters.ts'
import type { MessageRecord } from './records/message.ts'
import { controlKeys, openControl, sealControl } from './seal/control-seal.ts'
import { compareDeviceLists } from './seal/device-list.ts'
import type { DeviceList, DeviceListComparison } from './seal/device-list.ts'
import { presenceDay, topicName } from './seal/presence-record.ts'
import type { SealKeys } from './seal/tagged-seal.ts'
import type { Own } from './self.ts'
import type { Turn } from './turn.ts'

export const CONTACTS = 'contacts'
/** Kept apart from the contacts, since it changes with every report. */
export const COUNTERS = 'counters'

/** A secret of two contacts, from the first epoch of a group that began between them. */
export interface Channel {
  readonly group: GroupId
  readonly secret: Uint8Array
}

/** A device on a channel. */
export type CounterKey = `${GroupId}/${DeviceId}`

/** What lasts of a contact. */
export interface ContactFacts {
  readonly id: IdentityId
  name: string
  state: ContactView['state']
  verified: boolean
  blocked: boolean
  readonly addedAt: Millis
  /** Undefined until the contact has told. */
  list: DeviceList | undefined
  presenceSecret: Uint8Array | undefined
  /** Newest last; we seal under the last, and open under all. */
  channels: readonly Channel[]
  /** Key packages of theirs that we have not used. */
  keyPackages: readonly Uint8Array[]
  /** Control counters up to here may have been used. */
  counterReserved: number
  /** The highest counter that each of their devices has used, by channel: who begins anew counts anew. */
  readonly counters: Map<CounterKey, number>
  /** Where the contact was or said it is, by peer. */
  readonly presences: Map<PeerId, Presence>
  /** Requests of theirs that we said yes to, newest last: who replays one gets nothing for it. */
  requests: readonly RequestId[]
  /** The sequence of our presence that it was told last. */
  toldPresence: number
}

export class Contact implements Correspondent {
  readonly facts: ContactFacts
  readonly #own: Own
  readonly #random: Random
  readonly #packages: KeyPackages
  readonly #keys = new Map<GroupId, SealKeys>()
  #counter: number
  /** Peers at which a device of it has proven itself and is connected. */
  readonly online = new Set<PeerId>()

  constructor(facts: ContactFacts, init: { own: Own; random: Random; packages: KeyPackages }) {
    this.facts = facts
    this.#own = init.own
    this.#random = init.random
    this.#packages = init.packages
    this.#counter = facts.counterReserved
  }

  get identity(): IdentityId {
    return this.facts.id
  }

  /** Writes the contact's record with the batch. */
  save(turn: Turn): void {
    turn.save(CONTACTS, this.facts.id, () => encodeContact(this.facts))
  }

  view(): ContactView {
    const { id, name, state, verified, blocked } = this.facts
    return { id, name, state, verified, blocked, fingerprint: id, online: this.online.size > 0 }
  }

  devices(): readonly DeviceId[] {
    return [...(this.facts.list?.devices ?? [])]
  }

  /** Takes in a verified device list. A forged one changes nothing. */
  learnDevices(turn: Turn, list: DeviceList): DeviceListComparison {
    const known = this.facts.list
    const comparison = known === undefined ? 'extends' : compareDeviceLists(known, list)
    if (comparison === 'extends' || comparison === 'supersedes') {
      this.facts.list = list
      if (comparison === 'supersedes')
        turn.announce({ type: 'contact:warned', contact: this.view(), warning: 'device-changed' })
    }
    if (comparison === 'forged')
      turn.announce({ type: 'contact:warned', contact: this.view(), warning: 'forged-device-list' })
    this.save(turn)
    return comparison
  }

  /** Begins to share a secret. */
  addChannel(turn: Turn, channel: Channel): void {
    const others = this.facts.channels.filter(({ group }) => group !== channel.group)
    this.facts.channels = [...others, channel].slice(-limits.channelsPerContactMax)
    for (const key of this.facts.counters.keys())
      if (!this.facts.channels.some(({ group }) => key.startsWith(group))) this.facts.counters.delete(key)
    this.save(turn)
  }

  control(turn: Turn, body: ControlBody): Uint8Array | undefined {
    const channel = this.facts.channels.at(-1)
    if (channel === undefined) return undefined
    this.#counter += 1
    if (this.#counter > this.facts.counterReserved) {
      this.facts.counterReserved = this.#counter + limits.countersReserved
      this.save(turn)
    }
    const { deviceSeed, device } = this.#own
    const keys = this.#keysOf(channel)
    return sealControl({ deviceSeed, device, counter: this.#counter, body, keys, random: this.#random })
  }

  /** A control message of this contact that is newer than all before; undefined where it is not this contact's. Throws MALFORMED. */
  openControl(turn: Turn, envelope: Envelope): Control | 'old' | undefined {
    const allowed = this.facts.list?.devices ?? new Set<DeviceId>()
    for (const channel of this.facts.channels) {
      const control = openControl(envelope, this.#keysOf(channel), allowed)
      if (control === undefined) continue
      const key: CounterKey = `${channel.group}/${control.device}`
      if (control.counter <= (this.facts.counters.get(key) ?? 0)) return 'old'
      this.facts.counters.set(key, control.counter)
      turn.save(COUNTERS, this.facts.id, () => encodeCounters(this.facts.counters))
      return control
    }
    return undefined
  }

  takeKeyPackage(turn: Turn): Uint8Array | undefined {
    const [first, ...rest] = this.facts.keyPackages
    if (first === undefined) return undefined
    this.facts.keyPackages = rest
    this.save(turn)
    return first
  }

  get founder(): Founder {
    const accepts = (identity: IdentityId): boolean => identity === this.facts.id
    return {
      found: (turn, keyPackage) => this.#packages.found(turn, keyPackage, accepts),
      join: (turn, welcome) => this.#packages.join(turn, welcome, accepts)
    }
  }

  /** Remembers where the contact is said to be. Returns whether that is news. */
  learnPresence(turn: Turn, presence: Presence): boolean {
    const { presences } = this.facts
    const known = presences.get(presence.peer)
    if (known !== undefined && known.sequence >= presence.sequence) return false
    presences.delete(presence.peer)
    presences.set(presence.peer, presence)
    while (presences.size > limits.presencesPerContactMax) presences.delete(presences.keys().next().value!)
    this.save(turn)
    return true
  }

  warn(turn: Turn, warning: 'equivocated'): void {
    turn.announce({ type: 'contact:warned', contact: this.view(), warning })
  }

  describe(record: MessageRecord, delivery: DeliveryState | undefined): Message {
    const self = record.identity === this.#own.identity
    const { id, name, verified } = this.facts
    const from = self
      ? { id: this.#own.identity, name: this.#own.name, verified: true, self }
      : { id, name, verified, self }
    const { conversation, text, sentAt, receivedAt, replyTo } = record
    return { id: record.id, conversation, from, text, sentAt, receivedAt, replyTo, delivery }
  }

  topic(now: Millis): string | undefined {
    return this.topics(now).at(-1)
  }

  /** The gossip topics of today, one of each channel. */
  topics(now: Millis): string[] {
    return this.facts.channels.map(({ secret }) => topicName(secret, presenceDay(now)))
  }

  #keysOf({ group, secret }: Channel): SealKeys {
    let keys = this.#keys.get(group)
    if (keys === undefined) {
      keys = controlKeys(secret)
      this.#keys.set(group, keys)
    }
    return keys
  }
}
