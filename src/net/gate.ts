/**
 * Who may connect: the rate of newcomers per network, and peers that are not talked to for a while.
 * libp2p counts newcomers per address only, which a host with a /48 of them never notices.
 */
import type { ConnectionGater } from '@libp2p/interface'
import { spec, type NetworkLimits } from '../base/limits.ts'
import { isLocalAddress, networkOf } from './addresses.ts'
import { RateGate, RecentMap } from './rate.ts'

/** Decides about connections before anything is spent on them. */
export class Gate {
  readonly #limits: NetworkLimits
  readonly #local: boolean
  readonly #newcomers: RateGate
  readonly #denied: RecentMap<string, number>

  constructor(limits: NetworkLimits, local: boolean) {
    this.#limits = limits
    this.#local = local
    this.#newcomers = new RateGate({
      max: limits.inboundPerSecondMax,
      windowMs: 1000,
      keysMax: limits.ratesTrackedMax
    })
    this.#denied = new RecentMap(limits.denyTrackedMax)
  }

  /** No connection with this peer for `denyMs`. */
  deny(peer: string): void {
    this.#denied.set(peer, performance.now() + this.#limits.denyMs)
  }

  isDenied(peer: string): boolean {
    const until = this.#denied.get(peer)
    if (until === undefined) return false
    if (until > performance.now()) return true
    this.#denied.delete(peer)
    return false
  }

  /** The same, as libp2p asks. */
  get gater(): ConnectionGater {
    return {
      denyInboundConnection: connection => !this.#newcomers.allows(networkOf(connection.remoteAddr)),
      denyInboundEncryptedConnection: peer => this.isDenied(peer.toString()),
      denyDialPeer: peer => this.isDenied(peer.toString()),
      // What the DHT tells us to dial must not be a door behind our own router. Addresses that a contact told
      // us do not come this way.
      denyDialMultiaddr: address => !this.#local && isLocalAddress(address),
      filterMultiaddrForPeer: (_peer, address) => address.bytes.length <= spec.addressMaxBytes
    }
  }
}
