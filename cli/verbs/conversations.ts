/** What several verbs need of the library: whose name is what, and whom or what a word of the command line means. */
import { HearsayError, type Conversation, type Group, type GroupMember, type HearsayNode } from 'hearsay'
import type { Names } from '../facts.ts'
import { lookAlikes } from '../output/look-alikes.ts'

/**
 * The names as they are now. What a member of a group calls itself is held against the names of our contacts too:
 * nobody passes for one of them by meeting us in a group.
 */
export async function namesOf(node: HearsayNode): Promise<Names> {
  const [contacts, groups] = await Promise.all([node.contacts.list(), node.groups.list()])
  const members = groups.flatMap(group => group.members)
  const people = [...members, ...contacts, { id: node.identity.id, name: node.identity.name }]
  return {
    people: new Map(people.map(({ id, name }) => [id, name])),
    groups: new Map(groups.map(({ id, name }) => [id, name])),
    alike: new Set([...lookAlikes(people), ...lookAlikes(groups)])
  }
}

/**
 * The conversation that a TO names: a contact, with or without `@`; a group, with `#`; or a whole id. A name alone
 * never means a group: who may rename a group must not be able to take the place of a contact.
 * @throws UNKNOWN_CONTACT, AMBIGUOUS_CONTACT, UNKNOWN_GROUP, AMBIGUOUS_GROUP
 */
export async function conversationOf(node: HearsayNode, to: string): Promise<Conversation> {
  if (to.startsWith('#')) return node.groups.conversation(to)
  const groups = await node.groups.list()
  const group = groups.find(({ id }) => id === to)
  if (group !== undefined) return node.conversation(group.id)
  try {
    return await node.direct(to.startsWith('@') ? to.slice(1) : to)
  } catch (cause) {
    if (!isUnknownContact(cause) || groups.every(({ name }) => name !== to)) throw cause
    throw new HearsayError('UNKNOWN_CONTACT', {
      message: `There is no contact called ${to}, but a group.`,
      hint: `Groups are written with a #, in quotes: '#${to}'`,
      cause
    })
  }
}

const isUnknownContact = (error: unknown): boolean =>
  error instanceof HearsayError && error.code === 'UNKNOWN_CONTACT'

/**
 * The member of a group that somebody means, by id, by name, or by a beginning of either that fits only one.
 * Members need not be contacts.
 * @throws NOT_A_MEMBER, AMBIGUOUS_CONTACT
 */
export function memberOf(group: Group, reference: string): GroupMember {
  const wanted = reference.startsWith('@') ? reference.slice(1) : reference
  const { members } = group
  const byName = members.filter(({ name }) => name === wanted)
  const near = members.filter(({ name }) => name.startsWith(wanted))
  const found = byId(members, wanted) ?? only(byName) ?? (byName.length === 0 ? only(near) : undefined)
  if (found !== undefined) return found
  if (near.length === 0) {
    throw new HearsayError('NOT_A_MEMBER', { message: `${wanted} is not a member of #${group.name}.` })
  }
  const fitting = near.map(({ name, id }) => `${name} (${id.slice(0, ID_SHOWN)})`).join(', ')
  throw new HearsayError('AMBIGUOUS_CONTACT', { message: `It fits ${fitting}.` })
}

const only = <Thing>(things: readonly Thing[]): Thing | undefined =>
  things.length === 1 ? things[0] : undefined

/**
 * The one thing that a whole id, or the beginning of it, means.
 * @returns undefined when none fits, or several do
 */
export function byId<Thing extends { readonly id: string }>(
  things: readonly Thing[],
  reference: string
): Thing | undefined {
  const whole = things.find(({ id }) => id === reference)
  if (whole !== undefined || reference.length < ID_PREFIX_MIN) return whole
  return only(things.filter(({ id }) => id.startsWith(reference)))
}

/** Shorter beginnings are too easily another thing's tomorrow. */
const ID_PREFIX_MIN = 4
/** How much of an id tells two people of one name apart. */
const ID_SHOWN = 8
