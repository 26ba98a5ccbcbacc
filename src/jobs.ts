/**
 * Jobs: what waits to be stepped through the core, in which order, and in batches.
 *
 * Always true: what the network says goes before what people ask, but takes no more than half of a batch from
 * them; a notice waits for the next batch, and never longer than `limits.noticeMaxMs`.
 */
import { limits } from './base/limits.ts'
import type { Core, Input } from './core/core.ts'
import type { Clock } from './ports/clock.ts'

/** One step of the core, and who waits for it. */
export interface Job {
  readonly run: (core: Core) => unknown
  readonly resolve: (value: never) => void
  readonly reject: (error: unknown) => void
}

/** What went through the core and is to be committed together. */
export interface Batch {
  readonly jobs: Job[]
  /** Tells each caller how its job ended. */
  readonly settle: (() => void)[]
  /** A job that failed in a way that is nobody's input ends its batch. */
  bug: { readonly error: unknown } | undefined
}

export const isFull = ({ jobs, bug }: Batch): boolean =>
  bug !== undefined || jobs.length >= limits.stepsPerCommitMax

export class Jobs {
  readonly #commands: Job[] = []
  readonly #inputs: Job[] = []
  #notices: Input[] = []
  #cancelNotices: (() => void) | undefined
  #arrived: (() => void) | undefined
  readonly #clock: Clock
  readonly #feed: (input: Input) => Promise<void>

  constructor(init: { clock: Clock; feed: (input: Input) => Promise<void> }) {
    this.#clock = init.clock
    this.#feed = init.feed
  }

  get isEmpty(): boolean {
    return this.#commands.length + this.#inputs.length === 0
  }

  /** Adds what people and programs ask, or what the network says. */
  add<T>(kind: 'command' | 'input', run: (core: Core) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const queue = kind === 'command' ? this.#commands : this.#inputs
      queue.push({ run, resolve, reject })
      this.#arrived?.()
    })
  }

  /** Adds an input that is worth no commit of its own. */
  notice(input: Input): void {
    this.#notices.push(input)
    this.#cancelNotices ??= this.#clock.after(limits.noticeMaxMs, () => void this.#feed({ type: 'tick' }))
  }

  /** Lets go of the notices: nobody was told anything yet. */
  dropNotices(): void {
    this.#cancelNotices?.()
    this.#cancelNotices = undefined
    this.#notices = []
  }

  /** Moves the notices among the inputs. */
  takeNotices(): void {
    const notices = this.#notices
    this.dropNotices()
    for (const input of notices) void this.#feed(input)
  }

  /** Takes the next job for a batch. */
  next({ jobs }: Batch): Job | undefined {
    // A peer that never stops must not keep people out.
    const inputsFirst = this.#commands.length === 0 || 2 * jobs.length < limits.stepsPerCommitMax
    return (inputsFirst ? this.#inputs.shift() : undefined) ?? this.#commands.shift() ?? this.#inputs.shift()
  }

  /** Resolves with the next job that is added. */
  arrival(): Promise<void> {
    return new Promise(resolve => {
      this.#arrived = resolve
    })
  }
}
