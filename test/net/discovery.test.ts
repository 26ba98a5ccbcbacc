/** Finding others without being told: configured peers, peers of earlier runs, and the local network. */
import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { libp2pNetwork } from '../../src/net/network.ts'
import { makeNetwork, MEMORY, nowhere, startNode, TCP, until, validateRecord } from './places.ts'
import type { TestNode } from './places.ts'

const peersOf = (node: TestNode): string[] => node.network.status().connections.map(({ peer }) => peer)

describe('bootstrap', () => {
  test('connects to configured peers and to those of an earlier run, whatever else is dead', async () => {
    await using alice = await startNode(TCP)
    await using bob = await startNode(TCP)
    const dead = await nowhere()
    await using carol = await startNode(TCP, {
      bootstrap: [dead.addresses[0]!, alice.network.addresses()[0]!],
      cachedPeers: [dead, { peer: bob.peer, addresses: bob.network.addresses() }]
    })
    await until('carol is connected', () => [alice, bob].every(({ peer }) => peersOf(carol).includes(peer)))
    expect(carol.events).toEqual([])
  })

  test('goes on until somebody is there', async () => {
    const networkKey = new Uint8Array(randomBytes(32))
    const listen = ['/memory/a-late-riser']
    const sleeper = await makeNetwork(MEMORY, { networkKey, listen })
    const limits = { bootstrapFirstMs: 20, bootstrapMaxMs: 50 }
    await using bob = await startNode(MEMORY, { bootstrap: [`${listen[0]}/p2p/${sleeper.peerId}`], limits })
    expect(peersOf(bob)).toEqual([])
    await using alice = await startNode(MEMORY, { networkKey, listen })
    await until('bob is connected', () => peersOf(bob).includes(alice.peer))
    await sleeper.stop()
  })

  test('refuses addresses that lead to nobody in particular', async () => {
    await expect(makeNetwork(TCP, { bootstrap: ['/ip4/192.0.2.1/tcp/4001'] })).rejects.toThrow(
      expect.objectContaining({ code: 'INVALID_ADDRESS' })
    )
    await expect(makeNetwork(TCP, { listen: ['everywhere'] })).rejects.toThrow(
      expect.objectContaining({ code: 'INVALID_ADDRESS' })
    )
  })
})

describe('a node', () => {
  test('has the peer id of its network key, and another with another key', async () => {
    const networkKey = new Uint8Array(32).fill(1)
    const [one, same, other] = await Promise.all([
      makeNetwork(MEMORY, { networkKey }),
      makeNetwork(MEMORY, { networkKey }),
      makeNetwork(MEMORY)
    ])
    expect(one.peerId).toBe('12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5')
    expect([same.peerId, other.peerId === one.peerId]).toEqual([one.peerId, false])
    await expect(makeNetwork(MEMORY, { networkKey: new Uint8Array(31) })).rejects.toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' })
    )
    await Promise.all([one, same, other].map(network => network.stop()))
  })

  test('tells what it was told to announce instead of where it listens', async () => {
    await using alice = await startNode(TCP, { announce: ['/dns4/chat.example.org/tcp/4001'] })
    expect(alice.network.addresses()).toEqual([`/dns4/chat.example.org/tcp/4001/p2p/${alice.peer}`])
  })

  test('that cannot listen says so and leaves nothing behind', async () => {
    await using alice = await startNode(TCP)
    const taken = alice.network.addresses()[0]!.replace(/\/p2p\/.*/, '')
    const bob = await makeNetwork(TCP, { listen: [taken] })
    await expect(bob.start(async () => {})).rejects.toThrow(
      expect.objectContaining({ code: 'NETWORK_FAILED' })
    )
    await bob.stop()
  })

  test('in a network at large tells no loopback address', async () => {
    const init = { bootstrap: [], cachedPeers: [], dht: 'client', mdns: false, validateRecord } as const
    const network = await libp2pNetwork({
      ...init,
      networkKey: new Uint8Array(randomBytes(32)),
      listen: ['/ip4/127.0.0.1/tcp/0']
    })
    await network.start(async () => {})
    expect(network.addresses()).toEqual([])
    await network.stop()
  })

  test('is dialled although its first address is dead', async () => {
    await using alice = await startNode(TCP)
    await using bob = await startNode(TCP)
    const { addresses } = await nowhere()
    const dead = addresses[0]!.replace(/\/p2p\/.*/, `/p2p/${bob.peer}`) as (typeof addresses)[0]
    alice.network.dial(bob.peer, [dead, ...bob.network.addresses()])
    await until('alice is answered', () => alice.events.length > 0)
    expect(alice.events[0]?.type).toBe('opened')
  })
})
