/** Verbs that follow what happens: `tail` for messages, `events` for everything. */
import type { Conversation, Cursor, HearsayEvent, HearsayNode, Message } from 'hearsay'
import { z } from 'zod'
import {
  eventFact,
  eventLine,
  messageFact,
  messageLine,
  type EventFact,
  type MessageFact,
  type Names
} from '../facts.ts'
import { limits } from '../limits.ts'
import type { Paint } from '../output/paint.ts'
import { localMoment, person, row, shortFingerprint } from '../output/people.ts'
import { literal, safe, safeName, words, type SafeText } from '../output/safe-text.ts'
import { nodeVerb } from '../verb.ts'
import { conversationOf, namesOf } from './conversations.ts'
import { messageRow, to } from './messages.ts'

const HISTORY_DEFAULT = 50

function messageText(message: MessageFact, paint: Paint): SafeText {
  const who = message.from.self
    ? words`you → ${safeName(message.conversationName)}`
    : person(message.from, paint)
  return messageRow(paint('dim', localMoment(message.receivedAt)), who, message.text)
}

/** The last messages of one conversation or of all, oldest first. */
async function lastMessages(
  node: HearsayNode,
  conversation: Conversation | undefined,
  limit: number
): Promise<Message[]> {
  if (limit === 0) return []
  if (conversation !== undefined) return conversation.history({ limit })
  const summaries = await node.conversations()
  const all = await Promise.all(summaries.map(async ({ id }) => (await node.direct(id)).history({ limit })))
  return all
    .flat()
    .toSorted((a, b) => a.receivedAt - b.receivedAt)
    .slice(-limit)
}

/** The names, read again whenever a contact changes. */
async function* withNames(
  node: HearsayNode,
  events: AsyncIterable<HearsayEvent>
): AsyncGenerator<readonly [HearsayEvent, Names]> {
  let names = await namesOf(node)
  for await (const event of events) {
    if (
      event.type === 'contact:added' ||
      event.type === 'contact:changed' ||
      event.type === 'contact:removed'
    ) {
      names = await namesOf(node)
    }
    yield [event, names]
  }
}

export const tail = nodeVerb({
  name: 'tail',
  summary: 'show messages, oldest first',
  details:
    'With --follow it goes on with new ones until you stop it; with --count N until N new ones have come.',
  needs: 'network',
  params: {
    to: to.optional(),
    limit: z
      .int()
      .min(0)
      .max(limits.resultsMax)
      .default(HISTORY_DEFAULT)
      .meta({ description: 'how many of the past', value: 'N' }),
    follow: z.boolean().default(false).meta({ description: 'go on with new ones' }),
    count: z.int().min(1).optional().meta({ description: 'end after N new ones', value: 'N' })
  },
  positionals: ['to'],
  result: messageLine,
  lists: true,
  async *run({ to: name, limit, follow, count }, { node, signal, host }) {
    const conversation = name === undefined ? undefined : await conversationOf(node, name)
    const ended = new AbortController()
    const stop = AbortSignal.any([signal, ended.signal])
    try {
      // Listening begins before the past is read: nothing that arrives between falls through.
      const events = follow || count !== undefined ? eager(node.events({ signal: stop })) : undefined
      const names = await namesOf(node)
      const shown = new Set<string>()
      // What a node of our own received while it started is new to whoever called.
      const newSince = host.stays || events === undefined ? Number.POSITIVE_INFINITY : host.startedAt
      let left = count ?? Number.POSITIVE_INFINITY
      const past = await lastMessages(
        node,
        conversation,
        Number.isFinite(newSince) ? limits.resultsMax : limit
      )
      for (const [index, message] of past.entries()) {
        const isNew = message.receivedAt >= newSince
        if (!isNew && index < past.length - limit) continue
        shown.add(message.id)
        yield messageFact(message, names)
        if (isNew) left -= 1
        if (left === 0) return
      }
      if (events === undefined) return
      for await (const [event, current] of withNames(node, events)) {
        if (event.type !== 'message:received' && event.type !== 'message:sent') continue
        const { message } = event
        if (conversation !== undefined && message.conversation !== conversation.id) continue
        // What arrived while the past was read is in both.
        if (shown.delete(message.id)) continue
        yield messageFact(message, current)
        left -= 1
        if (left === 0) return
      }
    } finally {
      ended.abort()
    }
  },
  text: messageText
})

/** An iterable that begins to listen now, not when it is first asked. */
function eager<Value>(source: AsyncIterable<Value>): AsyncIterable<Value> {
  const iterator = source[Symbol.asyncIterator]()
  let first: Promise<IteratorResult<Value>> | undefined = iterator.next()
  // Whoever reads hears of a failure; this only keeps it from being called unhandled before.
  first.catch(() => undefined)
  return {
    [Symbol.asyncIterator]: () => ({
      next() {
        const next = first ?? iterator.next()
        first = undefined
        return next
      },
      return: async () => (await iterator.return?.()) ?? { done: true, value: undefined }
    })
  }
}

/** An event as a person reads it. */
export function eventText(event: EventFact, paint: Paint): SafeText {
  const at = paint('dim', localMoment(event.at))
  switch (event.type) {
    case 'message:received':
    case 'message:sent':
      return messageText(event.message, paint)
    case 'delivery:changed':
      return words`${at} message ${shortFingerprint(event.delivery.message)} is ${safe(event.delivery.state)}`
    case 'contact:requested':
      return words`${at} ${safeName(event.request.name)} asks to become a contact: hearsay accept ${safe(event.request.id.slice(0, 8))}`
    case 'contact:warned':
      return words`${at} ${paint('red', words`WARNING ${person(event.contact, paint)}: ${warnings[event.warning]}`)}`
    case 'invite:used':
      return words`${at} ${person(event.contact, paint)} used your invite`
    case 'contact:added':
    case 'contact:changed':
    case 'contact:removed':
      return words`${at} contact ${person(event.contact, paint)} ${changes[event.type]}: ${safe(event.contact.state)}`
    default:
      return words`${at} ${person(event.contact, paint)} ${changes[event.type]}`
  }
}

/** What each warning means to a person. */
export const warnings = {
  'device-changed': literal(
    'uses other devices than before. Compare safety numbers again before you trust it.'
  ),
  'forged-device-list': literal(
    'showed two different lists of devices. Somebody may hold its key: compare in person.'
  ),
  equivocated: literal(
    'told different people different things. Do not rely on it until you have talked in person.'
  )
} as const

const changes = {
  'contact:added': literal('added'),
  'contact:changed': literal('changed'),
  'contact:removed': literal('removed'),
  'contact:connected': literal('is online'),
  'contact:disconnected': literal('is offline')
} as const

/** Events as lines, after a cursor or from now on, until somebody stops it. Listens from the call on. */
export function eventFacts(
  node: HearsayNode,
  options: { readonly since?: number | undefined; readonly signal: AbortSignal }
): AsyncIterable<EventFact> {
  const { since, signal } = options
  return asFacts(
    node,
    eager(node.events({ signal, ...(since === undefined ? {} : { since: since as Cursor }) }))
  )
}

async function* asFacts(node: HearsayNode, source: AsyncIterable<HearsayEvent>): AsyncGenerator<EventFact> {
  for await (const [event, names] of withNames(node, source)) yield eventFact(event, names)
}

export const events = nodeVerb({
  name: 'events',
  summary: 'show everything that happens, with cursors to go on from',
  details: 'From now on, or after --since CURSOR (0 for all that is kept), until you stop it or N have come.',
  needs: 'network',
  params: {
    since: z.int().min(0).optional().meta({ description: 'only what came after it', value: 'CURSOR' }),
    count: z.int().min(1).optional().meta({ description: 'end after N', value: 'N' })
  },
  result: eventLine,
  lists: true,
  async *run({ since, count }, { node, signal }) {
    const ended = new AbortController()
    let left = count ?? Number.POSITIVE_INFINITY
    try {
      for await (const event of eventFacts(node, {
        since,
        signal: AbortSignal.any([signal, ended.signal])
      })) {
        yield event
        left -= 1
        if (left === 0) return
      }
    } finally {
      ended.abort()
    }
  },
  text: (event, paint) => row(safe(String(event.cursor)), eventText(event, paint))
})
