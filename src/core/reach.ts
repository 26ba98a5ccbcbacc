/**
 * Reach: whom to dial and where, and being findable.
 *
 * Spec: specs/presence.md. All ways are tried side by side, each less often the longer it fails: addresses
 * that the contact told us, peers on the local network, records in the DHT under the contact's presence
 * secret, and for an invite its own addresses and rendezvous.
 * Always true: at most `limits.dialsParallelMax` dials are under way; no way is given up for good.
 */
import type { Address, IdentityId, Millis, PeerId } from '../base/ids.ts'
import { limits, spec } from '../base/limits.ts'
import { peerIdOf } from '../crypto/peer-id.ts'
import { publicKeyOf } from '../crypto/signature.ts'
import type { Presence } from '../wire/presence.ts'
import type { Answer } from './answering.ts'
import type { Acquaintance, Book } from './book.ts'
import type { FirstContact } from './first-contact.ts'
import { encodePresenceState } from './records/presence-state.ts'
import type { PresenceState } from './records/presence-state.ts'
import {
  devicePresenceSecret,
  inviteRendezvousSecret,
  openPresence,
  presenceDay,
  presenceLookupKey,
  sealPresence
} from './seal/presence-record.ts'
import type { LookupTarget, Turn } from './turn.ts'

export const PRESENCE = 'presence'
export const PRESENCE_KEY = 'presence'

/** Clocks differ: near midnight the records of both days count. */
const MIDNIGHT_MARGIN_MS = 2 * 3_600_000
const DAY_MS = spec.presenceDayMs

interface Schedule {
  at: number
  delayMs: number
}

export class Reach {
  readonly #book: Book
  readonly #first: FirstContact
  /** What we say about ourselves; its sequence grows with every change, also across restarts. */
  #state: PresenceState
  #dhtReady = false
  #publishAt: number | undefined
  /** The day of our clock when we last published. */
  #publishedOn: number | undefined
  #publishDelayMs: number = limits.presenceRetryMs
  /** Peers that we try, by when. */
  readonly #dials = new Map<PeerId, Schedule>()
  readonly #dialing = new Set<PeerId>()
  /** Peers that a stream is open with, and how many of them are contacts', counted before each look at all. */
  readonly #open = new Set<PeerId>()
  #contactLinks = 0
  readonly #lookups = new Map<IdentityId, Schedule>()
  /** Where peers were seen on the local network. */
  readonly #nearby = new Map<PeerId, readonly Address[]>()
  /** When there is something to do next; 'unknown' after every change, since finding out looks at all contacts. */
  #dueAt: number | undefined | 'unknown' = 'unknown'

  constructor(book: Book, first: FirstContact, state: PresenceState | undefined) {
    this.#book = book
    this.#first = first
    this.#state = state ?? {
      peer: peerIdOf(publicKeyOf(book.own.networkSeed)),
      addresses: [],
      sequence: 0,
      updatedAt: 0 as PresenceState['updatedAt']
    }
  }

  /** Our own presence, as contacts are told. */
  get presence(): Presence {
    const { peer, addresses, sequence, updatedAt } = this.#state
    return { peer, addresses, sequence, updatedAt, capabilities: 0 }
  }

  /** Our node is up as this peer, at these addresses. Returns whether contacts ought to be told. */
  moved(turn: Turn, peer: PeerId, addresses: readonly Address[]): boolean {
    this.changed()
    const before = this.#state
    const same = before.peer === peer && before.addresses.join() === addresses.join()
    if (!same) {
      this.#state = {
        peer,
        addresses: addresses
          .filter(({ length }) => length <= spec.addressMaxBytes)
          .slice(0, spec.addressesMax),
        sequence: Math.max(before.sequence + 1, Math.floor(turn.now / 1000)),
        updatedAt: turn.now
      }
      turn.save(PRESENCE, PRESENCE_KEY, () => encodePresenceState(this.#state))
    }
    if (this.#dhtReady) this.#publishAt = turn.uptime
    // Another network, perhaps: what could not be reached from the last one may be reachable from here.
    if (!same) for (const schedule of this.#dials.values()) schedule.at = turn.uptime
    return !same
  }

  dhtReady(turn: Turn): void {
    this.changed()
    this.#dhtReady = true
    this.#publishAt = turn.uptime
    for (const schedule of this.#lookups.values()) schedule.at = turn.uptime
  }

  /** An invite was made: whoever redeems it must find us. */
  published(turn: Turn): void {
    this.changed()
    if (this.#dhtReady) this.#publishAt = turn.uptime
  }

  /** A record of ours was stored, or not. */
  presencePut(turn: Turn, stored: boolean): void {
    this.changed()
    if (stored) {
      this.#publishDelayMs = limits.presenceRetryMs
      return
    }
    const at = turn.uptime + this.#publishDelayMs
    this.#publishDelayMs = Math.min(this.#publishDelayMs * 2, limits.presencePublishMs)
    this.#publishAt = Math.min(this.#publishAt ?? at, at)
  }

  /** A peer was seen on the local network. */
  discovered(turn: Turn, peer: PeerId, addresses: readonly Address[]): void {
    this.#nearby.delete(peer)
    this.#nearby.set(peer, addresses.slice(0, limits.addressesPerPeerMax))
    while (this.#nearby.size > limits.strangersMax) this.#nearby.delete(this.#nearby.keys().next().value!)
    this.#soon(turn, peer)
  }

  /** A presence record was found in the DHT. What does not open or is old is passed over. */
  found(turn: Turn, target: LookupTarget, day: number, record: Uint8Array): void {
    const entry = this.#book.get(target.contact)
    const secret = entry === undefined ? undefined : this.#secret(entry, target)
    if (entry === undefined || secret === undefined) return
    const presence = openPresence(record, secret, day)
    if (entry.contact.learnPresence(turn, presence)) this.#soon(turn, presence.peer)
  }

  /** A stream is open. How often the peer was tried in vain is forgotten only once it has served. */
  opened(peer: PeerId): void {
    this.#open.add(peer)
    this.changed()
    this.#dialing.delete(peer)
  }

  /**
   * A stream is gone, or a dial has failed. One that served is dialled anew at once; a peer that takes a stream
   * and lets go of it, as one does that has blocked us or cannot write to its disk, is tried ever more rarely.
   */
  closed(turn: Turn, peer: PeerId, served: boolean): void {
    this.#open.delete(peer)
    this.changed()
    this.#dialing.delete(peer)
    const before = this.#dials.get(peer)
    const delayMs =
      served || before === undefined ? limits.dialFirstMs : Math.min(before.delayMs * 2, limits.dialMaxMs)
    this.#dials.set(peer, { at: turn.uptime + (served ? 0 : delayMs), delayMs })
  }

  /** Something new is known of a peer, or there is something new for it: forget how often it failed. */
  #soon(turn: Turn, peer: PeerId): void {
    this.changed()
    if (!this.#dialing.has(peer)) this.#dials.set(peer, { at: turn.uptime, delayMs: limits.dialFirstMs })
  }

  /** Somebody wants to talk to a contact now. */
  wanted(turn: Turn, entry: Acquaintance): void {
    if (this.#isReached(entry)) return
    this.changed()
    for (const peer of this.#targets(entry).keys()) {
      const schedule = this.#dials.get(peer)
      if (schedule === undefined || schedule.delayMs > limits.dialFirstMs * 4) this.#soon(turn, peer)
    }
    const lookup = this.#lookups.get(entry.contact.facts.id)
    if (lookup !== undefined && lookup.delayMs > limits.lookupFirstMs * 4)
      this.#lookups.set(entry.contact.facts.id, { at: turn.uptime, delayMs: limits.lookupFirstMs })
  }

  /** Whether there is nobody to go after: all devices are there, or we do not want to, or enough others are. */
  #isReached({ contact }: Acquaintance): boolean {
    const { facts, online } = contact
    if (facts.blocked || facts.state === 'rejected') return true
    const ours = facts.state === 'self' ? 1 : 0
    if (online.size >= Math.max(1 - ours, (facts.list?.devices.size ?? 1) - ours)) return true
    if (facts.state !== 'acquainted') return false
    // Who has not said who it is will be a member, most likely: else we would have gone on dialling by then.
    return this.#open.size + this.#dialing.size - this.#contactLinks >= limits.memberLinksMax
  }

  #countContactLinks(): void {
    this.#contactLinks = 0
    for (const { contact } of this.#book.all())
      if (contact.facts.state !== 'acquainted') this.#contactLinks += contact.online.size
  }

  /** Peers to try for a contact, and where. */
  #targets({ contact }: Acquaintance): Map<PeerId, readonly Address[]> {
    const targets = new Map<PeerId, readonly Address[]>()
    const add = (peer: PeerId, addresses: readonly Address[]): void => {
      const all = new Set([...(targets.get(peer) ?? []), ...addresses, ...(this.#nearby.get(peer) ?? [])])
      targets.set(peer, [...all].slice(0, limits.addressesPerPeerMax))
    }
    for (const { peer, addresses } of contact.facts.presences.values()) add(peer, addresses)
    const outgoing = this.#first.outgoingTo(contact.facts.id)
    for (const address of outgoing?.invite.addresses ?? []) {
      const peer = address.split('/p2p/').at(-1)
      if (peer === undefined || peer === address) continue
      add(peer as PeerId, address.startsWith('/p2p/') ? [] : [address])
    }
    targets.delete(this.#state.peer)
    return targets
  }

  #secret({ contact }: Acquaintance, { device }: LookupTarget): Uint8Array | undefined {
    const { presenceSecret } = contact.facts
    if (device !== undefined) return presenceSecret && devicePresenceSecret(presenceSecret, device)
    const outgoing = this.#first.outgoingTo(contact.facts.id)
    return outgoing === undefined ? undefined : inviteRendezvousSecret(outgoing.invite.secret)
  }

  /** Something changed that decides whom to try and when. */
  changed(): void {
    this.#dueAt = 'unknown'
  }

  /** Dials, looks up and publishes what is due. */
  tick(turn: Turn, hasSession: (peer: PeerId) => boolean): void {
    // A clock that was set moves us to other days' keys.
    if (this.#publishedOn !== undefined && this.#publishedOn !== presenceDay(turn.now)) this.published(turn)
    const idle = this.#dueAt === undefined || (this.#dueAt !== 'unknown' && this.#dueAt > turn.uptime)
    if (idle) return
    this.changed()
    this.#publish(turn)
    this.#countContactLinks()
    for (const entry of this.#book.all()) {
      if (this.#isReached(entry)) continue
      for (const [peer, addresses] of this.#targets(entry)) this.#dial(turn, peer, addresses, hasSession)
      if (this.#dhtReady) this.#lookup(turn, entry)
    }
    for (const { presence } of this.#answersToCarry(turn.now))
      this.#dial(turn, presence.peer, presence.addresses, hasSession)
  }

  #dial(
    turn: Turn,
    peer: PeerId,
    addresses: readonly Address[],
    hasSession: (peer: PeerId) => boolean
  ): void {
    const schedule = this.#dials.get(peer)
    if (hasSession(peer) || this.#dialing.has(peer) || this.#dialing.size >= limits.dialsParallelMax) return
    if (schedule !== undefined && schedule.at > turn.uptime) return
    this.#dials.set(peer, schedule ?? { at: turn.uptime, delayMs: limits.dialFirstMs })
    this.#dialing.add(peer)
    turn.emit({ type: 'dial', peer, addresses })
  }

  #lookup(turn: Turn, entry: Acquaintance): void {
    const contact = entry.contact.facts.id
    const schedule = this.#lookups.get(contact) ?? { at: turn.uptime, delayMs: limits.lookupFirstMs }
    if (schedule.at > turn.uptime) return
    const delayMs = Math.min(schedule.delayMs * 2, limits.lookupMaxMs)
    this.#lookups.set(contact, { at: turn.uptime + schedule.delayMs, delayMs })
    const devices = entry.contact.devices().filter(device => device !== this.#book.own.device)
    for (const device of [...devices, undefined]) {
      const secret = this.#secret(entry, { contact, device })
      if (secret === undefined) continue
      for (const day of days(turn)) {
        const key = presenceLookupKey(secret, day)
        turn.emit({ type: 'lookup', target: { contact, device }, key, day })
      }
    }
  }

  #publish(turn: Turn): void {
    if (!this.#dhtReady || this.#publishAt === undefined || this.#publishAt > turn.uptime) return
    // Before others look under the key of the next day, there has to be something.
    const untilNextDay = DAY_MS - ((turn.now + MIDNIGHT_MARGIN_MS) % DAY_MS)
    this.#publishAt = turn.uptime + Math.min(limits.presencePublishMs, untilNextDay)
    this.#publishedOn = presenceDay(turn.now)
    const { own, random } = this.#book
    const secrets = [own.presenceSecret, own.formerPresenceSecret]
      .filter(secret => secret !== undefined)
      .map(secret => devicePresenceSecret(secret, own.device))
    for (const { invite, state } of this.#first.invites.values()) {
      const open = state === 'open' && (invite.expiresAt === undefined || turn.now < invite.expiresAt)
      if (open && secrets.length < limits.rendezvousPublishedMax)
        secrets.push(inviteRendezvousSecret(invite.secret))
    }
    for (const secret of secrets)
      for (const day of days(turn)) {
        const record = sealPresence(this.presence, secret, day, random)
        turn.emit({ type: 'put', key: presenceLookupKey(secret, day), record })
      }
  }

  /** When `tick` has something to do next, in uptime; undefined where nothing waits for time. */
  dueAt(now: Millis, hasSession: (peer: PeerId) => boolean): number | undefined {
    if (this.#dueAt === 'unknown') this.#dueAt = this.#findDueAt(now, hasSession)
    return this.#dueAt
  }

  #findDueAt(now: Millis, hasSession: (peer: PeerId) => boolean): number | undefined {
    const times: number[] = []
    if (this.#dhtReady && this.#publishAt !== undefined) times.push(this.#publishAt)
    this.#countContactLinks()
    for (const entry of this.#book.all()) {
      const { facts } = entry.contact
      if (this.#isReached(entry)) continue
      for (const peer of this.#targets(entry).keys()) this.#dialDueAt(peer, hasSession, times)
      if (this.#dhtReady) times.push(this.#lookups.get(facts.id)?.at ?? 0)
    }
    for (const { presence } of this.#answersToCarry(now)) this.#dialDueAt(presence.peer, hasSession, times)
    return times.length === 0 ? undefined : Math.min(...times)
  }

  /** A no is not worth going after somebody for long; they may come and ask. */
  #answersToCarry(now: Millis): Answer[] {
    return [...this.#first.answers.values()].filter(
      ({ accepted, at }) => accepted || now - at < limits.dialMaxMs
    )
  }

  #dialDueAt(peer: PeerId, hasSession: (peer: PeerId) => boolean, times: number[]): void {
    if (hasSession(peer) || this.#dialing.has(peer) || this.#dialing.size >= limits.dialsParallelMax) return
    times.push(this.#dials.get(peer)?.at ?? 0)
  }

  /** When a peer is dialled next, for `why`. */
  nextDialAt(entry: Acquaintance): number | undefined {
    const times = [...this.#targets(entry).keys()].map(peer => this.#dials.get(peer)?.at ?? 0)
    return times.length === 0 ? undefined : Math.min(...times)
  }
}

/** The days whose records count now. */
function days({ now }: Turn): number[] {
  const early = presenceDay((now - MIDNIGHT_MARGIN_MS) as typeof now)
  const late = presenceDay((now + MIDNIGHT_MARGIN_MS) as typeof now)
  return early === late ? [late] : [early, late]
}
