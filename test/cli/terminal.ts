/** A terminal for tests: what is typed, what is shown, and which signals come. */
import { PassThrough } from 'node:stream'
import type { Environment, Output, Surroundings } from '../../cli/surroundings.ts'

class Shown extends PassThrough {
  text = ''
  readonly isTTY: boolean
  readonly columns = 80
  readonly rows = 24
  #waiting: (() => void)[] = []

  constructor(isTTY: boolean) {
    super()
    this.isTTY = isTTY
    this.setEncoding('utf8').on('data', (text: string) => {
      this.text += text
      for (const wake of this.#waiting.splice(0)) wake()
    })
  }

  /** Resolves once the text matches. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.text)) await new Promise<void>(resolve => this.#waiting.push(resolve))
    return this.text
  }

  /** The lines of JSON so far. */
  get lines(): Record<string, unknown>[] {
    return this.text
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line) as Record<string, unknown>)
  }
}

export interface TestTerminal extends Surroundings {
  readonly stdin: PassThrough & { readonly isTTY?: boolean }
  readonly stdout: Shown & Output
  readonly stderr: Shown & Output
  interrupt(): void
}

/** Pipes by default; `tty` makes it a terminal. */
export function testTerminal(
  options: { readonly environment?: Environment; readonly input?: string; readonly tty?: boolean } = {}
): TestTerminal {
  const { environment = {}, input, tty = false } = options
  const stdin = Object.assign(new PassThrough(), { isTTY: tty })
  if (input !== undefined) stdin.end(input)
  const listeners = new Set<() => void>()
  return {
    stdin,
    stdout: new Shown(tty),
    stderr: new Shown(tty),
    environment,
    onInterrupt(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    interrupt() {
      for (const listener of listeners) listener()
    }
  }
}
