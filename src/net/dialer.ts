/**
 * Connecting to a peer over several addresses, side by side: the first connection wins, the others are closed.
 * libp2p tries them one after the other, which costs ten seconds for one dead address in front of a good one.
 * Waits for one of a bounded number of places first.
 */
import type { Connection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { limits, type NetworkLimits } from '../base/limits.ts'

/** Opens a connection to one address; rejects when it cannot or the signal says so. */
export type DialAddress = (address: Multiaddr, options: { signal: AbortSignal }) => Promise<Connection>

/** Dials with bounded parallelism. */
export class Dialer {
  readonly #dialAddress: DialAddress
  readonly #limits: NetworkLimits
  #running = 0
  readonly #waiting: Array<() => void> = []

  constructor(dialAddress: DialAddress, bounds: NetworkLimits) {
    this.#dialAddress = dialAddress
    this.#limits = bounds
  }

  /** The first connection that comes to be. Rejects with the last failure, or when the signal says so. */
  async connect(addresses: readonly Multiaddr[], signal: AbortSignal): Promise<Connection> {
    await this.#enter()
    try {
      signal.throwIfAborted()
      return await this.#race(addresses, signal)
    } finally {
      this.#running--
      this.#waiting.shift()?.()
    }
  }

  async #enter(): Promise<void> {
    while (this.#running >= limits.dialsParallelMax) {
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
    this.#running++
  }

  async #race(addresses: readonly Multiaddr[], outer: AbortSignal): Promise<Connection> {
    // A socket obeys the signal that it was dialled with for as long as it lives, so each attempt has its own,
    // and that of the winner is never aborted.
    const attempts = new Set(addresses.map(address => ({ address, abort: new AbortController() })))
    const giveUp = (reason: Error): void => {
      for (const { abort } of attempts) abort.abort(reason)
    }
    const onAbort = (): void => giveUp(asError(outer.reason))
    const timeout = setTimeout(() => giveUp(new Error('nobody answered in time')), this.#limits.connectMs)
    outer.addEventListener('abort', onAbort, { once: true })
    let won = false
    const tries = [...attempts].map(async (attempt, place) => {
      const { signal } = attempt.abort
      await delay(place * this.#limits.connectStaggerMs, signal)
      const connection = await this.#dialAddress(attempt.address, { signal })
      // Two at once: one connection to a peer is enough.
      if (won) connection.abort(new Error('another address was faster'))
      won = true
      attempts.delete(attempt)
      return connection
    })
    try {
      return await Promise.any(tries)
    } catch (error) {
      throw asError(error instanceof AggregateError ? error.errors.at(-1) : error)
    } finally {
      clearTimeout(timeout)
      outer.removeEventListener('abort', onAbort)
      giveUp(new Error('another address was faster'))
    }
  }
}

const asError = (reason: unknown): Error =>
  reason instanceof Error ? reason : new Error('no address of this peer answers', { cause: reason })

function delay(delayMs: number, signal: AbortSignal): Promise<void> {
  if (delayMs === 0) return Promise.resolve()
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer)
      reject(asError(signal.reason))
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort)
      resolve()
    }, delayMs)
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
  })
}
