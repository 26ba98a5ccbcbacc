/**
 * Groups on many bad days: the seeds of GROUP_SEEDS (30 by default), every kind of bad faith, and the guard that a
 * seed is a seed. A failure prints the command that replays it.
 */
import { expect, test } from 'vitest'
import { runSeeds, summary } from '../fleet.ts'
import { hostilities } from './hostile.ts'
import { groupPlanOf } from './plan.ts'
import { runGroupPlan } from './run-plan.ts'

const SEEDS = Number(process.env['GROUP_SEEDS'] ?? 30)

test(`${SEEDS} groups hold every promise`, async () => {
  const reports = await runSeeds({ world: 'groups', first: 1, count: SEEDS })
  const broken = reports
    .filter(({ violation }) => violation !== undefined)
    .map(
      ({ seed, violation }) =>
        `${violation!.invariant}: ${violation!.what}\n  npm run -s simulate -- --groups --seed ${seed}`
    )
  expect(broken.join('\n')).toBe('')
  const figures = summary(reports)
  expect(figures.seeds).toBe(SEEDS)
  expect(figures.accepted, 'people talk').toBeGreaterThan(5 * SEEDS)
  expect(figures.changes, 'people come and go').toBeGreaterThan(SEEDS)
  expect(figures.forks, 'groups fork').toBeGreaterThan(SEEDS / 4)
  expect(figures.crashes, 'machines crash').toBeGreaterThan(SEEDS / 4)
})

test.each(hostilities.map(({ name }) => name))('honest members are as if nobody %s', async badFaith => {
  const reports = await runSeeds({ world: 'groups', first: 501, count: 1, badFaith })
  for (const { seed, violation, figures } of reports) {
    expect(
      violation,
      `npm run -s simulate -- --groups --bad-faith ${badFaith} --seed ${seed}`
    ).toBeUndefined()
    expect(figures.nodes).toBeGreaterThan(2)
  }
})

test('the same seed is the same run of a group, down to every byte on the wire', async () => {
  for (const seed of [1, 2]) {
    const plan = { ...groupPlanOf(seed), hostile: undefined }
    const runs = [await runGroupPlan(plan), await runGroupPlan(plan)]
    expect(runs[0]!.trace, `seed=${seed}`).toBe(runs[1]!.trace)
    expect(runs[0]!.figures).toEqual(runs[1]!.figures)
  }
})
