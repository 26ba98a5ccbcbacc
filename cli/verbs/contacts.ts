/** Verbs for the people one knows. */
import type { Contact, HearsayNode } from 'hearsay'
import { z } from 'zod'
import { contactFact, contactLine, verificationLine, type ContactFact } from '../facts.ts'
import type { Paint } from '../output/paint.ts'
import { person, row } from '../output/people.ts'
import { joined, literal, safe, safeName, words, type SafeText } from '../output/safe-text.ts'
import { nodeVerb } from '../verb.ts'
import { namesOf } from './conversations.ts'

/** A contact in one row: its name with its marks, how far it is, and what to do next. */
export function contactText(contact: ContactFact, paint: Paint): SafeText {
  const facts = [stateWords[contact.state]]
  if (contact.state === 'ready') facts.push(contact.verified ? literal('verified') : literal('not verified'))
  if (contact.blocked) facts.push(paint('red', literal('blocked')))
  if (contact.online) facts.push(paint('green', literal('online')))
  const next =
    contact.state === 'ready' && !contact.verified
      ? words`. Compare numbers: hearsay verify ${safeName(contact.name)}`
      : literal('')
  return row(person(contact, paint), words`${joined(facts, ', ')}${paint('dim', next)}`)
}

const stateWords = {
  requested: literal('requested, waits for the answer'),
  ready: literal('ready'),
  rejected: literal('rejected the request')
} as const

const named = { name: z.string().meta({ description: 'a contact', names: 'contacts' }) }

export const contacts = nodeVerb({
  name: 'contacts',
  summary: 'list contacts',
  needs: 'node',
  params: {},
  result: contactLine,
  lists: true,
  async *run(_params, { node }) {
    const { alike } = await namesOf(node)
    for (const contact of await node.contacts.list()) yield contactFact(contact, alike)
  },
  text: contactText
})

/** A verb that does one thing to one contact and shows what became of it. */
const change = (
  name: string,
  summary: string,
  needs: 'network' | 'node',
  apply: (node: HearsayNode, contact: string) => Promise<Contact>,
  outcome: SafeText
) =>
  nodeVerb({
    name,
    summary,
    needs,
    params: named,
    positionals: ['name'],
    result: contactLine,
    async *run(params, { node }) {
      const contact = await apply(node, params.name)
      yield contactFact(contact, (await namesOf(node)).alike)
    },
    text: (contact, paint) => row(person(contact, paint), outcome)
  })

export const block = change(
  'block',
  'hear nothing more from a contact',
  'node',
  (node, contact) => node.contacts.block(contact),
  literal('blocked')
)

export const unblock = change(
  'unblock',
  'hear a blocked contact again',
  'node',
  (node, contact) => node.contacts.unblock(contact),
  literal('not blocked any more')
)

export const forget = change(
  'forget',
  'remove a contact with its keys and messages',
  'node',
  (node, contact) => node.contacts.forget(contact),
  literal('forgotten, with all messages')
)

export const rename = nodeVerb({
  name: 'rename',
  summary: 'call a contact something else; only you see it',
  needs: 'node',
  params: { ...named, newName: z.string().meta({ description: 'the new name', value: 'NEW' }) },
  positionals: ['name', 'newName'],
  result: contactLine,
  async *run({ name, newName }, { node }) {
    const contact = await node.contacts.rename(name, newName)
    yield contactFact(contact, (await namesOf(node)).alike)
  },
  text: contactText
})

export const verify = nodeVerb({
  name: 'verify',
  summary: 'show the safety number of a contact, or compare it and mark the contact',
  details:
    'Both sides see the same 60 digits if nobody sits between them. Read them to each other by voice or in person, then give the number that you heard: hearsay verify NAME NUMBER.',
  needs: 'node',
  params: {
    ...named,
    number: z
      .string()
      .optional()
      .meta({ description: 'the number that the other side reads out', rest: true })
  },
  positionals: ['name', 'number'],
  result: verificationLine,
  async *run({ name, number }, { node }) {
    const contact =
      number === undefined
        ? await node.contacts.get(name)
        : await node.contacts.verify(name, number.replaceAll(/\s/gu, ''))
    const safetyNumber = await node.contacts.safetyNumber(contact)
    yield {
      v: 1 as const,
      type: 'verification' as const,
      name: contact.name,
      safetyNumber,
      verified: contact.verified
    }
  },
  text({ name, safetyNumber, verified }, paint) {
    const groups = safetyNumber.replaceAll(/\s/gu, '').match(/\d{1,5}/gu) ?? []
    const digits = joined(
      [groups.slice(0, 6), groups.slice(6)].map(half => safe(half.join(' '))),
      '\n'
    )
    const state = verified
      ? paint('green', literal('verified'))
      : words`not verified. If the other side reads out the same, type: hearsay verify ${safeName(name)} NUMBER`
    return joined([row(safeName(name), state), digits], '\n')
  }
})
