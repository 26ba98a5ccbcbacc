/** What several verbs need of the library: whose name is what, and whom a TO means. */
import { HearsayError, type Conversation, type HearsayNode } from 'hearsay'
import type { Names } from '../facts.ts'
import { lookAlikes } from '../output/look-alikes.ts'

/** The names as they are now: of direct conversations, which are called as their contact is, and which look alike. */
export async function namesOf(node: HearsayNode): Promise<Names> {
  const contacts = await node.contacts.list()
  return {
    conversations: new Map(contacts.map(({ id, name }) => [id as string, name])),
    alike: lookAlikes([...contacts, { id: node.identity.id, name: node.identity.name }])
  }
}

/** The conversation that a TO names. Throws UNKNOWN_CONTACT, AMBIGUOUS_CONTACT, UNKNOWN_CONVERSATION. */
export async function conversationOf(node: HearsayNode, to: string): Promise<Conversation> {
  if (to.startsWith('#')) {
    throw new HearsayError('UNKNOWN_CONVERSATION', { message: `There is no group called ${to}.` })
  }
  return node.direct(to.startsWith('@') ? to.slice(1) : to)
}

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
  const fitting = things.filter(({ id }) => id.startsWith(reference))
  return fitting.length === 1 ? fitting[0] : undefined
}

/** Shorter beginnings are too easily another thing's tomorrow. */
const ID_PREFIX_MIN = 4
