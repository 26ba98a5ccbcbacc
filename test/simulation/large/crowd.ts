/**
 * A crowd: many cores on a thin network, in virtual time.
 *
 * The cores decide themselves whom they dial; a node takes so many streams and no more, so nobody is connected
 * to everybody. Streams keep order and lose nothing while they are open; gossip floods over the streams between
 * those who admit each other, as gossipsub does, each node passing on what it sees for the first time. What
 * arrives at a node within the same few milliseconds is one batch, as in the runtime.
 */
import type { Core, Input } from '../../../src/core/core.ts'
import type { PeerId } from '../../../src/base/ids.ts'
import { envelopeId } from '../../../src/core/seal/hashes.ts'
import type { Effect } from '../../../src/core/turn.ts'
import { seededRandom } from '../../../src/testing/random.ts'
import type { SeededRandom } from '../../../src/testing/random.ts'
import { Member } from './member.ts'
import { Agenda } from './time.ts'
import type { Time } from './time.ts'

const NOON = 1_790_000_000_000
/** Everything happens at multiples of this: what arrives together is one batch. */
const GRID_MS = 10
const LATENCY_MS = { min: 20, max: 80 }

type Happening =
  | { readonly to: Member; readonly input: Input }
  | {
      readonly to: Member
      readonly from: PeerId
      readonly topic: string
      readonly envelope: Uint8Array
      readonly id: string
    }
  | { readonly to: Member; readonly wake: number }

export class Crowd {
  readonly seed: number
  readonly members: Member[] = []
  readonly #byPeer = new Map<PeerId, Member>()
  readonly #agenda = new Agenda<Happening>()
  readonly #random: SeededRandom
  readonly #latencies = new Map<string, number>()
  /** When the last envelopes on a stream arrive: order is kept. */
  readonly #arrivals = new Map<string, number>()
  /** Streams that one node takes. */
  readonly streamsMax: (member: Member) => number
  /** Which of two places a member is in; between places nothing passes. */
  readonly #places = new Map<Member, number>()
  uptime = 0
  /** Envelopes handed from node to node, and their bytes. */
  envelopes = 0
  bytes = 0

  constructor(seed: number, streamsMax: (member: Member) => number) {
    this.seed = seed
    this.#random = seededRandom(seed, 'crowd')
    this.streamsMax = streamsMax
  }

  get time(): Time {
    return { now: NOON + this.uptime, uptime: this.uptime }
  }

  /** A node starts. */
  join(): Member {
    const member = new Member(this.members.length, this.seed, this.time)
    this.members.push(member)
    this.#byPeer.set(member.peer, member)
    this.#carryOut(
      member,
      member.take(this.time, [{ type: 'moved', peer: member.peer, addresses: [member.address] }])
    )
    return member
  }

  /** A person does something. */
  act<T>(member: Member, command: (core: Core) => T): T {
    let result: T
    const effects = member.batch(this.time, core => {
      result = command(core)
    })
    this.#carryOut(member, effects)
    return result!
  }

  /** Cuts the network in two; with one place for all it is whole again. */
  place(placeOf: (member: Member) => number): void {
    for (const member of this.members) this.#places.set(member, placeOf(member))
    for (const member of this.members)
      for (const peer of member.streams) {
        const other = this.#byPeer.get(peer)!
        if (!this.#reachable(member, other)) this.#close(member, other)
      }
  }

  /** Closes the stream between two nodes. */
  #close(a: Member, b: Member): void {
    if (!a.streams.delete(b.peer)) return
    b.streams.delete(a.peer)
    this.#later(a, { type: 'closed', peer: b.peer })
    this.#later(b, { type: 'closed', peer: a.peer })
  }

  /** Closes streams of a node until it has no more than so many. */
  prune(member: Member, streams: number): void {
    for (const peer of [...member.streams].slice(streams)) this.#close(member, this.#byPeer.get(peer)!)
  }

  #reachable(a: Member, b: Member): boolean {
    return (this.#places.get(a) ?? 0) === (this.#places.get(b) ?? 0)
  }

  /** Lets time pass until a condition holds, at most so long. Returns whether it does. */
  until(holds: () => boolean, maxMs: number, everyMs = 200): boolean {
    const end = this.uptime + maxMs
    while (!holds()) {
      if (this.uptime >= end) return false
      this.pass(Math.min(everyMs, end - this.uptime))
    }
    return true
  }

  /** Lets time pass. */
  pass(ms: number): void {
    const end = this.uptime + ms
    for (let at = this.#agenda.nextAt; at !== undefined && at <= end; at = this.#agenda.nextAt) {
      this.uptime = Math.max(this.uptime, at)
      const inputs = new Map<Member, Input[]>()
      for (const happening of this.#agenda.takeNext()) {
        const input = this.#inputOf(happening)
        if (input === undefined) continue
        const known = inputs.get(happening.to)
        if (known === undefined) inputs.set(happening.to, [input])
        else known.push(input)
      }
      for (const [member, all] of inputs) this.#carryOut(member, member.take(this.time, all))
    }
    this.uptime = end
  }

  #inputOf(happening: Happening): Input | undefined {
    const { to } = happening
    if ('wake' in happening) {
      if (to.wakeAt !== happening.wake) return undefined
      to.wakeAt = undefined
      return { type: 'tick' }
    }
    if ('input' in happening) {
      const { input } = happening
      if (input.type === 'received' && !to.streams.has(input.peer)) return undefined
      return input
    }
    const { from, topic, envelope, id } = happening
    if (!to.streams.has(from) || to.seen.has(id)) return undefined
    this.#spread(to, topic, envelope, id, from)
    return { type: 'gossiped', topic, envelope }
  }

  #carryOut(member: Member, effects: readonly Effect[]): void {
    for (const effect of effects) this.#do(member, effect)
    const dueAt = member.core.dueAt()
    if (dueAt === undefined) return
    const wake = this.#grid(Math.max(dueAt, this.uptime + 1))
    if (member.wakeAt !== undefined && member.wakeAt <= wake && member.wakeAt > this.uptime) return
    member.wakeAt = wake
    this.#agenda.add(wake, { to: member, wake })
  }

  #do(member: Member, effect: Effect): void {
    switch (effect.type) {
      case 'dial':
        this.#dial(member, effect.peer)
        return
      case 'hang-up': {
        const other = this.#byPeer.get(effect.peer)
        if (other !== undefined) this.#close(member, other)
        return
      }
      case 'admit':
        member.admitted.add(effect.peer)
        return
      case 'dismiss':
        member.admitted.delete(effect.peer)
        return
      case 'subscribe':
        member.topics.add(effect.topic)
        return
      case 'unsubscribe':
        member.topics.delete(effect.topic)
        return
      case 'transmit':
        this.#transmit(member, effect)
        return
      case 'publish': {
        const id = envelopeId(effect.envelope)
        const peers = this.#spread(member, effect.topic, effect.envelope, id, undefined)
        if (effect.messages === undefined) return
        const outcome = `handed to ${peers}`
        const { messages } = effect
        this.#later(member, { type: 'transmitted', messages, path: 'gossip', taken: peers > 0, outcome }, 1)
        return
      }
      // There is no DHT here, what was to be swept stays, and nobody asks for the past.
      case 'put':
      case 'lookup':
      case 'sweep':
      case 'recall':
      case 'sift':
    }
  }

  #dial(member: Member, peer: PeerId): void {
    const other = this.#byPeer.get(peer)
    const open =
      other !== undefined &&
      !member.streams.has(peer) &&
      this.#reachable(member, other) &&
      member.streams.size < this.streamsMax(member) &&
      other.streams.size < this.streamsMax(other)
    if (!open) {
      this.#later(member, { type: member.streams.has(peer) ? 'opened' : 'closed', peer })
      return
    }
    member.streams.add(peer)
    other.streams.add(member.peer)
    this.#later(member, { type: 'opened', peer })
    this.#later(other, { type: 'opened', peer: member.peer })
  }

  #transmit(member: Member, { peer, envelopes, messages }: Extract<Effect, { type: 'transmit' }>): void {
    const taken = member.streams.has(peer)
    if (taken) {
      const other = this.#byPeer.get(peer)!
      const key = `${member.index} ${other.index}`
      const at = Math.max(this.uptime + this.#latency(member, other), this.#arrivals.get(key) ?? 0)
      this.#arrivals.set(key, at)
      for (const { length } of envelopes) this.#sent(member, length)
      this.#agenda.add(at, { to: other, input: { type: 'received', peer: member.peer, envelopes } })
    }
    if (messages === undefined) return
    const outcome = taken ? 'written to the stream' : 'not written'
    this.#later(member, { type: 'transmitted', messages, path: 'direct', taken, outcome }, 1)
  }

  /** Hands an envelope to everybody in the mesh around a node. Returns to how many. */
  #spread(
    member: Member,
    topic: string,
    envelope: Uint8Array,
    id: string,
    except: PeerId | undefined
  ): number {
    member.seen.add(id)
    let peers = 0
    for (const peer of member.streams) {
      const other = this.#byPeer.get(peer)!
      const meshed = member.admitted.has(peer) && other.admitted.has(member.peer) && other.topics.has(topic)
      if (!meshed || peer === except) continue
      peers += 1
      this.#sent(member, envelope.length)
      this.#agenda.add(this.#grid(this.uptime + this.#latency(member, other)), {
        to: other,
        from: member.peer,
        topic,
        envelope,
        id
      })
    }
    return peers
  }

  #sent(member: Member, bytes: number): void {
    this.envelopes += 1
    this.bytes += bytes
    member.cost.envelopesOut += 1
    member.cost.bytesOut += bytes
  }

  #later(to: Member, input: Input, afterMs: number = LATENCY_MS.min): void {
    this.#agenda.add(this.#grid(this.uptime + afterMs), { to, input })
  }

  #grid(at: number): number {
    return Math.ceil(at / GRID_MS) * GRID_MS
  }

  #latency(a: Member, b: Member): number {
    const key = a.index < b.index ? `${a.index} ${b.index}` : `${b.index} ${a.index}`
    let latency = this.#latencies.get(key)
    if (latency === undefined) {
      latency = this.#grid(this.#random.between(LATENCY_MS.min, LATENCY_MS.max))
      this.#latencies.set(key, latency)
    }
    return latency
  }
}
