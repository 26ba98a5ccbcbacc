/** Verbs for what waits for a person's word: contact requests through reusable invites, and invitations to groups. */
import {
  HearsayError,
  type ContactRequest,
  type Group,
  type GroupInvitation,
  type HearsayNode
} from 'hearsay'
import { z } from 'zod'
import { contactFact, contactLine, requestFact, requestLine, type RequestFact } from '../facts.ts'
import { groupFact, groupLine, invitationFact, invitationLine } from '../group-facts.ts'
import { localMoment, row, shortFingerprint } from '../output/people.ts'
import { indented, literal, safe, safeLines, safeName, words, type SafeText } from '../output/safe-text.ts'
import { nodeVerb, type Context } from '../verb.ts'
import { contactText } from './contacts.ts'
import { byId, namesOf } from './conversations.ts'
import { groupText, invitationText } from './group-text.ts'
import { answerOf, timeout } from './waiting.ts'

const requestText = ({ id, name, from, greeting, receivedAt }: RequestFact): SafeText =>
  row(
    safe(id.slice(0, 8)),
    words`${safeName(name)} ⟨${shortFingerprint(from)}⟩, ${localMoment(receivedAt)}${
      greeting === '' ? literal('') : words`\n             ${indented(safeLines(greeting), 13)}`
    }`
  )

export const requests = nodeVerb({
  name: 'requests',
  summary: 'list contact requests and invitations to groups that wait for you',
  needs: 'node',
  params: {},
  result: z.discriminatedUnion('type', [requestLine, invitationLine]),
  lists: true,
  async *run(_params, { node }) {
    const names = await namesOf(node)
    for (const each of await node.contacts.requests()) yield requestFact(each)
    for (const each of await node.groups.invitations()) yield invitationFact(each, names)
  },
  text: (fact, paint) => (fact.type === 'request' ? requestText(fact) : invitationText(fact, paint))
})

type Waiting =
  | { readonly id: string; readonly request: ContactRequest }
  | { readonly id: string; readonly invitation: GroupInvitation }

/** What somebody means of all that waits. Throws UNKNOWN_REQUEST. */
async function waitingOf(node: HearsayNode, reference: string): Promise<Waiting> {
  const [people, invitations] = await Promise.all([node.contacts.requests(), node.groups.invitations()])
  const found = byId<Waiting>(
    [
      ...people.map(request => ({ id: request.id, request })),
      ...invitations.map(invitation => ({ id: invitation.id, invitation }))
    ],
    reference
  )
  if (found === undefined) throw new HearsayError('UNKNOWN_REQUEST')
  return found
}

const waitingId = z.string().meta({ description: 'the id of the request or invitation, or how it begins' })

export const accept = nodeVerb({
  name: 'accept',
  summary: 'accept a contact request or an invitation to a group',
  details:
    'After an invitation you are a member once the node of a member has taken you in; --until joined waits for it.',
  needs: 'network',
  params: {
    id: waitingId,
    name: z
      .string()
      .optional()
      .meta({ description: 'what you call this contact; default: the name that it offers' }),
    until: z
      .enum(['accepted', 'joined'])
      .default('accepted')
      .meta({ description: 'what to wait for, of a group', value: 'STATE' }),
    timeout
  },
  positionals: ['id', 'name'],
  result: z.discriminatedUnion('type', [contactLine, groupLine]),
  async *run({ id, name, until, timeout: timeoutMs }, context) {
    const { node } = context
    const waiting = await waitingOf(node, id)
    if ('request' in waiting) {
      const contact = await node.contacts.accept(waiting.request.id, name === undefined ? {} : { name })
      yield contactFact(contact, (await namesOf(node)).alike)
      return
    }
    if (name !== undefined) {
      throw new HearsayError('INVALID_ARGUMENT', {
        message: 'This is an invitation to a group, which has its name already.',
        hint: 'Leave the name out.'
      })
    }
    const group = await node.groups.accept(waiting.invitation.id)
    const failure = await joined(group, { required: until === 'joined', timeoutMs, context })
    yield groupFact(await node.groups.get(group.id), await namesOf(node))
    if (failure !== undefined) throw failure.cause
  },
  text: (fact, paint) => (fact.type === 'contact' ? contactText(fact, paint) : groupText(fact, paint))
})

/** Waits until a member has taken us in. */
const joined = (
  group: Group,
  options: { readonly required: boolean; readonly timeoutMs: number; readonly context: Context }
) =>
  answerOf(signal => options.context.node.groups.joined(group, { signal }), {
    ...options,
    hint: 'Your yes is on disk. Look again later: hearsay group list'
  })

export const reject = nodeVerb({
  name: 'reject',
  summary: 'reject a contact request or an invitation to a group',
  needs: 'network',
  params: { id: waitingId },
  positionals: ['id'],
  result: z.discriminatedUnion('type', [requestLine, invitationLine]),
  async *run({ id }, { node }) {
    const waiting = await waitingOf(node, id)
    if ('request' in waiting) yield requestFact(await node.contacts.reject(waiting.request.id))
    else yield invitationFact(await node.groups.decline(waiting.invitation.id), await namesOf(node))
  },
  text: fact =>
    fact.type === 'request'
      ? row(safeName(fact.name), literal('rejected'))
      : row(words`#${safeName(fact.name)}`, literal('rejected'))
})
