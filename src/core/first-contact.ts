/**
 * First contact: invites that we make, requests that we send through others' invites, requests that come
 * through ours, and the answers.
 *
 * Spec: specs/contact.md. Either side may stop at any point and go on later: a request is sent until it is
 * answered, an answer until the requester proves that it has it, and both are the same however often they come.
 * Always true: a one-time invite makes one contact; nothing through an address does so without a person's word.
 */
import { HearsayError, malformed } from '../base/errors.ts'
import type { Address, IdentityId, InviteId, Millis, PeerId, RequestId } from '../base/ids.ts'
import { idOf, millis } from '../base/ids.ts'
import { limits, spec } from '../base/limits.ts'
import type { ContactRequest as ContactRequestView, Invite as InviteView } from '../base/model.ts'
import { fromUtf8 } from '../base/bytes.ts'
import type { Envelope } from '../wire/envelope.ts'
import { formatInvite } from '../wire/invite.ts'
import type { Presence } from '../wire/presence.ts'
import type { Acquaintance, Book } from './book.ts'
import { answer, ANSWERS, becomeContacts, join, newFacts } from './answering.ts'
import type { Answer } from './answering.ts'
import { decodeAnswer } from './records/answer.ts'
import { decodeInviteRecord, encodeInviteRecord } from './records/invite.ts'
import type { GroupLink, InviteRecord } from './records/invite.ts'
import { decodeOutgoing, encodeOutgoing } from './records/outgoing-request.ts'
import type { OutgoingRequest } from './records/outgoing-request.ts'
import { decodeWaiting, encodeWaiting } from './records/waiting-request.ts'
import type { WaitingRequest } from './records/waiting-request.ts'
import {
  isAnswerFor,
  isRequestFor,
  openAnswer,
  openRequest,
  sealRequest,
  signRequest
} from './seal/contact.ts'
import type { OpenedRequest } from './seal/contact.ts'
import { makeInvite, openInviteLink } from './seal/invite.ts'
import { requireIdentitySeed } from './self.ts'
import type { Turn } from './turn.ts'

export const INVITES = 'invites'
export const OUTGOING = 'requests-sent'
export const WAITING = 'requests-waiting'

const HOUR_MS = 3_600_000

/** What to do about a request: what to say, and into which group whoever asks has come. */
export interface Reply {
  readonly answer: Answer | undefined
  readonly into?: { readonly entry: Acquaintance; readonly link: GroupLink; readonly invite: InviteId }
}

export class FirstContact {
  readonly #book: Book
  readonly invites = new Map<InviteId, InviteRecord>()
  /** Requests of ours that have not been answered. */
  readonly outgoing = new Map<RequestId, OutgoingRequest>()
  /** Requests of others that wait for a person. */
  readonly waiting = new Map<RequestId, WaitingRequest>()
  /** Answers of ours that have not been heard. */
  readonly answers = new Map<RequestId, Answer>()
  /** When each peer has asked, for the rate limit; in uptime. */
  readonly #asked = new Map<PeerId, number[]>()

  constructor(book: Book) {
    this.#book = book
  }

  restore(collection: string, record: Uint8Array): void {
    if (collection === INVITES) {
      const invite = decodeInviteRecord(record)
      this.invites.set(invite.invite.id, invite)
    } else if (collection === OUTGOING) {
      const request = decodeOutgoing(record)
      this.outgoing.set(request.request, request)
    } else if (collection === WAITING) {
      const request = decodeWaiting(record)
      this.waiting.set(request.request, request)
    } else {
      const each = decodeAnswer(record)
      this.answers.set(each.request, each)
    }
  }

  /** Makes an invite. Throws LIMIT_REACHED, INVALID_ARGUMENT. */
  invite(
    turn: Turn,
    init: {
      reusable: boolean
      expiresInMs: number | undefined
      addresses: readonly Address[]
      into?: GroupLink
      kind?: 'device'
    }
  ): InviteView {
    if (this.invites.size >= limits.invitesMax) this.#discardInvite(turn)
    const lifetime = init.expiresInMs ?? (init.reusable ? undefined : spec.inviteLifetimeDefaultMs)
    if (lifetime !== undefined && !(lifetime > 0 && lifetime <= spec.inviteLifetimeMaxMs))
      throw new HearsayError('INVALID_ARGUMENT', { message: 'An invite lasts from a moment to a year.' })
    const { invite, secretKey } = makeInvite({
      identitySeed: requireIdentitySeed(this.#book.own),
      kind: init.kind ?? (init.reusable ? 'address' : 'one-time'),
      expiresAt: lifetime === undefined ? undefined : millis(turn.now + lifetime),
      addresses: init.addresses.slice(0, spec.addressesMax),
      random: this.#book.random
    })
    const record: InviteRecord = { invite, secretKey, createdAt: turn.now, state: 'open', into: init.into }
    this.#saveInvite(turn, record)
    return viewInvite(record, turn.now)
  }

  /** The link by which this machine becomes somebody's device: the one that waits already, if one does. */
  inviteDevice(turn: Turn, addresses: readonly Address[]): InviteView {
    const open = [...this.invites.values()].find(record => isOpen(record, turn.now))
    if (open !== undefined) return viewInvite(open, turn.now)
    return this.invite(turn, { reusable: false, expiresInMs: undefined, addresses, kind: 'device' })
  }

  listInvites(now: Millis): InviteView[] {
    return [...this.invites.values()].map(record => viewInvite(record, now))
  }

  /** Ends an invite. Throws UNKNOWN_INVITE. */
  revoke(turn: Turn, id: InviteId): InviteView {
    const record = this.invites.get(id)
    if (record === undefined) throw new HearsayError('UNKNOWN_INVITE')
    const revoked: InviteRecord = { ...record, state: 'revoked' }
    this.#saveInvite(turn, revoked)
    return viewInvite(revoked, turn.now)
  }

  /** Redeems an invite; with `linking` that of a machine that is to become our device. Throws INVALID_INVITE, INVITE_EXPIRED, INVITE_OWN, CONTACT_EXISTS, NAME_INVALID, GREETING_TOO_LARGE. */
  request(
    turn: Turn,
    init: { link: string; name: string; greeting: string; presence: Presence; linking?: boolean }
  ): Acquaintance {
    const book = this.#book
    const { own, random } = book
    const invite = openInviteLink(init.link, turn.now)
    if ((invite.kind === 'device') !== (init.linking === true)) throw new HearsayError('INVALID_INVITE')
    if (invite.identity === own.identity) throw new HearsayError('INVITE_OWN')
    if (!init.greeting.isWellFormed() || fromUtf8(init.greeting).length > spec.greetingMaxBytes)
      throw new HearsayError('GREETING_TOO_LARGE')
    const known = book.get(invite.identity)
    const name = book.freeName(init.name, invite.identity)
    if (known?.contact.facts.blocked === true) throw new HearsayError('CONTACT_BLOCKED')
    if (known === undefined && book.size >= limits.contactsMax) throw new HearsayError('LIMIT_REACHED')
    const request = idOf<RequestId>(random(16))
    const signed = signRequest(
      {
        request,
        invite: invite.id,
        devices: own.devices,
        device: own.device,
        keyPackage: book.packages.make(turn),
        presenceSecret: own.presenceSecret,
        presence: init.presence,
        name: own.name,
        greeting: init.greeting,
        sentAt: turn.now
      },
      invite,
      own.deviceSeed
    )
    const { envelope, answerKey, requestHash } = sealRequest(signed, invite, random)
    const standing = init.linking === true ? 'linking' : 'requested'
    const entry = known ?? book.add(newFacts(invite.identity, name, standing, turn.now))
    const { state } = entry.contact.facts
    if (state === 'rejected' || state === 'acquainted') entry.contact.facts.state = standing
    entry.contact.facts.name = name
    entry.contact.save(turn)
    entry.conversation.save(turn)
    for (const [id, earlier] of this.outgoing)
      if (earlier.contact === invite.identity) this.#endOutgoing(turn, id)
    const outgoing: OutgoingRequest = {
      request,
      contact: invite.identity,
      invite,
      envelope,
      answerKey,
      requestHash,
      sentAt: turn.now
    }
    this.outgoing.set(request, outgoing)
    turn.save(OUTGOING, request, () => encodeOutgoing(outgoing))
    if (entry.contact.isListed)
      turn.announce({
        type: known === undefined ? 'contact:added' : 'contact:changed',
        contact: entry.contact.view()
      })
    return entry
  }

  /** The request to a contact that has not been answered. */
  outgoingTo(contact: IdentityId): OutgoingRequest | undefined {
    for (const outgoing of this.outgoing.values()) if (outgoing.contact === contact) return outgoing
    return undefined
  }

  /**
   * Takes in a request envelope from a peer. Returns the answer to send at once, if there is one. Throws
   * MALFORMED with nothing changed.
   */
  receiveRequest(turn: Turn, envelope: Envelope, peer: PeerId, presence: Presence): Reply {
    const record = [...this.invites.values()].find(({ invite }) => isRequestFor(envelope, invite.secret))
    if (record === undefined) throw malformed('a request through no invite of ours')
    const opened = openRequest(envelope, record.invite, record.secretKey)
    const { request } = opened.request
    const before = this.answers.get(request)
    if (before !== undefined) return { answer: before }
    const known = this.#book.get(opened.devices.identity)
    if (this.waiting.has(request) || known?.contact.facts.blocked === true) return { answer: undefined }
    // We have said yes to it and that was heard: it comes from somebody who kept a copy.
    if (known?.contact.facts.requests.includes(request) === true) return { answer: undefined }
    if (!this.#mayAsk(turn, peer)) throw malformed('too many requests')
    if (isOpen(record, turn.now)) return this.#take(turn, record, opened, presence)
    return { answer: answer(this.#book, turn, this.answers, opened, presence, undefined) }
  }

  #take(turn: Turn, record: InviteRecord, opened: OpenedRequest, presence: Presence): Reply {
    if (record.into !== undefined) {
      const accepted = becomeContacts(this.#book, turn, opened, undefined)
      const said = answer(this.#book, turn, this.answers, opened, presence, accepted)
      return { answer: said, into: { entry: accepted.entry, link: record.into, invite: record.invite.id } }
    }
    if (record.invite.kind !== 'address') {
      const accepted = becomeContacts(this.#book, turn, opened, undefined)
      const used: InviteRecord = { ...record, state: 'used' }
      this.#saveInvite(turn, used)
      const contact = accepted.entry.contact.view()
      turn.announce({ type: 'invite:used', invite: viewInvite(used, turn.now), contact })
      return { answer: answer(this.#book, turn, this.answers, opened, presence, accepted) }
    }
    if (this.waiting.size >= limits.requestsWaitingMax) throw malformed('too many requests are waiting')
    const { request, name, greeting } = opened.request
    const waiting: WaitingRequest = {
      request,
      from: opened.devices.identity,
      name,
      greeting,
      receivedAt: turn.now,
      opened
    }
    this.waiting.set(request, waiting)
    turn.save(WAITING, request, () => encodeWaiting(waiting))
    turn.announce({ type: 'contact:requested', request: viewRequest(waiting) })
    return { answer: undefined }
  }

  listWaiting(): ContactRequestView[] {
    return [...this.waiting.values()].map(viewRequest)
  }

  /** Says yes to a waiting request. Throws UNKNOWN_REQUEST, CONTACT_EXISTS, NAME_INVALID. */
  accept(
    turn: Turn,
    id: RequestId,
    name: string | undefined,
    presence: Presence
  ): { entry: Acquaintance; answer: Answer } {
    const waiting = this.#waiting(id)
    const chosen = name === undefined ? undefined : this.#book.freeName(name, waiting.from)
    const accepted = becomeContacts(this.#book, turn, waiting.opened, chosen)
    this.#endWaiting(turn, id)
    return {
      entry: accepted.entry,
      answer: answer(this.#book, turn, this.answers, waiting.opened, presence, accepted)
    }
  }

  /** Says no to a waiting request. Throws UNKNOWN_REQUEST. */
  reject(turn: Turn, id: RequestId, presence: Presence): { request: ContactRequestView; answer: Answer } {
    const waiting = this.#waiting(id)
    this.#endWaiting(turn, id)
    return {
      request: viewRequest(waiting),
      answer: answer(this.#book, turn, this.answers, waiting.opened, presence, undefined)
    }
  }

  /** Takes in an answer to one of our requests. Returns the contact that it made, if any. Throws MALFORMED. */
  receiveAnswer(turn: Turn, envelope: Envelope): Acquaintance | undefined {
    const outgoing = [...this.outgoing.values()].find(({ answerKey }) => isAnswerFor(envelope, answerKey))
    if (outgoing === undefined) return undefined
    const { answer: said, devices } = openAnswer(
      envelope,
      outgoing.answerKey,
      outgoing.contact,
      outgoing.requestHash
    )
    if (said.request !== outgoing.request) throw malformed('an answer to another request')
    const entry = this.#book.get(outgoing.contact)
    if (entry === undefined) return undefined
    if (said.status === 'rejected') {
      const { state } = entry.contact.facts
      if (state === 'requested') entry.contact.facts.state = 'rejected'
      else if (state === 'linking') turn.announce({ type: 'device:refused' })
      entry.contact.save(turn)
    } else join(this.#book, turn, entry, said, devices)
    this.#endOutgoing(turn, outgoing.request)
    if (entry.contact.isListed) turn.announce({ type: 'contact:changed', contact: entry.contact.view() })
    return said.status === 'rejected' ? undefined : entry
  }

  /** A device of the contact has proven that it has our answer, or somebody else's. */
  answerHeard(turn: Turn, contact: IdentityId): void {
    for (const [id, each] of this.answers)
      if (each.contact === contact && each.accepted) this.#endAnswer(turn, id)
  }

  /** Answers that may be given to a peer, as it was said to be there. */
  answersFor(peer: PeerId): Answer[] {
    return [...this.answers.values()].filter(({ presence }) => presence.peer === peer)
  }

  /** Lets go of answers that nobody has come for. */
  expire(turn: Turn): void {
    for (const [id, { at }] of this.answers)
      if (turn.now - at > limits.answerKeptMs) this.#endAnswer(turn, id)
  }

  /** Ends everything that was under way with a contact. */
  forget(turn: Turn, contact: IdentityId): void {
    for (const [id, outgoing] of this.outgoing) if (outgoing.contact === contact) this.#endOutgoing(turn, id)
    for (const [id, each] of this.answers) if (each.contact === contact) this.#endAnswer(turn, id)
    for (const [id, waiting] of this.waiting) if (waiting.from === contact) this.#endWaiting(turn, id)
  }

  #mayAsk(turn: Turn, peer: PeerId): boolean {
    const recent = (this.#asked.get(peer) ?? []).filter(at => turn.uptime - at < HOUR_MS)
    if (recent.length >= limits.requestsPerPeerPerHour) return false
    this.#asked.delete(peer)
    this.#asked.set(peer, [...recent, turn.uptime])
    while (this.#asked.size > limits.strangersMax * 16) this.#asked.delete(this.#asked.keys().next().value!)
    return true
  }

  #waiting(id: RequestId): WaitingRequest {
    const waiting = this.waiting.get(id)
    if (waiting === undefined) throw new HearsayError('UNKNOWN_REQUEST')
    return waiting
  }

  #saveInvite(turn: Turn, record: InviteRecord): void {
    this.invites.set(record.invite.id, record)
    turn.save(INVITES, record.invite.id, () => encodeInviteRecord(record))
  }

  /** Makes room by letting go of the oldest invite that is of no use any more. */
  #discardInvite(turn: Turn): void {
    const done = [...this.invites.values()].find(record => !isOpen(record, turn.now))
    if (done === undefined)
      throw new HearsayError('LIMIT_REACHED', {
        message: 'There are too many open invites.',
        hint: 'Revoke some: hearsay invites revoke ID'
      })
    this.invites.delete(done.invite.id)
    turn.remove(INVITES, done.invite.id)
  }

  #endOutgoing(turn: Turn, id: RequestId): void {
    this.outgoing.delete(id)
    turn.remove(OUTGOING, id)
  }

  #endWaiting(turn: Turn, id: RequestId): void {
    this.waiting.delete(id)
    turn.remove(WAITING, id)
  }

  #endAnswer(turn: Turn, id: RequestId): void {
    this.answers.delete(id)
    turn.remove(ANSWERS, id)
  }
}

const isOpen = ({ invite, state }: InviteRecord, now: Millis): boolean =>
  state === 'open' && (invite.expiresAt === undefined || now < invite.expiresAt)

function viewInvite(record: InviteRecord, now: Millis): InviteView {
  const { invite, createdAt, state } = record
  return {
    id: invite.id,
    link: formatInvite(invite),
    reusable: invite.kind === 'address',
    expiresAt: invite.expiresAt,
    createdAt,
    state: state === 'open' && !isOpen(record, now) ? 'expired' : state
  }
}

const viewRequest = ({ request, from, name, greeting, receivedAt }: WaitingRequest): ContactRequestView => ({
  id: request,
  from,
  name,
  greeting,
  receivedAt
})
