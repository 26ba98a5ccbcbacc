/**
 * The network port over libp2p: puts direct streams, the private mesh, the DHT and discovery together and turns
 * what they do into events.
 *
 * Always true: whatever peers send, nothing throws into the caller or out of the process; the handler gets one
 * event at a time and peer; `stop` leaves nothing running.
 */
import { HearsayError } from '../base/errors.ts'
import type { Address, PeerId } from '../base/ids.ts'
import { networkLimits, type NetworkLimits } from '../base/limits.ts'
import type { Network, NetworkHandler, NetworkStatus } from '../ports/network.ts'
import { Acquaintances } from './acquaintances.ts'
import { parsePeerAddress } from './addresses.ts'
import { Bootstrap, type KnownPeer } from './bootstrap.ts'
import { Connections } from './connections.ts'
import { Dht, type ValidateRecord } from './dht.ts'
import { DirectStreams } from './direct.ts'
import { EventDelivery } from './events.ts'
import { DIRECT_PROTOCOL } from './frames.ts'
import { Gate } from './gate.ts'
import { PrivateMesh } from './gossip.ts'
import { createNode, type Node } from './libp2p.ts'
import { OwnAddresses } from './own-addresses.ts'
import { RecordStore } from './record-store.ts'

/** Where the network writes what a person may want to know; pino fits. Never a key, never a message. */
export interface NetworkLog {
  debug(fields: object, message: string): void
  warn(fields: object, message: string): void
}

/** What a network is made from. */
export interface Libp2pNetworkInit {
  /** Ed25519 seed, 32 bytes: the PeerId is its public key. Never the identity's and never the device's. */
  readonly networkKey: Uint8Array
  /** Multiaddrs to listen on; none for a node that only dials. */
  readonly listen: readonly string[]
  /** What to tell others instead of what this machine listens on. */
  readonly announce?: readonly string[]
  /** Multiaddrs of peers, each ending in `/p2p/<PeerId>`. */
  readonly bootstrap: readonly string[]
  /** What `knownPeers()` said in an earlier run. */
  readonly cachedPeers: readonly KnownPeer[]
  readonly dht: 'off' | 'client' | 'server'
  readonly mdns: boolean
  readonly validateRecord: ValidateRecord
  readonly log?: NetworkLog
  readonly limits?: Partial<NetworkLimits>
  /**
   * A network on one machine or one LAN: private and memory addresses count everywhere, and nodes may share an
   * address without being taken for one attacker.
   */
  readonly local?: boolean
}

/** The network over libp2p. */
export interface Libp2pNetwork extends Network {
  /** Peers that are worth trying at the next start: DHT servers met, newest last, at most `peersKnownMax`. */
  knownPeers(): KnownPeer[]
}

/** Makes a network that is not started. Throws INVALID_ADDRESS, INVALID_ARGUMENT, NETWORK_FAILED. */
export async function libp2pNetwork(init: Libp2pNetworkInit): Promise<Libp2pNetwork> {
  if (init.networkKey.length !== 32) {
    throw new HearsayError('INVALID_ARGUMENT', { message: 'A network key has 32 bytes.' })
  }
  const local = init.local ?? false
  const limits: NetworkLimits = { ...networkLimits, ...(local ? LOCAL_LIMITS : {}), ...init.limits }
  for (const text of init.bootstrap) parsePeerAddress(text, { local })
  const events = new EventDelivery((event, error) => {
    init.log?.warn({ err: error, event: event.type }, 'the handler of the network failed')
  })
  const gate = new Gate(limits, local)
  const store = new RecordStore(limits)
  const connections = new Connections(gate, limits, { local })
  const mesh = new PrivateMesh({
    limits,
    connection: peer => connections.best(peer),
    peers: () => connections.peers(),
    gossiped: gossipIntake(events, limits),
    graylisted: peer => {
      init.log?.warn({ peer }, 'a peer gossips what it must not; hanging up')
      gate.deny(peer)
      void connections.close(peer)
    }
  })
  const { dht: mode, validateRecord } = init
  const ready = (): void => events.post(NODE_LANE, { type: 'dht-ready' })
  const dht = mode === 'off' ? undefined : new Dht({ mode, local, limits, store, validateRecord, ready })
  const announce = init.announce ?? []
  const node = await createNode({ ...init, announce, local, limits, gate, store, mesh, dht })
  return new Libp2pBackedNetwork({ init, local, limits, events, store, connections, mesh, dht, node })
}

/** On one machine every node has the same address: rates per address would be rates of the whole network. */
const LOCAL_LIMITS = {
  connectionsMax: 1000,
  strangerConnectionsMax: 1000,
  inboundPerSecondMax: 1000,
  inboundPendingMax: 1000
} as const satisfies Partial<NetworkLimits>

/** Events that belong to no peer are handed over in the order of these. */
const NODE_LANE = 'node'
const GOSSIP_LANE = 'gossip'

/** Gossip is a hint: what the handler cannot keep up with is dropped. */
function gossipIntake(
  events: EventDelivery,
  limits: NetworkLimits
): (topic: string, data: Uint8Array) => void {
  let waiting = 0
  const done = (): void => {
    waiting--
  }
  return (topic, data) => {
    if (waiting >= limits.gossipWaitingMax) return
    waiting++
    // A copy of its own (slice() of a Buffer is none): gossipsub keeps the bytes that it hands out.
    events.deliver(GOSSIP_LANE, { type: 'gossiped', topic, envelope: new Uint8Array(data) }).then(done, done)
  }
}

interface Parts {
  readonly init: Libp2pNetworkInit
  readonly local: boolean
  readonly limits: NetworkLimits
  readonly events: EventDelivery
  readonly store: RecordStore
  readonly connections: Connections
  readonly mesh: PrivateMesh
  readonly dht: Dht | undefined
  readonly node: Node
}

class Libp2pBackedNetwork implements Libp2pNetwork {
  readonly peerId: PeerId
  readonly #parts: Parts
  readonly #direct: DirectStreams
  readonly #bootstrap: Bootstrap
  readonly #acquaintances: Acquaintances
  readonly #ownAddresses: OwnAddresses
  #stopping: Promise<void> | undefined

  constructor(parts: Parts) {
    const { init, limits, local, events, connections, node } = parts
    this.#parts = parts
    this.peerId = node.libp2p.peerId.toString() as PeerId
    connections.attach(node)
    this.#direct = new DirectStreams({ self: this.peerId, limits, events, connections })
    const bootstrap = init.bootstrap.map(text => {
      const { peer, address } = parsePeerAddress(text, { local })
      return { peer, addresses: [address] }
    })
    this.#bootstrap = new Bootstrap({
      peers: [...bootstrap, ...init.cachedPeers.slice(-limits.peersKnownMax)],
      limits,
      needed: () => connections.count === 0 || parts.dht?.peerCount === 0,
      connect: ({ peer, addresses }, signal) => connections.connect(peer, addresses, signal)
    })
    this.#acquaintances = new Acquaintances(limits, { local })
    this.#acquaintances.attach(node, peer => events.post(NODE_LANE, { type: 'discovered', ...peer }))
    this.#ownAddresses = new OwnAddresses({
      node,
      limits,
      announce: init.announce ?? [],
      policy: { local },
      moved: addresses => events.post(NODE_LANE, { type: 'moved', addresses })
    })
    node.libp2p.addEventListener('peer:disconnect', event => parts.mesh.disconnected(event.detail.toString()))
  }

  async start(handler: NetworkHandler): Promise<void> {
    const { events, limits, init, mesh, node } = this.#parts
    events.start(handler)
    try {
      await node.libp2p.handle(DIRECT_PROTOCOL, this.#direct.accept, {
        maxInboundStreams: limits.directStreamsPerConnectionMax,
        maxOutboundStreams: limits.directStreamsPerConnectionMax
      })
      await node.libp2p.start()
    } catch (error) {
      await this.stop()
      throw new HearsayError('NETWORK_FAILED', { cause: error })
    }
    mesh.started()
    this.#ownAddresses.start()
    this.#bootstrap.start()
    init.log?.debug({ peer: this.peerId, addresses: this.addresses() }, 'the network is up')
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  addresses(): Address[] {
    return this.#ownAddresses.list()
  }

  dial(peer: PeerId, addresses: readonly Address[]): void {
    this.#direct.dial(peer, addresses)
  }

  hangUp(peer: PeerId): void {
    void this.#direct.hangUp(peer)
  }

  async send(peer: PeerId, envelopes: readonly Uint8Array[]): Promise<void> {
    try {
      await this.#direct.send(peer, envelopes)
    } catch (error) {
      if (error instanceof HearsayError) throw error
      throw new HearsayError('NETWORK_FAILED', { message: 'The stream is closed.', cause: error })
    }
  }

  admit(peer: PeerId): void {
    this.#parts.mesh.admit(peer)
  }

  dismiss(peer: PeerId): void {
    this.#parts.mesh.dismiss(peer)
  }

  subscribe(topic: string): void {
    this.#parts.mesh.subscribe(topic)
  }

  unsubscribe(topic: string): void {
    this.#parts.mesh.unsubscribe(topic)
  }

  async publish(topic: string, envelope: Uint8Array): Promise<number> {
    try {
      return await this.#parts.mesh.publish(topic, envelope)
    } catch (error) {
      this.#parts.init.log?.warn({ err: error }, 'an envelope could not be published')
      return 0
    }
  }

  async put(key: Uint8Array, record: Uint8Array, options: { signal: AbortSignal }): Promise<number> {
    if (this.#parts.dht === undefined) throw new Error('the DHT is off')
    return await this.#parts.dht.put(key, record, options.signal)
  }

  async *lookup(key: Uint8Array, options: { signal: AbortSignal }): AsyncIterable<Uint8Array> {
    if (this.#parts.dht !== undefined) yield* this.#parts.dht.lookup(key, options.signal)
  }

  knownPeers(): KnownPeer[] {
    return this.#acquaintances.known()
  }

  status(): NetworkStatus {
    const { init, node, connections, dht, store, mesh } = this.#parts
    return {
      peerId: this.peerId,
      addresses: this.addresses(),
      connections: node.libp2p.getConnections().map(connection => ({
        peer: connection.remotePeer.toString() as PeerId,
        address: connection.remoteAddr.toString() as Address,
        direction: connection.direction,
        direct: connections.carries(connection)
      })),
      dht: {
        enabled: dht !== undefined,
        mode: init.dht === 'server' ? 'server' : 'client',
        peers: dht?.peerCount ?? 0,
        records: store.recordCount
      },
      mdns: init.mdns,
      topics: mesh.topicCount
    }
  }

  async #stop(): Promise<void> {
    this.#ownAddresses.stop()
    this.#bootstrap.stop()
    await this.#direct.stop()
    await this.#parts.node.libp2p.stop()
    await this.#parts.events.stop()
  }
}
