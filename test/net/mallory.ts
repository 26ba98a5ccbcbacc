/** Mallory: a libp2p node without any of our guards, to misbehave with. */
import { connect, type Socket } from 'node:net'
import { noise } from '@chainsafe/libp2p-noise'
import { identify } from '@libp2p/identify'
import type { Connection, Stream } from '@libp2p/interface'
import { memory } from '@libp2p/memory'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p, type Libp2pInit } from 'libp2p'
import type { PeerId } from '../../src/base/ids.ts'
import { DIRECT_PROTOCOL } from '../../src/net/frames.ts'
import type { TestNode } from './places.ts'
import { listenOn, MEMORY } from './places.ts'

/** A node that is Mallory's. */
export interface Mallory extends AsyncDisposable {
  readonly libp2p: Libp2p
  readonly peer: PeerId
  /** Connects to a node; every call makes a new connection. */
  readonly connect: (node: TestNode) => Promise<Connection>
  /** Opens a direct stream without minding what comes back. */
  readonly open: (connection: Connection) => Promise<Stream>
}

/** Starts a node of Mallory's, with whatever services she wants to abuse. */
export async function mallory(
  services: NonNullable<Libp2pInit['services']> = {},
  kind: string = MEMORY
): Promise<Mallory> {
  const libp2p = await createLibp2p({
    addresses: { listen: [listenOn(kind)] },
    transports: [tcp(), memory()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    services: {
      identify: identify({ protocolPrefix: 'hearsay' }),
      ping: ping({ protocolPrefix: 'hearsay' }),
      ...services
    }
  })
  return {
    libp2p,
    peer: libp2p.peerId.toString() as PeerId,
    connect: node => libp2p.dial(multiaddr(node.network.addresses()[0]), { force: true }),
    open: connection => connection.newStream(DIRECT_PROTOCOL, { maxOutboundStreams: 1000 }),
    [Symbol.asyncDispose]: async () => {
      await libp2p.stop()
    }
  }
}

/** The TCP port of a node. */
export function portOf(node: TestNode): number {
  return Number(/\/tcp\/(\d+)/.exec(node.network.addresses()[0]!)![1])
}

/** A plain socket to a node, from one of 250 addresses of this machine that honest nodes do not use. */
export function socketTo(node: TestNode, from = 0): Promise<Socket> {
  return new Promise(resolve => {
    const socket = connect({
      host: '127.0.0.1',
      port: portOf(node),
      localAddress: `127.66.0.${1 + (from % 250)}`
    })
    socket.on('error', () => resolve(socket))
    socket.on('connect', () => resolve(socket))
  })
}
