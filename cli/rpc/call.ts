/** A call to the running node: one connection each, so that a slow reader holds up nobody but itself. */
import { connect, type Socket } from 'node:net'
import { HearsayError } from 'hearsay'
import { z } from 'zod'
import type { Fact } from '../facts.ts'
import { limits } from '../limits.ts'
import { jsonLine } from '../output/json-line.ts'
import { safe, type SafeText } from '../output/safe-text.ts'
import { isOwnSocket } from '../running.ts'
import { linesOf } from './lines.ts'
import { errorOf, inboundSchema } from './protocol.ts'

const ID = 1
const factSchema = z.looseObject({ v: z.literal(1), type: z.string() })
const resultSchema = z.object({ id: z.literal(ID), result: factSchema })
const noteSchema = z.object({ id: z.literal(ID), text: z.string() })

/** What the node said. Throws MALFORMED: it may be of another version. */
function decoded<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new HearsayError('MALFORMED', {
    message: 'The running node speaks another version of the protocol.',
    hint: 'Start it again: hearsay down, then hearsay up.',
    cause: parsed.error
  })
}

/** A connection to a socket of ours, or undefined where nobody answers. */
export async function connected(socketPath: string): Promise<Socket | undefined> {
  if (!(await isOwnSocket(socketPath))) return undefined
  const socket = connect(socketPath)
  const { promise, resolve } = Promise.withResolvers<Socket | undefined>()
  socket.once('connect', () => resolve(socket)).once('error', () => resolve(undefined))
  return promise
}

export interface CallOptions {
  readonly signal: AbortSignal
  readonly note: (words: SafeText) => void
  /** Goes on until the other side closes: after `down`, that is when the node has stopped. */
  readonly untilClosed?: boolean
}

/**
 * Calls a verb and yields its results while they are made.
 * @throws what the verb threw over there; ABORTED; NODE_STOPPED when the node ended before it answered
 */
export async function* call(
  socket: Socket,
  method: string,
  params: unknown,
  { signal, note, untilClosed = false }: CallOptions
): AsyncGenerator<Fact> {
  const leave = (): void => void socket.destroy()
  signal.addEventListener('abort', leave, { once: true })
  // What breaks shows as the end of the lines.
  socket.on('error', () => undefined)
  let answered = false
  try {
    if (signal.aborted) leave()
    else socket.write(`${jsonLine({ jsonrpc: '2.0', id: ID, method, params, stream: true })}\n`)
    for await (const line of linesOf(socket, limits.unreadMaxBytes)) {
      if ('refused' in line) break
      const inbound = decoded(inboundSchema, JSON.parse(line.text))
      if (inbound.error !== undefined) throw errorOf(inbound.error)
      if (inbound.method === 'result') yield decoded(resultSchema, inbound.params).result
      else if (inbound.method === 'note') note(safe(decoded(noteSchema, inbound.params).text))
      else if (inbound.id === ID) answered = true
      if (answered && !untilClosed) return
    }
  } catch (error) {
    if (!signal.aborted && !(error instanceof Error && 'syscall' in error)) throw error
  } finally {
    signal.removeEventListener('abort', leave)
    socket.destroy()
  }
  if (!answered) throw new HearsayError(signal.aborted ? 'ABORTED' : 'NODE_STOPPED')
}
