/**
 * Somebody whom we know: whom it is, what we share with it, and where it may be found. A contact that we have
 * added, a member of one of our groups, or ourselves on our other devices.
 *
 * Spec: specs/contact.md. Always true: the identity never changes; its devices only as a signed list says.
 */
import type { DeviceId, IdentityId, InviteId, Millis, PeerId, RequestId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import type { Contact as ContactView, DeliveryState, Message } from '../base/model.ts'
import type { Random } from '../base/random.ts'
import type { ControlBody } from '../wire/control.ts'
import type { Presence } from '../wire/presence.ts'
import { Channels } from './channels.ts'
import type { ChannelFacts } from './channels.ts'
import type { Correspondents, Warning } from './conversation.ts'
import { foldName } from './names.ts'
import { encodeContact } from './records/contact.ts'
import type { MessageRecord } from './records/message.ts'
import { compareDeviceLists } from './seal/device-list.ts'
import type { DeviceList, DeviceListComparison } from './seal/device-list.ts'
import { presenceDay, topicName } from './seal/presence-record.ts'
import type { Own } from './self.ts'
import type { Turn } from './turn.ts'

export const CONTACTS = 'contacts'

/**
 * `acquainted`: a member of a group of ours that we have not added. `self`: ourselves, on other devices.
 * `linking`: a machine that is to become one of them, under the identity that it has until then.
 */
export type Standing = ContactView['state'] | 'acquainted' | 'self' | 'linking'

/** What lasts of a contact. */
export interface ContactFacts extends ChannelFacts {
  readonly id: IdentityId
  name: string
  /** What it calls itself. */
  claimed: string
  state: Standing
  verified: boolean
  blocked: boolean
  readonly addedAt: Millis
  /** Undefined until the contact has told. */
  list: DeviceList | undefined
  presenceSecret: Uint8Array | undefined
  /** Where the contact was or said it is, by peer. */
  readonly presences: Map<PeerId, Presence>
  /** Requests of theirs that we said yes to, newest last: who replays one gets nothing for it. */
  requests: readonly RequestId[]
  /** Links into groups of theirs that we have redeemed: the invitations that come by them we have accepted. */
  joining: readonly InviteId[]
  /** The sequence of our presence that it was told last. */
  toldPresence: number
}

export class Contact implements Correspondents {
  readonly isDirect = true
  readonly facts: ContactFacts
  readonly channels: Channels
  readonly #own: Own
  /** Peers at which a device of it has proven itself and is connected. */
  readonly online = new Set<PeerId>()
  #topics: { readonly of: unknown; readonly day: number; readonly names: readonly string[] } | undefined
  /** Warnings that were given, so that each is given once. */
  readonly #warned = new Set<string>()
  #folded: { readonly name: string; readonly folded: string } | undefined
  /** The rosters or epochs of the conversation with it have changed. */
  readonly #changed: (turn: Turn, contact: Contact) => void

  constructor(
    facts: ContactFacts,
    init: { own: Own; random: Random; changed: (turn: Turn, contact: Contact) => void }
  ) {
    const { own, random } = init
    this.facts = facts
    this.#own = own
    this.#changed = init.changed
    this.channels = new Channels({ facts, key: facts.id, own, random, save: turn => this.save(turn) })
  }

  get identity(): IdentityId {
    return this.facts.id
  }

  /** Whether people see it among their contacts. */
  get isListed(): boolean {
    return listedState(this.facts.state) !== undefined
  }

  /** Its name as names are compared. */
  get foldedName(): string {
    const { name } = this.facts
    if (this.#folded?.name !== name) this.#folded = { name, folded: foldName(name) }
    return this.#folded.folded
  }

  /** Writes the contact's record with the batch. */
  save(turn: Turn): void {
    turn.save(CONTACTS, this.facts.id, () => encodeContact(this.facts))
  }

  view(): ContactView {
    const { id, name, state, verified, blocked } = this.facts
    const shown = listedState(state) ?? 'ready'
    return { id, name, state: shown, verified, blocked, fingerprint: id, online: this.online.size > 0 }
  }

  devices(): readonly DeviceId[] {
    return [...(this.facts.list?.devices ?? [])]
  }

  /** Takes in a verified device list. A forged one changes nothing. */
  learnDevices(turn: Turn, list: DeviceList): DeviceListComparison {
    const known = this.facts.list
    const comparison = known === undefined ? 'extends' : compareDeviceLists(known, list)
    if (comparison === 'same' || comparison === 'older') return comparison
    if (comparison === 'extends' || comparison === 'supersedes') {
      this.facts.list = list
      if (known !== undefined && this.isListed)
        turn.announce({ type: 'contact:warned', contact: this.view(), warning: 'device-changed' })
    }
    if (comparison === 'forged')
      turn.announce({ type: 'contact:warned', contact: this.view(), warning: 'forged-device-list' })
    this.save(turn)
    return comparison
  }

  control(turn: Turn, body: ControlBody): readonly Uint8Array[] {
    return this.channels.seal(turn, body)
  }

  /** Remembers where the contact is said to be. Returns whether it is somewhere new. */
  learnPresence(turn: Turn, presence: Presence): boolean {
    const { presences } = this.facts
    const known = presences.get(presence.peer)
    if (known !== undefined && known.sequence >= presence.sequence) return false
    presences.delete(presence.peer)
    presences.set(presence.peer, presence)
    while (presences.size > limits.presencesPerContactMax) presences.delete(presences.keys().next().value!)
    this.save(turn)
    return known?.addresses.join() !== presence.addresses.join()
  }

  warn(turn: Turn, device: DeviceId | undefined, warning: Warning): void {
    const key = `${warning} ${device ?? ''}`
    if (warning === 'flooded' || this.#warned.has(key)) return
    this.#warned.add(key)
    turn.announce({ type: 'contact:warned', contact: this.view(), warning: 'equivocated' })
  }

  changed(turn: Turn): void {
    this.#changed(turn, this)
  }

  revoked(identity: IdentityId, device: DeviceId): boolean {
    if (identity === this.#own.identity) return !this.#own.live.has(device)
    const { id, list } = this.facts
    return identity === id && list !== undefined && !list.devices.has(device)
  }

  describe(record: MessageRecord, delivery: DeliveryState | undefined): Message {
    const self = record.identity === this.#own.identity
    const { id, name, verified } = this.facts
    const from = self
      ? { id: this.#own.identity, name: this.#own.name, verified: true, self }
      : { id, name, verified, self }
    const { conversation, text, sentAt, receivedAt, replyTo, via } = record
    return { id: record.id, conversation, from, text, sentAt, receivedAt, replyTo, via, delivery }
  }

  /** The gossip topics of today, one of each channel. */
  topics({ now }: Turn): readonly string[] {
    const { channels } = this.facts
    const day = presenceDay(now)
    if (this.#topics?.of !== channels || this.#topics.day !== day)
      this.#topics = { of: channels, day, names: channels.map(({ secret }) => topicName(secret, day)) }
    return this.#topics.names
  }
}

/** The state that people see of a contact; undefined of somebody whom they have not added. */
export const listedState = (state: Standing): ContactView['state'] | undefined =>
  state === 'acquainted' || state === 'self' || state === 'linking' ? undefined : state
