/** Bounds on what the parts of a node keep and read, and what they tell when the world changes. */
import { gossipsub, StrictNoSign, type GossipSub } from '@libp2p/gossipsub'
import { multiaddr } from '@multiformats/multiaddr'
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Address, PeerId } from '../../src/base/ids.ts'
import { networkLimits, type NetworkLimits } from '../../src/base/limits.ts'
import { DHT_PROTOCOL } from '../../src/net/dht.ts'
import { Gate } from '../../src/net/gate.ts'
import type { GossipInternals } from '../../src/net/gossip-internals.ts'
import { GOSSIP_PROTOCOL, PrivateMesh } from '../../src/net/gossip.ts'
import { createNode } from '../../src/net/libp2p.ts'
import { OwnAddresses } from '../../src/net/own-addresses.ts'
import { RateGate, RecentMap } from '../../src/net/rate.ts'
import { RecordStore } from '../../src/net/record-store.ts'
import { mallory } from './mallory.ts'
import { MEMORY, startNode, turn, until } from './places.ts'

const meshInit = (limits: NetworkLimits = networkLimits): ConstructorParameters<typeof PrivateMesh>[0] => ({
  limits,
  connection: () => undefined,
  peers: () => [],
  gossiped: () => {},
  graylisted: () => {}
})

test('a member that floods us with topics has a share of our memory, and none once it is gone', async () => {
  const mesh = new PrivateMesh(meshInit({ ...networkLimits, gossipTopicBytesPerPeer: 256 * 1024 }))
  await using alice = await mallory({
    mesh: components => mesh.service(components)
  })
  await using eve = await mallory({
    pubsub: gossipsub({ globalSignaturePolicy: StrictNoSign, allowPublishToZeroTopicPeers: true })
  })
  const known = alice.libp2p.services['mesh'] as GossipInternals
  const hers = eve.libp2p.services['pubsub'] as GossipSub
  mesh.admit(eve.peer)
  await eve.libp2p.dial(alice.libp2p.getMultiaddrs()[0]!)
  await until('alice gossips with her', () => known.peers.has(eve.peer) && hers.getPeers().length === 1)
  for (let i = 0; i < 2000; i++) hers.subscribe(String(i).padStart(64, '0'))
  await until('alice knows as many as she will', () => known.topics.size > 200)
  for (let i = 0; i < 50; i++) await turn()
  expect(known.topics.size).toBeLessThanOrEqual(256)
  mesh.dismiss(eve.peer)
  expect(known.topics.size).toBe(0)
})

test('what is subscribed to before the start is joined at the start, up to a number', async () => {
  const mesh = new PrivateMesh(meshInit({ ...networkLimits, topicsMax: 3 }))
  for (const topic of ['a', 'b', 'c', 'd']) mesh.subscribe(topic)
  mesh.unsubscribe('b')
  await using alice = await mallory({ mesh: components => mesh.service(components) })
  const gossip = alice.libp2p.services['mesh'] as GossipSub
  expect(gossip.getTopics()).toEqual([])
  mesh.started()
  expect(gossip.getTopics()).toEqual(['a', 'c'])
  expect(mesh.topicCount).toBe(2)
})

test('a gossip frame of 2 GiB ends the stream; so does a DHT request that goes on for ever', async () => {
  await using alice = await startNode(MEMORY, { dht: 'server' })
  await using eve = await mallory()
  alice.network.admit(eve.peer)
  const connection = await eve.connect(alice)
  const gossip = await connection.newStream(GOSSIP_PROTOCOL)
  gossip.send(Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x08))
  await until('the gossip stream is closed', () => gossip.status !== 'open')
  const request = await connection.newStream(DHT_PROTOCOL)
  request.send(Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x08))
  await until('the DHT stream is closed', () => {
    if (request.status === 'open') request.send(new Uint8Array(randomBytes(10_000)))
    return request.status !== 'open'
  })
  const again = await eve.open(connection)
  await until('she is still connected', () => alice.events.some(event => event.type === 'opened'))
  again.abort(new Error('enough'))
})

test('a new address is noticed and told, once', async () => {
  const limits = { ...networkLimits, addressCheckMs: 10 }
  const node = await createNode({
    networkKey: new Uint8Array(randomBytes(32)),
    listen: ['/memory/first-home'],
    announce: [],
    mdns: false,
    local: true,
    limits,
    gate: new Gate(limits, true),
    store: new RecordStore(limits),
    mesh: new PrivateMesh(meshInit()),
    dht: undefined
  })
  const told: Address[][] = []
  const own = new OwnAddresses({
    node,
    announce: [],
    policy: { local: true },
    limits,
    moved: list => told.push(list)
  })
  await node.libp2p.start()
  own.start()
  const peer = node.libp2p.peerId.toString() as PeerId
  expect(own.list()).toEqual([`/memory/first-home/p2p/${peer}`])
  const { transportManager } = node.internals as unknown as {
    transportManager: { listen(addresses: unknown[]): Promise<void> }
  }
  await transportManager.listen([multiaddr('/memory/second-home')])
  await until('it is told', () => told.length > 0)
  for (let i = 0; i < 10; i++) await turn()
  expect(told.map(list => list.toSorted())).toEqual([
    [`/memory/first-home/p2p/${peer}`, `/memory/second-home/p2p/${peer}`]
  ])
  own.stop()
  await node.libp2p.stop()
})

test('rates are counted per key and window, and old keys are forgotten', () => {
  const gate = new RateGate({ max: 2, windowMs: 1000, keysMax: 3 })
  const at = (key: string, now: number): boolean => gate.allows(key, now)
  expect([at('a', 0), at('a', 1), at('a', 2), at('b', 2), at('a', 1000)]).toEqual([
    true,
    true,
    false,
    true,
    true
  ])
  for (const key of ['c', 'd', 'e']) at(key, 1001)
  expect(at('a', 1002)).toBe(true)
  const map = new RecentMap<string, number>(2)
  map.set('a', 1)
  map.set('b', 2)
  map.get('a')
  map.set('c', 3)
  expect([map.get('a'), map.get('b'), map.get('c'), map.size]).toEqual([1, undefined, 3, 2])
})
