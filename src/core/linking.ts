/**
 * Linking: which proven device takes part in which conversations, who is told that it is out, and which topics of
 * gossip are listened to.
 *
 * Spec: specs/delivery.md and specs/group.md. Always true: a device is linked exactly where its identity and ours both
 * take part, by all that we know.
 */
import type { IdentityId } from '../base/ids.ts'
import type { Book } from './book.ts'
import type { Conversation } from './conversation.ts'
import { introduceIn } from './introductions.ts'
import { haveMet, tellParted, whoParted } from './parting.ts'
import { presenceDay } from './seal/presence-record.ts'
import type { Session } from './session.ts'
import type { Proven } from './speakers.ts'
import { addLink, removeLink } from './transmission.ts'
import type { Turn } from './turn.ts'

export class Linking {
  readonly #book: Book
  #topics: ReadonlySet<string> = new Set()
  #topicsOf: number | undefined

  constructor(book: Book) {
    this.#book = book
  }

  /** Whether the topics are those of another day. */
  isStale({ now }: Turn): boolean {
    return this.#topicsOf !== presenceDay(now)
  }

  /** Links every proven device to the conversations that it takes part in, and to no other. */
  relink(turn: Turn, sessions: Iterable<Session>): void {
    this.#book.membershipMoved = false
    const { own } = this.#book
    for (const session of sessions) {
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
    this.listen(turn)
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
  listen(turn: Turn): void {
    const wanted = new Set<string>()
    for (const conversation of this.#book.conversations())
      if (conversation.links.size > 0) for (const topic of conversation.with.topics(turn)) wanted.add(topic)
    for (const topic of wanted) if (!this.#topics.has(topic)) turn.emit({ type: 'subscribe', topic })
    for (const topic of this.#topics) if (!wanted.has(topic)) turn.emit({ type: 'unsubscribe', topic })
    this.#topics = wanted
    this.#topicsOf = presenceDay(turn.now)
  }
}
