/**
 * Makes a failing plan small: leaves out faults and steps while the same promise is still broken. What is
 * left is usually a story of five lines.
 */
import type { Violation } from './chronicle.ts'
import type { Plan } from './plan.ts'
import { runPlan } from './run-plan.ts'

/** Runs spent on one failure. */
const RUNS_MAX = 250

/** The smallest plan found that breaks the same promise, and how it breaks it. */
export async function shrink(
  plan: Plan,
  violation: Violation
): Promise<{ plan: Plan; violation: Violation }> {
  let best = { plan, violation }
  let runs = 0
  const isWorse = async (candidate: Plan): Promise<boolean> => {
    if (runs >= RUNS_MAX) return false
    runs++
    const { violation: found } = await runPlan(candidate)
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
  await isWorse({ ...best.plan, nodes: best.plan.nodes.filter(name => named.has(name)) })
  return best
}

const mentions = (step: unknown, name: string): boolean => JSON.stringify(step).includes(`"${name}"`)

/** The day without one of its faults, each. */
function calmer(plan: Plan): Array<Partial<Plan>> {
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
