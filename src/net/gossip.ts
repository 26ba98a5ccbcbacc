/**
 * The private mesh: gossipsub among admitted peers only.
 *
 * gossipsub tells everybody who connects all our topics, and topics are who we talk to. Here a peer takes part
 * from `admit` on: until then nothing is opened to it, its own gossip stream is kept unread, and not one byte
 * with a topic in it leaves. Beyond that this file mends what gossipsub leaves open: inbound streams without
 * back-pressure, one frozen peer holding up the streams to all others, RPCs larger than what it accepts itself,
 * streams that die and are never opened again, and scores that nobody acts on.
 *
 * Always true: gossipsub knows a peer only while it is admitted and connected. Envelopes are unsigned here
 * (StrictNoSign); they authenticate themselves, and the core above does not take gossip for more than a hint.
 */
import {
  StrictNoSign,
  TopicValidatorResult,
  gossipsub,
  type GossipSub,
  type Message
} from '@libp2p/gossipsub'
import type { Connection, Logger, PeerId as Libp2pPeerId, Stream } from '@libp2p/interface'
import { decode } from 'it-length-prefixed'
import { createHash } from 'node:crypto'
import { concat, fromUtf8 } from '../base/bytes.ts'
import type { PeerId } from '../base/ids.ts'
import { labels } from '../base/labels.ts'
import type { NetworkLimits } from '../base/limits.ts'
import { isEnvelopeSize } from './frames.ts'
import type { GossipInternals, Rpc } from './gossip-internals.ts'
import { splitRpc } from './gossip-rpc.ts'
import { readPaced } from './paced-reader.ts'

/** The one version of gossipsub that is spoken. */
export const GOSSIP_PROTOCOL = '/meshsub/1.2.0'

/** Below this score a peer is not listened to any more; the mesh hangs up on it. */
const GRAYLIST_SCORE = -80

/** P3 stays off: with it an honest mesh empties itself. P4 counts: nine invalid messages are the end. */
const TOPIC_SCORE = {
  topicWeight: 1,
  timeInMeshWeight: 0.01,
  timeInMeshQuantum: 1000,
  timeInMeshCap: 100,
  firstMessageDeliveriesWeight: 0.01,
  firstMessageDeliveriesDecay: 0.9,
  firstMessageDeliveriesCap: 100,
  meshMessageDeliveriesWeight: 0,
  meshFailurePenaltyWeight: 0,
  meshFailurePenaltyDecay: 0.5,
  meshMessageDeliveriesDecay: 0.5,
  meshMessageDeliveriesCap: 100,
  meshMessageDeliveriesThreshold: 20,
  meshMessageDeliveriesWindow: 10,
  meshMessageDeliveriesActivation: 5000,
  invalidMessageDeliveriesWeight: -1,
  invalidMessageDeliveriesDecay: 0.9
}

type GossipComponents = Parameters<ReturnType<typeof gossipsub>>[0]

const silence = (): void => undefined
const silent: Logger = Object.assign(silence, {
  error: silence,
  trace: silence,
  enabled: false,
  newScope: () => silent
})

/** What gossipsub logs are topics, and beside each the peers in it: who reads a log must not read that. */
const withoutLog = (components: GossipComponents): GossipComponents =>
  new Proxy(components, {
    get: (target, name) =>
      name === 'logger' ? { forComponent: () => silent } : (Reflect.get(target, name) as unknown)
  })

/** What the mesh needs. */
export interface PrivateMeshInit {
  readonly limits: NetworkLimits
  /** The connection to gossip over with a peer, if there is one. */
  readonly connection: (peer: PeerId) => Connection | undefined
  /** Who is connected. */
  readonly peers: () => Iterable<PeerId>
  readonly gossiped: (topic: string, envelope: Uint8Array) => void
  /** A peer misbehaved beyond repair: hang up and deny it. */
  readonly graylisted: (peer: PeerId) => void
}

/** The private mesh of one node. `service` goes into libp2p, which starts and stops it. */
export class PrivateMesh {
  readonly #init: PrivateMeshInit
  readonly #admitted = new Set<PeerId>()
  readonly #topics = new Set<string>()
  /** Gossip streams that admitted peers have with us. */
  readonly #inbound = new Map<string, Stream>()
  /** Gossip streams of peers that are not admitted yet, oldest first. */
  readonly #held = new Map<string, { stream: Stream; connection: Connection }>()
  readonly #opening = new Set<string>()
  #gossip: GossipInternals | undefined

  constructor(init: PrivateMeshInit) {
    this.#init = init
  }

  /** The libp2p service. */
  readonly service = (components: GossipComponents): GossipSub => {
    const { limits } = this.#init
    const gossip = gossipsub({
      globalSignaturePolicy: StrictNoSign,
      fallbackToFloodsub: false,
      allowPublishToZeroTopicPeers: true,
      ignoreDuplicatePublishError: true,
      tagMeshPeers: false,
      doPX: false,
      msgIdFn: messageId,
      // Each RPC is dealt with before the next is read: that is the back-pressure.
      awaitRpcHandler: true,
      awaitRpcMessageHandler: true,
      // Our smallest envelope is as large as gossipsub's threshold, which would double the traffic.
      idontwantMinDataSize: 8 * 1024,
      maxInboundStreams: 2,
      maxOutboundStreams: 2,
      maxInboundDataLength: limits.gossipRpcBytes,
      maxOutboundBufferSize: limits.gossipOutboundBytes,
      maxTopicBytesPerPeer: limits.gossipTopicBytesPerPeer,
      decodeRpcLimits: {
        maxSubscriptions: limits.gossipRpcIdsMax,
        maxMessages: limits.gossipRpcMessagesMax,
        maxIhaveMessageIDs: limits.gossipRpcIdsMax,
        maxIwantMessageIDs: limits.gossipRpcIdsMax,
        maxIdontwantMessageIDs: limits.gossipRpcIdsMax,
        maxControlMessages: limits.gossipRpcIdsMax,
        maxPeerInfos: 0
      },
      // Nodes behind one router or one proxy share an address, and contacts often do.
      scoreParams: { IPColocationFactorWeight: 0 },
      scoreThresholds: { graylistThreshold: GRAYLIST_SCORE }
    })(withoutLog(components)) as GossipInternals
    gossip.protocols = [GOSSIP_PROTOCOL]
    this.#gossip = gossip
    this.#guardPeers(gossip)
    this.#guardStreams(gossip)
    this.#guardRpcs(gossip)
    gossip.addEventListener('message', event => this.#init.gossiped(event.detail.topic, event.detail.data))
    gossip.addEventListener('gossipsub:heartbeat', () => this.#heartbeat(gossip))
    return gossip
  }

  get topicCount(): number {
    return this.#topics.size
  }

  /** Lets a peer take part, now or as soon as it is connected. */
  admit(peer: PeerId): void {
    if (this.#admitted.has(peer)) return
    this.#admitted.add(peer)
    const connection = this.#init.connection(peer)
    if (connection !== undefined) this.connected(peer, connection)
    const held = this.#held.get(peer)
    this.#held.delete(peer)
    if (held?.stream.status === 'open') this.#gossip?.onIncomingStream(held.stream, held.connection)
  }

  /** The end of taking part: streams both ways are closed, and what is known of the peer's topics goes. */
  dismiss(peer: PeerId): void {
    this.#admitted.delete(peer)
    this.disconnected(peer)
  }

  /** An admitted peer can be reached over this connection. */
  connected(peer: PeerId, connection: Connection): void {
    if (!this.#admitted.has(peer)) return
    this.#gossip?.onPeerConnected(connection.remotePeer, connection)
  }

  /** No connection with this peer is left. */
  disconnected(peer: string): void {
    const stream = this.#inbound.get(peer)
    this.#inbound.delete(peer)
    const known = this.#gossip?.peers.get(peer)
    if (known !== undefined) this.#gossip?.removePeer(known)
    stream?.abort(new Error('no part of the mesh'))
    this.#dropHeld(peer)
  }

  /** Beyond `topicsMax` a topic is left out: its messages come by other ways. */
  subscribe(topic: string): void {
    if (this.#topics.size >= this.#init.limits.topicsMax) return
    this.#topics.add(topic)
    this.#join(topic)
  }

  unsubscribe(topic: string): void {
    this.#topics.delete(topic)
    const gossip = this.#gossip
    if (gossip === undefined || !gossip.subscriptions.has(topic)) return
    gossip.unsubscribe(topic)
    gossip.topicValidators.delete(topic)
    delete gossip.opts.scoreParams.topics[topic]
    // The score looks up the parameters of every topic that it remembers of a peer that goes, and throws without.
    for (const { topics } of gossip.score.peerStats.values()) delete topics[topic]
  }

  /** The node has started: joins what was subscribed to before. */
  started(): void {
    for (const topic of this.#topics) this.#join(topic)
  }

  /** Resolves to how many peers the envelope was handed to. */
  async publish(topic: string, envelope: Uint8Array): Promise<number> {
    const gossip = this.#gossip
    if (gossip === undefined || !gossip.isStarted()) return 0
    const { recipients } = await gossip.publish(topic, envelope)
    return recipients.length
  }

  #join(topic: string): void {
    const gossip = this.#gossip
    if (gossip === undefined || !gossip.isStarted() || gossip.subscriptions.has(topic)) return
    gossip.opts.scoreParams.topics[topic] = TOPIC_SCORE
    gossip.topicValidators.set(topic, (_peer, message) =>
      isEnvelopeSize(message.data.length) ? TopicValidatorResult.Accept : TopicValidatorResult.Reject
    )
    gossip.subscribe(topic)
  }

  #guardPeers(gossip: GossipInternals): void {
    const connected = gossip.onPeerConnected.bind(gossip)
    gossip.onPeerConnected = (peer, connection) => {
      if (this.#admitted.has(peer.toString() as PeerId)) connected(peer, connection)
    }
    const incoming = gossip.onIncomingStream.bind(gossip)
    gossip.onIncomingStream = (stream, connection) => {
      const peer = connection.remotePeer.toString() as PeerId
      if (this.#admitted.has(peer)) incoming(stream, connection)
      else this.#hold(peer, stream, connection)
    }
    const received = gossip.handleReceivedRpc.bind(gossip)
    gossip.handleReceivedRpc = async (from, rpc) => {
      if (!this.#admitted.has(from.toString() as PeerId)) return
      // Messages of topics that are not ours would be cached and passed on.
      rpc.messages = rpc.messages.filter(message => gossip.subscriptions.has(message.topic))
      await received(from, rpc)
    }
  }

  #guardStreams(gossip: GossipInternals): void {
    gossip.createInboundStream = (peer, stream) => this.#createInbound(gossip, peer, stream)
    // gossipsub opens streams one after the other, each waiting for the one before.
    const open = gossip.createOutboundStream.bind(gossip)
    gossip.createOutboundStream = (peer, connection) => {
      const id = peer.toString()
      if (this.#opening.has(id)) return Promise.resolve()
      this.#opening.add(id)
      void open(peer, connection).finally(() => this.#opening.delete(id))
      return Promise.resolve()
    }
    const failed = gossip.handlePeerReadStreamError.bind(gossip)
    gossip.handlePeerReadStreamError = (error, peer) => {
      // Without a reset the other side would go on writing into a stream that nobody reads.
      this.#inbound.get(peer.toString())?.abort(error)
      failed(error, peer)
    }
  }

  #guardRpcs(gossip: GossipInternals): void {
    const send = gossip.sendRpc.bind(gossip)
    gossip.sendRpc = (peer, rpc) => {
      // gossipsub adds what waits for this peer to the RPC after its size is known; here it is added before.
      const control = gossip.control.get(peer)
      if (control !== undefined) gossip.piggybackControl(peer, rpc, control)
      gossip.control.delete(peer)
      const ihave = gossip.gossip.get(peer)
      gossip.gossip.delete(peer)
      const parts = splitRpc(withIhave(rpc, ihave), this.#init.limits)
      return parts.map(part => send(peer, part)).every(sent => sent)
    }
  }

  #createInbound(gossip: GossipInternals, peer: Libp2pPeerId, stream: Stream): void {
    const id = peer.toString()
    if (!gossip.isStarted() || !gossip.peers.has(id)) {
      stream.abort(new Error('no part of the mesh'))
      return
    }
    this.#inbound.get(id)?.abort(new Error('a newer stream'))
    this.#inbound.set(id, stream)
    const source = decode(readPaced(stream, this.#init.limits.gossipRpcBytes), {
      maxDataLength: this.#init.limits.gossipRpcBytes
    })
    const close = (): Promise<void> => {
      stream.abort(new Error('closed'))
      return Promise.resolve()
    }
    gossip.streamsInbound.set(id, { source, close })
    void this.#read(gossip, peer, stream, source)
  }

  async #read(
    gossip: GossipInternals,
    peer: Libp2pPeerId,
    stream: Stream,
    source: AsyncIterable<
      Parameters<typeof gossip.pipePeerReadStream>[1] extends AsyncIterable<infer T> ? T : never
    >
  ): Promise<void> {
    // An error in a stream that was replaced must not take the peer's new stream with it.
    const current = (): boolean => this.#inbound.get(peer.toString()) === stream
    async function* whileCurrent(): typeof source extends AsyncIterable<infer T> ? AsyncGenerator<T> : never {
      try {
        for await (const part of source) yield part
      } catch (error) {
        if (current()) throw error
      }
    }
    await gossip.pipePeerReadStream(peer, whileCurrent())
    if (current()) this.#inbound.delete(peer.toString())
  }

  #hold(peer: string, stream: Stream, connection: Connection): void {
    this.#dropHeld(peer)
    if (this.#held.size >= this.#init.limits.gossipHeldStreamsMax) {
      const [oldest] = this.#held.keys()
      if (oldest !== undefined) this.#dropHeld(oldest)
    }
    this.#held.set(peer, { stream, connection })
    stream.addEventListener('close', () => {
      if (this.#held.get(peer)?.stream === stream) this.#held.delete(peer)
    })
  }

  #dropHeld(peer: string): void {
    const held = this.#held.get(peer)
    this.#held.delete(peer)
    held?.stream.abort(new Error('not admitted'))
  }

  #heartbeat(gossip: GossipInternals): void {
    for (const peer of this.#init.peers()) {
      if (!this.#admitted.has(peer)) continue
      if (gossip.peers.has(peer) && gossip.getScore(peer) < GRAYLIST_SCORE) {
        this.#init.graylisted(peer)
        continue
      }
      // A gossip stream that died on a living connection is opened again, which gossipsub never does.
      if (gossip.streamsOutbound.has(peer)) continue
      const connection = this.#init.connection(peer)
      if (connection !== undefined) this.connected(peer, connection)
    }
  }
}

/** The same bytes in two topics are two messages, unlike gossipsub has it. */
function messageId(message: Message): Uint8Array {
  const topic = fromUtf8(message.topic)
  const length = Uint8Array.of(topic.length >> 8, topic.length & 0xff)
  const hash = createHash('sha256').update(concat(fromUtf8(labels.gossipMessage), length, topic))
  return new Uint8Array(hash.update(message.data).digest().subarray(0, 20))
}

function withIhave(rpc: Rpc, ihave: NonNullable<Rpc['control']>['ihave'] | undefined): Rpc {
  if (ihave === undefined) return rpc
  const control = rpc.control ?? { ihave: [], iwant: [], graft: [], prune: [], idontwant: [] }
  return { ...rpc, control: { ...control, ihave: [...control.ihave, ...ihave] } }
}
