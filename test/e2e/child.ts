/**
 * A process of a test: started, listened to, waited for and ended by its pid.
 *
 * Nothing here sleeps: a wait is looked at again whenever the process writes something or ends. A wait that takes
 * longer than `waitMaxMs` throws with what the process has said last.
 */
import { spawn, type ChildProcess } from 'node:child_process'

/** Generous: a machine that is busy with other things is no failure. */
export const waitMaxMs = 90_000

/** How a process ended. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** What a process is started with. */
export interface ChildInit {
  readonly command: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  /** Standard input; without it there is none. */
  readonly input?: string
  /** Called with each whole line of standard output, in order. What it throws, every wait throws. */
  readonly onLine?: (line: string) => void
}

export class Child {
  readonly command: readonly string[]
  readonly lines: string[] = []
  /** Resolves once the process is gone and all that it wrote is here. Never rejects. */
  readonly ended: Promise<Ended>
  stdout = ''
  stderr = ''
  #process: ChildProcess
  #end: Ended | undefined
  #refusal: unknown
  #rest = ''
  readonly #onLine: ((line: string) => void) | undefined
  readonly #waiting = new Set<() => void>()

  constructor({ command, env, cwd, input, onLine }: ChildInit) {
    const [program, ...args] = command
    this.command = command
    this.#onLine = onLine
    this.#process = spawn(program!, args, {
      cwd,
      env,
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe']
    })
    this.#process.stdin?.on('error', () => undefined).end(input)
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => this.#heard(text))
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
      this.#wake()
    })
    const { promise, resolve } = Promise.withResolvers<Ended>()
    this.ended = promise
    const end = (ended: Ended): void => {
      this.#end = ended
      resolve(ended)
      this.#wake()
    }
    this.#process.once('error', error => {
      this.stderr += `${error.message}\n`
      end({ code: null, signal: null })
    })
    this.#process.once('close', (code, signal) => end({ code, signal }))
  }

  get pid(): number {
    if (this.#process.pid === undefined)
      throw new Error(`${this.command.join(' ')} did not start: ${this.stderr}`)
    return this.#process.pid
  }

  get running(): boolean {
    return this.#end === undefined
  }

  /** Sends a signal, if the process is still there. Returns at once. */
  kill(signal: NodeJS.Signals): void {
    if (this.running) this.#process.kill(signal)
  }

  /** Waits until `look` finds something. Throws when the process ends before, or after `waitMaxMs`. */
  async until<Found>(what: string, look: () => Found | undefined): Promise<Found> {
    const deadline = AbortSignal.timeout(waitMaxMs)
    for (;;) {
      if (this.#refusal !== undefined) throw this.#refusal
      const found = look()
      if (found !== undefined) return found
      if (!this.running) throw new Error(`The process ended before ${what}.\n${this.describe()}`)
      if (deadline.aborted) throw new Error(`Waited ${waitMaxMs} ms for ${what}.\n${this.describe()}`)
      await this.#change(deadline)
    }
  }

  /** The process as a failure tells it: the command, the end, and the last of what it said. */
  describe(): string {
    const end =
      this.#end === undefined ? 'runs' : `ended with ${this.#end.code ?? this.#end.signal ?? 'nothing'}`
    const last = (text: string): string => text.split('\n').slice(-12).join('\n    ')
    return `$ ${this.command.join(' ')}\n  (${end})\n    ${last(this.stdout)}\n  stderr:\n    ${last(this.stderr)}`
  }

  #heard(text: string): void {
    this.stdout += text
    const parts = (this.#rest + text).split('\n')
    // What a killed process had no time to finish stays here: a torn line was never printed.
    this.#rest = parts.pop() ?? ''
    for (const line of parts) {
      this.lines.push(line)
      try {
        this.#onLine?.(line)
      } catch (error) {
        this.#refusal ??= error
      }
    }
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }

  #change(deadline: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.add(resolve)
    deadline.addEventListener('abort', () => resolve(), { once: true })
    return promise
  }

  /** Throws what the reader of the lines threw. */
  check(): void {
    if (this.#refusal !== undefined) throw this.#refusal
  }
}
