/**
 * `npm run -s simulate`: many seeds, or one of them closely.
 *
 * - `--seeds N --from K`: runs N seeds from K on, on all cores; exits 1 if any broke a promise.
 * - `--seed S`: runs one, shrinks it if it fails and prints what is left; `--transcript` prints all that happens.
 * - `--fault NAME`: plants a fault first (`--fault list` names them): now a violation is what should come out.
 * - `--groups`: runs of groups instead of people in pairs; `--bad-faith NAME` puts a member in bad faith into each.
 * - `--json`: one object per line.
 */
import { parseArgs } from 'node:util'
import { faultNamed, faults } from './faults.ts'
import { runSeeds, summary } from './fleet.ts'
import type { Report } from './fleet.ts'
import { planOf } from './plan.ts'
import { runPlan } from './run-plan.ts'
import { shrink } from './shrink.ts'
import type { RunOne, Shrinkable } from './shrink.ts'
import { groupPlanOf } from './groups/plan.ts'
import { runGroupPlan } from './groups/run-plan.ts'

const { values: options } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    fault: { type: 'string' },
    groups: { type: 'boolean', default: false },
    'bad-faith': { type: 'string' },
    transcript: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false }
  }
})

const world = options.groups ? 'groups' : 'pairs'
const say = (text: string): void => void process.stdout.write(`${text}\n`)

if (options.fault === 'list')
  for (const { name, file, budget } of faults) say(`${name}  ${file}  ${budget} seeds`)
else if (options.seed === undefined) process.exitCode = await many()
else process.exitCode = await one(Number(options.seed))

async function many(): Promise<number> {
  const began = performance.now()
  const { fault } = options
  const reports = await runSeeds({
    world: fault === undefined ? world : (faultNamed(fault).world ?? 'pairs'),
    ...(options['bad-faith'] === undefined ? {} : { badFaith: options['bad-faith'] }),
    first: Number(options.from),
    count: Number(options.seeds),
    ...(fault === undefined ? {} : { fault, stop: true }),
    onReport: show
  })
  const figures = summary(reports)
  const wallSeconds = (performance.now() - began) / 1000
  if (options.json) say(JSON.stringify({ ...figures, wallSeconds, fault }))
  else {
    say(
      `${figures.seeds - figures.failed.length} of ${figures.seeds} seeds held every promise; ` +
        `${figures.accepted} messages, ${figures.crashes} crashes, ${figures.attacks} hostile envelopes, ` +
        `${figures.virtualHours.toFixed(1)} virtual hours in ${wallSeconds.toFixed(0)} s`
    )
    if (options.groups) {
      say(
        `${figures.changes} changes of rosters, ${figures.commits} commits, ${figures.forks} forks; agreed after ` +
          `${figures.medianConvergedMs} ms (median), ${figures.p95ConvergedMs} (95 %), ${figures.slowestConvergedMs} (slowest)`
      )
    }
    if (figures.bound !== undefined) say(`failure rate below ${(100 * figures.bound).toFixed(3)} % (95 %)`)
    if (figures.failed.length > 0) say(`failed: ${figures.failed.join(' ')}`)
  }
  return figures.failed.length > 0 ? 1 : 0
}

function show(report: Report): void {
  if (options.json) say(JSON.stringify(report))
  else if (report.violation !== undefined) {
    const { invariant, what, atMs } = report.violation
    say(`seed ${report.seed}: ${invariant}, at ${atMs} ms: ${what}\n  ${replay(report.seed)}`)
  }
}

async function one(seed: number): Promise<number> {
  if (options.fault !== undefined) {
    // A fault is planted while modules load, so it needs a process of its own.
    await runSeeds({
      world: faultNamed(options.fault).world ?? 'pairs',
      first: seed,
      count: 1,
      fault: options.fault,
      onReport: show
    })
    return 0
  }
  if (options.groups) return await oneOf(groupPlanOf(seed, options['bad-faith']), runGroupPlan)
  return await oneOf(planOf(seed), runPlan)
}

/** Runs one plan; shrinks it where it fails. */
async function oneOf<P extends Shrinkable>(plan: P, runOne: RunOne<P>): Promise<number> {
  const { seed } = plan
  const transcript = (atMs: number, label: string): void => say(`${atMs.toFixed(1).padStart(10)}  ${label}`)
  const result = await runOne(plan, options.transcript ? { transcript } : {})
  if (result.violation === undefined) {
    say(options.json ? JSON.stringify(result) : `seed ${seed} held every promise, trace ${result.trace}`)
    return 0
  }
  say(`seed ${seed}: ${result.violation.invariant}, at ${result.violation.atMs} ms: ${result.violation.what}`)
  const least = await shrink(plan, result.violation, runOne)
  say(`shrunk: ${least.violation.invariant}, at ${least.violation.atMs} ms: ${least.violation.what}`)
  say(story(least.plan))
  say(replay(seed))
  return 1
}

/** A plan as the lines of regressions.json. */
function story(plan: Shrinkable): string {
  const { steps, ...day } = plan
  return `{ "plan": ${JSON.stringify(day).slice(0, -1)},\n  "steps": [\n    ${steps
    .map(step => JSON.stringify(step))
    .join(',\n    ')}\n  ] } }`
}

function replay(seed: number): string {
  const fault = options.fault === undefined ? '' : ` --fault ${options.fault}`
  const badFaith = options['bad-faith'] === undefined ? '' : `--bad-faith ${options['bad-faith']} `
  return `npm run -s simulate -- ${options.groups ? '--groups ' : ''}${badFaith}--seed ${seed}${fault}`
}
