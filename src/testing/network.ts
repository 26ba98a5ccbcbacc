/**
 * A simulated node's network: the `Network` port over simulated links, gossip and DHT.
 *
 * Invariants, as the port demands: events of one peer are delivered one at a time and in order, and the next
 * envelopes of a peer wait until the handler has taken in the last; a `dial` has exactly one answer; after
 * `stop`, and after a crash, nothing is delivered any more.
 */
import { HearsayError } from '../base/errors.ts'
import type { Address, PeerId } from '../base/ids.ts'
import type { Network, NetworkEvent, NetworkHandler, NetworkStatus } from '../ports/network.ts'
import type { SimulatedInternet } from './internet.ts'
import type { Link, LinkEnd } from './link.ts'

interface OpenStream {
  readonly link: Link
  readonly end: LinkEnd
  readonly address: Address | undefined
  readonly inbound: boolean
}

/** One process's access to the simulated internet. Made by `SimulatedInternet.attach`. */
export class SimulatedNetwork implements Network {
  readonly peerId: PeerId
  /** The machine that this process runs on. */
  readonly host: string
  readonly #internet: SimulatedInternet
  #handler: NetworkHandler | undefined
  #state: 'new' | 'running' | 'stopped' | 'crashed' = 'new'
  readonly #streams = new Map<PeerId, OpenStream>()
  readonly #dialling = new Set<PeerId>()
  readonly #admitted = new Set<PeerId>()
  readonly #topics = new Set<string>()
  /** The last thing to be told about each peer, and about no peer: what comes next waits for it. */
  readonly #told = new Map<string, Promise<void>>()

  constructor(internet: SimulatedInternet, host: string, peerId: PeerId) {
    this.#internet = internet
    this.host = host
    this.peerId = peerId
  }

  async start(handler: NetworkHandler): Promise<void> {
    if (this.#state !== 'new') throw new HearsayError('NETWORK_FAILED')
    this.#handler = handler
    this.#state = 'running'
    this.#internet.started(this)
  }

  async stop(): Promise<void> {
    if (this.#state !== 'running') return
    this.#state = 'stopped'
    for (const { link, end } of this.#streams.values()) link.close(end, 'stopped')
    this.#streams.clear()
    this.#internet.ended(this)
  }

  /** The machine has lost power: the node hears nothing more, its peers learn of it by and by. */
  crash(): void {
    if (this.#state !== 'running') return
    this.#state = 'crashed'
    for (const { link, end } of this.#streams.values()) link.die(end)
    this.#streams.clear()
    this.#internet.ended(this)
  }

  get running(): boolean {
    return this.#state === 'running'
  }

  /** Whether it was stopped or has crashed: it does not start again. */
  get ended(): boolean {
    return this.#state === 'stopped' || this.#state === 'crashed'
  }

  addresses(): Address[] {
    const isUp = this.running && this.#internet.reachability.isOnline(this.host)
    return isUp ? [this.#internet.addressOf(this)] : []
  }

  dial(peer: PeerId, addresses: readonly Address[]): void {
    if (!this.running || this.#dialling.has(peer)) return
    const open = this.#streams.get(peer)
    if (open !== undefined) {
      this.#tell(peer, { type: 'opened', peer, inbound: open.inbound, address: open.address })
      return
    }
    this.#dialling.add(peer)
    this.#internet.dial(this, peer, addresses)
  }

  hangUp(peer: PeerId): void {
    const open = this.#streams.get(peer)
    if (open !== undefined) open.link.close(open.end, 'hung up')
  }

  async send(peer: PeerId, envelopes: readonly Uint8Array[]): Promise<void> {
    const open = this.#streams.get(peer)
    if (open === undefined) {
      throw new HearsayError('NETWORK_FAILED', { message: 'No stream is open with this peer.' })
    }
    this.#internet.observe({ type: 'sent', from: this, peer, envelopes })
    try {
      await open.link.send(open.end, envelopes)
    } catch (cause) {
      throw new HearsayError('NETWORK_FAILED', { message: 'The stream was closed.', cause })
    }
  }

  admit(peer: PeerId): void {
    this.#admitted.add(peer)
  }

  dismiss(peer: PeerId): void {
    this.#admitted.delete(peer)
  }

  subscribe(topic: string): void {
    this.#topics.add(topic)
  }

  unsubscribe(topic: string): void {
    this.#topics.delete(topic)
  }

  async publish(topic: string, envelope: Uint8Array): Promise<number> {
    if (!this.running) return 0
    return this.#internet.publish(this, topic, envelope)
  }

  async put(key: Uint8Array, record: Uint8Array, options: { signal: AbortSignal }): Promise<number> {
    return await this.#internet.dht.put(this.host, key, record, options.signal)
  }

  lookup(key: Uint8Array, options: { signal: AbortSignal }): AsyncIterable<Uint8Array> {
    return this.#internet.dht.lookup(this.host, key, options.signal)
  }

  status(): NetworkStatus {
    return {
      peerId: this.peerId,
      addresses: this.addresses(),
      connections: [...this.#streams].map(([peer, { inbound, address }]) => ({
        peer,
        address: address ?? this.#internet.lastAddressOf(peer),
        direction: inbound ? 'inbound' : 'outbound',
        direct: true
      })),
      dht: {
        enabled: true,
        mode: 'server',
        peers: this.#internet.isDhtReachable(this) ? 20 : 0,
        records: this.#internet.dht.records
      },
      mdns: this.#internet.mdns,
      topics: this.#topics.size
    }
  }

  /** Whether gossip passes between this node and a peer: a stream is open and each admits the other. */
  sharesMeshWith(other: SimulatedNetwork, topic: string): boolean {
    return (
      this.running &&
      other.running &&
      other.#topics.has(topic) &&
      this.#streams.has(other.peerId) &&
      other.#streams.has(this.peerId) &&
      this.#admitted.has(other.peerId) &&
      other.#admitted.has(this.peerId)
    )
  }

  /** One end of a new link to this peer, for the internet to build the link with. */
  endTowards(peer: PeerId): LinkEnd {
    const end: LinkEnd = {
      host: this.host,
      owner: this,
      isAlive: () => this.running,
      opened: (link, inbound, address) => {
        if (!this.running) return
        const old = this.#streams.get(peer)
        // At most one stream per peer counts: the newer one, since its other end has let go of the older.
        if (old !== undefined) old.link.close(old.end, 'replaced by a newer stream')
        this.#dialling.delete(peer)
        this.#streams.set(peer, { link, end, address, inbound })
        this.#tell(peer, { type: 'opened', peer, inbound, address })
      },
      received: envelopes => this.#queue(peer, { type: 'received', peer, envelopes }),
      closed: reason => {
        if (this.#streams.get(peer)?.end === end) this.#streams.delete(peer)
        this.#tell(peer, { type: 'closed', peer, reason })
      }
    }
    return end
  }

  /** The link with this peer that this end believes in, if any. */
  linkWith(peer: PeerId): OpenStream | undefined {
    return this.#streams.get(peer)
  }

  /** A dial came to nothing. Not news if the peer has dialled us meanwhile. */
  dialFailed(peer: PeerId, reason: string): void {
    if (this.#dialling.delete(peer)) this.#tell(peer, { type: 'closed', peer, reason })
  }

  /** Hands on an event that belongs to no stream. */
  tell(event: NetworkEvent): void {
    const queue = event.type === 'gossiped' ? 'gossip' : 'host'
    this.#tell(queue, event)
  }

  #tell(queue: string, event: NetworkEvent): void {
    void this.#queue(queue, event)
  }

  /** Tells the node, after everything about the same peer that it has yet to take in. Never rejects. */
  #queue(queue: string, event: NetworkEvent): Promise<void> {
    const before = this.#told.get(queue) ?? Promise.resolve()
    const told = before.then(async () => {
      if (!this.running || this.#handler === undefined) return
      this.#internet.observe({ type: 'told', to: this, event })
      await this.#handler(event)
    })
    // A handler that rejects is a bug of the runtime; the simulation reports it and goes on.
    const settled = told.catch((cause: unknown) => this.#internet.handlerFailed(this, cause))
    this.#told.set(queue, settled)
    return settled
  }
}
