/**
 * Sessions: who is at the other end of each direct stream.
 *
 * Spec: specs/delivery.md, section 2 ("Hello"). The network proves a peer's key and nothing about persons; a
 * hello, sealed for one contact and signed by a device, binds the device to both peers of the stream.
 * Always true: messages and reports are taken only from a session whose hello was proven; a stranger may send
 * a few envelopes, which open only if they are a request or an answer, and is then cut off.
 */
import { HearsayError, malformed } from '../base/errors.ts'
import type { DeviceId, PeerId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import type { Control } from '../wire/control.ts'
import { decodeEnvelope } from '../wire/envelope.ts'
import type { Envelope } from '../wire/envelope.ts'
import type { Acquaintance, Book } from './book.ts'
import type { FirstContact } from './first-contact.ts'
import { Following } from './following.ts'
import { greet, tellPresence } from './greeting.ts'
import { Linking } from './linking.ts'
import type { OwnDevices } from './own-devices.ts'
import type { Reach } from './reach.ts'
import { receive } from './receive.ts'
import type { Rooms } from './rooms.ts'
import { newSession } from './session.ts'
import type { Hello, Session } from './session.ts'
import { isSelf, listOf, Speakers } from './speakers.ts'
import type { Place } from './speakers.ts'
import { removeLink } from './transmission.ts'
import type { Turn } from './turn.ts'

export class Sessions {
  readonly #book: Book
  readonly #first: FirstContact
  readonly #reach: Reach
  readonly #rooms: Rooms
  readonly #devices: OwnDevices
  readonly #speakers: Speakers
  readonly #linking: Linking
  readonly #following: Following
  readonly #sessions = new Map<PeerId, Session>()
  /** Refused envelopes, for `status`. */
  refused = 0

  constructor(init: { book: Book; first: FirstContact; reach: Reach; rooms: Rooms; devices: OwnDevices }) {
    this.#book = init.book
    this.#first = init.first
    this.#reach = init.reach
    this.#rooms = init.rooms
    this.#speakers = new Speakers(init.book)
    this.#linking = new Linking(init.book)
    this.#following = new Following(init)
    this.#devices = init.devices
  }

  has(peer: PeerId): boolean {
    return this.#sessions.has(peer)
  }

  /** The contact that has proven to be at a peer. */
  contactAt(peer: PeerId): Acquaintance | undefined {
    return this.#sessions.get(peer)?.proven?.entry
  }

  opened(turn: Turn, peer: PeerId): void {
    if (this.#sessions.has(peer)) this.closed(turn, peer)
    const session = newSession(peer, turn.uptime)
    this.#sessions.set(peer, session)
    this.#reach.opened(peer)
    // An answer comes before the hello, which only those who have it can read.
    this.offer(turn, peer)
    for (const entry of this.#book.expectedAt(peer))
      greet(this.#book, turn, session, this.#reach.presence.peer, entry)
    this.#limitStrangers(turn)
  }

  /** Says what a peer may have come for, or we to it: requests and answers that are under way. */
  offer(turn: Turn, peer: PeerId): void {
    if (!this.#sessions.has(peer)) return
    const envelopes: Uint8Array[] = []
    for (const { contact, envelope, invite } of this.#first.outgoing.values()) {
      const invited = invite.addresses.some(address => address.endsWith(`/p2p/${peer}`))
      const entry = this.#book.get(contact)
      if (invited || entry?.contact.facts.presences.has(peer) === true) envelopes.push(envelope)
    }
    for (const { envelope } of this.#first.answersFor(peer)) envelopes.push(envelope)
    if (envelopes.length > 0) turn.emit({ type: 'transmit', peer, envelopes, messages: undefined })
  }

  closed(turn: Turn, peer: PeerId): void {
    const session = this.#sessions.get(peer)
    this.#sessions.delete(peer)
    const lasted = session !== undefined && turn.uptime - session.openedAt >= limits.dialFirstMs
    this.#reach.closed(turn, peer, lasted && session.proven !== undefined)
    if (session?.proven === undefined) return
    const { contact } = session.proven.entry
    for (const conversation of this.#book.conversations()) removeLink(conversation, peer)
    contact.online.delete(peer)
    this.#devices.gone(peer)
    this.#reach.changed()
    turn.emit({ type: 'dismiss', peer })
    this.#linking.listen(turn)
    if (contact.online.size > 0 || !contact.isListed) return
    turn.announce({ type: 'contact:disconnected', contact: contact.view() })
  }

  /** Ends every session with a contact. */
  hangUp(turn: Turn, { contact }: Acquaintance): void {
    for (const peer of contact.online) turn.emit({ type: 'hang-up', peer })
  }

  /** Takes in what came over a stream. What is refused costs the sender and changes nothing. */
  received(turn: Turn, peer: PeerId, envelopes: readonly Uint8Array[]): void {
    const session = this.#sessions.get(peer)
    if (session === undefined || session.ending) return
    for (const bytes of envelopes) {
      if (this.#isUseful(turn, session, bytes)) continue
      this.refused += 1
      session.useless += 1
      if (session.proven === undefined) session.early = [...session.early, bytes]
      const patience =
        session.proven === undefined ? limits.envelopesBeforeHelloMax : limits.uselessEnvelopesMax
      if (session.useless > patience) {
        this.#end(turn, session)
        return
      }
    }
  }

  #isUseful(turn: Turn, session: Session, bytes: Uint8Array): boolean {
    try {
      return this.#take(turn, session, bytes, decodeEnvelope(bytes))
    } catch (error) {
      if (!(error instanceof HearsayError)) throw error
      return false
    }
  }

  /** Who takes part where has changed: perhaps we know now who said hello. */
  #retryEarly(turn: Turn): void {
    for (const session of this.#sessions.values()) {
      const { early } = session
      if (early.length === 0 || session.ending) continue
      session.early = []
      if (session.proven === undefined)
        session.early = early.filter(bytes => !this.#isUseful(turn, session, bytes))
    }
  }

  /** Takes in what came by gossip: only messages and reports of contacts whose topic it was. */
  gossiped(turn: Turn, topic: string, bytes: Uint8Array): void {
    try {
      const envelope = decodeEnvelope(bytes)
      for (const conversation of this.#book.conversations()) {
        if (conversation.links.size === 0 || !conversation.with.topics(turn).includes(topic)) continue
        if (envelope.kind === 'message') receive(conversation, turn, bytes, envelope, undefined)
      }
    } catch (error) {
      if (!(error instanceof HearsayError)) throw error
      this.refused += 1
    }
  }

  #take(turn: Turn, session: Session, bytes: Uint8Array, envelope: Envelope): boolean {
    switch (envelope.kind) {
      case 'message': {
        return session.proven !== undefined && this.#message(turn, session.peer, bytes, envelope)
      }
      case 'control':
        return this.#control(turn, session, bytes, envelope)
      case 'request': {
        const { answer, into } = this.#first.receiveRequest(
          turn,
          envelope,
          session.peer,
          this.#reach.presence
        )
        if (into !== undefined) this.#rooms.cameBy(turn, into.entry, into.link, into.invite)
        this.#reach.changed()
        if (answer !== undefined)
          turn.emit({
            type: 'transmit',
            peer: session.peer,
            envelopes: [answer.envelope],
            messages: undefined
          })
        return true
      }
      case 'answer': {
        const entry = this.#first.receiveAnswer(turn, envelope)
        this.#reach.changed()
        if (entry === undefined) return true
        this.#devices.admit(turn, entry)
        this.#greetAgain(turn, session, entry)
        return true
      }
    }
  }

  /** A message says nothing about its conversation: whichever of those that we share opens it. */
  #message(turn: Turn, peer: PeerId, bytes: Uint8Array, envelope: Envelope): boolean {
    const shared = [...this.#book.conversations()].filter(({ links }) => links.has(peer))
    const owner = shared.find(({ group }) => group.opens(envelope))
    if (owner !== undefined) {
      receive(owner, turn, bytes, envelope, peer)
      return true
    }
    // It may be for an epoch that we do not have (yet): its author is told, in each that it may be of.
    for (const conversation of shared) receive(conversation, turn, bytes, envelope, peer)
    return shared.length > 0
  }

  #control(turn: Turn, session: Session, bytes: Uint8Array, envelope: Envelope): boolean {
    for (const place of this.#speakers.places(session.proven)) {
      const control = place.channels.open(turn, envelope, each => this.#speakers.mayAuthor(place, each))
      if (control === undefined) continue
      if (control !== 'old') this.#apply(turn, session, place, control)
      if (control !== 'old' && control.body.type === 'report')
        this.#following.relay(turn, place, control.device, bytes)
      return true
    }
    return false
  }

  #apply(turn: Turn, session: Session, place: Place, { body, device }: Control): void {
    if (body.type === 'hello') {
      if (body.from !== session.peer || body.to !== this.#reach.presence.peer)
        throw malformed('a hello for others')
      this.#hello(turn, session, device, body)
      return
    }
    if (session.proven !== undefined && session.proven.device !== device && body.type === 'report') {
      this.#following.passedOn(turn, session.peer, place, device, body)
      return
    }
    if (session.proven === undefined || session.proven.device !== device) throw malformed('no hello before')
    if (body.type === 'part') {
      const whole = session.parts.take(body)
      if (whole !== undefined) this.#following.follow(turn, session.peer, session.proven, place, whole)
    } else this.#following.follow(turn, session.peer, session.proven, place, body)
    // Another device of ours may have given us other secrets.
    if (isSelf(session.proven.entry)) this.tellPresenceToAll(turn)
  }

  #hello(turn: Turn, session: Session, device: DeviceId, { devices, name }: Hello): void {
    const list = listOf(devices)
    if (list === undefined) throw malformed('a hello with a device list that does not hold')
    const entry = this.#book.acquaint(turn, list.identity, name)
    if (!this.#book.learnDevices(turn, entry, list)) throw malformed('a forged device list')
    if (entry.contact.facts.list?.devices.has(device) !== true) throw malformed('a device that was revoked')
    if (list.identity === this.#book.own.identity) this.#book.learnOwnDevices(turn, list)
    this.#book.claimName(turn, entry, name)
    if (session.proven === undefined) this.#prove(turn, session, entry, device)
    // Somebody is proven on one channel and shares others with us.
    else this.#relink(turn)
  }

  #prove(turn: Turn, session: Session, entry: Acquaintance, device: DeviceId): void {
    const { contact } = entry
    session.proven = { entry, device }
    session.useless = 0
    const first = contact.online.size === 0
    contact.online.add(session.peer)
    this.#first.answerHeard(turn, contact.facts.id)
    this.#reach.changed()
    this.#greetAgain(turn, session, entry)
    turn.emit({ type: 'admit', peer: session.peer })
    this.#relink(turn)
    tellPresence(this.#book, turn, session, this.#reach.presence)
    this.#rooms.met(turn, entry)
    this.#devices.met(turn, session.peer, entry, device, this.#reach.presence)
    if (first && contact.isListed) turn.announce({ type: 'contact:connected', contact: contact.view() })
  }

  #relink(turn: Turn): void {
    this.#linking.relink(turn, this.#sessions.values())
  }

  /** After every batch: who takes part where, and what is listened to, may have changed. */
  settle(turn: Turn): void {
    if (this.#book.membershipMoved) {
      this.#relink(turn)
      this.#retryEarly(turn)
    } else if (this.#linking.isStale(turn)) this.#linking.listen(turn)
  }

  /** A hello that we sent before may have come too early to be read: now there is somebody who can. */
  #greetAgain(turn: Turn, session: Session, entry: Acquaintance): void {
    session.greeted.delete(entry.contact.facts.id)
    greet(this.#book, turn, session, this.#reach.presence.peer, entry)
  }

  /** Tells everybody who has proven who it is where we are, unless it knows. */
  tellPresenceToAll(turn: Turn): void {
    for (const session of this.#sessions.values())
      tellPresence(this.#book, turn, session, this.#reach.presence)
  }

  /** Cuts off who has not said who it is in time, unless something is under way between us. */
  tick(turn: Turn): void {
    for (const session of this.#sessions.values()) {
      if (session.proven !== undefined || turn.uptime - session.openedAt < limits.helloTimeoutMs) continue
      if (!this.#awaits(session.peer)) this.#end(turn, session)
    }
  }

  dueAt(): number | undefined {
    const times: number[] = []
    for (const { proven, openedAt, peer, ending } of this.#sessions.values())
      if (!ending && proven === undefined && !this.#awaits(peer)) times.push(openedAt + limits.helloTimeoutMs)
    return times.length === 0 ? undefined : Math.min(...times)
  }

  /** Whether a request is under way with a peer, in either direction. */
  #awaits(peer: PeerId): boolean {
    for (const { invite } of this.#first.outgoing.values())
      if (invite.addresses.some(address => address.endsWith(`/p2p/${peer}`))) return true
    for (const { opened } of this.#first.waiting.values())
      if (opened.request.presence.peer === peer) return true
    return false
  }

  #limitStrangers(turn: Turn): void {
    const strangers = [...this.#sessions.values()].filter(({ proven }) => proven === undefined)
    for (const session of strangers.slice(0, Math.max(0, strangers.length - limits.strangersMax)))
      this.#end(turn, session)
  }

  #end(turn: Turn, session: Session): void {
    if (session.ending) return
    session.ending = true
    turn.emit({ type: 'hang-up', peer: session.peer })
  }
}
