/**
 * Processes that a benchmark measures in: each answers requests of its parent, one object at a time.
 *
 * A program calls `serve` with what it can do; the parent starts it with `spawnChild` and asks with `ask`. Always
 * true: every request is answered or rejected, also when the process dies; a child never outlives its parent.
 */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** What a child can be asked: a name, one argument, one result, all of them data. */
export type Requests = Readonly<Record<string, (argument: never) => unknown>>

interface Question {
  readonly id: number
  readonly name: string
  readonly argument: unknown
}

interface Reply {
  readonly id: number
  readonly value?: unknown
  readonly failure?: string
}

/** Answers the parent until it lets go. */
export function serve(requests: Requests): void {
  process.on('message', ({ id, name, argument }: Question) => {
    void answer(requests, name, argument).then(
      value => process.send!({ id, value } satisfies Reply),
      (error: unknown) => process.send!({ id, failure: String(error) } satisfies Reply)
    )
  })
  process.on('disconnect', () => process.exit())
}

async function answer(requests: Requests, name: string, argument: unknown): Promise<unknown> {
  return requests[name]!(argument as never)
}

/** A process that runs one of the programs beside this file. */
export class Child<Of extends Requests> implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  #asked = 0

  constructor(program: string) {
    const path = fileURLToPath(new URL(program, import.meta.url))
    this.#process = fork(path, { serialization: 'advanced' })
    this.#process.on('message', ({ id, value, failure }: Reply) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (failure === undefined) waiting?.resolve(value)
      else waiting?.reject(new Error(failure))
    })
    this.#process.on('exit', code => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`${program} ended with ${code}`))
    })
  }

  ask<Name extends keyof Of & string>(
    name: Name,
    argument: Parameters<Of[Name]>[0]
  ): Promise<Awaited<ReturnType<Of[Name]>>> {
    this.#asked += 1
    const waiting = Promise.withResolvers<unknown>()
    this.#waiting.set(this.#asked, waiting)
    this.#process.send({ id: this.#asked, name, argument } satisfies Question)
    return waiting.promise as Promise<Awaited<ReturnType<Of[Name]>>>
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null) return
    const exited = once(this.#process, 'exit')
    this.#process.disconnect()
    await exited
  }
}
