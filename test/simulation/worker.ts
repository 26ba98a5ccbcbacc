/**
 * Runs seeds in a process of its own and prints one line of JSON for each.
 *
 * Usage: worker.ts WORLD FIRST COUNT STRIDE [stop]: with `stop`, nothing after the first violation. The world is
 * `pairs` (people who talk in pairs) or `groups`.
 */
import { faultNamed } from './faults.ts'
import { groupPlanOf } from './groups/plan.ts'
import { runGroupPlan } from './groups/run-plan.ts'
import { planOf } from './plan.ts'
import { runPlan } from './run-plan.ts'
import type { RunResult } from './run-plan.ts'

/** With a planted fault comes the bad faith that brings it to light. */
const planted = process.env['HEARSAY_FAULT']
const badFaith = planted === undefined ? process.env['HEARSAY_BAD_FAITH'] : faultNamed(planted).hostile
const [world, first, count, stride, stop] = process.argv.slice(2)

// Something that nobody waits for failed: in production it would end the process, so it ends the run.
let stray: unknown
process.on('unhandledRejection', cause => {
  stray ??= cause
})

for (let i = 0; i < Number(count); i++) {
  const result = await run(Number(first) + i * Number(stride))
  process.stdout.write(`${JSON.stringify(result)}\n`)
  if (result.violation !== undefined && stop === 'stop') break
}

async function run(seed: number): Promise<RunResult & { readonly wallMs: number }> {
  const began = performance.now()
  stray = undefined
  const result = await (world === 'groups'
    ? runGroupPlan(groupPlanOf(seed, badFaith))
    : runPlan(planOf(seed)))
  const wallMs = performance.now() - began
  if (stray === undefined || result.violation !== undefined) return { ...result, wallMs }
  const what = `an unhandled rejection: ${stray instanceof Error ? stray.stack : JSON.stringify(stray)}`
  return { ...result, wallMs, violation: { invariant: 'I9 bad input changes nothing', what, atMs: 0 } }
}
