/**
 * What our devices tell each other of contacts and groups: cards, whenever two of them meet and after every change.
 *
 * Spec: specs/devices.md, section "Cards". Of two cards about one contact the one with the higher version counts,
 * of two with one version the one with the greater hash; secrets and rosters are not chosen between but put
 * together. What belongs to one device stays there: invites, and the requests that come by them, since only who
 * made the invite can open them.
 * Always true: devices that have exchanged their cards show the same contacts under the same names.
 */
import { compare } from '../base/bytes.ts'
import { HearsayError, malformed } from '../base/errors.ts'
import type { ConversationId, IdentityId, OperationId, PeerId } from '../base/ids.ts'
import { spec } from '../base/limits.ts'
import { labelledHash } from '../crypto/hash.ts'
import { encodeControlBody } from '../wire/control.ts'
import type { Card, ContactCard, GroupCard, SharedSecret } from '../wire/own-devices.ts'
import type { Acquaintance, Book } from './book.ts'
import { noChannels } from './channels.ts'
import type { Channels } from './channels.ts'
import { CONTACTS, listedState } from './contact.ts'
import type { Conversation } from './conversation.ts'
import { claimedName, foldName } from './names.ts'
import type { PastSync } from './past-sync.ts'
import { decodeCardVersion, encodeCardVersion } from './records/card-version.ts'
import type { CardVersion } from './records/card-version.ts'
import { Roster } from './roster.ts'
import { ROOMS } from './room.ts'
import type { Room } from './room.ts'
import { beginRoster, compareRosters, rosterChanged } from './roster-sync.ts'
import type { Turn } from './turn.ts'

/** The version of each card, by kind and id. */
export const CARDS = 'cards'

const NO_ROSTER = new Uint8Array(32)

export class SelfSync {
  readonly #book: Book
  readonly #past: PastSync
  readonly #versions = new Map<string, CardVersion>()

  constructor(book: Book, past: PastSync) {
    this.#book = book
    this.#past = past
  }

  restore(key: string, record: Uint8Array): void {
    this.#versions.set(key, decodeCardVersion(record))
  }

  /** Whether there is anybody to tell. */
  get #isAlone(): boolean {
    return this.#book.own.devices.length < 2
  }

  /** Everything that we know, for a sibling that has come. */
  tellAll(turn: Turn, peer: PeerId): void {
    const cards: Card[] = []
    for (const { contact } of this.#book.all())
      cards.push(...this.#revised(turn, contactKey(contact.facts.id)))
    for (const id of this.#book.rooms.keys()) cards.push(...this.#revised(turn, groupKey(id)))
    for (const [key, { forgotten }] of this.#versions) if (forgotten) cards.push(...this.#revised(turn, key))
    this.#tell(turn, [peer], cards)
  }

  /** After every batch: what has changed in it goes to the siblings who are there. */
  settle(turn: Turn): void {
    if (this.#isAlone) return
    const keys = [
      ...turn.touched(CONTACTS).map(id => contactKey(id as IdentityId)),
      ...turn.touched(ROOMS).map(id => groupKey(id as ConversationId))
    ]
    const changed = keys.filter(key => this.#hasChanged(key)).flatMap(key => this.#revised(turn, key))
    if (changed.length > 0) this.#tell(turn, [...this.#book.siblings.keys()], changed)
  }

  #hasChanged(key: string): boolean {
    const known = this.#versions.get(key)
    const card = this.#cardOf(key, known)
    return card !== undefined && (known === undefined || compare(known.digest, digestOf(card)) !== 0)
  }

  /** The card as it is now, with the next version where it is not as it was. None where there is nothing to say. */
  #revised(turn: Turn, key: string): Card[] {
    const known = this.#versions.get(key)
    const card = this.#cardOf(key, known)
    if (card === undefined) return []
    const digest = digestOf(card)
    const same = known !== undefined && compare(known.digest, digest) === 0
    const version = same ? known.version : (known?.version ?? 0) + 1
    if (!same) this.#keep(turn, key, { version, digest, forgotten: card.standing === 'forgotten' })
    return [{ ...card, version }]
  }

  #keep(turn: Turn, key: string, version: CardVersion): void {
    this.#versions.set(key, version)
    turn.save(CARDS, key, () => encodeCardVersion(version))
  }

  #tell(turn: Turn, peers: readonly PeerId[], cards: readonly Card[]): void {
    const self = this.#book.get(this.#book.own.identity)
    if (self === undefined) return
    for (let first = 0; first < cards.length; first += spec.cardsPerMessageMax) {
      const page = cards.slice(first, first + spec.cardsPerMessageMax)
      for (const peer of peers) {
        const envelopes = self.contact.control(turn, { type: 'cards', cards: page })
        if (envelopes.length > 0) turn.emit({ type: 'transmit', peer, envelopes, messages: undefined })
      }
    }
  }

  #cardOf(key: string, known: CardVersion | undefined): Card | undefined {
    const id = key.slice(key.indexOf('/') + 1)
    return key.startsWith('contact/')
      ? this.#contactCard(id as IdentityId, known)
      : this.#groupCard(id as ConversationId, known)
  }

  #contactCard(identity: IdentityId, known: CardVersion | undefined): ContactCard | undefined {
    const entry = this.#book.get(identity)
    const standing = entry && listedState(entry.contact.facts.state)
    if (entry === undefined || standing === undefined)
      return known === undefined ? undefined : forgottenContact(identity)
    const { name, verified, blocked, addedAt, presenceSecret, channels, presences } = entry.contact.facts
    return {
      type: 'contact',
      identity,
      version: 1,
      standing,
      name,
      verified,
      blocked,
      addedAt,
      presenceSecret,
      channels,
      creates: createsOf(entry.conversation),
      presences: [...presences.values()]
    }
  }

  #groupCard(id: ConversationId, known: CardVersion | undefined): GroupCard | undefined {
    const room = this.#book.rooms.get(id)
    const group = id as string as OperationId
    const version = 1
    if (room !== undefined) {
      const { state: standing, channels } = room.facts
      return { type: 'group', group, version, standing, name: room.name, channels }
    }
    if (known === undefined) return undefined
    return { type: 'group', group, version, standing: 'forgotten', name: '', channels: [] }
  }

  /** Takes in the cards of a sibling. What does not hold is passed over, and told by MALFORMED at the end. */
  receive(turn: Turn, peer: PeerId, cards: readonly Card[]): void {
    let refused: HearsayError | undefined
    for (const card of cards) {
      try {
        if (card.type === 'contact') this.#receiveContact(turn, peer, card)
        else this.#receiveGroup(turn, peer, card)
      } catch (error) {
        if (!(error instanceof HearsayError)) throw error
        refused = error
      }
    }
    if (refused !== undefined) throw refused
  }

  /** Whether a card is newer than what we have; then its version is ours. */
  #isNewer(turn: Turn, key: string, card: Card): boolean {
    const known = this.#versions.get(key)
    const digest = digestOf(card)
    const order = known === undefined ? 1 : card.version - known.version || compare(digest, known.digest)
    if (order > 0)
      this.#keep(turn, key, { version: card.version, digest, forgotten: card.standing === 'forgotten' })
    return order > 0
  }

  #receiveContact(turn: Turn, peer: PeerId, card: ContactCard): void {
    const book = this.#book
    const { identity, standing, creates, channels, presences } = card
    if (identity === book.own.identity) throw malformed('a card about ourselves')
    for (const create of creates) requireOurs(Roster.begin(create), book.own.identity, identity)
    const newer = this.#isNewer(turn, contactKey(identity), card)
    const before = book.get(identity)
    const listed = before?.contact.isListed === true
    if (standing === 'forgotten') {
      if (newer && listed) this.#forget(turn, before)
      return
    }
    // We have forgotten it since.
    if (!newer && !listed) return
    const entry = book.acquaint(turn, identity)
    const { contact, conversation } = entry
    const { facts } = contact
    for (const presence of presences) contact.learnPresence(turn, presence)
    if (newer) {
      Object.assign(facts, { verified: card.verified, blocked: card.blocked })
      facts.presenceSecret = card.presenceSecret ?? facts.presenceSecret
      facts.name = this.#claim(turn, identity, card.name)
      facts.state = standing
    }
    this.#begin(turn, conversation, creates)
    merge(turn, contact.channels, facts.channels, channels, conversation)
    if (contact.channels.isOpen) facts.state = 'ready'
    contact.save(turn)
    if (newer) turn.announce({ type: listed ? 'contact:changed' : 'contact:added', contact: contact.view() })
    if (!listed) this.#past.want(turn, conversation.id)
    book.membershipMoved = true
    if (conversation.rosters.size > 0) compareRosters(conversation, turn, peer, NO_ROSTER)
  }

  #forget(turn: Turn, entry: Acquaintance): void {
    const contact = entry.contact.view()
    for (const peer of entry.contact.online) turn.emit({ type: 'hang-up', peer })
    this.#book.remove(turn, entry)
    turn.announce({ type: 'contact:removed', contact })
  }

  #begin(turn: Turn, conversation: Conversation, creates: readonly Uint8Array[]): void {
    for (const create of creates) {
      const known = conversation.rosters.size
      beginRoster(conversation, turn, create)
      if (conversation.rosters.size > known) rosterChanged(conversation, turn)
    }
  }

  /** The name of a card; of two contacts with one name the one with the smaller id keeps it, on every device. */
  #claim(turn: Turn, identity: IdentityId, text: string): string {
    const name = claimedName(text)
    if (name === '') return identity.slice(0, 16)
    for (const { contact } of this.#book.all()) {
      const { facts } = contact
      if (facts.id === identity || foldName(facts.name) !== foldName(name)) continue
      if (contact.isListed && facts.id < identity) return toldApart(name, identity)
      facts.name = toldApart(name, facts.id)
      contact.save(turn)
      if (contact.isListed) turn.announce({ type: 'contact:changed', contact: contact.view() })
    }
    return name
  }

  #receiveGroup(turn: Turn, peer: PeerId, card: GroupCard): void {
    const { rooms } = this.#book
    const id = card.group as string as ConversationId
    const newer = this.#isNewer(turn, groupKey(id), card)
    const before = rooms.get(id)
    if (card.standing === 'forgotten') {
      if (newer && before !== undefined && before.facts.state !== 'joined')
        this.#book.removeRoom(turn, before)
      return
    }
    if (before === undefined && !newer) return
    const room = before ?? this.#beginRoom(turn, id, card)
    merge(turn, room.channels, room.facts.channels, card.channels, room.conversation)
    room.save(turn)
    this.#book.membershipMoved = true
    compareRosters(room.conversation, turn, peer, NO_ROSTER)
  }

  #beginRoom(turn: Turn, id: ConversationId, { name, standing }: GroupCard): Room {
    const state = standing === 'left' || standing === 'removed' ? standing : 'joining'
    const shown = claimedName(name) || id.slice(0, 8)
    const room = this.#book.addRoom({
      ...noChannels(),
      id,
      name: shown,
      state,
      invited: [],
      consented: undefined
    })
    room.conversation.save(turn)
    this.#past.want(turn, id)
    return room
  }
}

const contactKey = (id: IdentityId): string => `contact/${id}`
const groupKey = (id: ConversationId): string => `group/${id}`

const forgottenContact = (identity: IdentityId): ContactCard => ({
  type: 'contact',
  identity,
  version: 1,
  standing: 'forgotten',
  name: '',
  verified: false,
  blocked: false,
  addedAt: 0 as ContactCard['addedAt'],
  presenceSecret: undefined,
  channels: [],
  creates: [],
  presences: []
})

const createsOf = ({ rosters }: Conversation): Uint8Array[] =>
  [...rosters.values()].slice(-spec.sharedSecretsMax).map(roster => roster.operations()[0]!)

/** What a card says, but for where somebody is and what every device finds out by itself. */
function digestOf(card: Card): Uint8Array {
  const channels = card.channels.toSorted((a, b) => (a.group < b.group ? -1 : 1))
  const said: Card =
    card.type === 'contact'
      ? {
          ...card,
          version: 1,
          addedAt: 0 as ContactCard['addedAt'],
          presences: [],
          channels,
          creates: card.creates.toSorted(compare)
        }
      : {
          ...card,
          version: 1,
          name: '',
          standing: card.standing === 'forgotten' ? 'forgotten' : 'joined',
          channels
        }
  return labelledHash('card', encodeControlBody({ type: 'cards', cards: [said] }))
}

function requireOurs({ kind, current }: Roster, us: IdentityId, them: IdentityId): void {
  const { members } = current
  if (kind !== 'direct' || members.size !== 2 || !members.has(us) || !members.has(them))
    throw malformed('a roster of others')
}

/** Puts secrets together, so that the same is the newest everywhere. */
function merge(
  turn: Turn,
  channels: Channels,
  ours: readonly SharedSecret[],
  theirs: readonly SharedSecret[],
  { rosters }: Conversation
): void {
  const missing = theirs.filter(({ group }) => !ours.some(each => each.group === group))
  if (missing.length === 0) return
  const begunAt = ({ group }: SharedSecret): number => rosters.get(group)?.create.createdAt ?? 0
  const all = [...ours, ...missing].toSorted(
    (a, b) => begunAt(a) - begunAt(b) || (a.group < b.group ? -1 : 1)
  )
  for (const channel of all) channels.add(turn, channel)
}

/** A name with enough of the id behind it that nobody else has it. */
const toldApart = (name: string, id: IdentityId): string =>
  claimedName(`${name.slice(0, 24)}-${id.slice(0, 8)}`) || id.slice(0, 16)
