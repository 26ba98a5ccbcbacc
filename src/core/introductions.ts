/**
 * Introductions: members of a conversation tell each other where the others are and what they call themselves, so
 * that people who are no contacts of each other find each other.
 *
 * Spec: specs/group.md, section "Introductions". Always true: what others say about somebody never replaces what
 * that one has said; it says where to try, and the hello there proves who answers.
 */
import { equal } from '../base/bytes.ts'
import type { IdentityId, PeerId } from '../base/ids.ts'
import { limits, spec } from '../base/limits.ts'
import type { Introduction } from '../wire/control.ts'
import type { Book } from './book.ts'
import type { Conversation, Link } from './conversation.ts'
import type { Turn } from './turn.ts'

/** Tells whom we are linked with where somebody is now. */
export function introduce(book: Book, turn: Turn, identity: IdentityId): void {
  for (const conversation of book.conversations()) {
    const { members } = conversation
    if (members?.members.has(identity) !== true) continue
    for (const { peer, device } of someLinks(book, conversation))
      if (members.ownerOf(device) !== identity) tellPeople(book, turn, conversation, peer, [identity])
  }
}

/** Whom to tell of one member: everybody, or in a large group a few, since others tell others. */
function someLinks({ random }: Book, { links }: Conversation): readonly Link[] {
  const all = [...links.values()]
  if (all.length <= limits.introducedToMax) return all
  const from = random(1)[0]! % all.length
  return [...all.slice(from), ...all.slice(0, from)].slice(0, limits.introducedToFew)
}

/** Somebody has come into reach in a conversation: it is told where the others are, and they where it is. */
export function introduceIn(
  book: Book,
  turn: Turn,
  conversation: Conversation,
  peer: PeerId,
  identity: IdentityId
): void {
  const { members } = conversation
  if (members === undefined) return
  const others = [...members.members.keys()].filter(each => each !== identity)
  // Of a large group it is told once it has the roster, and can believe it.
  if (others.length <= spec.introductionsMax) tellPeople(book, turn, conversation, peer, others)
  for (const other of someLinks(book, conversation))
    if (other.peer !== peer) tellPeople(book, turn, conversation, other.peer, [identity])
}

/**
 * Somebody has come to the roster that we have: now it believes what it is told about all who are in it, also what
 * came too early.
 */
export function introduceAnew(book: Book, turn: Turn, conversation: Conversation, link: Link): void {
  const { roster, members } = conversation
  const digest = roster?.digest()
  if (digest === undefined || members === undefined || link.roster === undefined) return
  if (!equal(digest, link.roster) || (link.introduced !== undefined && equal(digest, link.introduced))) return
  // Once is enough where not all of them fit.
  if (link.introduced !== undefined && members.members.size > spec.introductionsMax) return
  link.introduced = digest
  const others = [...members.members.keys()].filter(each => each !== members.ownerOf(link.device))
  tellPeople(book, turn, conversation, link.peer, fromAnywhere(book, others))
}

/** The same people from a random one on: of a large group not all fit, and not all newcomers are to meet the same. */
function fromAnywhere(book: Book, people: readonly IdentityId[]): readonly IdentityId[] {
  if (people.length <= spec.introductionsMax) return people
  const [high, low] = book.random(2)
  const from = (high! * 256 + low!) % people.length
  return [...people.slice(from), ...people.slice(0, from)].slice(0, limits.introducedAtOnce)
}

function tellPeople(
  book: Book,
  turn: Turn,
  conversation: Conversation,
  peer: PeerId,
  identities: readonly IdentityId[]
): void {
  const people: Introduction[] = []
  for (const identity of identities) {
    if (people.length >= spec.introductionsMax) break
    const facts = book.get(identity)?.contact.facts
    if (facts === undefined) continue
    const name = facts.claimed
    const presences = [...facts.presences.values()].filter(presence => presence.peer !== peer)
    if (presences.length === 0 && name !== '') people.push({ identity, name, presence: undefined })
    for (const presence of presences) people.push({ identity, name, presence })
  }
  if (people.length > 0)
    conversation.tell(turn, peer, { type: 'introductions', people: people.slice(0, spec.introductionsMax) })
}

/** Takes in what a member says about others. `ours` is our own peer. Returns whether there is somewhere new to try. */
export function followIntroductions(
  book: Book,
  turn: Turn,
  conversation: Conversation,
  people: readonly Introduction[],
  ours: PeerId
): boolean {
  let news = false
  for (const { identity, name, presence } of people) {
    if (conversation.members?.members.has(identity) !== true) continue
    const entry = book.acquaint(turn, identity, name)
    const { contact } = entry
    if (contact.facts.claimed === '') book.claimName(turn, entry, name)
    if (presence === undefined || presence.peer === ours) continue
    if (contact.facts.presences.has(presence.peer)) continue
    news = contact.learnPresence(turn, { ...presence, sequence: 0 }) || news
  }
  return news
}
