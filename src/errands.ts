/**
 * Errands: carries the core's effects out into the world, and brings the answers back as inputs.
 *
 * Always true: an effect is carried out after its batch is committed; one that fails is told and never throws;
 * every wait ends by a limit or with the node.
 */
import { limits } from './base/limits.ts'
import { MESSAGE_IDS, MESSAGES } from './core/conversation.ts'
import type { Input } from './core/core.ts'
import { messageKey } from './core/messages.ts'
import type { Arrival, Effect, Page, Sweep } from './core/turn.ts'
import type { PastMessage } from './wire/own-devices.ts'
import type { Clock } from './ports/clock.ts'
import type { Network } from './ports/network.ts'
import type { Store } from './ports/store.ts'

export class Errands {
  readonly #network: Network | undefined
  readonly #store: Store
  readonly #clock: Clock
  readonly #feed: (input: Input) => Promise<void>
  readonly #notice: (input: Input) => void
  readonly #stopped = new AbortController()
  /** What is being written to streams. */
  readonly #writing = new Set<Promise<void>>()

  constructor(init: {
    network: Network | undefined
    store: Store
    clock: Clock
    feed: (input: Input) => Promise<void>
    notice: (input: Input) => void
  }) {
    this.#network = init.network
    this.#store = init.store
    this.#clock = init.clock
    this.#feed = init.feed
    this.#notice = init.notice
  }

  run(effects: readonly Effect[]): void {
    for (const effect of effects) this.#run(effect)
  }

  /** Waits until what was to be sent is with the transport, at most `limits.lingerMs`: receipts above all. */
  async settled(): Promise<void> {
    const late = new Promise<void>(resolve => this.#clock.after(limits.lingerMs, resolve))
    await Promise.race([Promise.all(this.#writing), late])
  }

  stop(): void {
    this.#stopped.abort()
  }

  #run(effect: Effect): void {
    if (effect.type === 'sweep') void this.#sweep(effect.sweep)
    else if (effect.type === 'recall') void this.#recall(effect.page)
    else if (effect.type === 'sift') void this.#sift(effect.arrival)
    else if (this.#network !== undefined) this.#ask(this.#network, effect)
  }

  #ask(network: Network, effect: Exclude<Effect, { type: 'sweep' | 'recall' | 'sift' }>): void {
    switch (effect.type) {
      case 'dial':
        network.dial(effect.peer, effect.addresses)
        return
      case 'hang-up':
        network.hangUp(effect.peer)
        return
      case 'admit':
        network.admit(effect.peer)
        return
      case 'dismiss':
        network.dismiss(effect.peer)
        return
      case 'subscribe':
        network.subscribe(effect.topic)
        return
      case 'unsubscribe':
        network.unsubscribe(effect.topic)
        return
      case 'transmit':
        this.#write(this.#transmit(network, effect))
        return
      case 'publish':
        void this.#publish(network, effect)
        return
      case 'put':
        void this.#put(network, effect)
        return
      case 'lookup':
        void this.#lookup(network, effect)
    }
  }

  #write(writing: Promise<void>): void {
    const done = writing.finally(() => this.#writing.delete(done))
    this.#writing.add(done)
  }

  async #transmit(
    network: Network,
    { peer, envelopes, messages }: Extract<Effect, { type: 'transmit' }>
  ): Promise<void> {
    const outcome = await network.send(peer, envelopes).then(
      () => 'written to the stream',
      (error: unknown) => `not written: ${reason(error)}`
    )
    if (messages === undefined) return
    const taken = outcome === 'written to the stream'
    this.#notice({ type: 'transmitted', messages, path: 'direct', taken, outcome })
  }

  async #publish(
    network: Network,
    { topic, envelope, messages }: Extract<Effect, { type: 'publish' }>
  ): Promise<void> {
    const peers = await network.publish(topic, envelope)
    if (messages === undefined) return
    const outcome = peers === 0 ? 'no member is in the mesh' : `handed to ${peers} in the mesh`
    this.#notice({ type: 'transmitted', messages, path: 'gossip', taken: peers > 0, outcome })
  }

  async #put(network: Network, { key, record }: Extract<Effect, { type: 'put' }>): Promise<void> {
    const stored = await this.#limited(signal => network.put(key, record, { signal })).then(
      count => count > 0,
      () => false
    )
    await this.#feed({ type: 'presence-put', stored })
  }

  async #lookup(network: Network, { target, key, day }: Extract<Effect, { type: 'lookup' }>): Promise<void> {
    let found = 0
    await this.#limited(async signal => {
      for await (const record of network.lookup(key, { signal })) {
        await this.#feed({ type: 'found', target, day, record })
        found += 1
        if (found >= limits.recordsPerLookupMax) break
      }
    }).catch(() => undefined)
  }

  async #sweep(sweep: Sweep): Promise<void> {
    const { collection, from, to } = sweep
    const records = await this.#store
      .range(collection, { from, to, limit: limits.sweepRecordsMax })
      .catch(() => undefined)
    if (records !== undefined) await this.#feed({ type: 'swept', sweep, records })
  }

  async #recall(page: Page): Promise<void> {
    const { conversation, before, most: limit, whole } = page
    // "0" is the character after "/": everything under this conversation.
    const to = whole || before === undefined ? `${conversation}0` : before
    const range = { from: `${conversation}/`, to, reverse: true, limit }
    const records = await this.#store.range(MESSAGES, range).catch(() => undefined)
    if (records !== undefined) await this.#feed({ type: 'recalled', page, records })
  }

  async #sift(arrival: Arrival): Promise<void> {
    const { conversation, messages } = arrival.history
    const isFresh = async (message: PastMessage): Promise<boolean> => {
      const known = await Promise.all([
        this.#store.get(MESSAGE_IDS, message.id),
        this.#store.get(MESSAGES, messageKey({ conversation, ...message }))
      ])
      return known.every(record => record === undefined)
    }
    const fresh = await Promise.all(messages.map(isFresh)).catch(() => undefined)
    if (fresh !== undefined) await this.#feed({ type: 'sifted', arrival, fresh })
  }

  /** Runs with a signal that ends it with the node or after `limits.dhtTimeoutMs`. */
  async #limited<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController()
    const end = (): void => controller.abort()
    const cancel = this.#clock.after(limits.dhtTimeoutMs, end)
    this.#stopped.signal.addEventListener('abort', end)
    try {
      return await run(controller.signal)
    } finally {
      cancel()
      this.#stopped.signal.removeEventListener('abort', end)
    }
  }
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : 'no reason given')
