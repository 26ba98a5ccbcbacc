/** Verbs of first contact: making invites and redeeming them. What comes through reusable ones: requests.ts. */
import { HearsayError, type InviteId } from 'hearsay'
import { z } from 'zod'
import { duration } from '../durations.ts'
import { contactFact, contactLine, inviteFact, inviteLine, type InviteFact } from '../facts.ts'
import { localMoment, row } from '../output/people.ts'
import { literal, safe, words, type SafeText } from '../output/safe-text.ts'
import { nodeVerb } from '../verb.ts'
import { contactText } from './contacts.ts'
import { byId, namesOf } from './conversations.ts'
import { linkText, qr } from './links.ts'
import { answerOf, timeout, untilReady } from './waiting.ts'

export const invite = nodeVerb({
  name: 'invite',
  summary: 'make an invite for somebody to become your contact',
  details:
    'Give the link to one person, by any way that you trust: read aloud, scanned, mailed. Who redeems a one-time invite is accepted by itself. A reusable one may be published; requests through it wait for you: hearsay requests.',
  needs: 'network',
  params: {
    reusable: z
      .boolean()
      .default(false)
      .meta({ description: 'may be redeemed many times; requests wait for you' }),
    expires: duration('when it ends; default 7d for one-time invites').optional(),
    qr
  },
  result: inviteLine,
  async *run({ reusable, expires }, { node }) {
    const lifetime = expires === undefined ? {} : { expiresInMs: expires }
    yield inviteFact(await node.contacts.invite({ reusable, ...lifetime }))
  },
  text: ({ link }, _paint, params) => linkText(link, params.qr)
})

function inviteText({ id, state, reusable, expiresAt, link }: InviteFact): SafeText {
  const kind = reusable ? literal('reusable') : literal('one-time')
  const until = expiresAt === null ? literal('') : words`, until ${localMoment(expiresAt)}`
  const open = state === 'open' ? words`\n${safe(link)}` : literal('')
  return row(safe(id.slice(0, 8)), words`${kind}, ${safe(state)}${until}${open}`)
}

export const invites = nodeVerb({
  name: 'invites',
  summary: 'list invites',
  needs: 'node',
  params: {},
  result: inviteLine,
  lists: true,
  async *run(_params, { node }) {
    for (const each of await node.contacts.invites()) yield inviteFact(each)
  },
  text: inviteText
})

export const revokeInvite = nodeVerb({
  name: 'invites.revoke',
  summary: 'end an invite; contacts made through it stay',
  needs: 'node',
  params: { id: z.string().meta({ description: 'the id of the invite, or how it begins' }) },
  positionals: ['id'],
  result: inviteLine,
  async *run({ id }, { node }) {
    const found = byId(await node.contacts.invites(), id)
    if (found === undefined) throw new HearsayError('UNKNOWN_INVITE')
    yield inviteFact(await node.contacts.revokeInvite(found.id satisfies InviteId))
  },
  text: inviteText
})

export const add = nodeVerb({
  name: 'add',
  summary: 'add a contact from an invite',
  details:
    'Works while the other side is away: the request waits for it. Compare safety numbers afterwards: hearsay verify NAME.',
  needs: 'network',
  params: {
    name: z.string().meta({ description: 'what you call this contact', value: 'NAME' }),
    link: z.string().meta({ description: 'the invite; - reads it from standard input', standardInput: true }),
    greeting: z.string().optional().meta({ description: 'a word to go with the request', value: 'TEXT' }),
    until: untilReady,
    timeout
  },
  positionals: ['name', 'link'],
  result: contactLine,
  async *run({ name, link, greeting, until, timeout: timeoutMs }, context) {
    const { node, host, note } = context
    const contact = await node.contacts.add(link.trim(), {
      name,
      ...(greeting === undefined ? {} : { greeting })
    })
    const failure = await answerOf(signal => node.contacts.ready(contact, { signal }), {
      required: until === 'ready',
      timeoutMs,
      hint: 'The request waits. Look again later: hearsay contacts',
      context
    })
    const now = await node.contacts.get(contact.id)
    yield contactFact(now, (await namesOf(node)).alike)
    if (failure !== undefined) throw failure.cause
    if (now.state === 'requested' && !host.stays) {
      note(literal('No answer yet. The request is repeated while a node runs: hearsay up'))
    }
  },
  text: contactText
})
