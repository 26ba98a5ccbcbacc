/**
 * gossipsub and kad-dht are taken by their insides in places, and their versions are pinned for it. Whoever moves
 * a pin learns here what is no longer there.
 */
import { gossipsub } from '@libp2p/gossipsub'
import { kadDHT } from '@libp2p/kad-dht'
import { expect, test } from 'vitest'
import { mallory } from './mallory.ts'

const GOSSIP_FUNCTIONS = [
  'isStarted',
  'getScore',
  'onPeerConnected',
  'onIncomingStream',
  'createInboundStream',
  'createOutboundStream',
  'pipePeerReadStream',
  'handlePeerReadStreamError',
  'removePeer',
  'handleReceivedRpc',
  'piggybackControl',
  'sendRpc'
]

const GOSSIP_COLLECTIONS = [
  'peers',
  'topics',
  'subscriptions',
  'streamsOutbound',
  'streamsInbound',
  'control',
  'gossip'
]

test('gossipsub has what the private mesh wraps', async () => {
  await using eve = await mallory({ pubsub: gossipsub() })
  const gossip = eve.libp2p.services['pubsub'] as Record<string, unknown>
  for (const name of GOSSIP_FUNCTIONS) expect(typeof gossip[name], name).toBe('function')
  for (const name of GOSSIP_COLLECTIONS) {
    expect(gossip[name] instanceof Map || gossip[name] instanceof Set, name).toBe(true)
  }
  expect(gossip['protocols']).toContain('/meshsub/1.2.0')
  expect(gossip['opts']).toMatchObject({ scoreParams: { topics: {} } })
  expect(gossip['score']).toHaveProperty('peerStats', expect.any(Map))
})

test('kad-dht has what the DHT guards', async () => {
  const kad = kadDHT({ protocol: '/hearsay/kad/1' })
  await using eve = await mallory({
    dht: components => kad(components as unknown as Parameters<typeof kad>[0])
  })
  const { rpc, routingTable, validators, selectors } = eve.libp2p.services['dht'] as Record<
    string,
    Record<string, unknown>
  >
  expect(typeof rpc!['onIncomingStream']).toBe('function')
  expect(Object.keys(rpc!['handlers'] as object).toSorted()).toEqual(
    ['ADD_PROVIDER', 'FIND_NODE', 'GET_PROVIDERS', 'GET_VALUE', 'PING', 'PUT_VALUE'].toSorted()
  )
  expect(typeof routingTable!['addEventListener']).toBe('function')
  expect([Object.keys(validators!), Object.keys(selectors!)]).toEqual([['pk'], ['pk']])
})
