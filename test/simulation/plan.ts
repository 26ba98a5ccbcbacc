/**
 * What happens in one simulated run, decided by its seed before it begins: who is there, how bad the day is,
 * and a list of steps. A plan is plain data, so that a failing one can be printed, shrunk and replayed.
 *
 * Swarm configuration: each kind of fault is on or off for a whole run, by a coin that is itself drawn, so
 * that a rare mixture of few faults is as likely as all of them at once.
 */
import { peopleOf, seededRandom } from 'hearsay/testing'
import type { SeededRandom, Weather } from 'hearsay/testing'

/** How long faults last; afterwards everything is healed. */
export const CHAOS_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const YEAR_MS = 365 * DAY_MS

/** One thing that happens at a moment of the run. */
export type Step = { readonly at: number } & (
  | { readonly type: 'befriend'; readonly one: string; readonly other: string; readonly reusable: boolean }
  | { readonly type: 'send'; readonly from: string; readonly to: string; readonly text: string }
  /** Messages cross; then both clocks run ahead an hour and both answer at once: two updates of one epoch. */
  | { readonly type: 'collide'; readonly one: string; readonly other: string; readonly name: string }
  /** One writes while offline, and the other, days ahead by then, has forgotten the keys that were used. */
  | { readonly type: 'outdate'; readonly one: string; readonly other: string; readonly name: string }
  | { readonly type: 'read'; readonly node: string; readonly of: string }
  | {
      readonly type: 'crash'
      readonly node: string
      /** In this moment, at the node's next write, at its next transmission, or at the next delivery to it. */
      readonly when: 'now' | 'write' | 'transmit' | 'receive'
      readonly downMs: number
    }
  | { readonly type: 'restart'; readonly node: string }
  | { readonly type: 'offline'; readonly node: string; readonly forMs: number }
  | {
      readonly type: 'cut'
      readonly from: readonly string[]
      readonly to: readonly string[]
      readonly oneWay: boolean
      readonly forMs: number
    }
  | { readonly type: 'move'; readonly node: string }
  | {
      readonly type: 'disk'
      readonly node: string
      readonly fault: 'full' | 'failing'
      readonly forMs: number
    }
  | { readonly type: 'jump'; readonly node: string; readonly byMs: number }
  | { readonly type: 'block'; readonly node: string; readonly of: string; readonly forMs: number }
  | { readonly type: 'forget'; readonly node: string; readonly of: string }
  | { readonly type: 'attack'; readonly on: string; readonly envelopes: number }
)

/** One run, before it happens. */
export interface Plan {
  readonly seed: number
  readonly nodes: readonly string[]
  readonly weather: Partial<Weather>
  readonly mdns: boolean
  /** By name: how wrong each clock is. */
  readonly skewMs: Readonly<Record<string, number>>
  readonly fsyncMaxMs: number
  readonly steps: readonly Step[]
  /** After convergence everybody restarts, and must be as before. */
  readonly restartAtEnd: boolean
  /** After convergence one node is away for long, and the others must not exhaust themselves over it. */
  readonly absence: boolean
}

/** The plan of a seed. */
export function planOf(seed: number): Plan {
  const random = seededRandom(seed, 'plan')
  const nodes = peopleOf(random.pick([2, 2, 2, 3, 3, 4, 5]))
  const coin = 0.3 + 0.4 * random.float()
  const on = (): boolean => random.chance(coin)
  const slow = on()
  const weather: Partial<Weather> = {
    minDelayMs: 5,
    maxDelayMs: slow ? 5000 : 400,
    tail: slow ? 0.6 + random.float() : 1.6,
    loss: random.chance(0.7) ? random.float() * 0.4 : 0,
    duplicate: on() ? random.float() * 0.3 : 0,
    reset: on() ? random.float() * 0.05 : 0
  }
  const skewed = random.chance(0.3)
  return {
    seed,
    nodes,
    weather,
    mdns: random.chance(0.3),
    skewMs: Object.fromEntries(nodes.map(name => [name, skewed ? random.between(-HOUR_MS, HOUR_MS) : 0])),
    fsyncMaxMs: random.pick([4, 4, 40, 400]),
    steps: stepsOf(random, nodes, on).sort((a, b) => a.at - b.at),
    restartAtEnd: random.chance(0.3),
    absence: random.chance(0.1)
  }
}

function stepsOf(random: SeededRandom, nodes: readonly string[], on: () => boolean): Step[] {
  const steps = everything(random, nodes, on)
  // Invites and key packages expire by the clock of who is asked: whoever is days away meets nobody new.
  return steps.filter(
    ({ at, ...step }) =>
      step.type !== 'befriend' ||
      !steps.some(
        other => other.type === 'jump' && other.at < at && [step.one, step.other].includes(other.node)
      )
  )
}

function everything(random: SeededRandom, nodes: readonly string[], on: () => boolean): Step[] {
  return [
    ...friendships(random, nodes),
    ...traffic(random, nodes),
    ...(on() ? crashes(random, nodes) : []),
    ...(on() ? absences(random, nodes) : []),
    ...(on() ? cuts(random, nodes) : []),
    ...(on() ? moves(random, nodes) : []),
    ...(on() ? diskFaults(random, nodes) : []),
    ...(on() ? rekeyings(random, nodes) : []),
    ...(on() ? attacks(random, nodes) : []),
    ...(random.chance(0.25) ? jumps(random, nodes) : []),
    ...(random.chance(0.1) ? quarrels(random, nodes) : [])
  ]
}

const pairsOf = (nodes: readonly string[]): Array<[string, string]> =>
  nodes.flatMap((one, index) => nodes.slice(index + 1).map((other): [string, string] => [one, other]))

function pairOf(random: SeededRandom, nodes: readonly string[]): [string, string] {
  const one = random.pick(nodes)
  return [one, random.pick(nodes.filter(name => name !== one))]
}

/** Everybody meets alice; others meet now and then. Most meet early, so that there is time to talk. */
function friendships(random: SeededRandom, nodes: readonly string[]): Step[] {
  return pairsOf(nodes)
    .filter(([one]) => one === nodes[0] || random.chance(0.5))
    .map(pair => {
      const [one, other] = random.chance(0.5) ? pair : pair.toReversed()
      const at = random.integer(random.chance(0.8) ? 5000 : CHAOS_MS)
      return { at, type: 'befriend', one: one!, other: other!, reusable: random.chance(0.2) }
    })
}

function traffic(random: SeededRandom, nodes: readonly string[]): Step[] {
  const steps: Step[] = []
  const count = random.between(5, 15 * nodes.length)
  const burst = random.chance(0.3)
  let at = random.integer(8000)
  for (let i = 0; i < count; i++) {
    const [from, to] = pairOf(random, nodes)
    at = burst && random.chance(0.8) ? at + random.integer(30) : random.integer(CHAOS_MS)
    steps.push({ at: Math.min(at, CHAOS_MS - 1), type: 'send', from, to, text: `${i}: ${from} to ${to}` })
    if (random.chance(0.1)) steps.push({ at: random.integer(CHAOS_MS), type: 'read', node: to, of: from })
  }
  return steps
}

function crashes(random: SeededRandom, nodes: readonly string[]): Step[] {
  return nodes.flatMap(node =>
    Array.from({ length: random.integer(4) }, (): Step => {
      const at = random.integer(CHAOS_MS)
      if (random.chance(0.15)) return { at, type: 'restart', node }
      const when = random.pick(['now', 'write', 'transmit', 'receive'] as const)
      return { at, type: 'crash', node, when, downMs: random.between(1, random.chance(0.7) ? 3000 : 20_000) }
    })
  )
}

function absences(random: SeededRandom, nodes: readonly string[]): Step[] {
  return nodes
    .filter(() => random.chance(0.5))
    .map(node => ({
      at: random.integer(CHAOS_MS),
      type: 'offline',
      node,
      forMs: random.between(1000, 40_000)
    }))
}

function cuts(random: SeededRandom, nodes: readonly string[]): Step[] {
  return Array.from({ length: random.between(1, 3) }, (): Step => {
    const [one, other] = pairOf(random, nodes)
    const from = [one, ...nodes.filter(name => name !== one && name !== other && random.chance(0.5))]
    const to = nodes.filter(name => !from.includes(name))
    return {
      at: random.integer(CHAOS_MS),
      type: 'cut',
      from,
      to: random.chance(0.3) ? [...to, 'the dht'] : to,
      oneWay: random.chance(0.2),
      forMs: random.between(2000, 15_000)
    }
  })
}

function moves(random: SeededRandom, nodes: readonly string[]): Step[] {
  return Array.from({ length: random.between(1, 3) }, () => ({
    at: random.integer(CHAOS_MS),
    type: 'move',
    node: random.pick(nodes)
  }))
}

function diskFaults(random: SeededRandom, nodes: readonly string[]): Step[] {
  return nodes
    .filter(() => random.chance(0.4))
    .map(node => ({
      at: random.integer(CHAOS_MS),
      type: 'disk',
      node,
      fault: random.pick(['full', 'failing'] as const),
      forMs: random.between(100, 10_000)
    }))
}

function rekeyings(random: SeededRandom, nodes: readonly string[]): Step[] {
  return Array.from({ length: random.between(1, 3) }, (_, i): Step => {
    const [one, other] = pairOf(random, nodes)
    const type = random.pick(['collide', 'collide', 'outdate'] as const)
    return { at: random.between(10_000, CHAOS_MS - 15_000), type, one, other, name: `k${i}` }
  })
}

function attacks(random: SeededRandom, nodes: readonly string[]): Step[] {
  return Array.from({ length: random.between(1, 3) }, () => ({
    at: random.integer(CHAOS_MS),
    type: 'attack',
    on: random.pick(nodes),
    envelopes: random.between(1, 12)
  }))
}

/** One clock is off from some moment on, and now and then by years. */
function jumps(random: SeededRandom, nodes: readonly string[]): Step[] {
  // An hour renews keys, days forget old ones, years upset everything.
  const furthest = random.pick([HOUR_MS, 4 * DAY_MS, 4 * DAY_MS, 10 * YEAR_MS])
  const byMs = Math.round((random.chance(0.5) ? 1 : -1) * furthest * (0.5 + 0.5 * random.float()))
  return [{ at: random.between(30_000, CHAOS_MS), type: 'jump', node: random.pick(nodes), byMs }]
}

function quarrels(random: SeededRandom, nodes: readonly string[]): Step[] {
  const [node, of] = pairOf(random, nodes)
  const at = random.between(20_000, CHAOS_MS)
  if (random.chance(0.3)) return [{ at, type: 'forget', node, of }]
  return [{ at, type: 'block', node, of, forMs: random.between(1000, 30_000) }]
}
