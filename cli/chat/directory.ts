/** Whom and what one can write to, as the chat knows it: what names mean, and what changed. */
import { HearsayError } from 'hearsay'
import type { ContactFact } from '../facts.ts'
import type { GroupFact } from '../group-facts.ts'
import { safeName, words, type SafeText } from '../output/safe-text.ts'
import type { KnownNames } from '../program.ts'

/** A conversation that can be opened: a contact or a group. */
export interface Place {
  readonly kind: 'direct' | 'group'
  readonly id: string
  readonly name: string
}

/** How a place is called on the screen. */
export const placeName = ({ kind, name }: Pick<Place, 'kind' | 'name'>): SafeText =>
  kind === 'group' ? words`#${safeName(name)}` : safeName(name)

export class Directory {
  #contacts: readonly ContactFact[] = []
  #groups: readonly GroupFact[] = []

  /** Takes the lists as they are now. */
  update(contacts: readonly ContactFact[], groups: readonly GroupFact[]): void {
    this.#contacts = contacts
    this.#groups = groups
  }

  /** Takes a group as it is now. Returns what it was. */
  put(group: GroupFact): GroupFact | undefined {
    const before = this.#groups.find(({ id }) => id === group.id)
    this.#groups = [...this.#groups.filter(({ id }) => id !== group.id), group]
    return before
  }

  /** Forgets a group. */
  drop(group: string): void {
    this.#groups = this.#groups.filter(({ id }) => id !== group)
  }

  get isEmpty(): boolean {
    return this.#contacts.length === 0 && this.#groups.length === 0
  }

  /** The names that may be typed. */
  get names(): KnownNames {
    return {
      contacts: this.#contacts.map(({ name }) => name),
      groups: this.#groups.map(({ name }) => name)
    }
  }

  contact(id: string): ContactFact | undefined {
    return this.#contacts.find(contact => contact.id === id)
  }

  group(id: string): GroupFact | undefined {
    return this.#groups.find(group => group.id === id)
  }

  /** The place with this id, as it is called now. */
  place(id: string): Place | undefined {
    const group = this.group(id)
    if (group !== undefined) return { kind: 'group', id, name: group.name }
    const contact = this.contact(id)
    return contact === undefined ? undefined : { kind: 'direct', id, name: contact.name }
  }

  /** The one place that is called exactly so, a group with its `#`. */
  called(reference: string): Place | undefined {
    const { exact } = this.#fitting(reference)
    return exact.length === 1 ? exact[0] : undefined
  }

  /**
   * The place that somebody means, by its whole name or id or by a beginning of its name that fits only one.
   * @throws UNKNOWN_CONTACT, AMBIGUOUS_CONTACT, UNKNOWN_GROUP, AMBIGUOUS_GROUP
   */
  find(reference: string): Place {
    const { exact, near } = this.#fitting(reference)
    const fitting = exact.length > 0 ? exact : near
    const [found] = fitting
    const isGroup = reference.startsWith('#')
    if (found === undefined) {
      const wanted = isGroup ? `no group called ${reference}` : `no contact called ${reference}`
      throw new HearsayError(isGroup ? 'UNKNOWN_GROUP' : 'UNKNOWN_CONTACT', {
        message: `There is ${wanted}.`
      })
    }
    if (fitting.length === 1) return found
    throw new HearsayError(isGroup ? 'AMBIGUOUS_GROUP' : 'AMBIGUOUS_CONTACT', {
      message: `It fits ${fitting.map(({ name, id }) => `${name} (${id.slice(0, ID_SHOWN)})`).join(', ')}.`
    })
  }

  #fitting(reference: string): { readonly exact: readonly Place[]; readonly near: readonly Place[] } {
    const byId = this.place(reference)
    if (byId !== undefined) return { exact: [byId], near: [] }
    const isGroup = reference.startsWith('#')
    const wanted = /^[#@]/u.test(reference) ? reference.slice(1) : reference
    const places = (isGroup ? this.#groups : this.#contacts).map(({ id, name }): Place => ({
      kind: isGroup ? 'group' : 'direct',
      id,
      name
    }))
    return {
      exact: places.filter(({ name }) => name === wanted),
      near: places.filter(({ name }) => name.startsWith(wanted))
    }
  }
}

/** How much of an id tells two of one name apart. */
const ID_SHOWN = 8
