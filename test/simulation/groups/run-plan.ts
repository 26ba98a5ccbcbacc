/**
 * Carries out one plan of a group: a fine day to meet, sixty bad seconds, then fine weather in which everything
 * has to come right.
 */
import { simulate } from 'hearsay/testing'
import type { SimulatedTestNetwork } from 'hearsay/testing'
import { KeyWatch } from '../key-watch.ts'
import { CONVERGE_WITHIN_MS, EVENTS_PER_SECOND_MAX } from '../promises.ts'
import type { RunResult } from '../run-plan.ts'
import { checkAfterRestart, checkEnd, checkQuiet, checkRemoved, convergedOn } from './checks.ts'
import { Circle } from './circle.ts'
import { hostileOpenNode } from './hostile.ts'
import { CHAOS_MS } from './plan.ts'
import type { GroupPlan, GroupStep } from './plan.ts'

const LOOK_MS = 250
const WATCH_MS = 5000
/** So long all have to agree: longer than any turn or pause of theirs. */
const STEADY_MS = 30_000
/** A clock may stay this wrong for ever. */
const SKEW_MAX_MS = 2 * 3_600_000
const FINE = { minDelayMs: 5, loss: 0, duplicate: 0, reset: 0, tail: 1.6 }
/** On the day before everybody is close by. */
const NEAR_MS = 40
const FAR_MS = 400

/** Runs a plan from its first step to the last check. */
export async function runGroupPlan(
  plan: GroupPlan,
  options: { transcript?: (atMs: number, label: string) => void } = {}
): Promise<RunResult> {
  const { hostile } = plan
  const keys = new KeyWatch(() => net.time.executed)
  const net: SimulatedTestNetwork = await simulate({
    wrapSuite: (owner, suite) => keys.wrap(owner, suite),
    nodes: plan.nodes,
    seed: plan.seed,
    suite: plan.suite,
    skewMs: plan.skewMs,
    ...FINE,
    maxDelayMs: NEAR_MS,
    ...(hostile === undefined ? {} : { openNode: { [hostile.name]: await hostileOpenNode(hostile.by) } }),
    ...(options.transcript === undefined ? {} : { transcript: options.transcript })
  })
  const circle = new Circle(plan, net, keys)
  try {
    const convergedAfterMs = await live(circle)
    return resultOf(circle, convergedAfterMs)
  } finally {
    circle.isOver = true
    await net[Symbol.asyncDispose]()
  }
}

/** All stages, as long as every promise holds. Gives the time that it took to come right. */
async function live(circle: Circle): Promise<number> {
  await circle.begin()
  if (circle.isBroken) return 0
  await chaos(circle)
  heal(circle)
  const convergedAfterMs = await converge(circle)
  const stages = [
    () => checkEnd(circle),
    async () => checkRemoved(circle),
    () => checkQuiet(circle),
    () => (circle.plan.restartAtEnd ? checkAfterRestart(circle) : undefined)
  ]
  for (const stage of stages) {
    if (!circle.isBroken) await stage()
  }
  return convergedAfterMs
}

function resultOf(circle: Circle, convergedAfterMs: number): RunResult {
  const { plan, net, spy } = circle
  const { sends, violations } = circle.chronicle
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
      crashes: circle.crashes,
      attacks: plan.hostile === undefined ? 0 : 1,
      events: net.time.executed,
      virtualMs: Math.round(net.time.now),
      convergedAfterMs: Math.round(convergedAfterMs),
      bytes: bytes.reduce((a, b) => a + b, 0),
      changes: circle.changes,
      ...spy.branches(circle.group),
      joins: spy.joins,
      epochsHeldMost: spy.epochsHeldMost
    }
  }
}

async function chaos(circle: Circle): Promise<void> {
  const { net, plan } = circle
  const begun = net.time.now
  const watch = watchdog(circle)
  Object.assign(net.internet.weather, plan.weather)
  for (const step of plan.steps) {
    if (circle.isBroken) return
    const wait = begun + step.at - net.time.now
    if (wait > 0) await net.advance(wait)
    watch()
    take(circle, step)
  }
  await net.advance(Math.max(0, begun + CHAOS_MS - net.time.now))
}

/**
 * Gives the time until all agree and go on agreeing: who is asked in meanwhile may still come. What has not come
 * by the end of patience is found by the checks.
 */
async function converge(circle: Circle): Promise<number> {
  const { net } = circle
  const from = net.time.now
  const watch = watchdog(circle)
  let agreed: { readonly on: string; readonly at: number } | undefined
  while (net.time.now - from < CONVERGE_WITHIN_MS && !circle.isBroken) {
    const on = await convergedOn(circle)
    if (on !== agreed?.on) agreed = on === undefined ? undefined : { on, at: net.time.now }
    if (agreed !== undefined && net.time.now - agreed.at >= STEADY_MS) return agreed.at - from
    await net.advance(LOOK_MS)
    watch()
  }
  return net.time.now - from
}

function heal(circle: Circle): void {
  const { internet, machines } = circle.net
  Object.assign(internet.weather, { ...FINE, maxDelayMs: FAR_MS })
  circle.armed.length = 0
  circle.net.heal()
  for (const machine of machines) {
    if (circle.isHostile(machine.name)) {
      circle.net.crash(machine.name)
      continue
    }
    circle.net.online(machine.name)
    Object.assign(machine.disk.health, { failure: 0, full: false, fsyncMaxMs: 4 })
    // Who is days away looks for others under the wrong days' keys, until somebody sets the clock.
    const isLost = Math.abs(machine.skewMs - circle.agedMs) > SKEW_MAX_MS
    if (isLost) machine.jumpClock(circle.agedMs - machine.skewMs)
    if (!machine.isOn) circle.spawn(circle.boot(machine.name))
    else if (isLost) circle.spawn(circle.restart(machine.name))
  }
}

/** More events than nodes that behave could cause are a livelock. */
function watchdog(circle: Circle): () => void {
  const { time } = circle.net
  let at = time.now
  let executed = time.executed
  return () => {
    const ms = time.now - at
    if (ms < WATCH_MS) return
    const perSecond = (time.executed - executed) / (ms / 1000) / circle.plan.nodes.length
    if (perSecond > EVENTS_PER_SECOND_MAX)
      circle.broken('I12 liveness', `${Math.round(perSecond)} events per second and node: a livelock`)
    at = time.now
    executed = time.executed
  }
}

function take(circle: Circle, step: GroupStep): void {
  circle.net.time.note(`step ${JSON.stringify(step)}`)
  switch (step.type) {
    case 'send':
      circle.spawn(circle.send(step.from, step.text))
      return
    case 'read':
      circle.spawn(circle.read(step.node))
      return
    case 'add':
    case 'remove':
    case 'role':
    case 'rename':
    case 'configure':
    case 'leave':
      circle.spawn(circle.change(step))
      return
    case 'age':
      circle.age(step.byMs)
      return
    default:
      harm(circle, step)
  }
}

function harm(
  circle: Circle,
  step: Extract<GroupStep, { type: 'crash' | 'restart' | 'offline' | 'cut' | 'disk' | 'jump' }>
): void {
  const { net } = circle
  switch (step.type) {
    case 'crash':
      if (step.when === 'now') circle.crash(step.node, step.downMs)
      else circle.armed.push({ node: step.node, when: step.when, downMs: step.downMs })
      return
    case 'restart':
      circle.spawn(circle.restart(step.node))
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
      net.machine(step.node).jumpClock(step.byMs)
  }
}
