/** Peers that this node came across by itself: on the LAN, and DHT servers worth remembering for the next start. */
import type { PeerId as Libp2pPeerId } from '@libp2p/interface'
import type { Address, PeerId } from '../base/ids.ts'
import type { NetworkLimits } from '../base/limits.ts'
import { dialableAddresses, isLocalAddress, type AddressPolicy } from './addresses.ts'
import type { KnownPeer } from './bootstrap.ts'
import { DHT_PROTOCOL } from './dht.ts'
import type { Node } from './libp2p.ts'
import { RecentMap } from './rate.ts'

/** Listens to one node's meetings. */
export class Acquaintances {
  readonly #policy: AddressPolicy
  readonly #known: RecentMap<PeerId, readonly Address[]>
  readonly #onLan: RecentMap<PeerId, string>

  constructor(limits: NetworkLimits, policy: AddressPolicy) {
    this.#policy = policy
    this.#known = new RecentMap(limits.peersKnownMax)
    this.#onLan = new RecentMap(limits.peersKnownMax)
  }

  attach(node: Node, discovered: (peer: KnownPeer) => void): void {
    const self = node.libp2p.peerId.toString()
    node.libp2p.addEventListener('peer:identify', ({ detail }) => {
      if (detail.protocols.includes(DHT_PROTOCOL)) this.#met(detail.peerId, detail.listenAddrs.map(String))
    })
    node.mdns?.addEventListener('peer', event => {
      const { id, multiaddrs } = (event as CustomEvent<{ id: Libp2pPeerId; multiaddrs: unknown[] }>).detail
      const found = id.toString() === self ? undefined : this.#found(id, multiaddrs.map(String))
      if (found !== undefined) discovered(found)
    })
  }

  /** DHT servers met, the newest last. */
  known(): KnownPeer[] {
    return [...this.#known.entries()].map(([peer, addresses]) => ({ peer, addresses }))
  }

  #met(id: Libp2pPeerId, texts: readonly string[]): void {
    const peer = id.toString() as PeerId
    const addresses = dialableAddresses(texts, peer, this.#policy).filter(
      address => this.#policy.local || !isLocalAddress(address)
    )
    if (addresses.length > 0)
      this.#known.set(
        peer,
        addresses.map(address => address.toString() as Address)
      )
  }

  #found(id: Libp2pPeerId, texts: readonly string[]): KnownPeer | undefined {
    const peer = id.toString() as PeerId
    const addresses = dialableAddresses(texts, peer, this.#policy).map(
      address => address.toString() as Address
    )
    // Answers come every few seconds: only news is an event.
    if (addresses.length === 0 || this.#onLan.get(peer) === addresses.join()) return undefined
    this.#onLan.set(peer, addresses.join())
    return { peer, addresses }
  }
}
