/**
 * Many seeds, every promise: the seeds of SEEDS (200 by default), those that failed once, and the guard that
 * a seed is a seed. A failure prints the command that replays it.
 */
import { expect, test } from 'vitest'
import { runSeeds, summary } from './fleet.ts'
import { planOf } from './plan.ts'
import type { Plan } from './plan.ts'
import { runPlan } from './run-plan.ts'
import regressions from './regressions.json' with { type: 'json' }

const SEEDS = Number(process.env['SEEDS'] ?? 200)

test(`${SEEDS} seeds hold every promise`, async () => {
  const reports = await runSeeds({ first: 1, count: SEEDS })
  const broken = reports
    .filter(({ violation }) => violation !== undefined)
    .map(
      ({ seed, violation }) =>
        `${violation!.invariant}: ${violation!.what}\n  npm run -s simulate -- --seed ${seed}`
    )
  expect(broken.join('\n')).toBe('')
  const figures = summary(reports)
  expect(figures.seeds).toBe(SEEDS)
  expect(figures.accepted, 'people talk').toBeGreaterThan(5 * SEEDS)
  expect(figures.crashes, 'machines crash').toBeGreaterThan(SEEDS / 4)
})

test('the same seed is the same run, down to every byte on the wire', async () => {
  for (const seed of [1, 2, 3]) {
    const runs = [await runPlan(planOf(seed)), await runPlan(planOf(seed))]
    expect(runs[0]!.trace, `seed=${seed}`).toBe(runs[1]!.trace)
    expect(runs[0]!.figures).toEqual(runs[1]!.figures)
  }
})

for (const { note, plan } of regressions as unknown as ReadonlyArray<{ note: string; plan: Plan }>) {
  test(`never again: ${note}`, async () => {
    const { violation } = await runPlan(plan)
    expect(violation).toBeUndefined()
  })
}
