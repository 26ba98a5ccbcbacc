/**
 * Connections with peers: which there are, making one, ending them, and keeping room for newcomers.
 */
import type { Connection } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Address, PeerId } from '../base/ids.ts'
import type { NetworkLimits } from '../base/limits.ts'
import { dialableAddresses, type AddressPolicy } from './addresses.ts'
import { Dialer } from './dialer.ts'
import type { Gate } from './gate.ts'
import type { Node } from './libp2p.ts'

/** The connections of one node; empty until `attach`. */
export class Connections {
  readonly #gate: Gate
  readonly #limits: NetworkLimits
  readonly #policy: AddressPolicy
  /** Peers with a direct stream, and the connection that carries it. */
  readonly #carriers = new Map<PeerId, Connection>()
  #node: Node | undefined
  #dialer: Dialer | undefined

  constructor(gate: Gate, limits: NetworkLimits, policy: AddressPolicy) {
    this.#gate = gate
    this.#limits = limits
    this.#policy = policy
  }

  attach(node: Node): void {
    const { transportManager } = node.internals
    this.#node = node
    this.#dialer = new Dialer((address, options) => transportManager.dial(address, options), this.#limits)
    node.libp2p.addEventListener('connection:open', event => this.#makeRoom(event.detail))
  }

  /** Open connections with a peer, the newest first; none where the text is no peer id. */
  with(peer: PeerId): Connection[] {
    return (this.#node?.libp2p.getConnections() ?? [])
      .filter(connection => connection.remotePeer.toString() === peer)
      .filter(connection => connection.status === 'open')
      .sort((a, b) => b.timeline.open - a.timeline.open)
  }

  /** The connection to use with a peer: the one that carries the direct stream, or else the newest. */
  best(peer: PeerId): Connection | undefined {
    const carrier = this.#carriers.get(peer)
    return carrier?.status === 'open' ? carrier : this.with(peer)[0]
  }

  /** Peers that are connected. */
  peers(): PeerId[] {
    return (this.#node?.libp2p.getPeers() ?? []).map(peer => peer.toString() as PeerId)
  }

  get count(): number {
    return this.#node?.libp2p.getConnections().length ?? 0
  }

  carries(connection: Connection): boolean {
    return this.#carriers.get(connection.remotePeer.toString() as PeerId)?.id === connection.id
  }

  /** A direct stream began on a connection, or there is none any more. Such connections are pruned last. */
  setCarrier(peer: PeerId, connection: Connection | undefined): void {
    if (connection === undefined) this.#carriers.delete(peer)
    else this.#carriers.set(peer, connection)
    const tags = { direct: connection === undefined ? undefined : { value: 100 } }
    // A tag that is missing costs a worse choice when pruning, nothing else.
    this.#node?.libp2p.peerStore.merge(peerIdFromString(peer), { tags }).catch(() => {})
  }

  /** Makes a connection over the addresses given, or those that libp2p remembers. Rejects when it cannot. */
  async connect(peer: PeerId, addresses: readonly Address[], signal: AbortSignal): Promise<Connection> {
    if (this.#node === undefined || this.#dialer === undefined) throw new Error('the network is not started')
    if (peer === this.#node.libp2p.peerId.toString()) throw new Error('this is our own peer id')
    if (this.#gate.isDenied(peer)) throw new Error('this peer misbehaved a short while ago')
    const told = dialableAddresses(addresses, peer, this.#policy)
    const dialable =
      told.length > 0 ? told : dialableAddresses(await this.#remembered(peer), peer, this.#policy)
    return await this.#dialer.connect(dialable, signal)
  }

  /** Closes all connections with a peer, within a second. Never rejects. */
  async close(peer: PeerId): Promise<void> {
    await Promise.all(
      this.with(peer).map(connection =>
        connection
          .close({ signal: AbortSignal.timeout(1000) })
          .catch((error: Error) => connection.abort(error))
      )
    )
  }

  async #remembered(peer: PeerId): Promise<string[]> {
    try {
      const stored = await this.#node?.libp2p.peerStore.get(peerIdFromString(peer))
      return stored?.addresses.map(({ multiaddr }) => multiaddr.toString()) ?? []
    } catch {
      return []
    }
  }

  /** Strangers must not fill every place: the oldest of them goes. */
  #makeRoom(newest: Connection): void {
    if (newest.direction !== 'inbound' || this.#node === undefined) return
    const strangers = this.#node.libp2p
      .getConnections()
      .filter(one => one.direction === 'inbound' && !this.#carriers.has(one.remotePeer.toString() as PeerId))
      .sort((a, b) => a.timeline.open - b.timeline.open)
    const tooMany = Math.max(0, strangers.length - this.#limits.strangerConnectionsMax)
    for (const connection of strangers.slice(0, tooMany)) connection.abort(new Error('room for others'))
  }
}
