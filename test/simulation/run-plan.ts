/**
 * Carries out one plan: people who meet, talk, crash and move on a bad day, then a fine one on which
 * everything has to come right.
 */
import { simulate } from 'hearsay/testing'
import type { SimulatedTestNetwork } from 'hearsay/testing'
import { checkAbsence, checkAfterRestart, checkEnd, checkQuiet, isConverged } from './checks.ts'
import type { Violation } from './chronicle.ts'
import { checkHeads } from './heads.ts'
import { KeyWatch } from './key-watch.ts'
import { CHAOS_MS } from './plan.ts'
import type { Plan, Step } from './plan.ts'
import { CONVERGE_WITHIN_MS, EVENTS_PER_SECOND_MAX } from './promises.ts'
import { Town } from './town.ts'

const LOOK_MS = 250
const WATCH_MS = 5000
/** A clock may stay this wrong for ever. */
const SKEW_MAX_MS = 2 * 3_600_000

/** What a run gives: a violation, or the figures of a good day. */
export interface RunResult {
  readonly seed: number
  readonly violation: Violation | undefined
  readonly trace: string
  readonly figures: {
    readonly nodes: number
    readonly accepted: number
    readonly refused: number
    readonly unknown: number
    readonly crashes: number
    readonly attacks: number
    readonly events: number
    readonly virtualMs: number
    /** Virtual time from the end of all faults to convergence. */
    readonly convergedAfterMs: number
    readonly bytes: number
    /** Of groups only: changes of the roster, commits, forks, joins by welcome, and epochs that one machine had at once. */
    readonly changes?: number
    readonly commits?: number
    readonly forks?: number
    readonly joins?: number
    readonly epochsHeldMost?: number
  }
}

/** Runs a plan from its first step to the last check. */
export async function runPlan(
  plan: Plan,
  options: { transcript?: (atMs: number, label: string) => void } = {}
): Promise<RunResult> {
  const keys = new KeyWatch(() => net.time.executed)
  const net: SimulatedTestNetwork = await simulate({
    wrapSuite: (owner, suite) => keys.wrap(owner, suite),
    nodes: plan.nodes,
    seed: plan.seed,
    mdns: plan.mdns,
    skewMs: plan.skewMs,
    ...plan.weather,
    ...(options.transcript === undefined ? {} : { transcript: options.transcript })
  })
  const town = new Town(plan, net, keys)
  try {
    await town.begin()
    const convergedAfterMs = await live(town)
    return resultOf(town, convergedAfterMs)
  } finally {
    town.isOver = true
    await net[Symbol.asyncDispose]()
  }
}

/** All stages, as long as every promise holds. Gives the time that it took to come right. */
async function live(town: Town): Promise<number> {
  await chaos(town)
  const convergedAfterMs = await converge(town)
  const stages = [
    () => checkEnd(town),
    () => checkQuiet(town),
    () => checkHeads(town),
    () => awaitConvergence(town),
    () => (town.plan.absence ? checkAbsence(town) : undefined),
    () => (town.plan.restartAtEnd ? checkAfterRestart(town) : undefined)
  ]
  for (const stage of stages) {
    if (!town.isBroken) await stage()
  }
  return convergedAfterMs
}

function resultOf(town: Town, convergedAfterMs: number): RunResult {
  const { plan, net } = town
  const { sends, violations } = town.chronicle
  const count = (outcome: string): number => sends.filter(send => send.outcome === outcome).length
  const bytes = plan.nodes.flatMap(from => plan.nodes.map(to => net.internet.bytesSent(from, to)))
  return {
    seed: plan.seed,
    violation: violations[0],
    trace: net.trace,
    figures: {
      nodes: plan.nodes.length,
      accepted: count('accepted'),
      refused: count('refused'),
      unknown: count('unknown'),
      crashes: town.crashes,
      attacks: town.mallory.sent,
      events: net.time.executed,
      virtualMs: Math.round(net.time.now),
      convergedAfterMs: Math.round(convergedAfterMs),
      bytes: bytes.reduce((a, b) => a + b, 0)
    }
  }
}

async function chaos(town: Town): Promise<void> {
  const watch = watchdog(town)
  for (const step of town.plan.steps) {
    if (town.isBroken) return
    const wait = step.at - town.net.time.now
    if (wait > 0) await town.net.advance(wait)
    watch()
    take(town, step)
  }
  await town.net.advance(Math.max(0, CHAOS_MS - town.net.time.now))
}

/** The fine day. What is promised must come true by its end. */
async function converge(town: Town): Promise<number> {
  heal(town)
  return await awaitConvergence(town)
}

/** Gives the time that it took; what has not come by the end of patience is found by the checks. */
async function awaitConvergence(town: Town): Promise<number> {
  const { net } = town
  const from = net.time.now
  const watch = watchdog(town)
  while (net.time.now - from < CONVERGE_WITHIN_MS && !town.isBroken) {
    if (await isConverged(town)) break
    await net.advance(LOOK_MS)
    watch()
  }
  return net.time.now - from
}

function heal(town: Town): void {
  const { internet, machines } = town.net
  Object.assign(internet.weather, { loss: 0, duplicate: 0, reset: 0, maxDelayMs: 400, tail: 1.6 })
  town.armed.length = 0
  town.net.heal()
  for (const machine of machines) {
    town.net.online(machine.name)
    Object.assign(machine.disk.health, { failure: 0, full: false, fsyncMaxMs: 4 })
    // Who is days away looks for moved contacts under the wrong days' keys, until somebody sets the clock.
    const isLost = Math.abs(machine.skewMs) > SKEW_MAX_MS
    if (isLost) machine.jumpClock(-machine.skewMs)
    if (!machine.isOn) town.spawn(town.boot(machine.name))
    else if (isLost) town.spawn(town.restart(machine.name))
  }
}

/** More events than nodes that behave could cause are a livelock. */
function watchdog(town: Town): () => void {
  const { time } = town.net
  let at = time.now
  let executed = time.executed
  return () => {
    const ms = time.now - at
    if (ms < WATCH_MS) return
    const perSecond = (time.executed - executed) / (ms / 1000) / town.plan.nodes.length
    if (perSecond > EVENTS_PER_SECOND_MAX) {
      town.chronicle.broken('I12 liveness', `${Math.round(perSecond)} events per second and node: a livelock`)
    }
    at = time.now
    executed = time.executed
  }
}

function take(town: Town, step: Step): void {
  town.net.time.note(`step ${JSON.stringify(step)}`)
  switch (step.type) {
    case 'befriend':
      town.spawn(town.befriend(step.one, step.other, step.reusable))
      return
    case 'send':
      town.spawn(town.send(step.from, step.to, step.text))
      return
    case 'collide':
      town.spawn(town.collide(step.one, step.other, step.name))
      return
    case 'outdate':
      town.spawn(town.outdate(step.one, step.other, step.name))
      return
    case 'read':
      town.spawn(town.read(step.node, step.of))
      return
    case 'block':
    case 'forget':
      town.spawn(town.quarrel(step))
      return
    case 'attack':
      town.mallory.attack(town.net, step.on, step.envelopes)
      return
    default:
      harm(town, step)
  }
}

function harm(
  town: Town,
  step: Extract<Step, { type: 'crash' | 'restart' | 'offline' | 'cut' | 'move' | 'disk' | 'jump' }>
): void {
  const { net } = town
  switch (step.type) {
    case 'crash':
      if (step.when === 'now') town.crash(step.node, step.downMs)
      else town.armed.push({ node: step.node, when: step.when, downMs: step.downMs })
      return
    case 'restart':
      town.spawn(town.restart(step.node))
      return
    case 'offline':
      net.offline(step.node)
      net.time.after(step.forMs, `${step.node} online`, () => net.online(step.node))
      return
    case 'cut': {
      const mend = net.internet.reachability.cut(step.from, step.to, { oneWay: step.oneWay })
      net.time.after(step.forMs, 'cut heals', mend)
      return
    }
    case 'move':
      net.internet.move(step.node)
      return
    case 'disk': {
      const { health } = net.machine(step.node).disk
      if (step.fault === 'full') health.full = true
      else health.failure = 0.3
      net.time.after(step.forMs, `${step.node} disk is well`, () => {
        Object.assign(health, { full: false, failure: 0 })
      })
      return
    }
    case 'jump':
      town.spawn(town.jump(step.node, step.byMs))
  }
}
