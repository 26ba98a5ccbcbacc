/**
 * Throughput: texts of 200 bytes from one person to another, each a process with a real node, a store on disk and
 * libp2p over loopback. A text counts once it is on both disks and its signed receipt is back.
 *
 * The limit is what MLS alone reaches on this machine in the same run: one process seals, another opens, and there
 * is nothing else. Pipelined, both at once, as the nodes work; sequential, the CPU time of both added up, as if
 * there were one core.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cipherSuite, Epoch, generateKeyPackage, XWING_SUITE } from 'hearsay/mls'
import { Child } from './child.ts'
import type { Cipherer } from './cipherer.ts'
import { interleaved, median, timed } from './measure.ts'
import type { BenchOptions, Row } from './measure.ts'
import type { Talker } from './talker.ts'

const MESSAGES = 2000

/** One round: what elapsed, and the CPU time of both processes, all their threads. In milliseconds. */
interface Round {
  readonly elapsedMs: number
  readonly cpuMs: number
}

/** Two people who are contacts, and a folder that goes with them. */
export class Pair implements AsyncDisposable {
  readonly alice = new Child<Talker>('talker.ts')
  readonly bob = new Child<Talker>('talker.ts')
  #folder: string | undefined

  static async create(): Promise<Pair> {
    const pair = new Pair()
    pair.#folder = await mkdtemp(join(tmpdir(), 'hearsay-bench-'))
    const { alice, bob } = pair
    await alice.ask('start', { folder: join(pair.#folder, 'alice'), name: 'alice' })
    await bob.ask('start', { folder: join(pair.#folder, 'bob'), name: 'bob' })
    await alice.ask('meet', await bob.ask('invite', undefined))
    return pair
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.alice.ask('stop', undefined), this.bob.ask('stop', undefined)])
    await Promise.all([this.alice[Symbol.asyncDispose](), this.bob[Symbol.asyncDispose]()])
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true })
  }
}

/** What elapses and what two processes use of their cores while something runs. */
async function measure(
  children: readonly { ask(name: 'cpu', argument: undefined): Promise<number> }[],
  run: () => Promise<unknown>
): Promise<Round> {
  const used = async (): Promise<number> => {
    const each = await Promise.all(children.map(child => child.ask('cpu', undefined)))
    return each.reduce((sum, value) => sum + value, 0)
  }
  const before = await used()
  const elapsedMs = await timed(run)
  return { elapsedMs, cpuMs: (await used()) - before }
}

/** The two ends of an MLS group of two, saved. */
function savedEnds(): [Uint8Array, Uint8Array] {
  const suite = cipherSuite(XWING_SUITE)
  const lifetime = { notBefore: 0n, notAfter: 1n << 40n }
  const alice = generateKeyPackage({ suite, identity: 'alice', lifetime })
  const bob = generateKeyPackage({ suite, identity: 'bob', lifetime })
  const created = Epoch.create({ groupId: new Uint8Array(16), ...alice })
  const { epoch, welcome } = created.commit({ proposals: [{ type: 'add', keyPackage: bob.keyPackage }] })
  return [epoch.save(), Epoch.join(welcome!, bob).save()]
}

/** Messages a second of a round: by the clock, and by the cores' time. */
const perSecond = (count: number, ms: number): number => (1000 * count) / ms

/** Measures, and returns the table. Takes about a minute. */
export async function benchThroughput({ rounds, quick }: BenchOptions): Promise<Row[]> {
  const count = quick ? MESSAGES / 10 : MESSAGES
  await using pair = await Pair.create()
  await using sealer = new Child<Cipherer>('cipherer.ts')
  await using opener = new Child<Cipherer>('cipherer.ts')
  const [alices, bobs] = savedEnds()
  await Promise.all([sealer.ask('load', alices), opener.ask('load', bobs)])
  const port = await opener.ask('listen', undefined)

  const { nodes, ciphers } = await interleaved(rounds, {
    ciphers: () =>
      measure([sealer, opener], () =>
        Promise.all([opener.ask('open', count), sealer.ask('seal', { count, port })])
      ),
    nodes: () => measure([pair.alice, pair.bob], () => pair.alice.ask('send', count))
  })
  const rate = (all: readonly Round[], of: keyof Round): number =>
    median(all.map(round => perSecond(count, round[of])))
  const sent = rate(nodes, 'elapsedMs')
  const pipelined = rate(ciphers, 'elapsedMs')
  const sequential = rate(ciphers, 'cpuMs')
  return [
    { name: 'texts delivered, two nodes', value: sent, unit: 'per second' },
    { name: 'seal and open alone, two processes at once', value: pipelined, unit: 'per second' },
    { name: 'seal and open alone, one core for both', value: sequential, unit: 'per CPU second' },
    { name: 'texts delivered, both nodes, all threads', value: rate(nodes, 'cpuMs'), unit: 'per CPU second' },
    {
      name: 'delivered, beside seal and open at once',
      value: sent / pipelined,
      unit: 'of the limit',
      atLeast: 0.6
    },
    {
      name: 'delivered, beside seal and open on one core',
      value: sent / sequential,
      unit: 'of the limit'
    },
    {
      name: 'CPU of both nodes, beside seal and open',
      value: rate(nodes, 'cpuMs') / sequential,
      unit: 'of the limit'
    }
  ]
}
