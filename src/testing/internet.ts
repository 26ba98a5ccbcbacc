/**
 * The simulated internet: hosts with addresses, the links between them, gossip, discovery and the DHT.
 *
 * Invariant: everything that happens here takes virtual time, happens in an order that the seed decides, and
 * is told to the observer, so that checkers judge by what was on the wire and not by what a node says of it.
 */
import type { Address, PeerId } from '../base/ids.ts'
import type { NetworkEvent } from '../ports/network.ts'
import { SimulatedDht } from './dht.ts'
import type { ValidateRecord } from './dht.ts'
import { Link } from './link.ts'
import type { LinkWorld } from './link.ts'
import { SimulatedNetwork } from './network.ts'
import type { SeededRandom } from './random.ts'
import type { VirtualTime } from './time.ts'
import { delayIn, DHT_HOST, fairWeather, Reachability } from './weather.ts'
import type { Host, Weather } from './weather.ts'

const DIAL_TIMEOUT_MS = 8000
const DHT_READY_MIN_MS = 300
const DHT_READY_MAX_MS = 3000
const MDNS_MIN_MS = 50
const MDNS_MAX_MS = 1500

/** What was on the wire, for checkers and for attackers. */
export type Observation =
  | {
      readonly type: 'sent'
      readonly from: SimulatedNetwork
      readonly peer: PeerId
      readonly envelopes: readonly Uint8Array[]
    }
  | { readonly type: 'dialled'; readonly from: SimulatedNetwork; readonly peer: PeerId }
  | {
      readonly type: 'published'
      readonly from: SimulatedNetwork
      readonly topic: string
      readonly envelope: Uint8Array
      readonly reached: number
    }
  | { readonly type: 'told'; readonly to: SimulatedNetwork; readonly event: NetworkEvent }
  | { readonly type: 'handler-failed'; readonly at: SimulatedNetwork; readonly cause: unknown }

/** The internet that all nodes of one simulation share. */
export class SimulatedInternet {
  readonly weather: Weather
  readonly reachability = new Reachability()
  readonly dht: SimulatedDht
  /** Whether nodes find each other on the local network. */
  readonly mdns: boolean
  /** Hears of everything on the wire. */
  observer: ((observation: Observation) => void) | undefined
  readonly #hasDht: boolean
  readonly #time: VirtualTime
  readonly #random: SeededRandom
  readonly #links: LinkWorld
  readonly #running = new Map<PeerId, SimulatedNetwork>()
  /** Whose PeerId it is, for transcripts. */
  readonly #names = new Map<PeerId, Host>()
  /** Each host's place on the network; a new one each time it moves. */
  readonly #places = new Map<Host, number>()
  #nextPlace = 1
  readonly #bytes = new Map<string, number>()

  constructor(init: {
    time: VirtualTime
    random: SeededRandom
    validateRecord: ValidateRecord
    weather?: Partial<Weather>
    mdns?: boolean
    /** Whether nodes come to know of the DHT; true by default. */
    dht?: boolean
  }) {
    this.#time = init.time
    this.#random = init.random.fork('internet')
    this.weather = { ...fairWeather(), ...init.weather }
    this.mdns = init.mdns ?? false
    this.#hasDht = init.dht ?? true
    const { reachability } = this
    this.dht = new SimulatedDht({
      time: init.time,
      random: init.random.fork('dht'),
      reachability,
      validateRecord: init.validateRecord
    })
    this.#links = {
      time: init.time,
      random: init.random.fork('links'),
      weather: this.weather,
      reachability,
      count: (from, to, bytes) => {
        const way = `${from}>${to}`
        this.#bytes.set(way, (this.#bytes.get(way) ?? 0) + bytes)
      }
    }
  }

  /** A process on this host, with the PeerId that its network key gives it. */
  attach(host: Host, peerId: PeerId): SimulatedNetwork {
    if (!this.#places.has(host)) this.#places.set(host, this.#nextPlace++)
    this.#names.set(peerId, host)
    return new SimulatedNetwork(this, host, peerId)
  }

  /** Bytes sent over direct streams and gossip from one host to another so far. */
  bytesSent(from: Host, to: Host): number {
    return this.#bytes.get(`${from}>${to}`) ?? 0
  }

  /** The host comes back at another address: its streams break, and it notices. */
  move(host: Host): void {
    this.#places.set(host, this.#nextPlace++)
    for (const network of this.#running.values()) {
      if (network.host !== host) continue
      for (const { peer } of network.status().connections) network.linkWith(peer)?.link.break('moved')
      network.tell({ type: 'moved', addresses: network.addresses() })
    }
  }

  /** Pulls a host's cable, or plugs it in again; its node notices that its addresses come and go. */
  setOnline(host: Host, online: boolean): void {
    if (this.reachability.isOnline(host) === online) return
    this.reachability.setOnline(host, online)
    for (const network of this.#running.values()) {
      if (network.host === host) network.tell({ type: 'moved', addresses: network.addresses() })
    }
  }

  addressOf(network: SimulatedNetwork): Address {
    const place = this.#places.get(network.host) ?? 0
    const ip = `10.${(place >> 16) & 255}.${(place >> 8) & 255}.${place & 255}`
    return `/ip4/${ip}/tcp/4001/p2p/${network.peerId}` as Address
  }

  /** Where a peer that dialled us was last seen. */
  lastAddressOf(peer: PeerId): Address {
    const network = this.#running.get(peer)
    return network === undefined ? (`/p2p/${peer}` as Address) : this.addressOf(network)
  }

  isDhtReachable(network: SimulatedNetwork): boolean {
    return (
      this.reachability.reaches(network.host, DHT_HOST) && this.reachability.reaches(DHT_HOST, network.host)
    )
  }

  /** A process has begun to listen. */
  started(network: SimulatedNetwork): void {
    this.#running.set(network.peerId, network)
    if (this.#hasDht) this.#announceDht(network)
    if (this.mdns) this.#announceOnLan(network)
  }

  /** A process listens no more. */
  ended(network: SimulatedNetwork): void {
    if (this.#running.get(network.peerId) === network) this.#running.delete(network.peerId)
  }

  observe(observation: Observation): void {
    if (observation.type === 'told') this.#time.note(this.#describe(observation.to, observation.event))
    this.observer?.(observation)
  }

  handlerFailed(at: SimulatedNetwork, cause: unknown): void {
    this.observer?.({ type: 'handler-failed', at, cause })
  }

  /** A handshake: there, back, and a stream, or a refusal, or silence until the time-out. */
  dial(from: SimulatedNetwork, peer: PeerId, addresses: readonly Address[]): void {
    this.observer?.({ type: 'dialled', from, peer })
    const label = `${from.host} dials ${this.#nameOf(peer)}`
    const startedAt = this.#time.now
    const giveUp = (): void => {
      const left = Math.max(0, startedAt + DIAL_TIMEOUT_MS - this.#time.now)
      this.#time.after(left, label, () => from.dialFailed(peer, 'dial timed out'))
    }
    this.#time.after(this.#delay(), label, () => {
      const target = this.#running.get(peer)
      const place = this.#placeOf(addresses, peer)
      const isThere = target !== undefined && place !== undefined && this.#places.get(target.host) === place
      if (!isThere || !this.reachability.reaches(from.host, target.host)) {
        // Nobody at the address refuses quickly now and then; mostly there is silence.
        if (this.#random.chance(0.5))
          this.#time.after(this.#delay(), label, () => from.dialFailed(peer, 'refused'))
        else giveUp()
        return
      }
      this.#time.after(this.#delay(), label, () => {
        const isStillThere = target.running && this.reachability.reaches(target.host, from.host)
        if (isStillThere) this.#connect(from, target)
        else giveUp()
      })
    })
  }

  /** Gossip: to every member of the topic's mesh, each copy with its own fate. */
  publish(from: SimulatedNetwork, topic: string, envelope: Uint8Array): number {
    let reached = 0
    for (const to of this.#running.values()) {
      if (to === from || !from.sharesMeshWith(to, topic)) continue
      reached++
      this.#links.count(from.host, to.host, envelope.length)
      const copies = this.#random.chance(this.weather.duplicate) ? 2 : 1
      for (let i = 0; i < copies; i++) {
        if (this.#random.chance(this.weather.loss)) continue
        this.#time.after(this.#delay(), `${from.host}~>${to.host}`, () => {
          if (!to.running || !this.reachability.reaches(from.host, to.host)) return
          to.tell({ type: 'gossiped', topic, envelope: envelope.slice() })
        })
      }
    }
    this.observer?.({ type: 'published', from, topic, envelope, reached })
    return reached
  }

  /** A line of the transcript. */
  #describe({ host }: SimulatedNetwork, event: NetworkEvent): string {
    switch (event.type) {
      case 'received':
        return `${host} received ${event.envelopes.map(checksum).join(' ')} from ${this.#nameOf(event.peer)}`
      case 'gossiped':
        return `${host} gossiped ${checksum(event.envelope)}`
      case 'opened':
        return `${host} opened ${this.#nameOf(event.peer)}`
      case 'closed':
        return `${host} closed ${this.#nameOf(event.peer)}: ${event.reason}`
      default:
        return `${host} ${event.type}`
    }
  }

  #nameOf(peer: PeerId): string {
    return this.#names.get(peer) ?? peer.slice(-6)
  }

  #connect(from: SimulatedNetwork, target: SimulatedNetwork): void {
    if (!from.running) return
    const address = this.addressOf(target)
    if (from.linkWith(target.peerId) !== undefined) return
    const existing = target.linkWith(from.peerId)?.link
    const ownEnd = existing?.endOf(from)
    if (existing !== undefined && ownEnd !== undefined && existing.join(ownEnd, address)) return
    Link.open(this.#links, from.endTowards(target.peerId), target.endTowards(from.peerId), address)
  }

  #announceDht(network: SimulatedNetwork): void {
    this.#time.after(
      this.#random.between(DHT_READY_MIN_MS, DHT_READY_MAX_MS),
      `${network.host} dht-ready`,
      () => {
        if (!network.running) return
        if (this.isDhtReachable(network)) network.tell({ type: 'dht-ready' })
        else this.#announceDht(network)
      }
    )
  }

  /** mDNS: whoever is up hears of the newcomer, and the newcomer of them. */
  #announceOnLan(network: SimulatedNetwork): void {
    for (const other of this.#running.values()) {
      if (other === network) continue
      for (const [finder, found] of [
        [network, other],
        [other, network]
      ] as const) {
        this.#time.after(this.#random.between(MDNS_MIN_MS, MDNS_MAX_MS), `${finder.host} mdns`, () => {
          if (!finder.running || !found.running) return
          if (!this.reachability.reaches(found.host, finder.host)) return
          finder.tell({ type: 'discovered', peer: found.peerId, addresses: found.addresses() })
        })
      }
    }
  }

  /** The place that the addresses name for this peer, if any of them still leads there. */
  #placeOf(addresses: readonly Address[], peer: PeerId): number | undefined {
    for (const address of addresses) {
      const match = /^\/ip4\/10\.(\d+)\.(\d+)\.(\d+)\/tcp\/4001(?:\/p2p\/(\w+))?$/.exec(address)
      if (match === null || (match[4] !== undefined && match[4] !== peer)) continue
      const place = (Number(match[1]) << 16) | (Number(match[2]) << 8) | Number(match[3])
      const target = this.#running.get(peer)
      if (target !== undefined && this.#places.get(target.host) === place) return place
    }
    return undefined
  }

  #delay(): number {
    return delayIn(this.weather, this.#random)
  }
}

/** Enough of a fingerprint to tell two envelopes apart in a trace (FNV-1a over every fourth byte). */
function checksum(bytes: Uint8Array): string {
  let hash = 0x811c9dc5
  for (let i = 0; i < bytes.length; i += 4) hash = Math.imul(hash ^ bytes[i]!, 0x01000193)
  return (hash >>> 0).toString(36)
}
