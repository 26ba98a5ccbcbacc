/**
 * Sessions: who is at the other end of each direct stream.
 *
 * Spec: specs/delivery.md, section 2 ("Hello"). The network proves a peer's key and nothing about persons; a
 * hello, sealed for one contact and signed by a device, binds the device to both peers of the stream.
 * Always true: messages and reports are taken only from a session whose hello was proven; a stranger may send
 * a few envelopes, which open only if they are a request or an answer, and is then cut off.
 */
import { HearsayError, malformed } from '../base/errors.ts'
import type { ConversationId, DeviceId, IdentityId, PeerId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import type { Control, ControlBody } from '../wire/control.ts'
import { decodeEnvelope } from '../wire/envelope.ts'
import type { Envelope } from '../wire/envelope.ts'
import type { Acquaintance, Book } from './book.ts'
import { followWelcome } from './admit.ts'
import { resealLost } from './compose.ts'
import type { Conversation } from './conversation.ts'
import type { FirstContact } from './first-contact.ts'
import { followIntroductions, introduce, introduceAnew, introduceIn } from './introductions.ts'
import { haveMet, tellParted, whoParted } from './parting.ts'
import { Parts } from './parts.ts'
import type { OwnDevices } from './own-devices.ts'
import type { Reach } from './reach.ts'
import { receive } from './receive.ts'
import { relayReport } from './relay.ts'
import { applyRelayed, applyReport } from './report.ts'
import type { Report } from './report.ts'
import { groupMoved } from './settling.ts'
import type { Rooms } from './rooms.ts'
import { compareRosters, followRoster } from './roster-sync.ts'
import { presenceDay } from './seal/presence-record.ts'
import { isSelf, listOf, Speakers } from './speakers.ts'
import type { Place, Proven } from './speakers.ts'
import { addLink, removeLink } from './transmission.ts'
import type { Turn } from './turn.ts'

type Hello = Extract<ControlBody, { type: 'hello' }>

interface Session {
  readonly peer: PeerId
  readonly openedAt: number
  /** Whom we have said hello to on it. */
  readonly greeted: Set<string>
  proven: Proven | undefined
  /** The groups that we have told it we are not in together any more. */
  readonly parted: Set<ConversationId>
  /** Which presence it was told, under which secret. */
  told: string | undefined
  /** A control message that is coming in parts. */
  readonly parts: Parts
  /** What could not be read before anything was proven: a hello by somebody of whom we hear a moment later. */
  early: readonly Uint8Array[]
  /** Envelopes that led nowhere. */
  useless: number
  /** The network was asked to end it. */
  ending: boolean
}

export class Sessions {
  readonly #book: Book
  readonly #first: FirstContact
  readonly #reach: Reach
  readonly #rooms: Rooms
  readonly #devices: OwnDevices
  readonly #speakers: Speakers
  #topics: ReadonlySet<string> = new Set()
  #topicsOf: number | undefined
  readonly #sessions = new Map<PeerId, Session>()
  /** Refused envelopes, for `status`. */
  refused = 0

  constructor(init: { book: Book; first: FirstContact; reach: Reach; rooms: Rooms; devices: OwnDevices }) {
    this.#book = init.book
    this.#first = init.first
    this.#reach = init.reach
    this.#rooms = init.rooms
    this.#speakers = new Speakers(init.book)
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
    const session: Session = {
      peer,
      openedAt: turn.uptime,
      greeted: new Set(),
      proven: undefined,
      parted: new Set(),
      told: undefined,
      parts: new Parts(),
      early: [],
      useless: 0,
      ending: false
    }
    this.#sessions.set(peer, session)
    this.#reach.opened(peer)
    // An answer comes before the hello, which only those who have it can read.
    this.offer(turn, peer)
    for (const entry of this.#book.expectedAt(peer)) this.#greet(turn, session, entry)
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
    this.#syncTopics(turn)
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
      if (control !== 'old' && control.body.type === 'report') this.#relay(turn, place, control.device, bytes)
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
      this.#passedOn(turn, session.peer, place, device, body)
      return
    }
    if (session.proven === undefined || session.proven.device !== device) throw malformed('no hello before')
    if (body.type === 'part') {
      const whole = session.parts.take(body)
      if (whole !== undefined) this.#follow(turn, session, session.proven, place, whole)
    } else this.#follow(turn, session, session.proven, place, body)
  }

  /** A report of somebody else, which a member passes on because we lack word. */
  #passedOn(turn: Turn, peer: PeerId, { room, entry }: Place, device: DeviceId, report: Report): void {
    const conversation = room?.conversation ?? entry!.conversation
    const link = conversation.links.get(peer)
    if (link !== undefined && conversation.members?.has(device) === true)
      applyRelayed(conversation, turn, device, link, report)
  }

  /** Those who lack word of a device are given what it has just reported. */
  #relay(turn: Turn, { room, entry }: Place, device: DeviceId, bytes: Uint8Array): void {
    const conversation = room?.conversation ?? entry!.conversation
    if (conversation.members?.has(device) === true) relayReport(conversation, turn, device, bytes)
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
    else this.relink(turn)
  }

  #follow(turn: Turn, session: Session, proven: Proven, { room, entry }: Place, body: ControlBody): void {
    const conversation = room?.conversation ?? entry!.conversation
    const { peer } = session
    const { device } = proven
    // Who was in a group with us and is not any more says nothing there but what it knows of the roster.
    const { id } = proven.entry.contact.facts
    const isOut =
      room !== undefined && conversation.members !== undefined && !conversation.members.members.has(id)
    if (isOut && body.type !== 'roster') return
    switch (body.type) {
      case 'report': {
        const link = conversation.links.get(peer)
        if (link !== undefined) {
          applyReport(conversation, turn, link, body)
          introduceAnew(this.#book, turn, conversation, link)
        }
        // It thinks that we are in, and by what we know we are not: one of us has something to learn.
        else if (room !== undefined) compareRosters(conversation, turn, peer, body.roster)
        return
      }
      case 'roster':
        if (room !== undefined || conversation.links.has(peer) || isSelf(proven.entry))
          followRoster(conversation, turn, peer, isOut ? { ...body, answer: false } : body)
        return
      case 'welcome':
        this.#welcomed(turn, conversation, device, body)
        return
      case 'presence':
        this.#learnPresence(turn, proven.entry, entry !== undefined, body)
        return
      case 'introductions':
        if (followIntroductions(this.#book, turn, conversation, body.people, this.#reach.presence.peer))
          this.#reach.changed()
        return
      case 'invitation':
        if (entry !== undefined) this.#rooms.receiveInvitation(turn, entry, body)
        return
      case 'consent':
        if (entry !== undefined) this.#rooms.receiveConsent(turn, entry, body)
        return
      case 'grant':
      case 'secrets':
      case 'cards':
      case 'recall':
      case 'history':
        if (room !== undefined) this.#devices.receiveInGroup(turn, peer, body)
        else if (entry === proven.entry) this.#devices.receive(turn, peer, entry, device, body)
        else throw malformed('not here')
        this.tellPresenceToAll(turn)
        return
      case 'hello':
      case 'part':
        throw malformed('not to be sent in parts')
    }
  }

  /** We are in the group (again): what is sealed for epochs that are gone is sealed anew. */
  #welcomed(
    turn: Turn,
    conversation: Conversation,
    by: DeviceId,
    body: Extract<ControlBody, { type: 'welcome' }>
  ): void {
    const room = this.#book.rooms.get(conversation.id)
    const isNew = room?.facts.consented !== undefined && conversation.group.head === undefined
    if (!followWelcome(conversation, turn, by, body)) return
    if (isNew) this.#devices.joined(turn, room, by)
    resealLost(conversation, turn)
    groupMoved(conversation, turn)
    conversation.oweAll()
  }

  #learnPresence(
    turn: Turn,
    { contact }: Acquaintance,
    direct: boolean,
    { presence, secret }: Extract<ControlBody, { type: 'presence' }>
  ): void {
    if (direct && secret !== undefined && contact.facts.state !== 'self')
      contact.facts.presenceSecret = secret
    const news = contact.learnPresence(turn, presence)
    if (news) this.#reach.changed()
    contact.save(turn)
    if (news) introduce(this.#book, turn, contact.facts.id)
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
    this.relink(turn)
    this.tellPresence(turn, session.peer)
    this.#rooms.met(turn, entry)
    this.#devices.met(turn, session.peer, entry, device, this.#reach.presence)
    if (first && contact.isListed) turn.announce({ type: 'contact:connected', contact: contact.view() })
  }

  /** Links every proven device to the conversations that it takes part in, and to no other. */
  relink(turn: Turn): void {
    this.#book.membershipMoved = false
    const { own } = this.#book
    for (const session of this.#sessions.values()) {
      const { peer, proven } = session
      if (proven === undefined) continue
      const { entry, device } = proven
      const identity = entry.contact.facts.id
      for (const conversation of this.#book.conversations()) {
        const both = conversation.members?.has(own.device) === true || conversation.members === undefined
        const wanted =
          both &&
          (conversation.members === undefined
            ? this.#expects(conversation, identity)
            : conversation.includes({ identity, device }))
        if (wanted && !conversation.links.has(peer)) {
          addLink(conversation, peer, device)
          introduceIn(this.#book, turn, conversation, peer, identity)
        }
        if (!wanted && conversation.links.has(peer)) removeLink(conversation, peer)
      }
      this.#part(turn, session, proven)
    }
    this.#syncTopics(turn)
  }

  /** Tells a device in which groups we are not together any more, once each time. */
  #part(turn: Turn, { peer, parted }: Session, { entry, device }: Proven): void {
    const identity = entry.contact.facts.id
    for (const { facts, conversation } of this.#book.rooms.values()) {
      if (conversation.links.has(peer)) parted.delete(facts.id)
      const out = whoParted(conversation, identity)
      if (out === undefined || parted.has(facts.id) || !haveMet(conversation, { identity, device })) continue
      parted.add(facts.id)
      tellParted(conversation, turn, peer, out)
    }
  }

  /** Before we have the roster of a group, whoever asked us in is the one to ask. */
  #expects({ id }: Conversation, identity: IdentityId): boolean {
    return this.#book.rooms.get(id)?.facts.consented?.inviter === identity
  }

  /** Listens to the topics of every conversation that somebody is linked to. */
  #syncTopics(turn: Turn): void {
    const wanted = new Set<string>()
    for (const conversation of this.#book.conversations())
      if (conversation.links.size > 0) for (const topic of conversation.with.topics(turn)) wanted.add(topic)
    for (const topic of wanted) if (!this.#topics.has(topic)) turn.emit({ type: 'subscribe', topic })
    for (const topic of this.#topics) if (!wanted.has(topic)) turn.emit({ type: 'unsubscribe', topic })
    this.#topics = wanted
  }

  /** After every batch: who takes part where, and what is listened to, may have changed. */
  settle(turn: Turn): void {
    const day = presenceDay(turn.now)
    if (this.#book.membershipMoved) {
      this.relink(turn)
      this.#retryEarly(turn)
    } else if (this.#topicsOf !== day) this.#syncTopics(turn)
    this.#topicsOf = day
  }

  /** A hello that we sent before may have come too early to be read: now there is somebody who can. */
  #greetAgain(turn: Turn, session: Session, entry: Acquaintance): void {
    session.greeted.delete(entry.contact.facts.id)
    this.#greet(turn, session, entry)
  }

  /** Says hello on every channel that the other may read: as a contact, and as a member of a group. */
  #greet(turn: Turn, session: Session, { contact }: Acquaintance): void {
    const { id, blocked } = contact.facts
    if (blocked || session.greeted.has(id)) return
    const { own } = this.#book
    const from = this.#reach.presence.peer
    const hello: Hello = { type: 'hello', from, to: session.peer, devices: own.devices, name: own.name }
    // A device of ours may have missed the newest secret; so may one that was shut out, and learns it so.
    const { channels } = contact
    const envelopes = [
      ...(id === own.identity ? channels.sealUnderAll(turn, hello) : channels.seal(turn, hello))
    ]
    for (const room of this.#book.rooms.values()) {
      if (envelopes.length >= limits.hellosMax) break
      if (room.conversation.roster?.everIncluded(id) === true)
        envelopes.push(...room.channels.seal(turn, hello))
    }
    if (envelopes.length === 0) return
    session.greeted.add(id)
    turn.emit({ type: 'transmit', peer: session.peer, envelopes, messages: undefined })
  }

  /** Tells somebody proven where we are, unless it knows: a contact how to find us later as well. */
  tellPresence(turn: Turn, peer: PeerId): void {
    const entry = this.contactAt(peer)
    const session = this.#sessions.get(peer)
    const { presence } = this.#reach
    const told = `${presence.sequence} ${this.#book.own.secretsSince}`
    if (entry === undefined || session === undefined || session.told === told) return
    const { contact } = entry
    const { facts, channels } = contact
    const shared = [...this.#book.rooms.values()].find(({ conversation }) => conversation.links.has(peer))
    const secret = this.#book.own.presenceSecret
    const envelopes = channels.isOpen
      ? channels.seal(turn, { type: 'presence', presence, secret })
      : (shared?.channels.seal(turn, { type: 'presence', presence, secret: undefined }) ?? [])
    if (envelopes.length === 0) return
    session.told = told
    facts.toldPresence = presence.sequence
    contact.save(turn)
    turn.emit({ type: 'transmit', peer, envelopes, messages: undefined })
  }

  tellPresenceToAll(turn: Turn): void {
    for (const peer of this.#sessions.keys()) this.tellPresence(turn, peer)
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
