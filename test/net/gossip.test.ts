/** The private mesh: who is in it hears everything, who is not learns nothing, and it mends itself. */
import { gossipsub, StrictNoSign, type GossipSub } from '@libp2p/gossipsub'
import type { Stream } from '@libp2p/interface'
import { randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { equal } from '../../src/base/bytes.ts'
import { networkLimits } from '../../src/base/limits.ts'
import type { Rpc } from '../../src/net/gossip-internals.ts'
import { GOSSIP_PROTOCOL } from '../../src/net/gossip.ts'
import { splitRpc } from '../../src/net/gossip-rpc.ts'
import { mallory, type Mallory } from './mallory.ts'
import { meet, MEMORY, startNode, until } from './places.ts'
import type { TestNode } from './places.ts'

const TOPIC = 'secret-topic-of-alice-and-bob'
const envelope = (): Uint8Array => new Uint8Array(randomBytes(512))

const gossiped = (node: TestNode): Uint8Array[] =>
  node.events.flatMap(event => (event.type === 'gossiped' ? [event.envelope] : []))

function admitEachOther(alice: TestNode, bob: TestNode): void {
  alice.network.admit(bob.peer)
  bob.network.admit(alice.peer)
}

const has = (heard: readonly Uint8Array[], made: Uint8Array): boolean =>
  heard.some(other => equal(other, made))

/** Publishes until one arrives that was published from now on: a subscription takes its time to be known. */
async function publishUntil(
  from: TestNode,
  heard: () => readonly Uint8Array[],
  topic = TOPIC
): Promise<void> {
  const published: Uint8Array[] = []
  await until('a message arrives', async () => {
    const made = envelope()
    published.push(made)
    await from.network.publish(topic, made)
    return published.some(one => has(heard(), one))
  })
}

const publishTo = (from: TestNode, to: TestNode, topic = TOPIC): Promise<void> =>
  publishUntil(from, () => gossiped(to), topic)

/** Mallory with gossipsub as it comes. */
async function gossipingMallory(): Promise<Mallory & { readonly gossip: GossipSub }> {
  const eve = await mallory({
    pubsub: gossipsub({ globalSignaturePolicy: StrictNoSign, allowPublishToZeroTopicPeers: true })
  })
  return { ...eve, gossip: eve.libp2p.services['pubsub'] as GossipSub }
}

const gossipStreams = (eve: Mallory, direction: string): Stream[] =>
  eve.libp2p
    .getConnections()
    .flatMap(connection => connection.streams)
    .filter(stream => stream.protocol === GOSSIP_PROTOCOL && stream.direction === direction)

describe('strangers', () => {
  test('see no topic and no message, whatever they subscribe to', async () => {
    await using alice = await startNode(MEMORY)
    await using bob = await startNode(MEMORY)
    await using eve = await gossipingMallory()
    let heard = 0
    eve.gossip.addEventListener('gossipsub:message', () => heard++)
    eve.gossip.addEventListener('subscription-change', () => heard++)
    eve.gossip.subscribe(TOPIC)
    alice.network.subscribe(TOPIC)
    bob.network.subscribe(TOPIC)
    await eve.connect(alice)
    await meet(alice, bob)
    admitEachOther(alice, bob)
    await until('her stream is with alice', () => gossipStreams(eve, 'outbound').length === 1)
    await publishTo(alice, bob)
    await publishTo(bob, alice)
    expect(heard).toBe(0)
    // Not even an empty stream was opened to her.
    expect(gossipStreams(eve, 'inbound')).toEqual([])
    const hers = envelope()
    await eve.gossip.publish(TOPIC, hers)
    await publishTo(bob, alice)
    expect(has(gossiped(alice), hers)).toBe(false)
  })

  test('who are admitted later hear from then on; who are dismissed hear nothing more', async () => {
    await using alice = await startNode(MEMORY)
    await using bob = await startNode(MEMORY)
    for (const node of [alice, bob]) node.network.subscribe(TOPIC)
    await meet(alice, bob)
    // One side is earlier: its stream waits, unread, for the other's decision.
    bob.network.admit(alice.peer)
    await until('bob may not publish yet', async () => (await bob.network.publish(TOPIC, envelope())) === 0)
    alice.network.admit(bob.peer)
    await publishTo(alice, bob)
    await publishTo(bob, alice)
    alice.network.dismiss(bob.peer)
    const unheard = [envelope()]
    await until('bob sees nobody', async () => {
      unheard.push(envelope())
      return (await bob.network.publish(TOPIC, unheard.at(-1)!)) === 0
    })
    expect(await alice.network.publish(TOPIC, envelope())).toBe(0)
    alice.network.admit(bob.peer)
    expect(unheard.some(one => has(gossiped(alice), one))).toBe(false)
    await publishTo(bob, alice)
  })

  test('may be admitted before they are connected', async () => {
    await using alice = await startNode(MEMORY)
    await using bob = await startNode(MEMORY)
    for (const node of [alice, bob]) node.network.subscribe(TOPIC)
    admitEachOther(alice, bob)
    await meet(alice, bob)
    await publishTo(alice, bob)
  })
})

describe('the mesh', () => {
  test('passes messages on between members that do not know each other', async () => {
    await using alice = await startNode(MEMORY)
    await using bob = await startNode(MEMORY)
    await using carol = await startNode(MEMORY)
    for (const node of [alice, bob, carol]) node.network.subscribe(TOPIC)
    await meet(alice, bob)
    carol.network.dial(bob.peer, bob.network.addresses())
    admitEachOther(alice, bob)
    admitEachOther(bob, carol)
    await publishTo(alice, carol)
  })

  test('carries the same bytes on two topics', async () => {
    await using alice = await startNode(MEMORY)
    await using bob = await startNode(MEMORY)
    for (const node of [alice, bob]) for (const topic of ['one', 'two']) node.network.subscribe(topic)
    await meet(alice, bob)
    admitEachOther(alice, bob)
    await publishTo(alice, bob, 'one')
    await publishTo(alice, bob, 'two')
    const same = envelope()
    await alice.network.publish('one', same)
    await alice.network.publish('two', same)
    await until('both have arrived', () => gossiped(bob).filter(one => equal(one, same)).length === 2)
  })

  test('opens a stream again that died on a living connection', async () => {
    await using alice = await startNode(MEMORY)
    await using eve = await gossipingMallory()
    eve.gossip.subscribe(TOPIC)
    alice.network.subscribe(TOPIC)
    await eve.connect(alice)
    alice.network.admit(eve.peer)
    const heard: Uint8Array[] = []
    eve.gossip.addEventListener('gossipsub:message', ({ detail }) => heard.push(detail.msg.data))
    await publishUntil(alice, () => heard)
    const [lost] = gossipStreams(eve, 'inbound')
    lost?.abort(new Error('lost'))
    await until('it is gone', () => !gossipStreams(eve, 'inbound').includes(lost!))
    await publishUntil(alice, () => heard)
  })

  test('knows 1,500 topics of a peer, and of a peer that connects when they are there already', async () => {
    await using alice = await startNode(MEMORY)
    await using bob = await startNode(MEMORY)
    const topics = Array.from({ length: 1500 }, (_, i) => String(i).padStart(64, '0'))
    for (const node of [alice, bob]) for (const topic of topics) node.network.subscribe(topic)
    expect(alice.network.status().topics).toBe(1500)
    await meet(alice, bob)
    admitEachOther(alice, bob)
    await publishTo(alice, bob, topics.at(-1))
    await publishTo(bob, alice, topics[700])
  })

  test('hangs up on a member that gossips what is no envelope, and does not take it back', async () => {
    await using alice = await startNode(MEMORY)
    await using bob = await startNode(MEMORY)
    await using eve = await gossipingMallory()
    for (const node of [alice, bob]) node.network.subscribe(TOPIC)
    eve.gossip.subscribe(TOPIC)
    await meet(alice, bob)
    admitEachOther(alice, bob)
    await eve.connect(alice)
    alice.network.admit(eve.peer)
    await until('she is in the mesh', async () => {
      const { recipients } = await eve.gossip.publish(TOPIC, envelope())
      return recipients.length === 1 && gossiped(alice).length > 0
    })
    for (let i = 0; i < 40; i++) await eve.gossip.publish(TOPIC, new Uint8Array(randomBytes(100)))
    await until(
      'alice has hung up',
      () => !alice.network.status().connections.some(({ peer }) => peer === eve.peer)
    )
    await expect(eve.connect(alice).then(connection => eve.open(connection))).rejects.toThrow()
    expect(gossiped(alice).every(({ length }) => length === 512)).toBe(true)
    await publishTo(alice, bob)
  })
})

test('an RPC that is too large goes out in parts that every node accepts, with nothing lost', () => {
  const text = fc.string({ minLength: 1, maxLength: 64 })
  const ids = fc.array(fc.uint8Array({ minLength: 20, maxLength: 20 }), { maxLength: 700 })
  const lists = fc.array(fc.record({ topicID: text, messageIDs: ids }), { maxLength: 4 })
  const topics = fc.array(fc.record({ topicID: text }), { maxLength: 600 })
  const message = fc.record({
    topic: text,
    data: fc.constantFrom(512, 8192, 65_536).map(bytes => new Uint8Array(bytes))
  })
  const arbitraryRpc = fc.record<Rpc>({
    subscriptions: fc.array(fc.record({ topic: text, subscribe: fc.boolean() }), { maxLength: 600 }),
    messages: fc.array(message, { maxLength: 40 }),
    control: fc.record({ ihave: lists, iwant: lists, graft: topics, prune: topics, idontwant: lists })
  })
  const idsOf = (rpcs: readonly Rpc[], kind: 'ihave' | 'iwant' | 'idontwant'): Uint8Array[] =>
    rpcs.flatMap(rpc => (rpc.control?.[kind] ?? []).flatMap(({ messageIDs }) => messageIDs))
  fc.assert(
    fc.property(arbitraryRpc, rpc => {
      const parts = splitRpc(rpc, networkLimits)
      expect(parts.flatMap(part => part.subscriptions)).toEqual(rpc.subscriptions)
      expect(parts.flatMap(part => part.messages)).toEqual(rpc.messages)
      expect(parts.flatMap(part => part.control?.graft ?? [])).toEqual(rpc.control?.graft)
      expect(parts.flatMap(part => part.control?.prune ?? [])).toEqual(rpc.control?.prune)
      for (const kind of ['ihave', 'iwant', 'idontwant'] as const) {
        expect(idsOf(parts, kind)).toEqual(idsOf([rpc], kind))
      }
      for (const part of parts) {
        const bytes = part.messages.reduce((sum, { data }) => sum + (data?.length ?? 0), 0)
        expect(bytes).toBeLessThanOrEqual(networkLimits.gossipRpcBytes)
        expect(part.messages.length).toBeLessThanOrEqual(networkLimits.gossipRpcMessagesMax)
        expect(part.subscriptions.length).toBeLessThanOrEqual(networkLimits.gossipRpcIdsMax)
        for (const list of Object.values(part.control ?? {})) {
          expect(list.length).toBeLessThanOrEqual(networkLimits.gossipRpcIdsMax)
        }
        const listed = [...(part.control?.ihave ?? []), ...(part.control?.iwant ?? [])]
        for (const { messageIDs } of listed)
          expect(messageIDs.length).toBeLessThanOrEqual(networkLimits.gossipRpcIdsMax)
      }
    }),
    { numRuns: 40 }
  )
})

test('a topic that is left while a peer is remembered for it takes nothing down when that peer goes', async () => {
  await using alice = await startNode(MEMORY)
  await using bob = await startNode(MEMORY)
  admitEachOther(alice, bob)
  await meet(alice, bob)
  for (const node of [alice, bob]) node.network.subscribe(TOPIC)
  await publishTo(bob, alice)
  alice.network.unsubscribe(TOPIC)
  alice.network.hangUp(bob.peer)
  await until('bob is gone', () => alice.network.status().connections.length === 0)
  // The mesh is as well as before: the next topic works.
  await meet(alice, bob)
  for (const node of [alice, bob]) node.network.subscribe('the next topic')
  await publishTo(bob, alice, 'the next topic')
})
