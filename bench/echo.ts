/**
 * What a message cannot do without, bare: a libp2p stream that echoes, and commits of the store on disk.
 */
import { noise } from '@chainsafe/libp2p-noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { fileStore } from 'hearsay'
import type { Store } from 'hearsay'
import { createLibp2p } from 'libp2p'
import type { Libp2p } from 'libp2p'
import { serve } from './child.ts'

const PROTOCOL = '/hearsay-bench/echo/1'
/** The smallest envelope. */
const ENVELOPE_BYTES = 512
/** What a step that sends or receives one text writes, about. */
const RECORD_BYTES = 2048

let libp2p: Libp2p
let store: Store
let committed = 0

const requests = {
  /** Starts libp2p with the same transport, encryption and muxer as a node has. Resolves with its address. */
  async listen(): Promise<string> {
    libp2p = await createLibp2p({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()]
    })
    await libp2p.handle(PROTOCOL, stream => {
      stream.addEventListener('message', ({ data }) => void stream.send(data))
    })
    return libp2p.getMultiaddrs()[0]!.toString()
  },
  /** Milliseconds from one envelope written to all of it back, one after the other on one stream. */
  async roundTrips({ address, count }: { address: string; count: number }): Promise<number[]> {
    const connection = await libp2p.dial(multiaddr(address))
    const stream = await connection.newStream(PROTOCOL)
    let echoed = 0
    let back: (() => void) | undefined
    stream.addEventListener('message', ({ data }) => {
      echoed += data.byteLength
      if (echoed % ENVELOPE_BYTES === 0) back?.()
    })
    const times: number[] = []
    for (let trip = 0; trip < count; trip++) {
      const { promise, resolve } = Promise.withResolvers<void>()
      back = resolve
      const before = performance.now()
      stream.send(new Uint8Array(ENVELOPE_BYTES))
      await promise
      times.push(performance.now() - before)
    }
    await stream.close()
    return times
  },
  async openStore(folder: string): Promise<void> {
    store = await fileStore(folder)
  },
  /** Milliseconds of one durable commit, one after the other. */
  async commits(count: number): Promise<number[]> {
    const times: number[] = []
    for (let commit = 0; commit < count; commit++) {
      committed += 1
      const value = new Uint8Array(RECORD_BYTES).fill(committed)
      const before = performance.now()
      await store.write([{ collection: 'bench', key: committed.toString().padStart(16, '0'), value }])
      times.push(performance.now() - before)
    }
    return times
  },
  async stop(): Promise<void> {
    await libp2p.stop()
    await store?.close()
  }
}

export type Echo = typeof requests

serve(requests)
