/**
 * The benchmarks: each prints how near we come to a limit that it measured in the same run. docs/benchmarks.md
 * says what each means.
 *
 *     npm run -s bench -- [--only mls,throughput,latency,footprint] [--rounds N] [--quick] [--json] [--enforce]
 */
import { availableParallelism, cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { benchFootprint } from './footprint.ts'
import { benchGroupDelivery } from './group-delivery.ts'
import { benchGroups } from './groups.ts'
import { benchLatency } from './latency.ts'
import { meets } from './measure.ts'
import type { BenchOptions, Row } from './measure.ts'
import { benchMls } from './mls.ts'
import { benchThroughput } from './throughput.ts'

const benchmarks: Readonly<Record<string, (options: BenchOptions) => Promise<Row[]>>> = {
  mls: benchMls,
  groups: benchGroups,
  'group-delivery': benchGroupDelivery,
  throughput: benchThroughput,
  latency: benchLatency,
  footprint: benchFootprint
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(benchmarks).join(',') },
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    enforce: { type: 'boolean', default: false }
  }
})

function fail(message: string): never {
  console.error(`bench: ${message}`)
  process.exit(2)
}

function optionsOf({ rounds, quick }: typeof values): BenchOptions {
  const count = Number(rounds ?? (quick ? 1 : 5))
  if (!Number.isInteger(count) || count < 1) fail('--rounds is a number of rounds, 1 or more')
  return { rounds: count, quick }
}

/** A row as people read it: the value, and what it ought to be where something was promised. */
function textOf(row: Row): string {
  const { name, value, unit, atLeast, atMost } = row
  const promise = [
    ...(atLeast === undefined ? [] : [`at least ${atLeast}`]),
    ...(atMost === undefined ? [] : [`at most ${atMost}`])
  ].join(', ')
  const verdict = promise === '' ? '' : `   ${meets(row) ? 'ok' : 'MISSED'}: ${promise}`
  return `  ${name.padEnd(48)} ${value.toFixed(value < 100 ? 2 : 0).padStart(9)} ${unit}${verdict}`
}

const options = optionsOf(values)
const names = values.only.split(',')
for (const name of names) if (!(name in benchmarks)) fail(`there is no benchmark called "${name}"`)

const machine = {
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: availableParallelism(),
  node: process.version,
  load: loadavg()[0]!
}
if (!values.json)
  console.log(
    `${machine.cores} cores of ${machine.cpu}, Node ${machine.node}, load ${machine.load.toFixed(1)}, ${options.rounds} rounds`
  )

let missed = 0
for (const name of names) {
  const rows = await benchmarks[name]!(options)
  missed += rows.filter(row => !meets(row)).length
  if (values.json)
    for (const row of rows)
      console.log(JSON.stringify({ v: 1, type: 'measured', benchmark: name, ...row, met: meets(row) }))
  else console.log([name, ...rows.map(textOf), ''].join('\n'))
}
if (values.json) console.log(JSON.stringify({ v: 1, type: 'ended', machine, ...options, missed }))
else console.log(missed === 0 ? 'All limits are kept.' : `${missed} limits are missed.`)
if (values.enforce && missed > 0) process.exitCode = 1
