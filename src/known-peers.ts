/** Peers of the DHT that earlier runs have met, so that a later one needs no bootstrap list. */
import { decode, encode } from './wire/encoding.ts'
import type { Address, PeerId } from './base/ids.ts'
import { HearsayError } from './base/errors.ts'
import type { Libp2pNetwork } from './net/index.ts'
import type { Network } from './ports/network.ts'
import type { Store } from './ports/store.ts'

const COLLECTION = 'network'
const KEY = 'known-peers'
const MAX_BYTES = 256 * 1024

/** A peer and where it was. */
export interface KnownPeer {
  readonly peer: PeerId
  readonly addresses: readonly Address[]
}

/** What the last run knew; nothing where that cannot be read, since it is only a short cut. */
export async function recallPeers(store: Store): Promise<KnownPeer[]> {
  const record = await store.get(COLLECTION, KEY)
  if (record === undefined) return []
  try {
    return (decode(record, MAX_BYTES) as readonly (readonly [string, readonly string[]])[]).map(
      ([peer, addresses]) => ({
        peer: peer as PeerId,
        addresses: addresses as readonly Address[]
      })
    )
  } catch (error) {
    if (error instanceof HearsayError) return []
    throw error
  }
}

/** A network that writes down, when it stops, whom it knew. */
export function rememberPeers(network: Libp2pNetwork, store: Store): Network {
  const stop = network.stop.bind(network)
  network.stop = async () => {
    const known = network.knownPeers()
    await stop()
    const value = encode(known.map(({ peer, addresses }) => [peer, addresses]))
    // A disk that is full must not keep the node from stopping.
    if (known.length > 0)
      await store.write([{ collection: COLLECTION, key: KEY, value }]).catch(() => undefined)
  }
  return network
}
