/**
 * `npm run evidence`: runs many seeds and every planted fault, and writes what came out to docs/evidence.md,
 * with the command that reproduces each figure.
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { faults } from './faults.ts'
import { keptSection } from './large/page.ts'
import { runSeeds, summary } from './fleet.ts'
import type { World } from './fleet.ts'

const { values: options } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
    groups: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' }
  }
})
const first = Number(options.from)
const count = Number(options.seeds)

const groupCount = Number(options.groups)

/** Runs many seeds, and says how long that took. */
async function ran(world: World, seeds: number) {
  const began = performance.now()
  const reports = await runSeeds({
    world,
    first,
    count: seeds,
    onReport: ({ seed, violation }) => {
      if (violation !== undefined) process.stderr.write(`${world}, seed ${seed}: ${violation.invariant}\n`)
    }
  })
  const lost = reports.filter(({ violation }) => violation?.invariant.startsWith('I1 ') === true).length
  return { ...summary(reports), lost, wallSeconds: (performance.now() - began) / 1000 }
}

const figures = await ran('pairs', count)
const groups = await ran('groups', groupCount)

const caught: string[] = []
for (const { name, file, budget, world = 'pairs' } of faults) {
  const runs = await runSeeds({ world, first: 1, count: budget, fault: name, stop: true })
  const found = runs.find(({ violation }) => violation !== undefined)
  const promise = found?.violation?.invariant ?? '**not caught**'
  caught.push(
    `| ${name} | \`${file}\` | ${found === undefined ? `none of ${budget}` : found.seed} | ${promise} |`
  )
  process.stderr.write(`${caught.at(-1)}\n`)
}

const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
const held = figures.seeds - figures.failed.length
const thousands = (value: number): string => Math.round(value).toLocaleString('en')
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
const boundOf = ({ bound }: { readonly bound: number | undefined }): string =>
  bound === undefined ? 'none: there were failures' : `${(100 * bound).toFixed(3)} %`
const page = `# Evidence

Written by \`npm run evidence\`, ${new Date().toISOString().slice(0, 10)}, from commit ${commit}, with Node
${process.versions.node} on ${cpus().length} cores. [testing.md](testing.md) says what is simulated and how it is judged.

## Simulation

    npm run -s simulate -- --seeds ${count} --from ${first}

| | |
|---|---|
| Seeds that held every promise | ${thousands(held)} of ${thousands(figures.seeds)} |
| Bound on the rate of failing seeds (95 %) | ${boundOf(figures)} |
| Messages that \`send()\` accepted | ${thousands(figures.accepted)} |
| Runs in which one was lost | ${figures.lost} |
| Calls of \`send()\` that failed with a typed error | ${thousands(figures.refused)} |
| Calls of \`send()\` that a crash cut off | ${thousands(figures.unknown)} |
| Crashes | ${thousands(figures.crashes)} |
| Envelopes from an attacker | ${thousands(figures.attacks)} |
| Time to come right after the last fault, median and slowest | ${(figures.medianConvergedMs / 1000).toFixed(1)} s, ${(figures.slowestConvergedMs / 1000).toFixed(1)} s |
| Virtual time | ${figures.virtualHours.toFixed(0)} hours, ${thousands(figures.events)} events |
| Wall time | ${thousands(figures.wallSeconds)} s; ${(figures.seeds / figures.cpuSeconds).toFixed(1)} seeds per second and core |
${figures.failed.length === 0 ? '' : `\nFailing seeds: ${figures.failed.join(', ')}\n`}
## Groups

    npm run -s simulate -- --groups --seeds ${groupCount} --from ${first}

| | |
|---|---|
| Groups of three to eight that held every promise | ${thousands(groups.seeds - groups.failed.length)} of ${thousands(groups.seeds)} |
| Bound on the rate of failing seeds (95 %) | ${boundOf(groups)} |
| Messages that \`send()\` accepted | ${thousands(groups.accepted)} |
| Runs in which one was lost | ${groups.lost} |
| Changes of rosters | ${thousands(groups.changes)} |
| Commits; epochs on which two or more were made | ${thousands(groups.commits)}; ${thousands(groups.forks)} |
| Crashes | ${thousands(groups.crashes)} |
| Runs with a member in bad faith | ${thousands(groups.attacks)} |
| Time until all agree after the last fault: median, 95 %, slowest | ${seconds(groups.medianConvergedMs)}, ${seconds(groups.p95ConvergedMs)}, ${seconds(groups.slowestConvergedMs)} |
| Most epochs that one machine had at once | ${groups.epochsHeldMost} |
| Wall time | ${thousands(groups.wallSeconds)} s; ${(groups.seeds / groups.cpuSeconds).toFixed(1)} seeds per second and core |
${groups.failed.length === 0 ? '' : `\nFailing seeds: ${groups.failed.join(', ')}\n`}
## Planted faults

    npm run -s simulate -- --fault NAME --seeds BUDGET

| Fault | File | First seed that catches it | Broken promise |
|---|---|---|---|
${caught.join('\n')}
`

writeFileSync(fileURLToPath(new URL('../../docs/evidence.md', import.meta.url)), page + keptSection())
process.exitCode = figures.failed.length + groups.failed.length > 0 ? 1 : 0
