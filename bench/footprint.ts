/**
 * Footprint: what a node costs that does nothing. Its resident memory once it has been idle for a while with one
 * contact, and the time from the start of the process to the line that says that it is ready: `hearsay up` as it is
 * installed, compiled, with its DHT client and mDNS. (Run from its sources, Node compiles them at every start and
 * keeps the compiler in memory.)
 *
 * The limits, in the same run: an empty Node process, and what it takes longer when it imports libp2p with the
 * parts that a node uses.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Child } from './child.ts'
import { interleaved, median, timed } from './measure.ts'
import type { BenchOptions, Row } from './measure.ts'
import type { Talker } from './talker.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** The command as it is installed. */
const COMMAND = join(ROOT, 'cli', 'bin.js')
const IDLE_MS = 10_000
const MIB = 1024 * 1024

/** What a node loads of libp2p. */
const PACKAGES = [
  'libp2p',
  '@chainsafe/libp2p-noise',
  '@libp2p/crypto/keys',
  '@libp2p/gossipsub',
  '@libp2p/identify',
  '@libp2p/kad-dht',
  '@libp2p/mdns',
  '@libp2p/ping',
  '@libp2p/tcp',
  '@libp2p/websockets',
  '@libp2p/yamux'
]

/** Runs a command of the project to its end. */
async function run(command: string, parameters: readonly string[]): Promise<void> {
  const child = spawn(command, parameters, { cwd: ROOT, stdio: 'inherit' })
  const [code] = (await once(child, 'exit')) as [number]
  if (code !== 0) throw new Error(`${command} ${parameters.join(' ')} ended with ${code}`)
}

/** Milliseconds that a program given in words takes, from the start of its process to the end. */
const runMs = (program: string): Promise<number> =>
  timed(() => run(process.execPath, ['--input-type=module', '-e', program]))

/** A running `hearsay up`, ready. */
interface Up {
  readonly readyMs: number
  readonly pid: number
  stop(): Promise<void>
}

async function up(home: string): Promise<Up> {
  const before = performance.now()
  const child = spawn(process.execPath, [COMMAND, 'up', '--json', '--home', home], {
    stdio: ['ignore', 'pipe', 'ignore']
  })
  const exited = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })
  const [line] = (await Promise.race([once(lines, 'line'), exited])) as [unknown]
  const readyMs = performance.now() - before
  if (typeof line !== 'string' || !line.includes('"ready"'))
    throw new Error(`hearsay up said ${String(line)}`)
  return {
    readyMs,
    pid: child.pid!,
    stop: async () => {
      child.kill('SIGTERM')
      await exited
    }
  }
}

/** Bytes of memory that a process holds, as the kernel counts them. Linux only. */
async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) * 1024
}

/** Makes a home that has one contact. */
async function makeHome(folder: string): Promise<string> {
  const home = join(folder, 'alice')
  await using alice = new Child<Talker>('talker.ts')
  await using bob = new Child<Talker>('talker.ts')
  await alice.ask('start', { folder: home, name: 'alice' })
  await bob.ask('start', { folder: join(folder, 'bob'), name: 'bob' })
  await alice.ask('meet', await bob.ask('invite', undefined))
  await Promise.all([alice.ask('stop', undefined), bob.ask('stop', undefined)])
  return home
}

/** Measures, and returns the table. Takes about a minute. */
export async function benchFootprint({ rounds, quick }: BenchOptions): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'hearsay-bench-'))
  try {
    await run(join(ROOT, 'node_modules', '.bin', 'tsc'), ['-p', 'tsconfig.build.json'])
    const home = await makeHome(folder)
    const imports = PACKAGES.map(name => `import '${name}'`).join(';')
    const { empty, libp2p, ready } = await interleaved(rounds, {
      empty: () => runMs('0'),
      libp2p: () => runMs(imports),
      ready: async () => {
        const running = await up(home)
        await running.stop()
        return running.readyMs
      }
    })
    const idle = await up(home)
    await wait(quick ? IDLE_MS / 10 : IDLE_MS)
    const resident = await residentBytes(idle.pid)
    await idle.stop()
    const importMs = median(libp2p) - median(empty)
    return [
      { name: 'idle node, resident memory', value: resident / MIB, unit: 'MiB', atMost: 160 },
      { name: 'an empty process', value: median(empty), unit: 'ms' },
      { name: 'importing libp2p and its parts', value: importMs, unit: 'ms' },
      { name: 'process start to ready', value: median(ready), unit: 'ms' },
      {
        name: 'ready, beside 3 empty processes and the import',
        value: median(ready) / (3 * median(empty) + importMs),
        unit: 'times the limit',
        atMost: 1
      }
    ]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
