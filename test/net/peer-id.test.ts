import { expect, test } from 'vitest'
import { peerIdOf } from '../../src/crypto/peer-id.ts'
import { publicKeyOf } from '../../src/crypto/signature.ts'
import { libp2pNetwork } from '../../src/net/index.ts'

test('a node knows its PeerId before it has a network, and it is the one that libp2p gives', async () => {
  const networkKey = new Uint8Array(32).fill(7)
  const network = await libp2pNetwork({
    networkKey,
    listen: [],
    bootstrap: [],
    cachedPeers: [],
    dht: 'off',
    mdns: false,
    validateRecord: () => 0
  })
  expect(network.peerId).toBe(peerIdOf(publicKeyOf(networkKey)))
  await network.stop()
})
