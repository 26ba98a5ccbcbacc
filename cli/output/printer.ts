/**
 * Where output leaves: results to standard output, as text or as `--json`; words about them to standard error.
 *
 * Always true: text is SafeText; a reader that has gone (`| head`) ends the run quietly.
 */
import { once } from 'node:events'
import type { Fact } from '../facts.ts'
import { failureFact, hearsayError } from '../failure.ts'
import type { Surroundings } from '../surroundings.ts'
import type { Verb } from '../verb.ts'
import { jsonLine } from './json-line.ts'
import { paintFor } from './paint.ts'
import { joined, literal, safe, safeLines, words, type SafeText } from './safe-text.ts'

export class Printer {
  readonly #surroundings: Surroundings
  readonly #json: boolean
  readonly #gone = new AbortController()

  constructor(surroundings: Surroundings, json: boolean) {
    this.#surroundings = surroundings
    this.#json = json
    surroundings.stdout.on('error', () => this.#gone.abort())
    surroundings.stderr.on('error', () => undefined)
  }

  /** Aborted once nobody reads any more. */
  get gone(): AbortSignal {
    return this.#gone.signal
  }

  /** Prints one result. Resolves once there is room for the next. */
  async result(fact: Fact, verb: Verb, params: unknown): Promise<void> {
    const { stdout, environment } = this.#surroundings
    const line = this.#json ? jsonLine(fact) : verb.text(fact, paintFor(stdout, environment), params)
    if (this.#gone.signal.aborted || line === '') return
    if (!stdout.write(`${line}\n`)) {
      await once(stdout, 'drain', { signal: this.#gone.signal }).catch(() => undefined)
    }
  }

  /** Words for the person who waits. */
  note(text: SafeText): void {
    const { stderr, environment } = this.#surroundings
    stderr.write(`${paintFor(stderr, environment)('dim', text)}\n`)
  }

  /** Says what failed and what to do. Only a bug shows where it happened. */
  failure(error: unknown): void {
    const { stderr, environment } = this.#surroundings
    const { code, message, hint } = failureFact(error)
    if (this.#json) {
      stderr.write(`${jsonLine(failureFact(error))}\n`)
      return
    }
    const paint = paintFor(stderr, environment)
    stderr.write(`${words`hearsay: ${paint('red', safe(code))}: ${safe(message)} ${safe(hint)}`}\n`)
    if (code === 'INTERNAL') stderr.write(`${trace(error)}\n`)
  }
}

/** Where a bug happened, and what caused it. */
function trace(error: unknown): SafeText {
  const { cause, stack } = hearsayError(error)
  const shown = cause instanceof Error ? cause.stack : stack
  return shown === undefined ? literal('(no trace)') : joined(safeLines(shown), '\n')
}
