/**
 * The libp2p node: the one place where libp2p is configured. Every value here that is not libp2p's own default
 * is so for a reason that was measured; change one only with its test at hand (test/net).
 *
 * Always true: TCP, WebSocket and (in test networks) memory; Noise; yamux; nothing on the wire names libp2p's
 * version or another network's protocols, and nothing that a stranger sends is kept without a bound.
 */
import { noise } from '@chainsafe/libp2p-noise'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { identify, identifyPush } from '@libp2p/identify'
import type { Connection } from '@libp2p/interface'
import { mdns } from '@libp2p/mdns'
import { memory } from '@libp2p/memory'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p, type Libp2pInit } from 'libp2p'
import { HearsayError } from '../base/errors.ts'
import type { NetworkLimits } from '../base/limits.ts'
import { isLocalAddress } from './addresses.ts'
import type { Dht } from './dht.ts'
import type { Gate } from './gate.ts'
import type { PrivateMesh } from './gossip.ts'
import type { RecordStore } from './record-store.ts'
import { boundedWebSockets } from './websocket.ts'

/** Own service tag: with the common one, every libp2p program on the LAN would answer. */
export const MDNS_SERVICE = '_hearsay._udp.local'

/** What the node is built from. */
export interface NodeInit {
  readonly networkKey: Uint8Array
  readonly listen: readonly string[]
  readonly announce: readonly string[]
  readonly mdns: boolean
  readonly local: boolean
  readonly limits: NetworkLimits
  readonly gate: Gate
  readonly store: RecordStore
  readonly mesh: PrivateMesh
  readonly dht: Dht | undefined
}

/** The parts of libp2p that its services get and its users do not. */
export interface Internals {
  readonly transportManager: {
    dial(address: Multiaddr, options: { signal: AbortSignal }): Promise<Connection>
    getAddrs(): Multiaddr[]
  }
  readonly addressManager: {
    confirmObservedAddr(address: Multiaddr, options?: { type?: 'transport' }): void
  }
}

/** The mDNS service, as an event source. */
export type Discovery = EventTarget

/** A node that was built and not started. */
export interface Node {
  readonly libp2p: Libp2p
  readonly internals: Internals
  readonly mdns: Discovery | undefined
}

/** Identify, ping and the connection monitor would otherwise say `ipfs`. */
const PREFIX = { protocolPrefix: 'hearsay' }

/** Builds the node; nothing listens or dials before it is started. Throws INVALID_ADDRESS, NETWORK_FAILED. */
export async function createNode(init: NodeInit): Promise<Node> {
  for (const address of [...init.listen, ...init.announce]) checkAddress(address)
  const parts: { internals?: Internals; mdns?: Discovery } = {}
  const { limits } = init
  const services: NonNullable<Libp2pInit['services']> = {
    internals: components => {
      parts.internals = components
      return {}
    },
    // More than a few addresses and protocols nobody needs; what is parsed is bounded by this size.
    identify: identify({ ...PREFIX, maxMessageSize: 4096, timeout: limits.handshakeMs }),
    identifyPush: identifyPush({ ...PREFIX, maxMessageSize: 4096, timeout: limits.handshakeMs }),
    ping: ping({ ...PREFIX, maxInboundStreams: 2, maxOutboundStreams: 2 }),
    mesh: components => init.mesh.service(components)
  }
  const { dht } = init
  if (dht !== undefined) {
    services['dht'] = components => dht.service(components as unknown as Parameters<Dht['service']>[0])
  }
  if (init.mdns) {
    services['mdns'] = components => {
      const service = mdns({ serviceTag: MDNS_SERVICE })(components)
      parts.mdns = service
      return service
    }
  }
  try {
    const libp2p = await createLibp2p({ ...(await baseInit(init)), services, start: false })
    return { libp2p, internals: parts.internals!, mdns: parts.mdns }
  } catch (error) {
    throw new HearsayError('NETWORK_FAILED', { cause: error })
  }
}

async function baseInit(init: NodeInit): Promise<Libp2pInit> {
  const { limits, local } = init
  return {
    privateKey: await generateKeyPairFromSeed('Ed25519', init.networkKey),
    nodeInfo: { name: 'hearsay', version: '1', userAgent: 'hearsay' },
    addresses: { listen: [...init.listen], announce: [...init.announce] },
    transports: [tcp(), boundedWebSockets(limits), ...(local ? [memory()] : [])],
    connectionEncrypters: [noise()],
    streamMuxers: [
      yamux({
        maxInboundStreams: limits.streamsPerConnectionMax,
        maxOutboundStreams: limits.streamsPerConnectionMax,
        streamOptions: {
          initialStreamWindowSize: limits.streamWindowBytes,
          maxStreamWindowSize: limits.streamWindowBytes,
          maxReadBufferLength: limits.streamReadBufferBytes,
          maxWriteBufferLength: limits.streamWriteBufferBytes
        }
      })
    ],
    connectionManager: {
      maxConnections: limits.connectionsMax,
      // The gate counts per network; this one, per address, must not be in front of it.
      inboundConnectionThreshold: limits.inboundPerSecondMax * 2,
      maxIncomingPendingConnections: limits.inboundPendingMax,
      inboundUpgradeTimeout: limits.handshakeMs,
      inboundStreamProtocolNegotiationTimeout: limits.handshakeMs,
      outboundStreamProtocolNegotiationTimeout: limits.handshakeMs,
      dialTimeout: limits.connectMs,
      maxParallelDials: 32,
      // Bootstrap by a DNS record that names further records is a way to be led anywhere.
      resolvers: {},
      reconnectRetries: 0
    },
    // A single lost ping is no reason to hang up on anybody.
    connectionMonitor: { ...PREFIX, pingInterval: limits.pingMs, abortConnectionOnPingFailure: false },
    connectionGater: init.gate.gater,
    peerStore: { maxAddressAge: 30 * 86_400_000, maxPeerAge: 90 * 86_400_000 },
    datastore: init.store
  }
}

/**
 * libp2p tells nobody an address on a public interface before four strangers have dialled it back, which in a
 * small network never happens. What this machine listens on is its address.
 */
export function confirmAddresses(internals: Internals): void {
  for (const address of internals.transportManager.getAddrs()) {
    if (!isLocalAddress(address)) internals.addressManager.confirmObservedAddr(address, { type: 'transport' })
  }
}

function checkAddress(text: string): void {
  try {
    multiaddr(text)
  } catch (error) {
    throw new HearsayError('INVALID_ADDRESS', { cause: error })
  }
}
