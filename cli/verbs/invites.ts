/** Verbs of first contact: invites, redeeming them, and requests through reusable ones. */
import { HearsayError, type HearsayNode, type InviteId, type RequestId } from 'hearsay'
import { renderUnicodeCompact } from 'uqr'
import { z } from 'zod'
import { duration, formatDuration } from '../durations.ts'
import {
  contactFact,
  contactLine,
  inviteFact,
  inviteLine,
  requestFact,
  requestLine,
  type InviteFact
} from '../facts.ts'
import { localMoment, row, shortFingerprint } from '../output/people.ts'
import {
  joined,
  literal,
  safe,
  safeLines,
  safeName,
  words,
  indented,
  type SafeText
} from '../output/safe-text.ts'
import { nodeVerb } from '../verb.ts'
import { contactText } from './contacts.ts'
import { byId, namesOf } from './conversations.ts'
import { failureOf, inTime, timeout } from './waiting.ts'

/** The largest payload of a QR code (version 40, error correction L), which is all that a camera can take. */
const QR_MAX_BYTES = 2953

/** How long a command's own node stays for a request to leave. */
const LEAVE_MS = 5000

/** A link as a QR code, or as a sentence where it does not fit into one. */
function qrCode(link: string): SafeText {
  if (Buffer.byteLength(link) > QR_MAX_BYTES) return literal('(the link is too long for a QR code)')
  return joined(safeLines(renderUnicodeCompact(link, { border: 2 })), '\n')
}

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
    qr: z.boolean().default(false).meta({ description: 'show it as a QR code too' })
  },
  result: inviteLine,
  async *run({ reusable, expires }, { node }) {
    const lifetime = expires === undefined ? {} : { expiresInMs: expires }
    yield inviteFact(await node.contacts.invite({ reusable, ...lifetime }))
  },
  text: ({ link }, _paint, { qr }) => (qr ? words`${safe(link)}\n${qrCode(link)}` : safe(link))
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
    until: z
      .enum(['requested', 'ready'])
      .default('requested')
      .meta({ description: 'what to wait for', value: 'STATE' }),
    timeout
  },
  positionals: ['name', 'link'],
  result: contactLine,
  async *run({ name, link, greeting, until, timeout: timeoutMs }, { node, signal, note, host }) {
    const contact = await node.contacts.add(link.trim(), {
      name,
      ...(greeting === undefined ? {} : { greeting })
    })
    // A node that ends with this command gives the request some time to leave, and often has the answer then.
    const waitMs =
      until === 'ready' ? timeoutMs : host.stays || !host.online ? 0 : Math.min(timeoutMs, LEAVE_MS)
    if (waitMs > 0) note(words`waiting up to ${safe(formatDuration(waitMs))} for the answer`)
    const hint = 'The request waits. Look again later: hearsay contacts'
    const answer = (): Promise<unknown> =>
      inTime(within => node.contacts.ready(contact, { signal: within }), { timeoutMs: waitMs, signal, hint })
    const failure = until === 'ready' || waitMs > 0 ? await failureOf(answer()) : undefined
    const now = await node.contacts.get(contact.id)
    yield contactFact(now, (await namesOf(node)).alike)
    if (until === 'ready' && failure !== undefined) throw failure.cause
    if (now.state === 'requested' && !host.stays) {
      note(literal('No answer yet. The request is repeated while a node runs: hearsay up'))
    }
  },
  text: contactText
})

export const requests = nodeVerb({
  name: 'requests',
  summary: 'list contact requests that wait for you',
  needs: 'node',
  params: {},
  result: requestLine,
  lists: true,
  async *run(_params, { node }) {
    for (const each of await node.contacts.requests()) yield requestFact(each)
  },
  text: ({ id, name, from, greeting, receivedAt }) =>
    row(
      safe(id.slice(0, 8)),
      words`${safeName(name)} ⟨${shortFingerprint(from)}⟩, ${localMoment(receivedAt)}${
        greeting === '' ? literal('') : words`\n             ${indented(safeLines(greeting), 13)}`
      }`
    )
})

/** The request that somebody means. Throws UNKNOWN_REQUEST. */
async function requestOf(node: HearsayNode, reference: string): Promise<RequestId> {
  const found = byId(await node.contacts.requests(), reference)
  if (found === undefined) throw new HearsayError('UNKNOWN_REQUEST')
  return found.id
}

const requestId = z.string().meta({ description: 'the id of the request, or how it begins' })

export const accept = nodeVerb({
  name: 'accept',
  summary: 'accept a contact request',
  needs: 'network',
  params: {
    id: requestId,
    name: z
      .string()
      .optional()
      .meta({ description: 'what you call this contact; default: the name that it offers' })
  },
  positionals: ['id', 'name'],
  result: contactLine,
  async *run({ id, name }, { node }) {
    const contact = await node.contacts.accept(await requestOf(node, id), name === undefined ? {} : { name })
    yield contactFact(contact, (await namesOf(node)).alike)
  },
  text: contactText
})

export const reject = nodeVerb({
  name: 'reject',
  summary: 'reject a contact request',
  needs: 'node',
  params: { id: requestId },
  positionals: ['id'],
  result: requestLine,
  async *run({ id }, { node }) {
    yield requestFact(await node.contacts.reject(await requestOf(node, id)))
  },
  text: ({ name }) => row(safeName(name), literal('rejected'))
})
