/**
 * The parts of gossipsub 17.1.1 that are not in its types, as far as the private mesh uses them. Its version is
 * pinned exactly, and a test holds that every member named here exists.
 */
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import type { GossipSub } from '@libp2p/gossipsub'
import type { Uint8ArrayList } from 'uint8arraylist'

/** One message of an RPC. */
export interface RpcMessage {
  readonly topic: string
  readonly data?: Uint8Array
}

/** Control messages of an RPC; each list may be missing. */
export interface RpcControl {
  ihave: Array<{ topicID?: string; messageIDs: Uint8Array[] }>
  iwant: Array<{ messageIDs: Uint8Array[] }>
  graft: Array<{ topicID?: string }>
  prune: Array<{ topicID?: string }>
  idontwant: Array<{ messageIDs: Uint8Array[] }>
}

/** What gossipsub peers send each other. */
export interface Rpc {
  subscriptions: Array<{ topic?: string; subscribe?: boolean }>
  messages: RpcMessage[]
  control?: RpcControl
}

/** A stream as gossipsub reads it. */
export interface InboundLink {
  readonly source: AsyncIterable<Uint8ArrayList>
  close(): Promise<void>
}

/** gossipsub with its inside out. */
export interface GossipInternals extends GossipSub {
  protocols: string[]
  readonly peers: Map<string, PeerId>
  readonly topics: Map<string, Set<string>>
  readonly subscriptions: Set<string>
  readonly streamsOutbound: Map<string, { close(): Promise<void> }>
  readonly streamsInbound: Map<string, InboundLink>
  readonly control: Map<string, RpcControl>
  readonly gossip: Map<string, RpcControl['ihave']>
  /** What the score remembers of each peer, by topic. */
  readonly score: { readonly peerStats: Map<string, { readonly topics: Record<string, unknown> }> }
  readonly opts: { readonly scoreParams: { readonly topics: Record<string, object> } }
  isStarted(): boolean
  getScore(peer: string): number
  onPeerConnected(peer: PeerId, connection: Connection): void
  onIncomingStream(stream: Stream, connection: Connection): void
  createInboundStream(peer: PeerId, stream: Stream): void
  createOutboundStream(peer: PeerId, connection: Connection): Promise<void>
  pipePeerReadStream(peer: PeerId, source: AsyncIterable<Uint8ArrayList>): Promise<void>
  handlePeerReadStreamError(error: Error, peer: PeerId): void
  removePeer(peer: PeerId): void
  handleReceivedRpc(from: PeerId, rpc: Rpc): Promise<void>
  piggybackControl(peer: string, rpc: Rpc, control: RpcControl): void
  sendRpc(peer: string, rpc: Rpc): boolean
}
