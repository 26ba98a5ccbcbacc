/**
 * Greeting: what is said on a stream before anything else, and where we are.
 *
 * Spec: specs/delivery.md, section 2 ("Hello").
 */
import type { PeerId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import type { Presence } from '../wire/presence.ts'
import type { Acquaintance, Book } from './book.ts'
import type { Hello, Session } from './session.ts'
import type { Turn } from './turn.ts'

/** Says hello on every channel that the other may read: as a contact, and as a member of a group. */
export function greet(
  book: Book,
  turn: Turn,
  session: Session,
  from: PeerId,
  { contact }: Acquaintance
): void {
  const { id, blocked } = contact.facts
  if (blocked || session.greeted.has(id)) return
  const { own } = book
  const hello: Hello = { type: 'hello', from, to: session.peer, devices: own.devices, name: own.name }
  // A device of ours may have missed the newest secret; so may one that was shut out, and learns it so.
  const { channels } = contact
  const envelopes = [
    ...(id === own.identity ? channels.sealUnderAll(turn, hello) : channels.seal(turn, hello))
  ]
  for (const room of book.rooms.values()) {
    if (envelopes.length >= limits.hellosMax) break
    if (room.conversation.roster?.everIncluded(id) === true)
      envelopes.push(...room.channels.seal(turn, hello))
  }
  if (envelopes.length === 0) return
  session.greeted.add(id)
  turn.emit({ type: 'transmit', peer: session.peer, envelopes, messages: undefined })
}

/** Tells somebody proven where we are, unless it knows: a contact how to find us later as well. */
export function tellPresence(book: Book, turn: Turn, session: Session, presence: Presence): void {
  const { peer, proven } = session
  const told = `${presence.sequence} ${book.own.secretsSince}`
  if (proven === undefined || session.told === told) return
  const { contact } = proven.entry
  const { facts, channels } = contact
  const shared = [...book.rooms.values()].find(({ conversation }) => conversation.links.has(peer))
  const secret = book.own.presenceSecret
  const envelopes = channels.isOpen
    ? channels.seal(turn, { type: 'presence', presence, secret })
    : (shared?.channels.seal(turn, { type: 'presence', presence, secret: undefined }) ?? [])
  if (envelopes.length === 0) return
  session.told = told
  facts.toldPresence = presence.sequence
  contact.save(turn)
  turn.emit({ type: 'transmit', peer, envelopes, messages: undefined })
}
