/** Verbs that follow what happens: `tail` for messages, `events` for everything. */
import type { Conversation, Cursor, HearsayEvent, HearsayNode, Message } from 'hearsay'
import { z } from 'zod'
import { eventFact, eventLine, type EventFact } from '../event-facts.ts'
import { messageFact, messageLine, type Names } from '../facts.ts'
import { limits } from '../limits.ts'
import { row } from '../output/people.ts'
import { safe } from '../output/safe-text.ts'
import { nodeVerb } from '../verb.ts'
import { conversationOf, namesOf } from './conversations.ts'
import { eventText, messageText } from './event-text.ts'
import { to } from './messages.ts'

const HISTORY_DEFAULT = 50

/** The last messages of one conversation or of all, oldest first. */
async function lastMessages(
  node: HearsayNode,
  conversation: Conversation | undefined,
  limit: number
): Promise<Message[]> {
  if (limit === 0) return []
  if (conversation !== undefined) return conversation.history({ limit })
  const summaries = await node.conversations()
  const all = await Promise.all(
    summaries.map(async ({ id }) => (await node.conversation(id)).history({ limit }))
  )
  return all
    .flat()
    .toSorted((a, b) => a.receivedAt - b.receivedAt)
    .slice(-limit)
}

/** Events after which something may be called otherwise. */
const renaming: ReadonlySet<HearsayEvent['type']> = new Set([
  'contact:added',
  'contact:changed',
  'contact:removed',
  'group:added',
  'group:changed',
  'group:removed'
])

/** The names, read again whenever a contact or a group changes. */
async function* withNames(
  node: HearsayNode,
  events: AsyncIterable<HearsayEvent>
): AsyncGenerator<readonly [HearsayEvent, Names]> {
  let names = await namesOf(node)
  for await (const event of events) {
    if (renaming.has(event.type)) names = await namesOf(node)
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
  text: (message, paint, { to: known }) => messageText(message, paint, known !== undefined)
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
