/**
 * The network port: peers, direct streams, gossip and the DHT, as the runtime needs them. Everything that
 * crosses it is opaque bytes; who may be trusted is decided above it.
 * Acceptance suite: src/testing/network-suite.ts.
 */
import type { Address, PeerId } from '../base/ids.ts'

/** What the network tells the runtime. Events in past tense, delivered one at a time, in order per peer. */
export type NetworkEvent =
  /** A direct stream with this peer is open, whoever dialled. At most one per peer counts as open. */
  | {
      readonly type: 'opened'
      readonly peer: PeerId
      readonly inbound: boolean
      readonly address: Address | undefined
    }
  /** Envelopes came over the direct stream. The network reads on once the handler's promise settles. */
  | { readonly type: 'received'; readonly peer: PeerId; readonly envelopes: readonly Uint8Array[] }
  /** The direct stream is gone, or never came to be after `dial`. */
  | { readonly type: 'closed'; readonly peer: PeerId; readonly reason: string }
  /** An envelope came by gossip on a subscribed topic. */
  | { readonly type: 'gossiped'; readonly topic: string; readonly envelope: Uint8Array }
  /** A peer was found on the local network, by itself, with where it listens. */
  | { readonly type: 'discovered'; readonly peer: PeerId; readonly addresses: readonly Address[] }
  /** Our own addresses changed. */
  | { readonly type: 'moved'; readonly addresses: readonly Address[] }
  /** The first DHT server became reachable; lookups and puts have a chance from now on. */
  | { readonly type: 'dht-ready' }

/** Takes one event; the promise settles once it was taken in, which is what back-pressure waits for. */
export type NetworkHandler = (event: NetworkEvent) => Promise<void>

/** What `status` shows of the network. */
export interface NetworkStatus {
  readonly peerId: PeerId
  readonly addresses: readonly Address[]
  readonly connections: ReadonlyArray<{
    peer: PeerId
    address: Address
    direction: 'inbound' | 'outbound'
    direct: boolean
  }>
  readonly dht: { enabled: boolean; mode: 'client' | 'server'; peers: number; records: number }
  readonly mdns: boolean
  readonly topics: number
}

/** One node's access to the network. */
export interface Network {
  readonly peerId: PeerId
  /** Starts listening, discovery and the DHT. Throws NETWORK_FAILED. */
  start(handler: NetworkHandler): Promise<void>
  /** Closes everything; resolves when nothing is left running. Idempotent. */
  stop(): Promise<void>
  /** Where others can reach this node now; each ends in our own `/p2p/<PeerId>`. */
  addresses(): Address[]
  /**
   * Opens the direct stream to a peer, over a connection that exists or over the addresses given, tried side
   * by side. Answered by exactly one `opened` (also where it was open already) or `closed`.
   */
  dial(peer: PeerId, addresses: readonly Address[]): void
  /** Closes the direct stream and the connection with a peer. */
  hangUp(peer: PeerId): void
  /**
   * Writes envelopes to the direct stream in order. Resolves once the transport has taken them all, with
   * back-pressure: not delivered, but out of this process. Rejects if the stream is or becomes closed.
   */
  send(peer: PeerId, envelopes: readonly Uint8Array[]): Promise<void>
  /** Lets a peer take part in the private mesh: only admitted peers see our subscriptions and messages. */
  admit(peer: PeerId): void
  /** Ends what `admit` began. */
  dismiss(peer: PeerId): void
  subscribe(topic: string): void
  unsubscribe(topic: string): void
  /** Publishes on the private mesh; resolves to how many peers it was handed to. Never rejects. */
  publish(topic: string, envelope: Uint8Array): Promise<number>
  /** Stores a record in the DHT; resolves to how many nodes took it. Rejects when none did. */
  put(key: Uint8Array, record: Uint8Array, options: { signal: AbortSignal }): Promise<number>
  /** Valid records under a key, as they are found; ends when there are no more or the signal says so. */
  lookup(key: Uint8Array, options: { signal: AbortSignal }): AsyncIterable<Uint8Array>
  status(): NetworkStatus
}
