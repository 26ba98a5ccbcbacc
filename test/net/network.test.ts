/** The network over libp2p passes the acceptance suite, over every transport. */
import { describe, test } from 'vitest'
import { networkSuite } from '../../src/testing/network-suite.ts'
import type { NetworkPlace } from '../../src/testing/network-suite.ts'
import { makeNetwork, MEMORY, nowhere, TCP, turn, WS } from './places.ts'

const place = (kind: string) => async (): Promise<NetworkPlace> => ({
  pair: async () => [await makeNetwork(kind), await makeNetwork(kind)],
  settle: turn,
  nowhere: await nowhere()
})

networkSuite('libp2p in memory', place(MEMORY), { describe, test })
networkSuite('libp2p over TCP', place(TCP), { describe, test })
networkSuite('libp2p over WebSocket', place(WS), { describe, test })
