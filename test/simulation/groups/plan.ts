/**
 * What happens in one simulated run of a group, decided by its seed before it begins: who is there, how bad the
 * day is, and a list of steps. Plain data, so that a failing plan can be printed, shrunk and replayed.
 *
 * Everybody meets on a fine day and some found the group. Then come sixty seconds in which people are added and
 * removed, leave, are promoted and rename the group, all at once and in parts of a network that falls apart.
 */
import { peopleOf, seededRandom } from 'hearsay/testing'
import type { SeededRandom, Weather } from 'hearsay/testing'
import type { Role } from 'hearsay'
import { XWING_SUITE } from 'hearsay/mls'
import type { Trigger } from '../crew.ts'
import { hostilities } from './hostile.ts'

/** How long faults last; afterwards everything is healed. */
export const CHAOS_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const FAST_SUITE = 1

/** One thing that happens at a moment, counted from the beginning of the bad day. */
export type GroupStep = { readonly at: number } & (
  | { readonly type: 'send'; readonly from: string; readonly text: string }
  | { readonly type: 'read'; readonly node: string }
  | { readonly type: 'add'; readonly by: string; readonly who: string }
  | { readonly type: 'remove'; readonly by: string; readonly who: string }
  | { readonly type: 'role'; readonly by: string; readonly who: string; readonly role: Role }
  | { readonly type: 'rename'; readonly by: string; readonly name: string }
  | { readonly type: 'configure'; readonly by: string; readonly mayAdd: 'admins' | 'members' }
  | { readonly type: 'leave'; readonly who: string }
  /** Time passes for everybody, so that keys are renewed with the next message, or old ones are forgotten. */
  | { readonly type: 'age'; readonly byMs: number }
  | { readonly type: 'crash'; readonly node: string; readonly when: 'now' | Trigger; readonly downMs: number }
  | { readonly type: 'restart'; readonly node: string }
  | { readonly type: 'offline'; readonly node: string; readonly forMs: number }
  | {
      readonly type: 'cut'
      readonly from: readonly string[]
      readonly to: readonly string[]
      readonly oneWay: boolean
      readonly forMs: number
    }
  | {
      readonly type: 'disk'
      readonly node: string
      readonly fault: 'full' | 'failing'
      readonly forMs: number
    }
  | { readonly type: 'jump'; readonly node: string; readonly byMs: number }
)

/** One run of a group, before it happens. */
export interface GroupPlan {
  readonly seed: number
  readonly nodes: readonly string[]
  /** Who is in from the beginning. The first of them founds the group. */
  readonly founding: readonly string[]
  /** Who is an admin from the beginning. */
  readonly admins: readonly string[]
  /** Pairs of contacts besides those that the founder has. */
  readonly acquainted: ReadonlyArray<readonly [string, string]>
  readonly suite: number
  readonly weather: Partial<Weather>
  /** By name: how wrong each clock is. */
  readonly skewMs: Readonly<Record<string, number>>
  readonly fsyncMaxMs: number
  readonly steps: readonly GroupStep[]
  /** Who is a member in bad faith, and how; it is there from the beginning and until the faults end. */
  readonly hostile: { readonly name: string; readonly by: string } | undefined
  /** After convergence everybody restarts, and must be as before. */
  readonly restartAtEnd: boolean
}

/** The plan of a seed. With `badFaith` a member is in that bad faith, which otherwise a coin decides. */
export function groupPlanOf(seed: number, badFaith?: string): GroupPlan {
  const random = seededRandom(seed, 'group plan')
  const nodes = peopleOf(random.pick([3, 3, 4, 4, 4, 5, 5, 6, 7, 8]))
  const coin = 0.3 + 0.4 * random.float()
  const on = (): boolean => random.chance(coin)
  const [founder, ...rest] = nodes
  const outside = rest.filter((_, index) => index > 0 && random.chance(0.3))
  const founding = nodes.filter(name => !outside.includes(name))
  const hostile =
    founding.length > 2 && (badFaith !== undefined || random.chance(0.25))
      ? { name: random.pick(founding.slice(1)), by: badFaith ?? random.pick(hostilities).name }
      : undefined
  const skewed = random.chance(0.3)
  return {
    seed,
    nodes,
    founding,
    admins: founding.filter(name => name !== founder && random.chance(0.4)),
    acquainted: pairsOf(rest).filter(() => random.chance(0.25)),
    suite: random.chance(0.03) ? XWING_SUITE : FAST_SUITE,
    weather: weatherOf(random, on),
    skewMs: Object.fromEntries(nodes.map(name => [name, skewed ? random.between(-HOUR_MS, HOUR_MS) : 0])),
    fsyncMaxMs: random.pick([4, 4, 40, 400]),
    steps: [...stepsOf(random, nodes, on), ...mischief(random, hostile)].sort((a, b) => a.at - b.at),
    hostile,
    restartAtEnd: random.chance(0.15)
  }
}

function weatherOf(random: SeededRandom, on: () => boolean): Partial<Weather> {
  const slow = on()
  return {
    minDelayMs: 5,
    maxDelayMs: slow ? 5000 : 400,
    tail: slow ? 0.6 + random.float() : 1.6,
    loss: random.chance(0.5) ? random.float() * 0.3 : 0,
    duplicate: on() ? random.float() * 0.3 : 0,
    reset: on() ? random.float() * 0.05 : 0
  }
}

function stepsOf(random: SeededRandom, nodes: readonly string[], on: () => boolean): GroupStep[] {
  return [
    ...traffic(random, nodes),
    ...changes(random, nodes),
    ...(random.chance(0.9) ? cuts(random, nodes) : []),
    ...(on() ? crashes(random, nodes) : []),
    ...(on() ? absences(random, nodes) : []),
    ...(on() ? diskFaults(random, nodes) : []),
    ...(on() ? ages(random) : []),
    ...(random.chance(0.15) ? jumps(random, nodes) : [])
  ]
}

/** Whoever is in bad faith is busy. */
function mischief(random: SeededRandom, hostile: GroupPlan['hostile']): GroupStep[] {
  if (hostile === undefined) return []
  const from = hostile.name
  return Array.from({ length: 12 }, (_, index) => {
    const at = random.integer(CHAOS_MS)
    if (hostile.by === 'rules-without-right' && index > 3)
      return { at, type: 'rename', by: from, name: `the lie ${index} of ${from}` }
    return { at, type: 'send', from, text: `${100 + index}: ${from} lies to all` }
  })
}

const pairsOf = (nodes: readonly string[]): Array<[string, string]> =>
  nodes.flatMap((one, index) => nodes.slice(index + 1).map((other): [string, string] => [one, other]))

function otherThan(random: SeededRandom, nodes: readonly string[], one: string): string {
  return random.pick(nodes.filter(name => name !== one))
}

function traffic(random: SeededRandom, nodes: readonly string[]): GroupStep[] {
  const steps: GroupStep[] = []
  const count = random.between(10, 35)
  const burst = random.chance(0.3)
  let at = random.integer(8000)
  for (let i = 0; i < count; i++) {
    const from = random.pick(nodes)
    at = burst && random.chance(0.7) ? at + random.integer(30) : random.integer(CHAOS_MS)
    steps.push({ at: Math.min(at, CHAOS_MS - 1), type: 'send', from, text: `${i}: ${from} to all` })
    if (random.chance(0.1))
      steps.push({ at: random.integer(CHAOS_MS), type: 'read', node: random.pick(nodes) })
  }
  return steps
}

/** Changes of the roster, some of them at once. */
function changes(random: SeededRandom, nodes: readonly string[]): GroupStep[] {
  const count = random.between(3, 14)
  // With a gentle hand people come and change; with a rough one they are thrown out all the time.
  const rough = random.float() * 0.5
  let at = random.integer(CHAOS_MS)
  return Array.from({ length: count }, (_, index): GroupStep => {
    at = random.chance(0.3) ? Math.min(at + random.integer(50), CHAOS_MS - 1) : random.integer(CHAOS_MS)
    // The founder owns the group, so most of what it does is allowed.
    const by = random.chance(0.4) ? nodes[0]! : random.pick(nodes)
    const who = otherThan(random, nodes, by)
    if (random.chance(rough)) {
      if (random.chance(0.25)) return { at, type: 'leave', who: otherThan(random, nodes, nodes[0]!) }
      return { at, type: 'remove', by, who }
    }
    const kind = random.integer(8)
    if (kind < 4) return { at, type: 'add', by, who }
    if (kind === 4) return { at, type: 'rename', by, name: `the name ${index} of ${by}` }
    if (kind === 5) return { at, type: 'configure', by, mayAdd: random.pick(['admins', 'members'] as const) }
    return { at, type: 'role', by, who, role: random.pick(['member', 'admin', 'admin', 'owner'] as const) }
  })
}

function crashes(random: SeededRandom, nodes: readonly string[]): GroupStep[] {
  return nodes.flatMap(node =>
    Array.from({ length: random.integer(3) }, (): GroupStep => {
      const at = random.integer(CHAOS_MS)
      if (random.chance(0.15)) return { at, type: 'restart', node }
      const when = random.pick(['now', 'write', 'write', 'transmit', 'receive'] as const)
      return { at, type: 'crash', node, when, downMs: random.between(1, random.chance(0.7) ? 3000 : 20_000) }
    })
  )
}

function absences(random: SeededRandom, nodes: readonly string[]): GroupStep[] {
  return nodes
    .filter(() => random.chance(0.4))
    .map(node => ({
      at: random.integer(CHAOS_MS),
      type: 'offline',
      node,
      forMs: random.between(1000, 40_000)
    }))
}

/** The network falls apart, again and again: about ten times, as in the worst weeks. */
function cuts(random: SeededRandom, nodes: readonly string[]): GroupStep[] {
  return Array.from({ length: random.between(1, 10) }, (): GroupStep => {
    const [one, ...rest] = [...nodes].sort(() => random.float() - 0.5)
    const from = [one!, ...rest.slice(1).filter(() => random.chance(0.5))]
    return {
      at: random.integer(CHAOS_MS),
      type: 'cut',
      from,
      to: nodes.filter(name => !from.includes(name)),
      oneWay: random.chance(0.2),
      forMs: random.between(2000, random.chance(0.3) ? 40_000 : 12_000)
    }
  })
}

function diskFaults(random: SeededRandom, nodes: readonly string[]): GroupStep[] {
  return nodes
    .filter(() => random.chance(0.3))
    .map(node => ({
      at: random.integer(CHAOS_MS),
      type: 'disk',
      node,
      fault: random.pick(['full', 'failing'] as const),
      forMs: random.between(100, 8000)
    }))
}

/** Key updates: an hour renews the keys of small groups, a week those of larger ones. */
function ages(random: SeededRandom): GroupStep[] {
  return Array.from({ length: random.between(1, 3) }, () => ({
    at: random.integer(CHAOS_MS),
    type: 'age',
    byMs: random.pick([61 * 60_000, 61 * 60_000, 7 * DAY_MS + HOUR_MS])
  }))
}

/** One clock is off from some moment on. */
function jumps(random: SeededRandom, nodes: readonly string[]): GroupStep[] {
  const furthest = random.pick([HOUR_MS, HOUR_MS, 2 * DAY_MS])
  const byMs = Math.round((random.chance(0.5) ? 1 : -1) * furthest * (0.5 + 0.5 * random.float()))
  return [{ at: random.integer(CHAOS_MS), type: 'jump', node: random.pick(nodes), byMs }]
}
