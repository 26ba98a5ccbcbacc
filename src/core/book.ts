/**
 * The book: everybody whom we know, the conversation with each, and all groups.
 *
 * Spec: specs/contact.md. Always true: no two people have the same name, as far as a person who types it can
 * tell; a contact and its conversation come and go together.
 */
import { HearsayError } from '../base/errors.ts'
import type { ConversationId, DeviceId, IdentityId, PeerId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import type { Random } from '../base/random.ts'
import type { CipherSuite } from '../crypto/mls/index.ts'
import { newFacts } from './answering.ts'
import { COUNTERS } from './channels.ts'
import { Contact, CONTACTS } from './contact.ts'
import type { ContactFacts, Standing } from './contact.ts'
import { Conversation, CONVERSATIONS, MESSAGES, OUTBOX, PENDING } from './conversation.ts'
import { KeyPackages } from './key-packages.ts'
import { checkName, claimedName, foldName } from './names.ts'
import { Room, ROOMS, suiteName } from './room.ts'
import type { RoomFacts } from './room.ts'
import type { Members } from './roster.ts'
import { issue, OPERATIONS, syncRecipients } from './roster-sync.ts'
import { extendOwnList, isRevoked, requireIdentitySeed, saveSelf } from './self.ts'
import type { Own } from './self.ts'
import { beginSweep } from './sweep.ts'
import { compareDeviceLists, extendDeviceList, verifyDeviceList } from './seal/device-list.ts'
import type { DeviceList } from './seal/device-list.ts'
import { decodeDeviceEntry } from '../wire/device-entry.ts'
import { millis } from '../base/ids.ts'
import type { Device } from '../base/model.ts'
import type { Turn } from './turn.ts'

/**
 * Somebody whom we know, and the conversation with them. It begins with the first who asks for it: a group has
 * members by the hundred with whom there is none.
 */
export class Acquaintance {
  readonly contact: Contact
  readonly #begin: () => Conversation
  #conversation: Conversation | undefined

  constructor(contact: Contact, begin: () => Conversation) {
    this.contact = contact
    this.#begin = begin
  }

  get conversation(): Conversation {
    this.#conversation ??= this.#begin()
    return this.#conversation
  }

  /** The conversation where there is one already. */
  get begun(): Conversation | undefined {
    return this.#conversation
  }
}

export class Book {
  readonly own: Own
  readonly packages: KeyPackages
  readonly random: Random
  readonly #suite: CipherSuite
  readonly #entries = new Map<IdentityId, Acquaintance>()
  readonly rooms = new Map<ConversationId, Room>()
  /** Our other devices that are connected, by peer. */
  readonly siblings = new Map<PeerId, DeviceId>()
  /** Whether somebody may be linked to more or fewer conversations than before. */
  membershipMoved = false
  /** By what members each conversation has told us of devices. */
  readonly #learned = new WeakMap<Conversation, Members>()
  /** What was last told of each group. */
  readonly #told = new Map<ConversationId, string>()

  constructor(init: { own: Own; suite: CipherSuite; random: Random }) {
    this.own = init.own
    this.random = init.random
    this.#suite = init.suite
    this.packages = new KeyPackages(init)
  }

  /** Takes in somebody, made or restored. */
  add(facts: ContactFacts): Acquaintance {
    const { own, random, packages } = this
    const contact = new Contact(facts, { own, random, changed: turn => this.#directChanged(turn, facts.id) })
    const begin = (): Conversation =>
      new Conversation({
        id: facts.id as string as ConversationId,
        identity: own.identity,
        self: own.device,
        with: contact,
        packages,
        random
      })
    const entry = new Acquaintance(contact, begin)
    this.#entries.set(facts.id, entry)
    return entry
  }

  /** Takes in a group, made or restored. */
  addRoom(facts: RoomFacts): Room {
    const { own, random, packages } = this
    const room = new Room(facts, {
      own,
      random,
      packages,
      people: this,
      suite: suiteName(this.#suite),
      changed: (turn, changed) => this.#roomChanged(turn, changed)
    })
    this.rooms.set(facts.id, room)
    return room
  }

  all(): IterableIterator<Acquaintance> {
    return this.#entries.values()
  }

  /** Those whom people see as contacts. */
  contacts(): Acquaintance[] {
    return [...this.#entries.values()].filter(({ contact }) => contact.isListed)
  }

  /** Every conversation, direct ones and groups. */
  *conversations(): Generator<Conversation> {
    for (const { begun } of this.#entries.values()) if (begun !== undefined) yield begun
    for (const { conversation } of this.rooms.values()) yield conversation
  }

  /** The conversation with this id. */
  conversation(id: ConversationId): Conversation | undefined {
    return this.rooms.get(id)?.conversation ?? this.#entries.get(id as string as IdentityId)?.conversation
  }

  get size(): number {
    return this.#entries.size
  }

  get(id: IdentityId): Acquaintance | undefined {
    return this.#entries.get(id)
  }

  /** Somebody whom we meet without having added them, or ourselves elsewhere; begun where they are new. */
  acquaint(turn: Turn, id: IdentityId, claimed = ''): Acquaintance {
    const known = this.#entries.get(id)
    if (known !== undefined) return known
    const standing: Standing = id === this.own.identity ? 'self' : 'acquainted'
    const entry = this.add(newFacts(id, this.nameFor(claimed, id), standing, turn.now))
    entry.contact.save(turn)
    return entry
  }

  /** Somebody says what it is called: whom we have not added is called so. */
  claimName(turn: Turn, { contact }: Acquaintance, claimed: string): void {
    const { facts } = contact
    if (facts.claimed === claimed) return
    facts.claimed = claimed
    if (facts.state === 'acquainted') facts.name = this.nameFor(claimed, facts.id)
    contact.save(turn)
  }

  /** Who is meant: by id, by name, or by a part of either that fits only one. Throws UNKNOWN_CONTACT, AMBIGUOUS_CONTACT. */
  find(reference: string): Acquaintance {
    const wanted = foldName(reference.trim())
    const all = this.contacts()
    const exact = all.filter(
      ({ contact: { facts } }) => facts.id === wanted || foldName(facts.name) === wanted
    )
    if (exact.length === 1) return exact[0]!
    const partial =
      wanted === ''
        ? []
        : all.filter(
            ({ contact: { facts } }) => facts.id.startsWith(wanted) || foldName(facts.name).startsWith(wanted)
          )
    if (partial.length === 1) return partial[0]!
    if (partial.length === 0)
      throw new HearsayError('UNKNOWN_CONTACT', { message: `There is no contact called "${reference}".` })
    const names = partial
      .slice(0, 10)
      .map(({ contact }) => contact.facts.name)
      .join(', ')
    throw new HearsayError('AMBIGUOUS_CONTACT', { message: `Several contacts fit "${reference}": ${names}.` })
  }

  /** A name for a new contact, or a new name for `id`. Throws NAME_INVALID, CONTACT_EXISTS. */
  freeName(text: string, id?: IdentityId): string {
    const name = checkName(text)
    if (this.#taken(name, id))
      throw new HearsayError('CONTACT_EXISTS', { message: `There is already a contact called "${name}".` })
    return name
  }

  /** A name as near as can be to the one that a stranger claims. */
  nameFor(claimed: string, id: IdentityId): string {
    const base = claimedName(claimed)
    if (base !== '' && !this.#taken(base, id)) return base
    if (base === '') return id.slice(0, 16)
    for (let number = 2; number < limits.nameTriesMax; number++) {
      const name = claimedName(`${base}-${number}`)
      if (name !== '' && !this.#taken(name, id)) return name
    }
    return id.slice(0, 16)
  }

  #taken(name: string, except: IdentityId | undefined): boolean {
    const folded = foldName(name)
    for (const { contact } of this.#entries.values())
      if (contact.facts.id !== except && contact.foldedName === folded) return true
    return false
  }

  /** Takes in a verified device list of somebody. Returns whether it can be believed. */
  learnDevices(turn: Turn, { contact, begun }: Acquaintance, list: DeviceList): boolean {
    const comparison = contact.learnDevices(turn, list)
    if (comparison === 'forged') return false
    if (comparison === 'supersedes') {
      const live = new Set<DeviceId>([...list.devices, this.own.device])
      begun?.group.retain(turn, live)
    }
    if (comparison === 'supersedes' || comparison === 'extends') {
      this.membershipMoved = true
      for (const each of this.conversations())
        if (each.members?.members.has(contact.facts.id) === true) {
          syncRecipients(each, turn)
          each.group.rosterChanged()
        }
    }
    return true
  }

  /** Takes in a list of our own devices that another of them has signed for. */
  learnOwnDevices(turn: Turn, list: DeviceList): void {
    const { own } = this
    if (list.entries.length <= own.devices.length) return
    const known = verifyDeviceList(own.devices, own.identity)
    if (compareDeviceLists(known, list) !== 'extends') return
    extendOwnList(turn, own, list.entries)
    for (const device of list.devices)
      if (!known.devices.has(device)) turn.announce({ type: 'device:added', device: this.device(device) })
    for (const device of known.devices)
      if (!list.devices.has(device)) turn.announce({ type: 'device:removed', device: this.device(device) })
    if (isRevoked(own)) this.#wipe(turn)
    else this.tellOwnDevices(turn)
    for (const [peer, device] of this.siblings)
      if (isRevoked(own) || !list.devices.has(device)) turn.emit({ type: 'hang-up', peer })
  }

  /** Signs a device of ours in or out. Throws NOT_PRIMARY_DEVICE, MALFORMED where the list cannot have it. */
  changeOwnDevices(turn: Turn, change: { operation: 'add' | 'revoke'; device: DeviceId }): void {
    const { own } = this
    const known = verifyDeviceList(own.devices, own.identity)
    const entry = extendDeviceList(requireIdentitySeed(own), known, change, turn.now)
    this.learnOwnDevices(turn, verifyDeviceList([...own.devices, entry], own.identity))
  }

  /** We were shut out: every key goes that could open or seal anything from now on. */
  #wipe(turn: Turn): void {
    for (const { group } of this.conversations()) group.retain(turn, new Set())
    for (const { contact } of this.#entries.values()) contact.channels.clear(turn)
    for (const { channels } of this.rooms.values()) channels.clear(turn)
    this.packages.clear(turn)
    this.own.presenceSecret = this.random(32)
    this.own.formerPresenceSecret = undefined
    saveSelf(turn, this.own)
  }

  /** One of our devices as people see it. */
  device(id: DeviceId): Device {
    const added = this.own.devices.map(decodeDeviceEntry).find(entry => entry.device === id)
    const online = [...this.siblings.values()].includes(id)
    return { id, current: id === this.own.device, addedAt: added?.createdAt ?? millis(0), online }
  }

  /** Says in every conversation which devices we have, where it is not known there. */
  tellOwnDevices(turn: Turn): void {
    for (const conversation of this.conversations()) this.#tellDevicesIn(turn, conversation)
    const self = this.#entries.get(this.own.identity)
    if (self !== undefined)
      self.contact.learnDevices(turn, verifyDeviceList(this.own.devices, this.own.identity))
    this.membershipMoved = true
  }

  #tellDevicesIn(turn: Turn, conversation: Conversation): void {
    const { own } = this
    const known = conversation.members?.members.get(own.identity)
    // A machine that is being linked is told by its grant.
    if (this.#entries.get(conversation.id as string as IdentityId)?.contact.facts.state === 'linking') return
    // Who is not in the list there cannot speak yet: another of our devices does.
    if (known === undefined || !known.devices.has(own.device)) return
    const entries = own.devices.slice(known.list.entries.length)
    if (entries.length > 0 && !isRevoked(own)) issue(conversation, turn, own, { type: 'devices', entries })
  }

  #directChanged(turn: Turn, id: IdentityId): void {
    const entry = this.#entries.get(id)
    if (entry !== undefined) this.#learnFrom(turn, entry.conversation)
  }

  #roomChanged(turn: Turn, room: Room): void {
    this.#learnFrom(turn, room.conversation)
    const { facts, conversation } = room
    const inside = conversation.members?.has(this.own.device) === true
    const before = facts.state
    if (inside && conversation.group.head !== undefined) facts.state = 'joined'
    else if (inside) facts.state = 'joining'
    else if (conversation.members !== undefined && before === 'joined') this.#outside(turn, room)
    if (facts.state === 'joined') facts.consented = undefined
    facts.invited = facts.invited.filter(
      ({ identity }) => conversation.members?.members.has(identity) !== true
    )
    room.save(turn)
    const group = room.view()
    const told = JSON.stringify(group)
    if (this.#told.get(facts.id) === told) return
    this.#told.set(facts.id, told)
    turn.announce({
      type: before === 'joining' && facts.state === 'joined' ? 'group:added' : 'group:changed',
      group
    })
  }

  /** We are not in it any more: what was said stays readable, what is said now is none of our business. */
  #outside(turn: Turn, { facts, conversation, leftOfItself }: Room): void {
    facts.state = leftOfItself ? 'left' : 'removed'
    conversation.group.retain(turn, new Set())
  }

  /** A roster says who is there with which devices: also to us, elsewhere. Whom we have not met we need not remember. */
  #learnFrom(turn: Turn, conversation: Conversation): void {
    this.membershipMoved = true
    const { members } = conversation
    if (members === undefined || this.#learned.get(conversation) === members) return
    this.#learned.set(conversation, members)
    for (const { identity, list } of members.members.values()) {
      const entry = this.#entries.get(identity)
      if (identity === this.own.identity) this.learnOwnDevices(turn, list)
      else if (entry !== undefined) this.learnDevices(turn, entry, list)
    }
    this.#tellDevicesIn(turn, conversation)
  }

  /** Whose device may be at a peer: those who said so. */
  expectedAt(peer: PeerId): Acquaintance[] {
    return [...this.#entries.values()].filter(({ contact }) => contact.facts.presences.has(peer))
  }

  /** Removes a contact, its keys and its messages. */
  remove(turn: Turn, { contact, conversation }: Acquaintance): void {
    this.#entries.delete(contact.facts.id)
    conversation.group.retain(turn, new Set())
    turn.remove(CONTACTS, contact.facts.id)
    turn.remove(COUNTERS, contact.facts.id)
    this.#removeConversation(turn, conversation.id)
  }

  /** Removes a group that we are not in any more, its keys and its messages. */
  removeRoom(turn: Turn, { facts, conversation }: Room): void {
    this.rooms.delete(facts.id)
    conversation.group.retain(turn, new Set())
    turn.remove(ROOMS, facts.id)
    turn.remove(COUNTERS, facts.id)
    this.#removeConversation(turn, facts.id)
  }

  #removeConversation(turn: Turn, id: ConversationId): void {
    turn.remove(CONVERSATIONS, id)
    // "0" is the character after "/": everything under this conversation.
    for (const collection of [MESSAGES, OUTBOX, PENDING, OPERATIONS])
      beginSweep(turn, { collection, from: `${id}/`, to: `${id}0` })
  }
}
