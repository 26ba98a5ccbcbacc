/**
 * The node's end of the store's thread: requests go out, answers come back in the same order.
 * Always true: every request is answered or rejected, also when the thread dies.
 */
import { Worker } from 'node:worker_threads'
import { HearsayError } from '../base/errors.ts'
import type { Failure } from './batch.ts'

/** What the thread is asked. Keys are copies, which the thread wipes. */
export type Request =
  /** Hold this lock file until the thread ends. */
  | { readonly type: 'lock'; readonly path: string }
  /** Make a new database in this empty file. */
  | { readonly type: 'create'; readonly path: string; readonly key: Uint8Array }
  | { readonly type: 'open'; readonly path: string; readonly key: Uint8Array }
  /** Carry out an encoded batch; the answer is the encoded results. */
  | { readonly type: 'execute'; readonly count: number; readonly memory: ArrayBuffer }
  /** Let go of everything; the last request. */
  | { readonly type: 'close' }

/** What the thread answers. */
export interface Answer {
  readonly memory?: ArrayBuffer | undefined
  readonly failure?: Failure
}

type Waiting = PromiseWithResolvers<ArrayBuffer | undefined>

// Two literals, because a compiler rewrites imports but not URLs, and a bundler has to see what to bring along.
const WORKER = import.meta.url.endsWith('.ts')
  ? new URL('./sqlite-worker.ts', import.meta.url)
  : new URL('./sqlite-worker.js', import.meta.url)

/** The error that a failure in the thread is here. */
export const toError = ({ code, cause }: Failure): HearsayError =>
  new HearsayError(code, { cause: new Error(cause) })

/** One thread with one database. */
export class StoreThread {
  readonly #worker = new Worker(WORKER, { name: 'hearsay-store', stdin: false })
  readonly #waiting: Waiting[] = []
  readonly #ended: Promise<void>
  #failed: HearsayError | undefined
  #closing = false

  constructor() {
    const worker = this.#worker
    worker.on('message', (answer: Answer) => this.#settle(answer))
    worker.on('error', cause => this.#fail(cause))
    this.#ended = new Promise(resolve => {
      worker.once('exit', () => {
        this.#fail(new Error('The thread of the store ended.'))
        resolve()
      })
    })
    // A store that is open does not keep the process alive; one that is at work does.
    worker.unref()
  }

  /** The thread's answer. Rejects with the failure it reports, or with STORE_FAILED when it died. */
  ask(request: Request): Promise<ArrayBuffer | undefined> {
    if (this.#failed !== undefined) return Promise.reject(this.#failed)
    const waiting: Waiting = Promise.withResolvers()
    this.#waiting.push(waiting)
    this.#worker.ref()
    this.#worker.postMessage(request, request.type === 'execute' ? [request.memory] : [])
    return waiting.promise
  }

  /** Lets go of database and lock. Resolves when the thread has ended. */
  async close(): Promise<void> {
    this.#closing = true
    const closed = this.ask({ type: 'close' })
    // What a database says while it is closed changes nothing for anybody: all that was acknowledged is in it.
    await closed.catch(() => {})
    await this.#ended
  }

  #settle({ memory, failure }: Answer): void {
    const waiting = this.#waiting.shift()!
    if (this.#waiting.length === 0 && !this.#closing) this.#worker.unref()
    if (failure === undefined) waiting.resolve(memory)
    else waiting.reject(toError(failure))
  }

  #fail(cause: unknown): void {
    this.#failed ??= new HearsayError('STORE_FAILED', { cause })
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#failed)
  }
}
