/**
 * One connection of the control protocol, over a socket or over standard input and output.
 *
 * Always true: every request is answered once, in whatever way it fails; a line that is no request is answered and
 * forgotten; what a client does not read is bounded (LineWriter); when a client leaves, its calls end.
 */
import type { Readable, Writable } from 'node:stream'
import { HearsayError } from 'hearsay'
import { z } from 'zod'
import type { Fact } from '../facts.ts'
import { parseParams } from '../failure.ts'
import { limits } from '../limits.ts'
import type { Context, NodeVerb } from '../verb.ts'
import { eventFacts } from '../verbs/history.ts'
import { linesOf, LineWriter, type Line } from './lines.ts'
import {
  ackParams,
  cancelParams,
  errorResponse,
  ProtocolError,
  requestSchema,
  rpcCodes,
  subscribeParams,
  type Request,
  type RequestId
} from './protocol.ts'
import type { Subscribers } from './subscribers.ts'

/** What is served. */
export interface Service {
  readonly verbs: ReadonlyMap<string, NodeVerb>
  /** What needs no node: `help` and `version`. */
  readonly about: ReadonlyMap<string, () => unknown>
  readonly subscribers: Subscribers
  context(call: Pick<Context, 'signal' | 'note'>): Context
  /** A call began; what it returns is called when it ended. */
  began(): () => void
}

/** Results that were made before a call failed, so that its error can carry them. */
class Interrupted {
  readonly cause: unknown
  readonly results: readonly Fact[]

  constructor(cause: unknown, results: readonly Fact[]) {
    this.cause = cause
    this.results = results
  }
}

class Connection {
  readonly #service: Service
  readonly #writer: LineWriter
  readonly #closed: AbortSignal
  /** Calls under way. A stream ends when the client stops writing; the others may finish. */
  readonly #calls = new Set<{ id: RequestId | undefined; abort: AbortController; stream: boolean }>()
  readonly #answers = new Set<Promise<void>>()
  #subscription: AbortController | undefined

  constructor(service: Service, writer: LineWriter, closed: AbortSignal) {
    this.#service = service
    this.#writer = writer
    this.#closed = closed
  }

  /** The client will say no more. */
  endStreams(): void {
    this.#subscription?.abort()
    for (const call of this.#calls) if (call.stream) call.abort.abort()
  }

  /** Resolves once every line so far is answered. */
  async idle(): Promise<void> {
    await Promise.all(this.#answers)
  }

  /** Answers one line. Never rejects. */
  async handle(line: Line): Promise<void> {
    const answer = this.#answer(line)
    this.#answers.add(answer)
    await answer
    this.#answers.delete(answer)
  }

  async #answer(line: Line): Promise<void> {
    if ('refused' in line) {
      return this.#writer.write(
        errorResponse(null, new ProtocolError(rpcCodes.parseError, `The line is ${line.refused}.`))
      )
    }
    let value: unknown
    try {
      value = JSON.parse(line.text)
    } catch {
      return this.#writer.write(
        errorResponse(null, new ProtocolError(rpcCodes.parseError, 'The line is not JSON.'))
      )
    }
    if (!Array.isArray(value)) {
      const response = await this.#respond(value)
      return response === undefined ? undefined : this.#writer.write(response)
    }
    if (value.length === 0 || value.length > limits.callsPerClientMax) {
      const why = `A batch has 1 to ${limits.callsPerClientMax} requests.`
      return this.#writer.write(errorResponse(null, new ProtocolError(rpcCodes.invalidRequest, why)))
    }
    const responses = await Promise.all(value.map(each => this.#respond(each)))
    const due = responses.filter(response => response !== undefined)
    if (due.length > 0) this.#writer.write(due)
  }

  /** The response to a request, or undefined where none is due: the request was a notification. */
  async #respond(value: unknown): Promise<object | undefined> {
    const parsed = requestSchema.safeParse(value)
    if (!parsed.success) {
      const { id } = z.looseObject({ id: z.unknown() }).safeParse(value).data ?? {}
      const known = typeof id === 'string' || typeof id === 'number' ? id : null
      return errorResponse(
        known,
        new ProtocolError(rpcCodes.invalidRequest, 'This is not a JSON-RPC 2.0 request.')
      )
    }
    const request = parsed.data
    try {
      const result = await this.#perform(request)
      return request.id === undefined ? undefined : { jsonrpc: '2.0', id: request.id, result }
    } catch (error) {
      if (request.id === undefined) return undefined
      if (error instanceof Interrupted) return errorResponse(request.id, error.cause, error.results)
      return errorResponse(request.id, error)
    }
  }

  async #perform(request: Request): Promise<unknown> {
    const { method, params = {} } = request
    switch (method) {
      case 'subscribe':
        return this.#subscribe(parseParams(subscribeParams, params))
      case 'unsubscribe':
        this.#subscription?.abort()
        this.#subscription = undefined
        return {}
      case 'ack': {
        const { cursor, as } = parseParams(ackParams, params)
        return { cursor: await this.#service.subscribers.acknowledge(as, cursor) }
      }
      case 'cancel': {
        const { id } = parseParams(cancelParams, params)
        for (const call of this.#calls) if (call.id === id) call.abort.abort()
        return {}
      }
      default: {
        const verb = this.#service.verbs.get(method)
        if (verb !== undefined) return this.#call(verb, request)
        const about = this.#service.about.get(method)
        if (about !== undefined) return about()
        throw new ProtocolError(rpcCodes.methodNotFound, 'There is no such method.')
      }
    }
  }

  async #subscribe({ since, as }: z.output<typeof subscribeParams>): Promise<object> {
    const from = since ?? (await this.#service.subscribers.cursorOf(as))
    this.#subscription?.abort()
    const subscription = new AbortController()
    this.#subscription = subscription
    const signal = AbortSignal.any([subscription.signal, this.#closed])
    // The response goes out first: a client knows which events are its own by having been answered.
    setImmediate(() => void this.#notify(signal, from))
    return { since: from ?? null }
  }

  async #notify(signal: AbortSignal, since: number | undefined): Promise<void> {
    try {
      const { node } = this.#service.context({ signal, note: () => undefined })
      for await (const params of eventFacts(node, { since, signal })) {
        this.#writer.write({ jsonrpc: '2.0', method: 'event', params })
        await this.#writer.room()
      }
    } catch (error) {
      if (!signal.aborted) this.#writer.write(errorResponse(null, error))
    }
  }

  async #call(verb: NodeVerb, { id, params = {}, stream = false }: Request): Promise<unknown> {
    if (this.#calls.size >= limits.callsPerClientMax) {
      throw new HearsayError('LIMIT_REACHED', { message: 'Too many calls are under way on this connection.' })
    }
    const abort = new AbortController()
    const call = { id, abort, stream }
    this.#calls.add(call)
    const finished = this.#service.began()
    const context = this.#service.context({
      signal: AbortSignal.any([abort.signal, this.#closed]),
      note: text => {
        if (stream) this.#writer.write({ jsonrpc: '2.0', method: 'note', params: { id: id ?? null, text } })
      }
    })
    const results: Fact[] = []
    try {
      for await (const result of verb.run(params, context)) {
        if (stream) {
          this.#writer.write({ jsonrpc: '2.0', method: 'result', params: { id: id ?? null, result } })
          await this.#writer.room()
        } else if (results.push(result) > limits.resultsMax) {
          throw new HearsayError('LIMIT_REACHED', {
            message: 'There are too many results for one answer.',
            hint: 'Ask for fewer, or set "stream": true in the request.'
          })
        }
      }
    } catch (error) {
      throw new Interrupted(error, results)
    } finally {
      this.#calls.delete(call)
      finished()
    }
    return stream || verb.lists ? results : results[0]
  }
}

/**
 * Serves one client until it leaves or `signal` is aborted. Resolves once its calls have ended and its last answer
 * is written; never rejects. The streams stay open for the caller to close.
 */
export async function serve(
  input: Readable,
  output: Writable,
  service: Service,
  signal: AbortSignal
): Promise<void> {
  const gone = new AbortController()
  const leave = (): void => gone.abort()
  // A client that breaks off is no error of ours; its calls end with it.
  input.on('error', leave)
  output.on('error', leave).on('close', leave)
  const closed = AbortSignal.any([signal, gone.signal])
  const connection = new Connection(service, new LineWriter(output), closed)
  const ended = new Promise<void>(resolve => {
    closed.addEventListener('abort', () => resolve(), { once: true })
    if (closed.aborted) resolve()
  })
  await Promise.race([ended, readAll(input, connection).catch(leave)])
  connection.endStreams()
  await connection.idle()
}

async function readAll(input: Readable, connection: Connection): Promise<void> {
  for await (const line of linesOf(input)) void connection.handle(line)
}
