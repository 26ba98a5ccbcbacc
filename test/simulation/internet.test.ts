/** The simulated internet keeps the promises of the network port in any weather, and breaks nothing else. */
import { describe, expect, test } from 'vitest'
import type { PeerId } from '../../src/base/ids.ts'
import type { NetworkEvent } from '../../src/ports/network.ts'
import { SimulatedInternet } from '../../src/testing/internet.ts'
import { networkSuite } from '../../src/testing/network-suite.ts'
import type { SimulatedNetwork } from '../../src/testing/network.ts'
import { peerIdFrom } from '../../src/testing/peer-id.ts'
import { seededRandom } from '../../src/testing/random.ts'
import { VirtualTime } from '../../src/testing/time.ts'
import type { Weather } from '../../src/testing/weather.ts'

interface Node {
  readonly network: SimulatedNetwork
  readonly events: NetworkEvent[]
}

const number = (i: number): Uint8Array => new Uint8Array([i >> 8, i & 255])
const received = (node: Node, peer: PeerId): number[] =>
  node.events.flatMap(event =>
    event.type === 'received' && event.peer === peer ? event.envelopes.map(e => e[0]! * 256 + e[1]!) : []
  )
const types = (node: Node): string[] =>
  node.events.map(({ type }) => type).filter(type => type !== 'dht-ready')

function world(seed: number, weather: Partial<Weather> = {}) {
  const time = new VirtualTime()
  const random = seededRandom(seed)
  const internet = new SimulatedInternet({ time, random, weather, validateRecord: (_, record) => record[0]! })
  time.start()
  const join = async (host: string): Promise<Node> => {
    const network = internet.attach(host, peerIdFrom(random.fork(host).bytes))
    const events: NetworkEvent[] = []
    await network.start(async event => {
      events.push(event)
    })
    return { network, events }
  }
  return { time, internet, random, join }
}

async function connected(seed: number, weather?: Partial<Weather>) {
  const net = world(seed, weather)
  const alice = await net.join('alice')
  const bob = await net.join('bob')
  alice.network.dial(bob.network.peerId, bob.network.addresses())
  await net.time.until(() => types(alice).includes('opened') && types(bob).includes('opened'))
  return { ...net, alice, bob }
}

networkSuite(
  'the simulated internet as a network',
  async () => {
    const time = new VirtualTime()
    const random = seededRandom(9)
    const internet = new SimulatedInternet({ time, random, dht: false, validateRecord: () => 0 })
    const attach = (host: string): SimulatedNetwork =>
      internet.attach(host, peerIdFrom(random.fork(host).bytes))
    const nobody = attach('nobody')
    time.start()
    return {
      pair: async () => [attach('alice'), attach('bob')],
      settle: () => time.advance(10),
      nowhere: { peer: nobody.peerId, addresses: [internet.addressOf(nobody)] }
    }
  },
  { describe, test }
)

describe('the simulated internet', () => {
  test('a direct stream delivers everything in order in any weather', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const { time, alice, bob } = await connected(seed, { loss: 0.4, tail: 0.5, maxDelayMs: 5000 })
      for (let i = 0; i < 100; i++) await alice.network.send(bob.network.peerId, [number(i)])
      await time.until(() => received(bob, alice.network.peerId).length === 100)
      expect(received(bob, alice.network.peerId), `seed=${seed}`).toEqual(
        Array.from({ length: 100 }, (_, i) => i)
      )
      time.stop()
    }
  })

  test('a dial to nobody, or to an address that moved on, has one answer: closed', async () => {
    const { time, internet, alice, bob } = await connected(1)
    const old = bob.network.addresses()
    internet.move('bob')
    await time.until(() => types(alice).includes('closed'))
    expect(types(bob)).toContain('moved')
    alice.events.length = 0
    alice.network.dial(bob.network.peerId, old)
    await time.advance(60_000)
    expect(types(alice)).toEqual(['closed'])
    alice.network.dial(bob.network.peerId, bob.network.addresses())
    await time.advance(60_000)
    expect(types(alice)).toEqual(['closed', 'opened'])
    alice.network.dial(bob.network.peerId, [])
    await time.advance(1)
    expect(types(alice)).toEqual(['closed', 'opened', 'opened'])
    time.stop()
  })

  test('two who dial each other at once share one stream, and each hears opened once', async () => {
    for (let seed = 0; seed < 50; seed++) {
      const { time, join } = world(seed, { tail: 0.6, maxDelayMs: 3000 })
      const alice = await join('alice')
      const bob = await join('bob')
      alice.network.dial(bob.network.peerId, bob.network.addresses())
      bob.network.dial(alice.network.peerId, alice.network.addresses())
      await time.advance(60_000)
      for (const node of [alice, bob]) expect(types(node), `seed=${seed}`).toEqual(['opened'])
      await alice.network.send(bob.network.peerId, [number(1)])
      await bob.network.send(alice.network.peerId, [number(2)])
      await time.advance(10_000)
      expect(received(bob, alice.network.peerId), `seed=${seed}`).toEqual([1])
      expect(received(alice, bob.network.peerId), `seed=${seed}`).toEqual([2])
      time.stop()
    }
  })

  test('a short cut only delays, a long one loses what was in flight and closes both ends', async () => {
    const { time, internet, alice, bob } = await connected(2)
    const heal = internet.reachability.cut(['alice'], ['bob'])
    await alice.network.send(bob.network.peerId, [number(1)])
    await time.advance(2000)
    expect(received(bob, alice.network.peerId)).toEqual([])
    heal()
    await time.advance(2000)
    expect(received(bob, alice.network.peerId)).toEqual([1])
    internet.reachability.cut(['alice'], ['bob'], { oneWay: true })
    await alice.network.send(bob.network.peerId, [number(2)])
    await bob.network.send(alice.network.peerId, [number(3)])
    await time.advance(60_000)
    expect(received(bob, alice.network.peerId)).toEqual([1])
    expect(received(alice, bob.network.peerId), 'the other way is open').toEqual([3])
    for (const node of [alice, bob]) expect(types(node).at(-1)).toBe('closed')
    await expect(alice.network.send(bob.network.peerId, [number(4)])).rejects.toMatchObject({
      code: 'NETWORK_FAILED'
    })
    internet.reachability.heal()
    await time.advance(60_000)
    expect(received(bob, alice.network.peerId), 'what was lost stays lost').toEqual([1])
    time.stop()
  })

  test('a host whose cable is pulled knows at once, its peer by and by', async () => {
    const { time, internet, alice, bob } = await connected(3)
    internet.reachability.setOnline('bob', false)
    await time.advance(1)
    expect(types(bob).at(-1)).toBe('closed')
    expect(types(alice).at(-1)).toBe('opened')
    await time.advance(20_000)
    expect(types(alice).at(-1)).toBe('closed')
    internet.reachability.setOnline('bob', true)
    bob.network.dial(alice.network.peerId, alice.network.addresses())
    await time.advance(20_000)
    expect(types(alice).at(-1)).toBe('opened')
    time.stop()
  })

  test('a crashed machine hears nothing, and comes back to a peer that still believed in it', async () => {
    const { time, internet, alice, bob } = await connected(4)
    await alice.network.send(bob.network.peerId, [number(1)])
    bob.network.crash()
    const heardByTheDead = bob.events.length
    const again = internet.attach('bob', bob.network.peerId)
    await again.start(async () => undefined)
    again.dial(alice.network.peerId, alice.network.addresses())
    await time.advance(60_000)
    expect(bob.events).toHaveLength(heardByTheDead)
    expect(types(alice).filter(type => type !== 'received')).toEqual(['opened', 'closed', 'opened'])
    time.stop()
  })

  test('the network reads on only once the handler has taken in the last envelopes', async () => {
    const { time, internet, random } = world(5)
    const slow = internet.attach('slow', peerIdFrom(random.fork('slow').bytes))
    const taken: number[] = []
    await slow.start(async event => {
      if (event.type !== 'received') return
      await new Promise<void>(resolve => void time.after(1000, 'slow', resolve))
      taken.push(event.envelopes.length)
    })
    const fast = internet.attach('fast', peerIdFrom(random.fork('fast').bytes))
    let isOpen = false
    await fast.start(async event => {
      isOpen ||= event.type === 'opened'
    })
    fast.dial(slow.peerId, slow.addresses())
    await time.until(() => isOpen)
    const startedAt = time.now
    let handedOver = 0
    for (let i = 0; i < 20; i++) {
      void fast.send(slow.peerId, [new Uint8Array(64 * 1024)]).then(() => handedOver++)
    }
    await time.advance(3000)
    expect(handedOver, 'the sender waits for room').toBeLessThan(12)
    await time.until(() => taken.length === 20)
    expect(time.now - startedAt).toBeGreaterThanOrEqual(20_000)
    expect(handedOver).toBe(20)
    time.stop()
  })

  test('gossip passes between admitted members of a topic only, and may be lost or doubled', async () => {
    const { time, internet, alice, bob } = await connected(6)
    const gossip = (): number => bob.events.filter(({ type }) => type === 'gossiped').length
    alice.network.subscribe('t')
    bob.network.subscribe('t')
    alice.network.admit(bob.network.peerId)
    expect(await alice.network.publish('t', number(1)), 'admitted by one side only').toBe(0)
    bob.network.admit(alice.network.peerId)
    expect(await alice.network.publish('t', number(1))).toBe(1)
    expect(await alice.network.publish('other', number(1))).toBe(0)
    await time.advance(1000)
    expect(gossip()).toBe(1)
    internet.weather.loss = 0.3
    internet.weather.duplicate = 0.3
    for (let i = 0; i < 1000; i++) await alice.network.publish('t', number(i))
    await time.advance(10_000)
    expect(gossip()).toBeGreaterThan(800)
    expect(gossip()).toBeLessThan(1000)
    bob.network.dismiss(alice.network.peerId)
    expect(await alice.network.publish('t', number(1))).toBe(0)
    time.stop()
  })

  test('the DHT keeps the newest valid record, forgets after days, and is slow and out of reach at times', async () => {
    const { time, internet, alice, bob } = await connected(7)
    const key = new Uint8Array([9])
    const { signal } = new AbortController()
    const found = async (): Promise<number[]> => {
      const records: number[] = []
      for await (const record of bob.network.lookup(key, { signal })) records.push(record[0]!)
      return records
    }
    expect(await found()).toEqual([])
    expect(await alice.network.put(key, new Uint8Array([2]), { signal })).toBeGreaterThan(0)
    expect(new Set(await found())).toEqual(new Set([2]))
    await alice.network.put(key, new Uint8Array([1]), { signal }).catch(() => undefined)
    expect(await found(), 'most holders refuse an older record').toContain(2)
    const heal = internet.reachability.cut(['alice'], ['the dht'])
    await expect(alice.network.put(key, new Uint8Array([3]), { signal })).rejects.toMatchObject({
      code: 'NETWORK_FAILED'
    })
    heal()
    await time.advance(49 * 3600 * 1000)
    expect(await found()).toEqual([])
    time.stop()
  })

  test('bytes are counted for each direction', async () => {
    const { time, internet, alice, bob } = await connected(8)
    await alice.network.send(bob.network.peerId, [new Uint8Array(512), new Uint8Array(2048)])
    expect(internet.bytesSent('alice', 'bob')).toBe(2560)
    expect(internet.bytesSent('bob', 'alice')).toBe(0)
    time.stop()
  })
})
