/** Networks over libp2p for the tests of this folder: in memory or over loopback, with short limits where asked. */
import { randomBytes } from 'node:crypto'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type { Address, PeerId } from '../../src/base/ids.ts'
import { malformed } from '../../src/base/errors.ts'
import type { NetworkEvent } from '../../src/ports/network.ts'
import { libp2pNetwork } from '../../src/net/network.ts'
import type { Libp2pNetwork, Libp2pNetworkInit } from '../../src/net/network.ts'

let places = 0

export const MEMORY = 'memory'
export const TCP = 'tcp'
export const WS = 'ws'

/** Where a node of a test listens. */
export function listenOn(kind: string): string {
  if (kind === MEMORY) return `/memory/hearsay-${process.pid}-${places++}`
  return kind === WS ? '/ip4/127.0.0.1/tcp/0/ws' : '/ip4/127.0.0.1/tcp/0'
}

/** The records of these tests: four bytes of sequence number, then anything but the word "bad". */
export function validateRecord(_key: Uint8Array, record: Uint8Array): number {
  if (record.length < 4 || Buffer.from(record).includes('bad')) throw malformed('a bad record')
  return new DataView(record.buffer, record.byteOffset).getUint32(0)
}

/** A record of these tests. */
export function recordOf(sequence: number, text: string): Uint8Array {
  const record = new Uint8Array(4 + text.length)
  new DataView(record.buffer).setUint32(0, sequence)
  record.set(new TextEncoder().encode(text), 4)
  return record
}

/** A network that is not started. */
export const makeNetwork = (kind: string, init: Partial<Libp2pNetworkInit> = {}): Promise<Libp2pNetwork> =>
  libp2pNetwork({
    networkKey: randomBytes(32),
    listen: [listenOn(kind)],
    bootstrap: [],
    cachedPeers: [],
    dht: 'off',
    mdns: false,
    local: true,
    validateRecord,
    ...init
  })

/** A network at work and what it heard. */
export interface TestNode extends AsyncDisposable {
  readonly network: Libp2pNetwork
  readonly peer: PeerId
  readonly events: NetworkEvent[]
  readonly envelopes: Uint8Array[]
}

/** A started network; `await using` stops it. */
export async function startNode(
  kind: string,
  init: Partial<Libp2pNetworkInit> = {},
  take: (event: NetworkEvent) => Promise<void> = async () => {}
): Promise<TestNode> {
  const network = await makeNetwork(kind, init)
  const events: NetworkEvent[] = []
  const envelopes: Uint8Array[] = []
  await network.start(async event => {
    events.push(event)
    if (event.type === 'received') envelopes.push(...event.envelopes)
    await take(event)
  })
  return { network, peer: network.peerId, events, envelopes, [Symbol.asyncDispose]: () => network.stop() }
}

/** Lets the event loop turn, timers included. */
export const turn = (): Promise<void> =>
  new Promise(resolve => {
    setTimeout(resolve, 5)
  })

/** Waits until it is true. Fails with the sentence when it does not become so within a minute of turns. */
export async function until(sentence: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 12_000; i++) {
    if (await condition()) return
    await turn()
  }
  throw new Error(`never came true: ${sentence}`)
}

/** Opens the direct stream from one to the other and waits for both. */
export async function meet(alice: TestNode, bob: TestNode): Promise<void> {
  alice.network.dial(bob.peer, bob.network.addresses())
  await until('the stream is open', () =>
    [alice, bob].every(node => node.events.some(event => event.type === 'opened'))
  )
}

/** A peer that is nowhere, at an address where nobody listens. */
export async function nowhere(): Promise<{ peer: PeerId; addresses: Address[] }> {
  const key = await generateKeyPairFromSeed('Ed25519', randomBytes(32))
  const peer = peerIdFromPrivateKey(key).toString() as PeerId
  return { peer, addresses: [`/ip4/127.0.0.1/tcp/1/p2p/${peer}` as Address] }
}
