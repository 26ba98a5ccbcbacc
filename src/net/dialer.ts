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
    const settled = new AbortController()
    const signal = AbortSignal.any([outer, settled.signal, AbortSignal.timeout(this.#limits.connectMs)])
    let winner: Connection | undefined
    const attempts = addresses.map(async (address, place) => {
      await delay(place * this.#limits.connectStaggerMs, signal)
      const connection = await this.#dialAddress(address, { signal })
      if (winner !== undefined) {
        // Two won at once: one connection to a peer is enough.
        connection.abort(new Error('another address was faster'))
        throw new Error('another address was faster')
      }
      winner = connection
      return connection
    })
    try {
      return await Promise.any(attempts)
    } catch (error) {
      const last = error instanceof AggregateError ? (error.errors.at(-1) as unknown) : error
      throw last instanceof Error ? last : new Error('no address', { cause: last })
    } finally {
      settled.abort()
    }
  }
}

function delay(delayMs: number, signal: AbortSignal): Promise<void> {
  if (delayMs === 0) return Promise.resolve()
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer)
      reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort)
      resolve()
    }, delayMs)
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
  })
}
