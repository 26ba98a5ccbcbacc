/**
 * Makes a failing plan small: leaves out faults and steps while the same promise is still broken. What is
 * left is usually a story of five lines.
 */
import type { Violation } from './chronicle.ts'
import type { RunResult } from './run-plan.ts'
import type { Weather } from 'hearsay/testing'

/** Runs spent on one failure. */
const RUNS_MAX = 250

/** What can be left out of a plan, whatever it is a plan of. */
export interface Shrinkable {
  readonly seed: number
  readonly nodes: readonly string[]
  readonly weather: Partial<Weather>
  readonly steps: readonly unknown[]
}

/** Runs one plan. */
export type RunOne<P> = (
  plan: P,
  options?: { transcript?: (atMs: number, label: string) => void }
) => Promise<RunResult>

/** The smallest plan found that breaks the same promise, and how it breaks it. */
export async function shrink<P extends Shrinkable>(
  plan: P,
  violation: Violation,
  runOne: RunOne<P>
): Promise<{ plan: P; violation: Violation }> {
  let best = { plan, violation }
  let runs = 0
  const isWorse = async (candidate: P): Promise<boolean> => {
    if (runs >= RUNS_MAX) return false
    runs++
    const { violation: found } = await runOne(candidate)
    if (found?.invariant !== violation.invariant) return false
    best = { plan: candidate, violation: found }
    return true
  }
  for (const simpler of calmer(best.plan)) await isWorse({ ...best.plan, ...simpler })
  for (
    let size = Math.ceil(best.plan.steps.length / 2);
    size >= 1;
    size = size > 1 ? Math.ceil(size / 2) : 0
  ) {
    for (let at = 0; at < best.plan.steps.length;) {
      const steps = best.plan.steps.toSpliced(at, size)
      if (!(await isWorse({ ...best.plan, steps }))) at += size
    }
  }
  const named = new Set(best.plan.steps.flatMap(step => best.plan.nodes.filter(name => mentions(step, name))))
  const fewer = best.plan.nodes.filter(name => named.has(name))
  await isWorse({ ...best.plan, nodes: fewer, ...foundersAmong(best.plan, fewer) })
  return best
}

const mentions = (step: unknown, name: string): boolean => JSON.stringify(step).includes(`"${name}"`)

/** Whoever founds a group has to be there. */
function foundersAmong(plan: object, nodes: readonly string[]): object {
  if (!('founding' in plan)) return {}
  const { founding, admins, acquainted } = plan as {
    founding: string[]
    admins: string[]
    acquainted: string[][]
  }
  const isThere = (name: string): boolean => nodes.includes(name)
  return {
    founding: founding.filter(isThere),
    admins: admins.filter(isThere),
    acquainted: acquainted.filter(pair => pair.every(isThere))
  }
}

/** The day without one of its faults, each. */
function calmer(plan: Shrinkable): object[] {
  const { weather } = plan
  return [
    { absence: false },
    { restartAtEnd: false },
    { mdns: false },
    { skewMs: {} },
    { fsyncMaxMs: 4 },
    { weather: { ...weather, loss: 0 } },
    { weather: { ...weather, loss: 0, duplicate: 0 } },
    { weather: { ...weather, loss: 0, duplicate: 0, reset: 0 } },
    { weather: {} }
  ]
}
