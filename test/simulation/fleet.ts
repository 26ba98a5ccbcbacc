/** Runs many seeds in child processes, one per core, with or without a planted fault. */
import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { RunResult } from './run-plan.ts'

/** What is simulated: people who talk in pairs, or a group. */
export type World = 'pairs' | 'groups'

/** What a child says of one seed. */
export type Report = RunResult & { readonly wallMs: number }

/** After that long without a word a child is taken for hung. */
const SILENCE_MAX_MS = 120_000

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url))

/**
 * Runs the seeds from `first` on. With `stop`, ends soon after the first violation. A child that dies is a
 * failure of the harness and rejects with what it had to say.
 */
export async function runSeeds(init: {
  readonly world?: World
  /** In groups: the bad faith that a member of each is in. */
  readonly badFaith?: string
  readonly first: number
  readonly count: number
  readonly fault?: string
  readonly stop?: boolean
  readonly workers?: number
  readonly onReport?: (report: Report) => void
}): Promise<Report[]> {
  const workers = Math.max(1, Math.min(init.workers ?? availableParallelism(), init.count))
  const reports: Report[] = []
  const children = new Set<ReturnType<typeof spawn>>()
  let isFound = false
  const work = async (worker: number): Promise<void> => {
    const count = Math.ceil((init.count - worker) / workers)
    const child = start(init.first + worker, count, workers, init)
    children.add(child)
    let complaints = ''
    let heardAt = performance.now()
    let lastSeed: number | undefined
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      complaints = (complaints + text).slice(-4000)
    })
    const ended = new Promise<number | NodeJS.Signals | null>(resolve => {
      child.once('close', (code, signal) => resolve(signal ?? code))
    })
    // A seed takes a fraction of a second; one that takes minutes hangs, and nobody inside can tell.
    const lastWord = setInterval(() => {
      if (performance.now() - heardAt < SILENCE_MAX_MS) return
      complaints += `\nsilent for ${SILENCE_MAX_MS / 1000} s after seed ${lastSeed ?? 'none'}`
      child.kill('SIGKILL')
    }, 1000)
    for await (const line of createInterface({ input: child.stdout! })) {
      const report = JSON.parse(line) as Report
      reports.push(report)
      heardAt = performance.now()
      lastSeed = report.seed
      init.onReport?.(report)
      if (report.violation === undefined || init.stop !== true) continue
      isFound = true
      for (const other of children) other.kill()
    }
    const code = await ended
    clearInterval(lastWord)
    if (code !== 0 && !isFound) throw new Error(`a worker ended with ${code}:\n${complaints}`)
  }
  await Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)))
  return reports.sort((a, b) => a.seed - b.seed)
}

function start(
  first: number,
  count: number,
  stride: number,
  {
    world = 'pairs',
    badFaith,
    fault,
    stop
  }: { world?: World; badFaith?: string; fault?: string; stop?: boolean }
): ReturnType<typeof spawn> {
  const loader = fault === undefined ? [] : ['--import', here('./fault-loader.ts')]
  const words = [first, count, stride].map(String)
  return spawn(
    process.execPath,
    [
      '-C',
      'hearsay-source',
      ...loader,
      here('./worker.ts'),
      world,
      ...words,
      ...(stop === true ? ['stop'] : [])
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        NODE_OPTIONS: '',
        ...(fault === undefined ? {} : { HEARSAY_FAULT: fault }),
        ...(badFaith === undefined ? {} : { HEARSAY_BAD_FAITH: badFaith })
      }
    }
  )
}

/** The figures of many runs. */
export function summary(reports: readonly Report[]) {
  const sum = (of: (report: Report) => number): number =>
    reports.reduce((total, report) => total + of(report), 0)
  const converged = reports.map(({ figures }) => figures.convergedAfterMs).sort((a, b) => a - b)
  const failed = reports.filter(({ violation }) => violation !== undefined)
  return {
    seeds: reports.length,
    failed: failed.map(({ seed }) => seed),
    accepted: sum(({ figures }) => figures.accepted),
    refused: sum(({ figures }) => figures.refused),
    unknown: sum(({ figures }) => figures.unknown),
    crashes: sum(({ figures }) => figures.crashes),
    attacks: sum(({ figures }) => figures.attacks),
    changes: sum(({ figures }) => figures.changes ?? 0),
    commits: sum(({ figures }) => figures.commits ?? 0),
    forks: sum(({ figures }) => figures.forks ?? 0),
    joins: sum(({ figures }) => figures.joins ?? 0),
    epochsHeldMost: Math.max(0, ...reports.map(({ figures }) => figures.epochsHeldMost ?? 0)),
    events: sum(({ figures }) => figures.events),
    virtualHours: sum(({ figures }) => figures.virtualMs) / 3_600_000,
    medianConvergedMs: converged[Math.floor(converged.length / 2)] ?? 0,
    p95ConvergedMs: converged[Math.floor(converged.length * 0.95)] ?? 0,
    slowestConvergedMs: converged.at(-1) ?? 0,
    cpuSeconds: sum(({ wallMs }) => wallMs) / 1000,
    /** No failure in n runs: with 95 % confidence the true rate is below this. */
    bound: failed.length === 0 ? 3 / reports.length : undefined
  }
}
