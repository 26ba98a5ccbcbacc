/**
 * One simulated direct stream: two directions, each reliable and ordered as TCP is, until the stream breaks.
 *
 * A packet that the weather loses arrives late, after its retransmission; so does everything behind it. While
 * a direction is cut its packets wait, and a cut that lasts longer than the connection's patience breaks the
 * stream: what was in flight is lost, and each end learns of it by itself. An end whose peer is gone may
 * believe in the stream for seconds.
 *
 * Invariant: each end sees `opened` once, then envelopes in the order sent, then `closed` once.
 */
import type { Address } from '../base/ids.ts'
import type { SeededRandom } from './random.ts'
import type { VirtualTime } from './time.ts'
import { delayIn } from './weather.ts'
import type { Host, Reachability, Weather } from './weather.ts'

/** Bytes in flight in one direction before the sender has to wait. */
const WINDOW_BYTES = 256 * 1024
/** The most that arrives at once. */
const PACKET_BYTES = 64 * 1024
const RETRANSMIT_MIN_MS = 200
const RETRANSMIT_MAX_MS = 3000
/** How long a cut may last before the connection gives up. */
const PATIENCE_MIN_MS = 4000
const PATIENCE_MAX_MS = 15_000
/** Ends that nothing else tells of it learn that the other is gone after so long. */
const PING_MS = 30_000
/** How likely a machine that dies takes its network down with it, so that nobody is told. */
const SILENT_DEATH = 0.3

/** One end of one link: what it tells its node. The promise of `received` is what back-pressure waits for. */
export interface LinkEnd {
  readonly host: Host
  /** The process that this end belongs to. */
  readonly owner: unknown
  /** Whether that process still runs. */
  isAlive(): boolean
  opened(link: Link, inbound: boolean, address: Address | undefined): void
  received(envelopes: readonly Uint8Array[]): Promise<void>
  closed(reason: string): void
}

/** What links are made of: shared by all of one simulation. */
export interface LinkWorld {
  readonly time: VirtualTime
  readonly random: SeededRandom
  readonly weather: Weather
  readonly reachability: Reachability
  /** Counts bytes from one host to another. */
  readonly count: (from: Host, to: Host, bytes: number) => void
}

type Packet =
  | { readonly type: 'opened' }
  | { readonly type: 'data'; readonly envelopes: readonly Uint8Array[]; readonly bytes: number }
  | { readonly type: 'closed'; readonly reason: string }

interface Direction {
  readonly from: LinkEnd
  readonly to: LinkEnd
  readonly queue: Array<{ readonly packet: Packet; readonly dueAt: number }>
  inFlightBytes: number
  /** The receiving node has not taken in the last packet yet. */
  busy: boolean
  scheduled: boolean
  /** Settles when the last writer is done. */
  writing: Promise<void>
  /** Senders that wait for room. */
  waiting: Array<{ readonly resolve: () => void; readonly reject: (cause: Error) => void }>
}

/** A direct stream between two nodes, made when the dialler's handshake is done. */
export class Link {
  readonly #world: LinkWorld
  readonly #there: Direction
  readonly #back: Direction
  readonly #open = new Set<LinkEnd>()
  /** Ends that have been told of the stream, whether or not they still believe in it. */
  readonly #told = new Set<LinkEnd>()
  readonly #patienceMs: number
  readonly #forget: () => void
  #losingPatience: (() => void) | undefined
  /** Neither end believes in the stream any more. */
  get gone(): boolean {
    return this.#open.size === 0
  }

  private constructor(world: LinkWorld, dialler: LinkEnd, listener: LinkEnd) {
    this.#world = world
    this.#there = direction(dialler, listener)
    this.#back = direction(listener, dialler)
    this.#patienceMs = world.random.between(PATIENCE_MIN_MS, PATIENCE_MAX_MS)
    this.#forget = world.reachability.onChange(() => this.#reconsider())
  }

  /** The dialler's handshake is done: it has the stream now, and news of it travels to the listener. */
  static open(world: LinkWorld, dialler: LinkEnd, listener: LinkEnd, address: Address): Link {
    const link = new Link(world, dialler, listener)
    link.#openEnd(dialler, false, address)
    link.#enqueue(link.#there, { type: 'opened' })
    return link
  }

  /** Whether this end believes that the stream is open. */
  isOpen(end: LinkEnd): boolean {
    return this.#open.has(end)
  }

  /** The end of this link that belongs to a process. */
  endOf(owner: unknown): LinkEnd | undefined {
    return [this.#there.from, this.#there.to].find(end => end.owner === owner)
  }

  /**
   * The listener's own dial came through while news of the dialler's was still under way: one stream serves
   * both. Tells whether it did; an end that has already seen this stream come and go needs another one.
   */
  join(end: LinkEnd, address: Address): boolean {
    if (this.#told.has(end)) return false
    this.#openEnd(end, false, address)
    return true
  }

  /** Sends envelopes; resolves once they are out of the sender's hands. Rejects if the stream breaks before. */
  async send(from: LinkEnd, envelopes: readonly Uint8Array[]): Promise<void> {
    const way = this.#from(from)
    // One writer at a time: what was handed over first leaves first, also while it waits for room.
    const turn = way.writing.then(async () => {
      for (const batch of inBatches(envelopes)) await this.#write(way, batch)
    })
    way.writing = turn.catch(() => undefined)
    await turn
  }

  async #write(way: Direction, envelopes: readonly Uint8Array[]): Promise<void> {
    const { from } = way
    while (this.#open.has(from) && way.inFlightBytes > WINDOW_BYTES) {
      await new Promise<void>((resolve, reject) => {
        way.waiting.push({ resolve, reject })
      })
    }
    if (!this.#open.has(from)) throw new Error('the stream is closed')
    const bytes = envelopes.reduce((sum, envelope) => sum + envelope.length, 0)
    this.#world.count(way.from.host, way.to.host, bytes)
    if (this.#world.random.chance(this.#world.weather.reset)) {
      this.break('connection reset (simulated)')
      throw new Error('the stream was reset')
    }
    this.#enqueue(way, { type: 'data', envelopes, bytes })
  }

  /** One end closes in an orderly way: what it has sent still arrives, what is under way to it does not. */
  close(end: LinkEnd, reason: string): void {
    if (!this.#open.has(end)) return
    this.#closeEnd(end, reason)
    if (!this.gone) this.#enqueue(this.#from(end), { type: 'closed', reason: 'closed by the peer' })
  }

  /** The process at one end is gone: it hears nothing; the other end learns of it at once, or waits in vain. */
  die(end: LinkEnd): void {
    const { random, time } = this.#world
    this.#open.delete(end)
    drop(this.#to(end), 'the peer is gone')
    this.#from(end).waiting = []
    if (this.gone) this.#end()
    else if (random.chance(SILENT_DEATH)) {
      this.#losingPatience ??= time.after(this.#patienceMs, 'link timeout', () => this.break('timed out'))
    } else this.#enqueue(this.#from(end), { type: 'closed', reason: 'connection reset by the peer' })
  }

  /** Both ways at once, with everything in flight. */
  break(reason: string): void {
    for (const way of [this.#there, this.#back]) drop(way, reason)
    for (const end of [this.#there.from, this.#back.from]) this.#closeEnd(end, reason)
  }

  /** Looks again at who reaches whom. */
  #reconsider(): void {
    const { reachability, time } = this.#world
    const isCut = [this.#there, this.#back].some(
      way => !reachability.reaches(way.from.host, way.to.host) && !this.gone
    )
    if (isCut) {
      this.#losingPatience ??= time.after(this.#patienceMs, 'link timeout', () => this.break('timed out'))
      // A host whose own cable is pulled knows at once.
      for (const end of [this.#there.from, this.#back.from]) {
        if (reachability.isOnline(end.host)) continue
        drop(this.#from(end), 'network is down')
        this.#closeEnd(end, 'network is down')
      }
      return
    }
    // Where one end is dead, no network however good brings it back.
    if ([this.#there, this.#back].every(way => way.to.isAlive())) {
      this.#losingPatience?.()
      this.#losingPatience = undefined
    }
    for (const way of [this.#there, this.#back]) this.#pump(way)
  }

  #from(end: LinkEnd): Direction {
    return end === this.#there.from ? this.#there : this.#back
  }

  #to(end: LinkEnd): Direction {
    return end === this.#there.to ? this.#there : this.#back
  }

  #openEnd(end: LinkEnd, inbound: boolean, address: Address | undefined): void {
    this.#open.add(end)
    this.#told.add(end)
    end.opened(this, inbound, address)
  }

  #closeEnd(end: LinkEnd, reason: string): void {
    if (!this.#open.delete(end)) return
    drop(this.#to(end), reason)
    for (const waiting of this.#from(end).waiting.splice(0)) waiting.reject(new Error(reason))
    end.closed(reason)
    if (this.gone) this.#end()
    // If nothing else tells the other end, the transport's ping does: an idle stream does not stay dead for ever.
    else this.#world.time.after(PING_MS, 'link ping', () => this.break('no answer to a ping'))
  }

  #end(): void {
    this.#losingPatience?.()
    this.#forget()
    for (const way of [this.#there, this.#back]) drop(way, 'the stream is gone')
  }

  #enqueue(way: Direction, packet: Packet): void {
    const { time, random, weather } = this.#world
    let takes = delayIn(weather, random)
    if (random.chance(weather.loss)) takes += random.between(RETRANSMIT_MIN_MS, RETRANSMIT_MAX_MS)
    const dueAt = Math.max(time.now + takes, way.queue.at(-1)?.dueAt ?? 0)
    way.queue.push({ packet, dueAt })
    if (packet.type === 'data') way.inFlightBytes += packet.bytes
    this.#pump(way)
  }

  /** Delivers what is due, one packet at a time, as fast as the receiver takes it in. */
  #pump(way: Direction): void {
    const head = way.queue[0]
    if (head === undefined || way.busy || way.scheduled) return
    const { time, reachability } = this.#world
    if (!reachability.reaches(way.from.host, way.to.host)) return
    way.scheduled = true
    time.after(Math.max(0, head.dueAt - time.now), `${way.from.host}>${way.to.host}`, () => {
      way.scheduled = false
      if (way.queue[0] !== head || !reachability.reaches(way.from.host, way.to.host)) {
        this.#pump(way)
        return
      }
      way.queue.shift()
      this.#deliver(way, head.packet)
      this.#pump(way)
    })
  }

  #deliver(way: Direction, packet: Packet): void {
    // The machine answers for a process that is gone, also for one that never heard of the stream.
    if (!way.to.isAlive()) {
      this.die(way.to)
      return
    }
    switch (packet.type) {
      case 'opened':
        if (!this.#told.has(way.to)) this.#openEnd(way.to, true, undefined)
        return
      case 'closed':
        this.#closeEnd(way.to, packet.reason)
        return
      case 'data': {
        way.inFlightBytes -= packet.bytes
        for (const waiting of way.waiting.splice(0)) waiting.resolve()
        if (!this.#open.has(way.to)) {
          // Who has let go of the stream answers so; whoever still believes in it learns of it now.
          this.#enqueue(this.#from(way.to), { type: 'closed', reason: 'reset by the peer' })
          return
        }
        way.busy = true
        const done = (): void => {
          way.busy = false
          this.#pump(way)
        }
        way.to.received(packet.envelopes).then(done, done)
      }
    }
  }
}

const direction = (from: LinkEnd, to: LinkEnd): Direction => ({
  from,
  to,
  queue: [],
  inFlightBytes: 0,
  busy: false,
  scheduled: false,
  writing: Promise.resolve(),
  waiting: []
})

/** As a transport would frame them: a few at once, and a copy of its own of each. */
function inBatches(envelopes: readonly Uint8Array[]): Uint8Array[][] {
  const batches: Uint8Array[][] = []
  let bytes = PACKET_BYTES
  for (const envelope of envelopes) {
    if (bytes + envelope.length > PACKET_BYTES) {
      batches.push([])
      bytes = 0
    }
    batches.at(-1)!.push(envelope.slice())
    bytes += envelope.length
  }
  return batches
}

/** Loses everything in flight in one direction. */
function drop(way: Direction, reason: string): void {
  way.queue.length = 0
  way.inFlightBytes = 0
  for (const waiting of way.waiting.splice(0)) waiting.reject(new Error(reason))
}
