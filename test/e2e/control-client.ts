/** A client of the control socket, as any program could write one from the contract: JSON-RPC 2.0, a line each. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'

interface Answer {
  readonly id?: number
  readonly result?: unknown
  readonly error?: {
    readonly code: number
    readonly message: string
    readonly data?: { readonly code: string }
  }
}

/** A call that was answered with an error. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed'
  readonly code: string | undefined

  constructor(method: string, error: NonNullable<Answer['error']>) {
    super(`${method}: ${error.message}`)
    this.code = error.data?.code
  }
}

/** The node went away before it answered: nothing is known of what the call did. */
export class CutOff extends Error {
  override readonly name = 'CutOff'
}

export class ControlClient {
  readonly #socket: Socket
  readonly #calls = new Map<
    number,
    { method: string; resolve: (value: unknown) => void; reject: (error: Error) => void }
  >()
  #next = 1

  private constructor(socket: Socket) {
    this.#socket = socket
    createInterface({ input: socket })
      .on('line', line => this.#answered(JSON.parse(line) as Answer))
      // Readline passes on that a killed node resets the connection; 'close' tells it to the callers.
      .on('error', () => undefined)
    socket
      .on('error', () => undefined)
      .once('close', () => {
        for (const { reject, method } of this.#calls.values()) reject(new CutOff(method))
        this.#calls.clear()
      })
  }

  static async connect(path: string): Promise<ControlClient> {
    const socket = connect(path)
    await once(socket, 'connect')
    return new ControlClient(socket)
  }

  /** Calls a verb. Throws CallFailed with its code, or CutOff. */
  call(method: string, params: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    if (this.#socket.destroyed) return Promise.reject(new CutOff(method))
    const id = this.#next++
    this.#calls.set(id, { method, resolve, reject })
    this.#socket.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`)
    return promise
  }

  close(): void {
    this.#socket.destroy()
  }

  #answered({ id, result, error }: Answer): void {
    const call = id === undefined ? undefined : this.#calls.get(id)
    if (id === undefined || call === undefined) return
    this.#calls.delete(id)
    if (error === undefined) call.resolve(result)
    else call.reject(new CallFailed(call.method, error))
  }
}
