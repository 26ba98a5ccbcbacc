/**
 * What the command line touches of its process: streams, environment, interrupts. Everything takes it as an
 * argument, so that a test can be the terminal.
 */
import type { Readable, Writable } from 'node:stream'

/** A stream that may be a terminal. */
export type Input = Readable & { readonly isTTY?: boolean }
export type Output = Writable & {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
}

export type Environment = Readonly<Record<string, string | undefined>>

export interface Surroundings {
  readonly stdin: Input
  readonly stdout: Output
  readonly stderr: Output
  readonly environment: Environment
  /** Calls back on Ctrl-C and SIGTERM; returns what ends that. */
  onInterrupt(listener: () => void): () => void
}

/** Those of this process. */
export const processSurroundings = (): Surroundings => ({
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
  onInterrupt(listener) {
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
    for (const signal of signals) process.on(signal, listener)
    return () => {
      for (const signal of signals) process.off(signal, listener)
    }
  }
})
