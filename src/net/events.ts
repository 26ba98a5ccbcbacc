/**
 * Hands events to the one handler of a network: one at a time and in order for each peer, peers side by side.
 * Everything that queues here is bounded by whoever queues it: a reader waits for its own event, gossip counts.
 */
import type { NetworkEvent, NetworkHandler } from '../ports/network.ts'

/** Delivers events until `stop`. */
export class EventDelivery {
  readonly #tails = new Map<string, Promise<void>>()
  readonly #failed: (event: NetworkEvent, error: unknown) => void
  #handler: NetworkHandler | undefined

  constructor(failed: (event: NetworkEvent, error: unknown) => void) {
    this.#failed = failed
  }

  start(handler: NetworkHandler): void {
    this.#handler = handler
  }

  /** Nothing is handed over from here on; resolves when what was being handled is. */
  async stop(): Promise<void> {
    this.#handler = undefined
    await Promise.allSettled(this.#tails.values())
  }

  /** Resolves once the handler took the event, rejects with what it rejected with. */
  deliver(lane: string, event: NetworkEvent): Promise<void> {
    const before = this.#tails.get(lane)
    const handled = before === undefined ? this.#handle(event) : before.then(() => this.#handle(event))
    const tail = handled
      .catch((error: unknown) => this.#failed(event, error))
      .then(() => {
        if (this.#tails.get(lane) === tail) this.#tails.delete(lane)
      })
    this.#tails.set(lane, tail)
    return handled
  }

  /** Like `deliver`, for events that nobody waits for. */
  post(lane: string, event: NetworkEvent): void {
    // A rejection was reported already.
    this.deliver(lane, event).catch(() => {})
  }

  async #handle(event: NetworkEvent): Promise<void> {
    await this.#handler?.(event)
  }
}
