/** The DHT: records are found, never go back in time, and nobody stores what is not ours or more than a share. */
import { kadDHT, passthroughMapper, type KadDHT } from '@libp2p/kad-dht'
import { describe, expect, test } from 'vitest'
import { fromUtf8 } from '../../src/base/bytes.ts'
import { spec } from '../../src/base/limits.ts'
import { DHT_PROTOCOL } from '../../src/net/dht.ts'
import { mallory, type Mallory } from './mallory.ts'
import { MEMORY, recordOf, startNode, TCP, until } from './places.ts'
import type { TestNode } from './places.ts'

const soon = (): { signal: AbortSignal } => ({ signal: AbortSignal.timeout(20_000) })
const KEY = new Uint8Array(32).fill(7)

/** DHT servers that know each other through the first. */
async function servers(count: number): Promise<TestNode[]> {
  const first = await startNode(MEMORY, { dht: 'server' })
  const bootstrap = first.network.addresses()
  const others = Array.from({ length: count - 1 }, () => startNode(MEMORY, { dht: 'server', bootstrap }))
  const nodes = [first, ...(await Promise.all(others))]
  await until('they know each other', () =>
    nodes.every(node => node.network.status().dht.peers >= Math.min(count - 1, 3))
  )
  return nodes
}

async function found(node: TestNode, key = KEY): Promise<Uint8Array[]> {
  const records: Uint8Array[] = []
  for await (const record of node.network.lookup(key, soon())) records.push(record)
  return records
}

const stopAll = (nodes: readonly TestNode[]): Promise<void[]> =>
  Promise.all(nodes.map(node => node.network.stop()))

/** Mallory with a DHT that minds nothing. */
async function storingMallory(): Promise<Mallory & { readonly dht: KadDHT }> {
  const kad = kadDHT({
    protocol: DHT_PROTOCOL,
    clientMode: true,
    allowQueryWithZeroPeers: true,
    peerInfoMapper: passthroughMapper,
    validators: { hs: () => {}, evil: () => {} },
    selectors: { hs: () => 0, evil: () => 0 }
  })
  const eve = await mallory({ dht: components => kad(components as unknown as Parameters<typeof kad>[0]) })
  return { ...eve, dht: eve.libp2p.services['dht'] as KadDHT }
}

/** How many nodes took what Mallory stores. */
async function storedBy(eve: { readonly dht: KadDHT }, key: string, value: Uint8Array): Promise<number> {
  let taken = 0
  for await (const event of eve.dht.put(fromUtf8(key), value, soon())) {
    if (event.name === 'PEER_RESPONSE' && event.messageName === 'PUT_VALUE') taken++
  }
  return taken
}

describe('records', () => {
  test('are found by others, also by a client that came later', async () => {
    const nodes = await servers(6)
    const [, alice, bob] = nodes
    expect(await alice!.network.put(KEY, recordOf(1, 'here I am'), soon())).toBeGreaterThanOrEqual(3)
    expect(await found(bob!)).toEqual([recordOf(1, 'here I am')])
    const carol = await startNode(MEMORY, { dht: 'client', bootstrap: nodes[0]!.network.addresses() })
    await until('the DHT is ready', () => carol.events.some(({ type }) => type === 'dht-ready'))
    expect(await found(carol)).toEqual([recordOf(1, 'here I am')])
    expect(carol.network.knownPeers().map(({ peer }) => peer)).toContain(nodes[0]!.peer)
    expect(await found(carol, new Uint8Array(32).fill(9))).toEqual([])
    await stopAll([...nodes, carol])
  })

  test('never go back: who puts an older one is refused, and no reader sees it', async () => {
    const nodes = await servers(6)
    const [, alice, bob, carol] = nodes
    await alice!.network.put(KEY, recordOf(5, 'new'), soon())
    await expect(bob!.network.put(KEY, recordOf(4, 'old'), soon())).rejects.toThrow()
    expect((await found(carol!)).at(-1)).toEqual(recordOf(5, 'new'))
    await alice!.network.put(KEY, recordOf(6, 'newer'), soon())
    expect((await found(carol!)).at(-1)).toEqual(recordOf(6, 'newer'))
    expect((await found(carol!)).at(-1)).toEqual(recordOf(6, 'newer'))
    await stopAll(nodes)
  })

  test('are refused where they are bad, too long, or older than what the node holds', async () => {
    await using alice = await startNode(MEMORY, { dht: 'client' })
    await expect(alice.network.put(KEY, recordOf(1, 'bad'), soon())).rejects.toThrow(/bad record/)
    await expect(
      alice.network.put(KEY, new Uint8Array(spec.presenceRecordMaxBytes + 1), soon())
    ).rejects.toThrow()
    await expect(alice.network.put(KEY, recordOf(1, 'nobody is here'), soon())).rejects.toThrow(/no node/)
  })
})

describe('a stranger', () => {
  test('stores nothing that is bad, too long or of another kind', async () => {
    const nodes = await servers(3)
    const [alice] = nodes
    await using eve = await storingMallory()
    await eve.connect(alice!)
    await until('all take hers', async () => (await storedBy(eve, '/hs/AAAA', recordOf(1, 'fine'))) === 3)
    const before = nodes.map(node => node.network.status().dht.records)
    expect(await storedBy(eve, '/hs/AAAB', recordOf(1, 'bad'))).toBe(0)
    expect(await storedBy(eve, '/hs/AAAA', recordOf(0, 'older'))).toBe(0)
    expect(await storedBy(eve, '/hs/AAAC', new Uint8Array(4000))).toBe(0)
    expect(await storedBy(eve, '/hs/not base64url!', recordOf(1, 'fine'))).toBe(0)
    expect(await storedBy(eve, '/evil/AAAA', recordOf(1, 'fine'))).toBe(0)
    expect(await storedBy(eve, '/pk/AAAA', recordOf(1, 'fine'))).toBe(0)
    expect(nodes.map(node => node.network.status().dht.records)).toEqual(before)
    await stopAll(nodes)
  })

  test('who floods pushes out her own records and nobody else’s', async () => {
    const limits = { dhtRecordsPerPeerMax: 8 }
    await using alice = await startNode(MEMORY, { dht: 'server', limits })
    await using bob = await startNode(MEMORY, { dht: 'server', bootstrap: alice.network.addresses() })
    await until('bob has a DHT', () => bob.network.status().dht.peers > 0)
    await bob.network.put(KEY, recordOf(1, 'bob is here'), soon())
    await using eve = await storingMallory()
    await eve.connect(alice)
    await until('she has a DHT', async () => (await storedBy(eve, '/hs/AAAA', recordOf(1, 'spam'))) > 0)
    for (let i = 0; i < 60; i++) await storedBy(eve, `/hs/${String(i).padStart(4, 'A')}`, recordOf(1, 'spam'))
    expect(alice.network.status().dht.records).toBeLessThanOrEqual(8 + 1)
    expect(await found(alice)).toEqual([recordOf(1, 'bob is here')])
  })

  test('who never answers holds no lookup beyond its signal', async () => {
    await using alice = await startNode(TCP, { dht: 'client' })
    await using eve = await mallory({}, TCP)
    await eve.libp2p.handle(DHT_PROTOCOL, () => {})
    await eve.connect(alice)
    let ended = false
    const giveUp = new AbortController()
    const reading = (async () => {
      for await (const record of alice.network.lookup(KEY, { signal: giveUp.signal }))
        expect(record).toBeUndefined()
      ended = true
    })()
    giveUp.abort()
    await reading
    expect(ended).toBe(true)
    await expect(alice.network.put(KEY, recordOf(1, 'x'), { signal: giveUp.signal })).rejects.toThrow()
  })
})

test('without a DHT a lookup finds nothing and a put fails', async () => {
  await using alice = await startNode(MEMORY)
  expect(await found(alice)).toEqual([])
  await expect(alice.network.put(KEY, recordOf(1, 'x'), soon())).rejects.toThrow()
  expect(alice.network.status().dht.enabled).toBe(false)
})
