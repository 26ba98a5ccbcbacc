/** Homes for tests, and command lines in them. A run is the real one: only its terminal is a test's. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import type { ExitCode } from '../../cli/failure.ts'
import { run } from '../../cli/run.ts'
import { verbs } from '../../cli/verbs/index.ts'
import { errorLine } from '../../cli/failure.ts'
import { testTerminal, type TestTerminal } from './terminal.ts'

/** What came out of a run that has ended. */
export interface Ended {
  readonly code: ExitCode
  readonly out: string
  readonly err: string
}

/** A run that goes on. */
export interface Going {
  readonly terminal: TestTerminal
  readonly ended: Promise<ExitCode>
}

/** Loopback only: a test must not find anybody else's node. */
const network = ['--listen', '/ip4/127.0.0.1/tcp/0', '--no-dht', '--no-mdns']

/** One home and the person who types in it. */
export class TestHome {
  readonly folder: string
  readonly #going = new Set<Going>()

  constructor(folder: string) {
    this.folder = folder
  }

  /** Starts a command line. */
  start(argv: readonly string[], options: { readonly input?: string; readonly tty?: boolean } = {}): Going {
    const environment = { HEARSAY_HOME: this.folder, NO_COLOR: '1' }
    const terminal = testTerminal({ environment, ...options })
    const going: Going = { terminal, ended: run([...argv, ...network], terminal) }
    this.#going.add(going)
    void going.ended.then(() => this.#going.delete(going))
    return going
  }

  /** Runs a command line to its end. Standard input is empty unless given. */
  async run(argv: readonly string[], input = ''): Promise<Ended> {
    const { terminal, ended } = this.start(argv, { input })
    const code = await ended
    return { code, out: terminal.stdout.text, err: terminal.stderr.text }
  }

  /** Runs a verb with `--json` and holds each line against the verb's schema. Throws unless it is done. */
  async json(name: string, argv: readonly string[] = [], input = ''): Promise<Record<string, unknown>[]> {
    const { code, lines, err } = await this.lines(name, argv, input)
    if (code !== 0) throw new Error(`hearsay ${name} ended with ${code}: ${err}`)
    return lines
  }

  /** Like `json`, whatever the end. */
  async lines(name: string, argv: readonly string[] = [], input = '') {
    const { code, out, err } = await this.run([...name.split('.'), ...argv, '--json'], input)
    const schema = verbs.get(name)?.result
    if (schema === undefined) throw new Error(`there is no verb ${name}`)
    const lines = out
      .split('\n')
      .filter(line => line !== '')
      .map(line => schema.parse(JSON.parse(line)) as Record<string, unknown>)
    return { code, lines, err }
  }

  /** The error of a run that fails, by its schema. */
  async error(name: string, argv: readonly string[] = [], input = '') {
    const { code, err } = await this.lines(name, argv, input)
    const last = err.trim().split('\n').at(-1) ?? ''
    return { exit: code, ...errorLine.parse(JSON.parse(last)) }
  }

  async stop(): Promise<void> {
    for (const { terminal } of this.#going) terminal.interrupt()
    await Promise.all([...this.#going].map(({ ended }) => ended))
  }
}

const homes: TestHome[] = []
const folders: string[] = []
afterEach(async () => {
  await Promise.all(homes.splice(0).map(home => home.stop()))
  await Promise.all(folders.splice(0).map(folder => rm(folder, { recursive: true, force: true })))
})

/** A home that nobody has used. It is gone after the test. */
export async function emptyHome(): Promise<TestHome> {
  const folder = await mkdtemp(join(tmpdir(), 'hearsay-test-'))
  folders.push(folder)
  const home = new TestHome(join(folder, 'home'))
  homes.push(home)
  return home
}

/** A home with an identity. */
export async function homeOf(name: string): Promise<TestHome> {
  const home = await emptyHome()
  await home.json('init', ['--name', name])
  return home
}

/** Two people who are contacts, and whose nodes run. */
export async function twoContacts(): Promise<{ readonly alice: TestHome; readonly bob: TestHome }> {
  const { alice, others } = await aliceKnows('bob')
  return { alice, bob: others[0]! }
}

/** Alice and her contacts, who do not know each other; all nodes run. */
export async function aliceKnows(
  ...names: readonly string[]
): Promise<{ readonly alice: TestHome; readonly others: readonly TestHome[] }> {
  const [alice, ...others] = await Promise.all(['alice', ...names].map(homeOf))
  if (alice === undefined) throw new Error('there is no alice')
  await Promise.all([alice, ...others].map(running))
  for (const other of others) {
    const [invite] = await alice.json('invite')
    await other.json('add', ['alice', '-', '--until', 'ready'], String(invite?.['link']))
  }
  return { alice, others }
}

/** Runs the node of a home until the end of the test. */
export async function running(home: TestHome): Promise<void> {
  await home.start(['up', '--json']).terminal.stdout.until(/"ready"/u)
}
