/**
 * Our own devices: taking a machine in, being taken in, and shutting one out.
 *
 * Spec: specs/devices.md. A machine that wants in makes an identity for the moment and shows a link; a device that
 * can sign for ours redeems it as one would redeem an invite, puts the machine's device key on the list and gives
 * it the grant. Either side may stop at any point and goes on later.
 * Always true: the phrase leaves no device; only a machine that has shown the link is put on the list by it, and
 * only one that waits to be linked takes a grant.
 */
import { HearsayError, malformed } from '../base/errors.ts'
import { idOf } from '../base/ids.ts'
import type { DeviceId, GroupId, IdentityId, PeerId } from '../base/ids.ts'
import { spec } from '../base/limits.ts'
import type { Device } from '../base/model.ts'
import { decodeControlBody, encodeControlBody } from '../wire/control.ts'
import { decodeDeviceEntry } from '../wire/device-entry.ts'
import type { Grant, OwnDevicesBody, Secrets, SharedSecret } from '../wire/own-devices.ts'
import type { Presence } from '../wire/presence.ts'
import { newFacts } from './answering.ts'
import type { Acquaintance, Book } from './book.ts'
import { CONTACTS } from './contact.ts'
import type { FirstContact } from './first-contact.ts'
import { encodeContact } from './records/contact.ts'
import type { Room } from './room.ts'
import type { SelfSync } from './self-sync.ts'
import type { PastSync } from './past-sync.ts'
import { own, requireIdentitySeed, saveSelf } from './self.ts'
import type { Own, Self } from './self.ts'
import { openInviteLink } from './seal/invite.ts'
import { verifyDeviceList } from './seal/device-list.ts'
import type { Turn } from './turn.ts'

/** The grant that a machine was given, until its home is that of a device. */
export const GRANT = 'grant'
export const GRANT_KEY = 'grant'

export class OwnDevices {
  readonly #book: Book
  readonly #first: FirstContact
  readonly #sync: SelfSync
  readonly #past: PastSync

  constructor(init: { book: Book; first: FirstContact; sync: SelfSync; past: PastSync }) {
    this.#book = init.book
    this.#first = init.first
    this.#sync = init.sync
    this.#past = init.past
  }

  /** Those on our list, in the order in which they came. */
  list(): Device[] {
    const { devices, live } = this.#book.own
    const added = devices.map(decodeDeviceEntry).filter(({ operation }) => operation === 'add')
    return added.filter(({ device }) => live.has(device)).map(({ device }) => this.#book.device(device))
  }

  /**
   * Begins to link the machine that shows a link. Returns who it is until then. Throws INVALID_INVITE,
   * INVITE_EXPIRED, NOT_PRIMARY_DEVICE, LIMIT_REACHED.
   */
  link(turn: Turn, link: string, presence: Presence): IdentityId {
    const book = this.#book
    requireIdentitySeed(book.own)
    const { identity, kind } = openInviteLink(link, turn.now)
    if (kind !== 'device') throw new HearsayError('INVALID_INVITE')
    // Every device has to fit, and a word that shuts it out again.
    if (book.own.devices.length + 2 > spec.deviceEntriesMax) throw new HearsayError('LIMIT_REACHED')
    const under = book.get(identity)
    if (under !== undefined && this.#isUnderWay(under)) return identity
    this.#first.request(turn, {
      link,
      name: book.nameFor('', identity),
      greeting: '',
      presence,
      linking: true
    })
    return identity
  }

  /** What became of a machine that is being linked: its device once it is on our list. Throws INVITE_USED. */
  linked(identity: IdentityId): Device | undefined {
    const entry = this.#book.get(identity)
    if (entry === undefined || !this.#isUnderWay(entry)) throw new HearsayError('INVITE_USED')
    const { live } = this.#book.own
    const device = entry.contact.devices().find(each => live.has(each))
    return device === undefined ? undefined : this.#book.device(device)
  }

  /** Whether a machine has yet to answer us, or has done so. */
  #isUnderWay({ contact }: Acquaintance): boolean {
    const { id, state } = contact.facts
    return state === 'linking' && (contact.channels.isOpen || this.#first.outgoingTo(id) !== undefined)
  }

  /** A machine has answered us: its device becomes one of ours. */
  admit(turn: Turn, { contact }: Acquaintance): void {
    const book = this.#book
    const [device, ...others] = contact.devices()
    if (contact.facts.state !== 'linking' || device === undefined || others.length > 0) return
    const { own: us } = book
    const known = us.devices.map(decodeDeviceEntry).some(entry => entry.device === device)
    if (known || us.devices.length + 2 > spec.deviceEntriesMax) return
    const { contact: self } = book.acquaint(turn, us.identity)
    if (!self.channels.isOpen) self.channels.add(turn, this.#newSecret())
    self.facts.presenceSecret = us.presenceSecret
    for (const presence of contact.facts.presences.values()) self.learnPresence(turn, presence)
    book.changeOwnDevices(turn, { operation: 'add', device })
  }

  #newSecret(): SharedSecret {
    const { random } = this.#book
    return { group: idOf<GroupId>(random(16)), secret: random(32) }
  }

  /**
   * Shuts a device out of everything that is sealed from now on. Throws UNKNOWN_DEVICE, NOT_PRIMARY_DEVICE, and
   * INVALID_ARGUMENT for this one.
   */
  revoke(turn: Turn, device: DeviceId): Device {
    const book = this.#book
    requireIdentitySeed(book.own)
    if (!book.own.live.has(device)) throw new HearsayError('UNKNOWN_DEVICE')
    if (device === book.own.device)
      throw new HearsayError('INVALID_ARGUMENT', {
        message: 'This is the device that speaks for your identity.',
        hint: 'Revoke it from another that has the recovery phrase.'
      })
    const shown = book.device(device)
    book.changeOwnDevices(turn, { operation: 'revoke', device })
    this.#follow(turn, {
      type: 'secrets',
      entries: book.own.devices.length,
      presenceSecret: book.random(32),
      channel: this.#newSecret()
    })
    for (const peer of book.siblings.keys()) this.#tellSecrets(turn, peer)
    return { ...shown, online: false }
  }

  /** Uses other secrets from now on. Those before still open what devices say that do not know it yet. */
  #follow(turn: Turn, { entries, presenceSecret, channel }: Secrets): void {
    const { own: us } = this.#book
    const { contact } = this.#book.acquaint(turn, us.identity)
    contact.channels.add(turn, channel)
    us.formerPresenceSecret = us.presenceSecret
    us.presenceSecret = presenceSecret
    us.secretsSince = entries
    saveSelf(turn, us)
    contact.facts.presenceSecret = presenceSecret
    for (const each of this.#book.all()) {
      each.contact.facts.toldPresence = 0
      each.contact.save(turn)
    }
  }

  #tellSecrets(turn: Turn, peer: PeerId): void {
    const { own: us } = this.#book
    const { contact } = this.#book.acquaint(turn, us.identity)
    const channel = contact.facts.channels.at(-1)
    if (channel === undefined || !this.#isLive(peer)) return
    const body: Secrets = {
      type: 'secrets',
      entries: us.secretsSince,
      presenceSecret: us.presenceSecret,
      channel
    }
    const envelopes = contact.channels.sealUnderAll(turn, body)
    turn.emit({ type: 'transmit', peer, envelopes, messages: undefined })
  }

  #isLive(peer: PeerId): boolean {
    const device = this.#book.siblings.get(peer)
    return device !== undefined && this.#book.own.live.has(device)
  }

  /** A device has proven itself: one of ours, a machine that waits for its grant, or neither. */
  met(turn: Turn, peer: PeerId, { contact }: Acquaintance, device: DeviceId, presence: Presence): void {
    if (contact.facts.state === 'linking') this.#sendGrant(turn, peer, contact, presence)
    if (contact.facts.state !== 'self') return
    this.#book.siblings.set(peer, device)
    for (const entry of this.#book.all())
      if (entry.contact.facts.state === 'linking' && entry.contact.devices().includes(device)) {
        this.#first.forget(turn, entry.contact.facts.id)
        this.#book.remove(turn, entry)
      }
    this.#tellSecrets(turn, peer)
    this.#sync.tellAll(turn, peer)
  }

  gone(peer: PeerId): void {
    this.#book.siblings.delete(peer)
    this.#past.gone(peer)
  }

  /** Somebody has taken us into a group for the first time: what was said before, it is asked for. */
  joined(turn: Turn, { conversation }: Room, from: DeviceId): void {
    const { members } = conversation
    if ((members?.settings.history ?? 0) > 0 && members?.ownerOf(from) !== this.#book.own.identity)
      this.#past.want(turn, conversation.id, from)
  }

  /** Takes in what a member of a group says about its past. Throws MALFORMED. */
  receiveInGroup(turn: Turn, peer: PeerId, body: OwnDevicesBody): void {
    if (body.type === 'recall') this.#past.recall(turn, peer, body)
    else if (body.type === 'history') this.#past.receive(turn, peer, body)
    else throw malformed('not in a group')
  }

  #sendGrant(turn: Turn, peer: PeerId, contact: Acquaintance['contact'], presence: Presence): void {
    const { own: us } = this.#book
    const self = this.#book.get(us.identity)?.contact.facts
    const channel = self?.channels.at(-1)
    if (channel === undefined || !contact.devices().some(device => us.live.has(device))) return
    const others = [...self!.presences.values()].filter(each => each.peer !== peer)
    const grant: Grant = {
      type: 'grant',
      identity: us.identity,
      devices: us.devices,
      name: us.name,
      presenceSecret: us.presenceSecret,
      channel,
      presences: [presence, ...others].slice(0, spec.deviceEntriesMax)
    }
    const envelopes = contact.control(turn, grant)
    turn.emit({ type: 'transmit', peer, envelopes, messages: undefined })
  }

  /** Takes in what a proven device says over a channel of its identity. Throws MALFORMED. */
  receive(turn: Turn, peer: PeerId, entry: Acquaintance, device: DeviceId, body: OwnDevicesBody): void {
    if (body.type === 'grant') {
      this.#receiveGrant(turn, entry, device, body)
      return
    }
    if (entry.contact.facts.state !== 'self' || !this.#isLive(peer)) throw malformed('not for other people')
    switch (body.type) {
      case 'secrets':
        if (body.entries > this.#book.own.secretsSince) this.#follow(turn, body)
        return
      case 'cards':
        this.#sync.receive(turn, peer, body.cards)
        return
      case 'recall':
        this.#past.recall(turn, peer, body)
        return
      case 'history':
        this.#past.receive(turn, peer, body)
    }
  }

  #receiveGrant(turn: Turn, { contact }: Acquaintance, device: DeviceId, grant: Grant): void {
    const { own: us } = this.#book
    if (!us.provisional) throw malformed('a grant for a device that has its identity')
    if (grant.identity !== contact.facts.id) throw malformed('a grant by somebody else')
    const { devices } = verifyDeviceList(grant.devices, grant.identity)
    if (!devices.has(us.device)) throw malformed('a grant for another device')
    if (!devices.has(device)) throw malformed('a grant by a device that was revoked')
    turn.save(GRANT, GRANT_KEY, () => encodeControlBody(grant))
    turn.announce({
      type: 'device:added',
      device: { id: us.device, current: true, addedAt: turn.now, online: false }
    })
  }
}

/** Writes the records that a home begins with as a device of the identity that has granted it. */
export function becomeDevice(turn: Turn, provisional: Self, grant: Uint8Array): Own {
  const body = decodeControlBody(grant)
  if (body.type !== 'grant') throw new HearsayError('INTERNAL')
  const { identity, devices, name, presenceSecret, channel, presences } = body
  const self: Self = {
    ...provisional,
    entropy: undefined,
    identity,
    name,
    presenceSecret,
    formerPresenceSecret: undefined,
    secretsSince: devices.length,
    devices,
    provisional: false
  }
  saveSelf(turn, self)
  const facts = {
    ...newFacts(identity, identity.slice(0, 16), 'self', turn.now),
    list: verifyDeviceList(devices, identity),
    presenceSecret,
    channels: [channel],
    presences: new Map(presences.map(each => [each.peer, each]))
  }
  turn.save(CONTACTS, identity, () => encodeContact(facts))
  return own(self)
}
