/**
 * Direct streams with all peers: at most one each, agreed by both sides, whoever dialled.
 * Spec: specs/direct-stream.md, section "Which stream counts".
 *
 * A stream counts once its listener has accepted it, so a side that dialled never speaks into a stream that the
 * other has given up. Where both dial at once, the stream of the smaller peer id counts: the larger side accepts
 * it and drops its own; the smaller side holds the other stream until its own is decided, then drops it, or
 * falls back on it. Always true: between `opened` and `closed` of a peer there is no second `opened`, save as the
 * answer to a dial; every dial is answered once.
 */
import type { Connection, Stream } from '@libp2p/interface'
import type { Address, PeerId } from '../base/ids.ts'
import type { NetworkLimits } from '../base/limits.ts'
import type { Connections } from './connections.ts'
import { DirectStream } from './direct-stream.ts'
import type { EventDelivery } from './events.ts'
import { DIRECT_PROTOCOL } from './frames.ts'
import { RateGate } from './rate.ts'

/** What direct streams need from the node. */
export interface DirectInit {
  readonly self: PeerId
  readonly limits: NetworkLimits
  readonly events: EventDelivery
  readonly connections: Connections
}

interface Offer {
  readonly stream: Stream
  readonly connection: Connection
}

/** A dial under way. `offered` once our stream is with the other side: from then on there can be a tie. */
interface Attempt {
  readonly abort: AbortController
  offered: boolean
}

interface Peer {
  open?: DirectStream
  attempt?: Attempt
  /** A stream of theirs that waits for ours to be decided. */
  held?: Offer
  grace?: NodeJS.Timeout
}

/** The direct streams of one node. */
export class DirectStreams {
  readonly #init: DirectInit
  readonly #peers = new Map<PeerId, Peer>()
  readonly #opens: RateGate
  #stopped = false

  constructor(init: DirectInit) {
    this.#init = init
    this.#opens = new RateGate({
      max: init.limits.directOpensPerMinuteMax,
      windowMs: 60_000,
      keysMax: init.limits.ratesTrackedMax
    })
  }

  dial(peer: PeerId, addresses: readonly Address[]): void {
    if (this.#stopped) return
    const state = this.#state(peer)
    if (state.open !== undefined) {
      this.#announce(peer, state.open)
      return
    }
    if (state.attempt !== undefined) return
    const attempt: Attempt = { abort: new AbortController(), offered: false }
    state.attempt = attempt
    void this.#attempt(peer, addresses, attempt)
  }

  /** Gives up dialling, closes the stream and the connections; what was written before goes out first, within seconds. */
  async hangUp(peer: PeerId): Promise<void> {
    const state = this.#peers.get(peer)
    if (state !== undefined) this.#dropHeld(state, 'hung up')
    if (state?.attempt !== undefined) this.#failed(peer, state.attempt, 'hung up')
    const open = state?.open
    if (open !== undefined) {
      this.#lost(peer, open, 'hung up')
      await open.close()
    }
    await this.#init.connections.close(peer)
  }

  send(peer: PeerId, envelopes: readonly Uint8Array[]): Promise<void> {
    const open = this.#peers.get(peer)?.open
    if (open === undefined) return Promise.reject(new Error('there is no direct stream with this peer'))
    return open.write(envelopes)
  }

  /** Takes a stream that a peer opened. */
  readonly accept = (stream: Stream, connection: Connection): void => {
    const peer = connection.remotePeer.toString() as PeerId
    if (this.#stopped || !this.#opens.allows(peer)) {
      stream.abort(new Error('too many streams'))
      return
    }
    const state = this.#state(peer)
    const offer: Offer = { stream, connection }
    const oursMayWin = state.attempt?.offered === true && this.#init.self < peer
    if (state.open === undefined && !oursMayWin) this.#adoptInbound(peer, offer)
    else this.#hold(peer, state, offer)
  }

  /** Ends everything without a word to the handler. */
  async stop(): Promise<void> {
    this.#stopped = true
    const closing: Array<Promise<void>> = []
    for (const state of this.#peers.values()) {
      this.#dropHeld(state, 'stopped')
      state.attempt?.abort.abort(new Error('stopped'))
      if (state.open !== undefined) closing.push(state.open.close())
    }
    this.#peers.clear()
    await Promise.all(closing)
  }

  async #attempt(peer: PeerId, addresses: readonly Address[], attempt: Attempt): Promise<void> {
    const { signal } = attempt.abort
    try {
      for (const connection of this.#init.connections.with(peer)) {
        const answered = await this.#offerOnOld(peer, connection, attempt)
        if (answered) return
      }
      signal.throwIfAborted()
      const connection = await this.#init.connections.connect(peer, addresses, signal)
      await this.#offer(peer, connection, attempt, this.#init.limits.offerMs)
    } catch (error) {
      this.#failed(peer, attempt, error instanceof Error ? error.message : 'the dial failed')
    }
  }

  /** False where the connection turned out to be dead; it is gone then. */
  async #offerOnOld(peer: PeerId, connection: Connection, attempt: Attempt): Promise<boolean> {
    try {
      await this.#offer(peer, connection, attempt, this.#init.limits.offerOnOldConnectionMs)
      return true
    } catch (error) {
      attempt.abort.signal.throwIfAborted()
      if (error instanceof Error && error.name === 'UnsupportedProtocolError') throw error
      attempt.offered = false
      // Theirs waited for ours to be decided.
      const state = this.#peers.get(peer)
      if (state !== undefined && this.#adoptHeld(peer, state)) throw error
      connection.abort(error instanceof Error ? error : new Error('the connection does not answer'))
      return false
    }
  }

  /** Opens a stream and waits until the other side has accepted it. */
  async #offer(peer: PeerId, connection: Connection, attempt: Attempt, offerMs: number): Promise<void> {
    const signal = AbortSignal.any([attempt.abort.signal, AbortSignal.timeout(offerMs)])
    signal.throwIfAborted()
    attempt.offered = true
    const stream = await connection.newStream(DIRECT_PROTOCOL, {
      signal,
      maxOutboundStreams: this.#init.limits.directStreamsPerConnectionMax
    })
    const accepted = Promise.withResolvers<void>()
    const give = (): void => {
      const reason: unknown = signal.reason
      stream.abort(reason instanceof Error ? reason : new Error('given up'))
    }
    const direct = this.#wrap(peer, { stream, connection }, false, () => {
      signal.removeEventListener('abort', give)
      if (this.#peers.get(peer)?.attempt === attempt) this.#adopt(peer, direct)
      else direct.abort('another stream counts')
      accepted.resolve()
    })
    signal.addEventListener('abort', give, { once: true })
    if (signal.aborted) give()
    void this.#run(peer, direct).then(reason => {
      signal.removeEventListener('abort', give)
      accepted.reject(new Error(reason))
    })
    await accepted.promise
  }

  #wrap(peer: PeerId, offer: Offer, inbound: boolean, accepted: () => void): DirectStream {
    const direct: DirectStream = new DirectStream({
      ...offer,
      inbound,
      limits: this.#init.limits,
      accepted,
      received: async envelopes => {
        // Nothing is heard from a stream that was replaced: its `closed` has been said.
        if (this.#peers.get(peer)?.open !== direct) return
        await this.#init.events.deliver(peer, { type: 'received', peer, envelopes })
      }
    })
    return direct
  }

  async #run(peer: PeerId, direct: DirectStream): Promise<string> {
    const reason = await direct.run()
    this.#lost(peer, direct, reason)
    return reason
  }

  #adoptInbound(peer: PeerId, offer: Offer): void {
    const direct = this.#wrap(peer, offer, true, () => {})
    try {
      direct.accept()
    } catch {
      // It was gone before it could count.
      direct.abort('gone')
      this.#tidy(peer)
      return
    }
    this.#adopt(peer, direct)
    void this.#run(peer, direct)
  }

  #adopt(peer: PeerId, direct: DirectStream): void {
    const state = this.#state(peer)
    const { attempt, open } = state
    delete state.attempt
    if (direct.inbound) attempt?.abort.abort(new Error('the peer dialled first'))
    if (open !== undefined) this.#lost(peer, open, 'the peer opened another stream')
    open?.abort('replaced')
    state.open = direct
    this.#peers.set(peer, state)
    if (!direct.inbound) this.#dropHeld(state, 'another stream counts')
    this.#announce(peer, direct)
    this.#init.connections.setCarrier(peer, direct.connection)
    if (!direct.inbound) this.#closeOthers(peer, direct.connection)
  }

  /** Two connections cost both sides twice; the side whose stream counts closes the idle one. */
  #closeOthers(peer: PeerId, carrier: Connection): void {
    for (const connection of this.#init.connections.with(peer)) {
      if (connection.id !== carrier.id) connection.close().catch((error: Error) => connection.abort(error))
    }
  }

  #announce(peer: PeerId, direct: DirectStream): void {
    const address = direct.connection.remoteAddr.toString() as Address
    this.#init.events.post(peer, { type: 'opened', peer, inbound: direct.inbound, address })
  }

  #failed(peer: PeerId, attempt: Attempt, reason: string): void {
    attempt.abort.abort(new Error(reason))
    const state = this.#peers.get(peer)
    if (state?.attempt !== attempt) return
    delete state.attempt
    if (this.#adoptHeld(peer, state)) return
    this.#tidy(peer)
    this.#init.events.post(peer, { type: 'closed', peer, reason })
  }

  #lost(peer: PeerId, direct: DirectStream, reason: string): void {
    const state = this.#peers.get(peer)
    if (state?.open !== direct) return
    delete state.open
    this.#init.events.post(peer, { type: 'closed', peer, reason })
    this.#init.connections.setCarrier(peer, undefined)
    if (!this.#adoptHeld(peer, state)) this.#tidy(peer)
  }

  #hold(peer: PeerId, state: Peer, offer: Offer): void {
    this.#dropHeld(state, 'a newer stream waits')
    state.held = offer
    offer.stream.addEventListener(
      'close',
      () => {
        if (state.held === offer) delete state.held
      },
      { once: true }
    )
    // A peer that came back after a crash finds our old stream open still: the new one replaces it, unless it
    // is only the loser of a tie, which the other side is about to drop.
    state.grace = setTimeout(() => {
      if (state.open !== undefined && state.held === offer) this.#adoptHeld(peer, state)
    }, this.#init.limits.directReplaceMs)
  }

  #adoptHeld(peer: PeerId, state: Peer): boolean {
    const { held } = state
    if (held === undefined || this.#stopped) return false
    clearTimeout(state.grace)
    delete state.held
    if (held.stream.status !== 'open') return false
    this.#adoptInbound(peer, held)
    return true
  }

  #dropHeld(state: Peer, reason: string): void {
    clearTimeout(state.grace)
    const { held } = state
    delete state.held
    held?.stream.abort(new Error(reason))
  }

  #state(peer: PeerId): Peer {
    const state = this.#peers.get(peer) ?? {}
    this.#peers.set(peer, state)
    return state
  }

  #tidy(peer: PeerId): void {
    const state = this.#peers.get(peer)
    if (state !== undefined && !state.open && !state.attempt && !state.held) this.#peers.delete(peer)
  }
}
