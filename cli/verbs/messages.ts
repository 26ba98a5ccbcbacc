/** Verbs for messages: sending, reading, and what became of them. */
import { HearsayError, parseMessageId, type Delivery, type HearsayNode, type MessageId } from 'hearsay'
import { z } from 'zod'
import { formatDuration } from '../durations.ts'
import {
  conversationLine,
  deliveryFact,
  deliveryLine,
  messageFact,
  whyFact,
  whyLine,
  type ConversationFact,
  type DeliveryFact
} from '../facts.ts'
import type { Paint } from '../output/paint.ts'
import { localMoment, localTime, row, shortFingerprint } from '../output/people.ts'
import {
  indented,
  joined,
  literal,
  safe,
  safeLines,
  safeName,
  words,
  type SafeText
} from '../output/safe-text.ts'
import { nodeVerb } from '../verb.ts'
import { conversationOf, namesOf } from './conversations.ts'
import { failureOf, inTime, timeout } from './waiting.ts'

export const to = z.string().meta({ description: 'a contact', value: 'TO', names: true })

const stateText: Readonly<Record<DeliveryFact['state'], SafeText>> = {
  queued: literal('on disk; it goes out when a way is found'),
  sent: literal('on its way'),
  held: literal('a mailbox has it'),
  delivered: literal(''),
  read: literal(''),
  failed: literal('not delivered')
}

function deliveryText({ state, ms, message }: DeliveryFact, paint: Paint): SafeText {
  const took = ms === null ? literal('') : safe(formatDuration(ms))
  if (state === 'delivered' || state === 'read') return row(paint('green', safe(state)), took)
  return row(safe(state), words`${stateText[state]}, ${took}. Ask: hearsay why ${safe(message)}`)
}

/** Waits until every device has a message so far. Throws TIMEOUT, ABORTED, or why it failed. */
const awaited = (
  delivery: Delivery,
  until: 'sent' | 'held' | 'delivered' | 'read',
  timeoutMs: number,
  signal: AbortSignal
) =>
  inTime(within => delivery.reached(until, { signal: within }), {
    timeoutMs,
    signal,
    hint: `Look again later: hearsay why ${delivery.message}`
  })

export const send = nodeVerb({
  name: 'send',
  summary: 'send a message',
  details:
    'Done (exit 0) when the message is as far as --until says; exit 3 when that takes longer than --timeout: the message stays in the outbox and goes out when it can. States: queued (encrypted and on disk), sent, held (by mailboxes), delivered, read; each is true of every device.',
  needs: 'network',
  params: {
    to,
    text: z
      .string()
      .meta({ description: 'the text; - reads it from standard input', rest: true, standardInput: true }),
    until: z
      .enum(['queued', 'sent', 'held', 'delivered', 'read'])
      .default('sent')
      .meta({ description: 'what to wait for', value: 'STATE' }),
    timeout,
    replyTo: z.string().optional().meta({ description: 'the message that this one answers', value: 'ID' })
  },
  positionals: ['to', 'text'],
  result: deliveryLine,
  async *run({ to: name, text, until, timeout: timeoutMs, replyTo }, { node, signal, note }) {
    const startedAt = performance.now()
    const ms = (): number => Math.round(performance.now() - startedAt)
    const answered = replyTo === undefined ? {} : { replyTo: parseMessageId(replyTo) }
    const conversation = await conversationOf(node, name)
    const delivery = await conversation.send(text, answered)
    if (until === 'queued') {
      yield deliveryFact(delivery, ms())
      return
    }
    note(words`on disk; waiting up to ${safe(formatDuration(timeoutMs))} until ${safe(until)}`)
    const failure = await failureOf(awaited(delivery, until, timeoutMs, signal))
    // Also when the wait ended otherwise: how far it came is the answer then.
    yield deliveryFact(await node.delivery(delivery.message), ms())
    if (failure !== undefined) throw failure.cause
  },
  text: deliveryText
})

export const why = nodeVerb({
  name: 'why',
  summary: 'tell what became of a message',
  details: 'Without MESSAGE: the last one that you sent.',
  needs: 'node',
  params: { message: z.string().optional().meta({ description: 'the id of the message' }) },
  positionals: ['message'],
  result: whyLine,
  async *run({ message }, { node }) {
    const id = message === undefined ? await lastSent(node) : parseMessageId(message)
    const names = await namesOf(node)
    yield whyFact(await node.why(id), identity => names.conversations.get(identity) ?? '')
  },
  text({ message, state, devices }, paint) {
    const rows = devices.flatMap(device => [
      row(
        device.name === '' ? shortFingerprint(device.identity) : safeName(device.name),
        words`${safe(device.state)}${device.reason === null ? literal('') : words` (${safe(device.reason)})`}, device ${shortFingerprint(device.device)}, ${device.connected ? literal('connected') : literal('not connected')}`
      ),
      ...device.attempts.map(
        ({ at, path, outcome }) => words`             ${localMoment(at)} ${safe(path)}: ${safe(outcome)}`
      ),
      ...(device.nextTryAt === null ? [] : [words`             next try ${localMoment(device.nextTryAt)}`]),
      ...(device.hint === '' ? [] : [words`             ${paint('dim', safe(device.hint))}`])
    ])
    return joined([row(safe(state), words`message ${safe(message)}`), ...rows], '\n')
  }
})

/** The newest message that this node sent. Throws UNKNOWN_MESSAGE. */
async function lastSent(node: HearsayNode): Promise<MessageId> {
  const recent = await Promise.all(
    (await node.conversations()).map(async ({ name, id, kind }) =>
      kind === 'direct' ? (await node.direct(id === undefined ? name : id)).history({ limit: 100 }) : []
    )
  )
  const own = recent.flat().filter(message => message.from.self)
  const last = own.toSorted((a, b) => a.receivedAt - b.receivedAt).at(-1)
  if (last === undefined)
    throw new HearsayError('UNKNOWN_MESSAGE', { message: 'You have sent no message yet.' })
  return last.id
}

function conversationText({ name, unread, lastMessage, kind }: ConversationFact, paint: Paint): SafeText {
  const label = kind === 'direct' ? safeName(name) : words`#${safeName(name)}`
  const count = unread === 0 ? literal('') : paint('bold', words`${unread} unread  `)
  if (lastMessage === null) return row(label, words`${count}${paint('dim', literal('no messages yet'))}`)
  const [first = literal('')] = safeLines(lastMessage.text)
  const who = lastMessage.from.self ? literal('you: ') : literal('')
  return row(label, words`${count}${paint('dim', localTime(lastMessage.receivedAt))} ${who}${first}`)
}

/** A conversation as a line. */
async function conversationFacts(node: HearsayNode): Promise<ConversationFact[]> {
  const names = await namesOf(node)
  return (await node.conversations()).map(({ id, kind, name, unread, lastMessage }) => ({
    v: 1,
    type: 'conversation',
    id,
    kind,
    name,
    unread,
    lastMessage: lastMessage === undefined ? null : messageFact(lastMessage, names)
  }))
}

export const conversations = nodeVerb({
  name: 'conversations',
  summary: 'list conversations, with what is unread',
  needs: 'node',
  params: {},
  result: conversationLine,
  lists: true,
  async *run(_params, { node }) {
    yield* await conversationFacts(node)
  },
  text: conversationText
})

export const read = nodeVerb({
  name: 'read',
  summary: 'mark a conversation as read and let the senders know',
  needs: 'network',
  params: { to },
  positionals: ['to'],
  result: conversationLine,
  async *run({ to: name }, { node }) {
    const conversation = await conversationOf(node, name)
    await conversation.markRead()
    yield* (await conversationFacts(node)).filter(({ id }) => id === conversation.id)
  },
  text: ({ name }) => row(safeName(name), literal('read'))
})

/** A message as a person reads it: when, from whom, and its lines under each other. */
export const messageRow = (when: SafeText, who: SafeText, text: string): SafeText =>
  words`${when} ${who}: ${indented(safeLines(text), 4)}`
