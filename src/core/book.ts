/**
 * The contact book: all contacts, and the conversation with each.
 *
 * Spec: specs/contact.md. Always true: no two contacts have the same name, as far as a person who types it can
 * tell; a contact and its conversation come and go together.
 */
import { HearsayError } from '../base/errors.ts'
import type { ConversationId, DeviceId, IdentityId, PeerId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import type { Random } from '../base/random.ts'
import type { CipherSuite } from '../crypto/mls/index.ts'
import { Contact, CONTACTS, COUNTERS } from './contact.ts'
import type { ContactFacts } from './contact.ts'
import { Conversation, CONVERSATIONS, MESSAGES, OUTBOX, PENDING } from './conversation.ts'
import { reseal } from './compose.ts'
import { KeyPackages } from './key-packages.ts'
import { checkName, claimedName, foldName } from './names.ts'
import type { Own } from './self.ts'
import { beginSweep } from './sweep.ts'
import type { DeviceList } from './seal/device-list.ts'
import type { Turn } from './turn.ts'

/** A contact and the conversation with it. */
export interface Acquaintance {
  readonly contact: Contact
  readonly conversation: Conversation
}

export class Book {
  readonly own: Own
  readonly packages: KeyPackages
  readonly random: Random
  readonly #entries = new Map<IdentityId, Acquaintance>()

  constructor(init: { own: Own; suite: CipherSuite; random: Random }) {
    this.own = init.own
    this.random = init.random
    this.packages = new KeyPackages(init)
  }

  /** Takes in a contact, made or restored. */
  add(facts: ContactFacts): Acquaintance {
    const { own, random, packages } = this
    const contact = new Contact(facts, { own, random, packages })
    const conversation = new Conversation({ identity: own.identity, self: own.device, with: contact, random })
    const entry = { contact, conversation }
    this.#entries.set(facts.id, entry)
    return entry
  }

  all(): IterableIterator<Acquaintance> {
    return this.#entries.values()
  }

  get size(): number {
    return this.#entries.size
  }

  get(id: IdentityId | ConversationId): Acquaintance | undefined {
    return this.#entries.get(id as IdentityId)
  }

  /** Who is meant: by id, by name, or by a part of either that fits only one. Throws UNKNOWN_CONTACT, AMBIGUOUS_CONTACT. */
  find(reference: string): Acquaintance {
    const wanted = foldName(reference.trim())
    const all = [...this.#entries.values()]
    const exact = all.filter(
      ({ contact: { facts } }) => facts.id === wanted || foldName(facts.name) === wanted
    )
    if (exact.length === 1) return exact[0]!
    const partial =
      wanted === ''
        ? []
        : all.filter(
            ({ contact: { facts } }) => facts.id.startsWith(wanted) || foldName(facts.name).startsWith(wanted)
          )
    if (partial.length === 1) return partial[0]!
    if (partial.length === 0)
      throw new HearsayError('UNKNOWN_CONTACT', { message: `There is no contact called "${reference}".` })
    const names = partial
      .slice(0, 10)
      .map(({ contact }) => contact.facts.name)
      .join(', ')
    throw new HearsayError('AMBIGUOUS_CONTACT', { message: `Several contacts fit "${reference}": ${names}.` })
  }

  /** A name for a new contact, or a new name for `id`. Throws NAME_INVALID, CONTACT_EXISTS. */
  freeName(text: string, id?: IdentityId): string {
    const name = checkName(text)
    if (this.#taken(name, id))
      throw new HearsayError('CONTACT_EXISTS', { message: `There is already a contact called "${name}".` })
    return name
  }

  /** A name as near as can be to the one that a stranger claims. */
  nameFor(claimed: string, id: IdentityId): string {
    const base = claimedName(claimed)
    if (base !== '' && !this.#taken(base, id)) return base
    if (base === '') return id.slice(0, 16)
    for (let number = 2; number < limits.nameTriesMax; number++) {
      const name = claimedName(`${base}-${number}`)
      if (name !== '' && !this.#taken(name, id)) return name
    }
    return id.slice(0, 16)
  }

  #taken(name: string, except: IdentityId | undefined): boolean {
    const folded = foldName(name)
    for (const { contact } of this.#entries.values())
      if (contact.facts.id !== except && foldName(contact.facts.name) === folded) return true
    return false
  }

  /** Takes in a verified device list of a contact: what was sealed for devices that are gone is sealed again. */
  learnDevices(turn: Turn, { contact, conversation }: Acquaintance, list: DeviceList): boolean {
    const comparison = contact.learnDevices(turn, list)
    if (comparison === 'forged') return false
    if (comparison === 'supersedes') {
      const live = new Set<DeviceId>([...list.devices, this.own.device])
      conversation.group.retain(turn, live)
      for (const device of conversation.outbox.acknowledged.keys())
        if (!live.has(device)) conversation.outbox.acknowledged.delete(device)
      conversation.save(turn)
    }
    return true
  }

  /** Seals again what was sealed for an epoch that is gone. */
  resealLost(turn: Turn, { conversation }: Acquaintance): void {
    const { group, outbox } = conversation
    if (group.head === undefined) return
    for (const item of outbox.items.values())
      if (item.epoch === undefined || !group.holds(item.epoch) || item.envelope === undefined)
        reseal(conversation, turn, item)
  }

  /** Whose device may be at a peer: those who said so. */
  expectedAt(peer: PeerId): Acquaintance[] {
    return [...this.#entries.values()].filter(({ contact }) => contact.facts.presences.has(peer))
  }

  /** Removes a contact, its keys and its messages. */
  remove(turn: Turn, { contact, conversation }: Acquaintance): void {
    this.#entries.delete(contact.facts.id)
    conversation.group.retain(turn, new Set())
    turn.remove(CONTACTS, contact.facts.id)
    turn.remove(COUNTERS, contact.facts.id)
    turn.remove(CONVERSATIONS, conversation.id)
    // "0" is the character after "/": everything under this conversation.
    for (const collection of [MESSAGES, OUTBOX, PENDING])
      beginSweep(turn, { collection, from: `${conversation.id}/`, to: `${conversation.id}0` })
  }
}
