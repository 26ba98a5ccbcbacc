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
import { groupName, localTime, person, row } from '../output/people.ts'
import { literal, safe, safeLines, words, type SafeText } from '../output/safe-text.ts'
import { nodeVerb } from '../verb.ts'
import { conversationOf, namesOf } from './conversations.ts'
import { failureOf, inTime, timeout } from './waiting.ts'
import { hasArrived, whyText } from './why-text.ts'

export const to = z
  .string()
  .meta({ description: "a contact, or '#group' in quotes", value: 'TO', names: 'conversations' })

const stateText: Readonly<Record<DeliveryFact['state'], SafeText>> = {
  queued: literal('on disk; it goes out when a way is found'),
  sent: literal('on its way'),
  held: literal('a mailbox has it'),
  delivered: literal(''),
  read: literal(''),
  failed: literal('not delivered')
}

function deliveryText({ state, ms, message, devices }: DeliveryFact, paint: Paint): SafeText {
  const took = ms === null ? literal('') : safe(formatDuration(ms))
  if (state === 'delivered' || state === 'read') return row(paint('green', safe(state)), took)
  const arrived = devices.filter(device => hasArrived(device.state)).length
  // The state is that of the slowest device; where there are many, most may have it long since.
  const many = devices.length > 1 ? words`, ${arrived} of ${devices.length} devices have it` : literal('')
  return row(safe(state), words`${stateText[state]}${many}, ${took}. Ask: hearsay why ${safe(message)}`)
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
    yield whyFact(await node.why(id), names.people, node.identity.id)
  },
  text: whyText
})

/** How far back the last message of our own is looked for. */
const RECENT = 100

/** The newest message that this node sent. Throws UNKNOWN_MESSAGE. */
async function lastSent(node: HearsayNode): Promise<MessageId> {
  const recent = await Promise.all(
    (await node.conversations()).map(async ({ id }) =>
      (await node.conversation(id)).history({ limit: RECENT })
    )
  )
  const own = recent.flat().filter(message => message.from.self)
  const last = own.toSorted((a, b) => a.receivedAt - b.receivedAt).at(-1)
  if (last === undefined)
    throw new HearsayError('UNKNOWN_MESSAGE', { message: 'You have sent no message yet.' })
  return last.id
}

/** How a conversation is called. */
const labelOf = ({ kind, name, id, lookAlike }: ConversationFact, paint: Paint): SafeText =>
  kind === 'group'
    ? groupName({ name, id, lookAlike }, paint)
    : person({ name, id, lookAlike, verified: false }, paint)

function conversationText(conversation: ConversationFact, paint: Paint): SafeText {
  const { unread, lastMessage, kind } = conversation
  const label = labelOf(conversation, paint)
  const count = unread === 0 ? literal('') : paint('bold', words`${unread} unread  `)
  if (lastMessage === null) return row(label, words`${count}${paint('dim', literal('no messages yet'))}`)
  const [first = literal('')] = safeLines(lastMessage.text)
  const author = kind === 'group' ? words`${person(lastMessage.from, paint)}: ` : literal('')
  const who = lastMessage.from.self ? literal('you: ') : author
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
    lookAlike: names.alike.has(id),
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
  text: (conversation, paint) => row(labelOf(conversation, paint), literal('read'))
})
