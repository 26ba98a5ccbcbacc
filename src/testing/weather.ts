/**
 * What the simulated internet is like right now: how long packets take, what is lost, who reaches whom.
 *
 * Invariant: weather is one-directional wherever a real one is. Whether `a` reaches `b` says nothing about
 * the way back.
 */
import type { SeededRandom } from './random.ts'

/** How packets fare; all of it may change at any time. */
export interface Weather {
  /** Shortest one-way delay, in milliseconds. */
  minDelayMs: number
  /** Longest one-way delay, in milliseconds. */
  maxDelayMs: number
  /** Heaviness of the tail of delays: the exponent of a Pareto distribution. Small is heavy. */
  tail: number
  /** How likely a gossiped message is lost. On a direct stream, how likely a packet waits for its retransmission. */
  loss: number
  /** How likely a gossiped message comes twice. */
  duplicate: number
  /** How likely a packet on a direct stream is the last one: the connection is reset with all that is in flight. */
  reset: number
}

/** An ordinary day: 5 to 400 milliseconds, mostly short, nothing lost. */
export const fairWeather = (): Weather => ({
  minDelayMs: 5,
  maxDelayMs: 400,
  tail: 1.6,
  loss: 0,
  duplicate: 0,
  reset: 0
})

/** One delay, from a Pareto distribution that is cut off at the longest. */
export function delayIn(weather: Weather, random: SeededRandom): number {
  const drawn = weather.minDelayMs * (1 - random.float()) ** (-1 / weather.tail)
  return Math.min(weather.maxDelayMs, Math.round(drawn * 100) / 100)
}

/** A host of the simulated internet, by its name. */
export type Host = string
/** The DHT as a place that can be cut off. */
export const DHT_HOST: Host = 'the dht'

/** Who reaches whom: everybody everybody, but for what is cut. */
export class Reachability {
  #cuts: Array<{ readonly from: ReadonlySet<Host>; readonly to: ReadonlySet<Host> }> = []
  readonly #offline = new Set<Host>()
  readonly #listeners = new Set<() => void>()

  /** Whether a packet sent now would arrive. */
  reaches(from: Host, to: Host): boolean {
    if (this.#offline.has(from) || this.#offline.has(to)) return false
    return !this.#cuts.some(cut => cut.from.has(from) && cut.to.has(to))
  }

  /** Whether the host has a network at all. */
  isOnline(host: Host): boolean {
    return !this.#offline.has(host)
  }

  /** Cuts two sets of hosts apart, or only the way there. The returned function heals this cut. */
  cut(from: Iterable<Host>, to: Iterable<Host>, options: { oneWay?: boolean } = {}): () => void {
    const there = { from: new Set(from), to: new Set(to) }
    const back = { from: there.to, to: there.from }
    this.#cuts.push(there)
    if (options.oneWay !== true) this.#cuts.push(back)
    this.#changed()
    return () => {
      this.#cuts = this.#cuts.filter(cut => cut !== there && cut !== back)
      this.#changed()
    }
  }

  /** Heals every cut. Hosts that are offline stay so. */
  heal(): void {
    this.#cuts = []
    this.#changed()
  }

  /** Pulls a host's cable, or plugs it in again. */
  setOnline(host: Host, online: boolean): void {
    if (online) this.#offline.delete(host)
    else this.#offline.add(host)
    this.#changed()
  }

  /** Hears of every change until taken back. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }
}
