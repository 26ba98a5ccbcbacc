/**
 * Ways into the network when nobody else is there: configured peers and those remembered from earlier runs,
 * dialled at the start and again, less and less often, for as long as they are needed.
 */
import type { Address, PeerId } from '../base/ids.ts'
import type { NetworkLimits } from '../base/limits.ts'

/** A peer and where it was last reachable: what is worth keeping for the next start. */
export interface KnownPeer {
  readonly peer: PeerId
  readonly addresses: readonly Address[]
}

/** What the loop needs. */
export interface BootstrapInit {
  readonly peers: readonly KnownPeer[]
  readonly limits: NetworkLimits
  /** Whether the node is cut off and should try. */
  readonly needed: () => boolean
  /** Connects to one of them; rejects when it cannot. */
  readonly connect: (peer: KnownPeer, signal: AbortSignal) => Promise<unknown>
}

/** The loop. It never keeps the process alive. */
export class Bootstrap {
  readonly #init: BootstrapInit
  readonly #stopped = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #delayMs: number
  #turn = 0

  constructor(init: BootstrapInit) {
    this.#init = init
    this.#delayMs = init.limits.bootstrapFirstMs
  }

  /** Dials at once and goes on. */
  start(): void {
    if (this.#init.peers.length > 0) void this.#round(true)
  }

  stop(): void {
    this.#stopped.abort(new Error('stopped'))
    clearTimeout(this.#timer)
  }

  async #round(first: boolean): Promise<void> {
    const { signal } = this.#stopped
    if (first || this.#init.needed()) {
      await Promise.allSettled(this.#next().map(peer => this.#init.connect(peer, signal)))
      this.#delayMs = Math.min(2 * this.#delayMs, this.#init.limits.bootstrapMaxMs)
    } else {
      this.#delayMs = this.#init.limits.bootstrapFirstMs
    }
    if (signal.aborted) return
    this.#timer = setTimeout(
      () => void this.#round(false),
      first ? this.#init.limits.bootstrapFirstMs : this.#delayMs
    )
    this.#timer.unref()
  }

  /** Some of them, others in the next round, so that a long list of dead ones does not starve a living one. */
  #next(): KnownPeer[] {
    const { peers, limits } = this.#init
    const count = Math.min(peers.length, limits.bootstrapParallelMax)
    const chosen = Array.from({ length: count }, (_, i) => peers[(this.#turn + i) % peers.length]!)
    this.#turn = (this.#turn + count) % peers.length
    return chosen
  }
}
