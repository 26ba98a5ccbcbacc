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
import type { Reach } from './reach.ts'
import { receive } from './receive.ts'
import { followRegroup } from './regroup.ts'
import { applyReport, groupMoved } from './report.ts'
import { addLink, removeLink } from './transmission.ts'
import type { Turn } from './turn.ts'

interface Session {
  readonly peer: PeerId
  readonly openedAt: number
  /** Whom we have said hello to on it. */
  readonly greeted: Set<string>
  proven: { readonly entry: Acquaintance; readonly device: DeviceId } | undefined
  /** Envelopes that led nowhere. */
  useless: number
  /** The network was asked to end it. */
  ending: boolean
}

export class Sessions {
  readonly #book: Book
  readonly #first: FirstContact
  readonly #reach: Reach
  readonly #sessions = new Map<PeerId, Session>()
  /** Refused envelopes, for `status`. */
  refused = 0

  constructor(book: Book, first: FirstContact, reach: Reach) {
    this.#book = book
    this.#first = first
    this.#reach = reach
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
    const { contact, conversation } = session.proven.entry
    removeLink(conversation, peer)
    contact.online.delete(peer)
    this.#reach.changed()
    turn.emit({ type: 'dismiss', peer })
    if (contact.online.size > 0) return
    for (const topic of contact.topics(turn.now)) turn.emit({ type: 'unsubscribe', topic })
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
      let useful = false
      try {
        useful = this.#take(turn, session, bytes, decodeEnvelope(bytes))
      } catch (error) {
        if (!(error instanceof HearsayError)) throw error
      }
      if (useful) continue
      this.refused += 1
      session.useless += 1
      const patience =
        session.proven === undefined ? limits.envelopesBeforeHelloMax : limits.uselessEnvelopesMax
      if (session.useless > patience) {
        this.#end(turn, session)
        return
      }
    }
  }

  /** Takes in what came by gossip: only messages and reports of contacts whose topic it was. */
  gossiped(turn: Turn, topic: string, bytes: Uint8Array): void {
    try {
      const envelope = decodeEnvelope(bytes)
      for (const entry of this.#book.all()) {
        if (entry.contact.online.size === 0 || !entry.contact.topics(turn.now).includes(topic)) continue
        if (envelope.kind === 'message') receive(entry.conversation, turn, bytes, envelope, undefined)
      }
    } catch (error) {
      if (!(error instanceof HearsayError)) throw error
      this.refused += 1
    }
  }

  #take(turn: Turn, session: Session, bytes: Uint8Array, envelope: Envelope): boolean {
    switch (envelope.kind) {
      case 'message': {
        if (session.proven === undefined) return false
        receive(session.proven.entry.conversation, turn, bytes, envelope, session.peer)
        return true
      }
      case 'control':
        return this.#control(turn, session, envelope)
      case 'request': {
        const { answer } = this.#first.receiveRequest(turn, envelope, session.peer, this.#reach.presence)
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
        if (entry !== undefined) this.#greetAgain(turn, session, entry)
        return true
      }
    }
  }

  #control(turn: Turn, session: Session, envelope: Envelope): boolean {
    const candidates = session.proven === undefined ? this.#book.all() : [session.proven.entry]
    for (const entry of candidates) {
      if (entry.contact.facts.blocked) continue
      const control = entry.contact.openControl(turn, envelope)
      if (control === undefined) continue
      if (control === 'old') return true
      this.#apply(turn, session, entry, control)
      return true
    }
    return false
  }

  #apply(turn: Turn, session: Session, entry: Acquaintance, { body, device }: Control): void {
    if (body.type === 'hello') {
      if (body.from !== session.peer || body.to !== this.#reach.presence.peer)
        throw malformed('a hello for others')
      if (session.proven === undefined) this.#prove(turn, session, entry, device)
      return
    }
    if (session.proven === undefined || session.proven.device !== device) throw malformed('no hello before')
    const { contact, conversation } = entry
    switch (body.type) {
      case 'report':
        applyReport(conversation, turn, conversation.links.get(session.peer)!, body)
        return
      case 'presence':
        contact.facts.presenceSecret = body.secret
        if (contact.learnPresence(turn, body.presence)) this.#reach.changed()
        contact.save(turn)
        return
      case 'key-packages':
        contact.facts.keyPackages = [...body.keyPackages, ...contact.facts.keyPackages].slice(
          0,
          limits.keyPackagesPerContactMax
        )
        contact.save(turn)
        return
      case 'regroup':
        if (followRegroup(conversation, turn, device, body)) {
          this.#book.resealLost(turn, entry)
          groupMoved(conversation, turn)
          this.#restock(turn, session, entry)
        }
    }
  }

  #prove(turn: Turn, session: Session, entry: Acquaintance, device: DeviceId): void {
    const { contact, conversation } = entry
    session.proven = { entry, device }
    session.useless = 0
    const first = contact.online.size === 0
    contact.online.add(session.peer)
    this.#first.answerHeard(turn, contact.facts.id)
    this.#reach.changed()
    this.#greetAgain(turn, session, entry)
    turn.emit({ type: 'admit', peer: session.peer })
    for (const topic of contact.topics(turn.now)) turn.emit({ type: 'subscribe', topic })
    addLink(conversation, session.peer, device)
    this.tellPresence(turn, session.peer)
    if (first) turn.announce({ type: 'contact:connected', contact: contact.view() })
  }

  /** A hello that we sent before may have come too early to be read: now there is somebody who can. */
  #greetAgain(turn: Turn, session: Session, entry: Acquaintance): void {
    session.greeted.delete(entry.contact.facts.id)
    this.#greet(turn, session, entry)
  }

  #greet(turn: Turn, session: Session, { contact }: Acquaintance): void {
    const { id, blocked } = contact.facts
    if (blocked || session.greeted.has(id)) return
    const from = this.#reach.presence.peer
    const envelope = contact.control(turn, { type: 'hello', from, to: session.peer })
    if (envelope === undefined) return
    session.greeted.add(id)
    turn.emit({ type: 'transmit', peer: session.peer, envelopes: [envelope], messages: undefined })
  }

  /** Tells a proven contact where we are, unless it knows. */
  tellPresence(turn: Turn, peer: PeerId): void {
    const entry = this.contactAt(peer)
    const { presence } = this.#reach
    if (entry === undefined || entry.contact.facts.toldPresence === presence.sequence) return
    const secret = this.#book.own.presenceSecret
    const envelope = entry.contact.control(turn, { type: 'presence', presence, secret })
    if (envelope === undefined) return
    entry.contact.facts.toldPresence = presence.sequence
    entry.contact.save(turn)
    turn.emit({ type: 'transmit', peer, envelopes: [envelope], messages: undefined })
  }

  tellPresenceToAll(turn: Turn): void {
    for (const peer of this.#sessions.keys()) this.tellPresence(turn, peer)
  }

  /** Gives a contact a new key package in place of the one that it has used. */
  #restock(turn: Turn, session: Session, { contact }: Acquaintance): void {
    const keyPackages = [this.#book.packages.make(turn)]
    const envelope = contact.control(turn, { type: 'key-packages', keyPackages })
    if (envelope !== undefined)
      turn.emit({ type: 'transmit', peer: session.peer, envelopes: [envelope], messages: undefined })
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
