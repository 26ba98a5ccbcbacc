/**
 * Latency: from the call of `send()` to the receipt that says the text is on the other side's disk, one text at a
 * time between two nodes in two processes.
 *
 * The limit, in the same run: a bare libp2p round trip between two processes and two durable commits of the same
 * store, since neither side may speak before it has written.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Child } from './child.ts'
import type { Echo } from './echo.ts'
import { interleaved, median, percentile } from './measure.ts'
import type { BenchOptions, Row } from './measure.ts'
import { Pair } from './throughput.ts'

const MESSAGES = 100

/** Measures, and returns the table. Takes about half a minute. */
export async function benchLatency({ rounds, quick }: BenchOptions): Promise<Row[]> {
  const count = quick ? MESSAGES / 10 : MESSAGES
  const folder = await mkdtemp(join(tmpdir(), 'hearsay-bench-'))
  await using pair = await Pair.create()
  await using near = new Child<Echo>('echo.ts')
  await using far = new Child<Echo>('echo.ts')
  await near.ask('listen', undefined)
  const address = await far.ask('listen', undefined)
  await near.ask('openStore', folder)

  const { messages, trips, commits } = await interleaved(rounds, {
    trips: () => near.ask('roundTrips', { address, count }),
    commits: () => near.ask('commits', count),
    messages: () => pair.alice.ask('pace', count)
  })
  await Promise.all([near.ask('stop', undefined), far.ask('stop', undefined)])
  await rm(folder, { recursive: true, force: true })
  const p50 = (all: readonly number[][]): number => median(all.map(times => percentile(times, 0.5)))
  const p95 = median(messages.map(times => percentile(times, 0.95)))
  const limit = p50(trips) + 2 * p50(commits)
  return [
    { name: 'send() to delivered, p50', value: p50(messages), unit: 'ms' },
    { name: 'send() to delivered, p95', value: p95, unit: 'ms' },
    { name: 'libp2p round trip, p50', value: p50(trips), unit: 'ms' },
    { name: 'durable commit, p50', value: p50(commits), unit: 'ms' },
    {
      name: 'delivered, beside a round trip and two commits',
      value: p50(messages) / limit,
      unit: 'times the limit',
      atMost: 4
    }
  ]
}
