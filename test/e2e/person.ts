/**
 * A person of a story: a home, and the command line in processes of its own, as package.json starts it.
 *
 * Every line of `--json` that a process prints is held to the contract.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Child, type Ended } from './child.ts'
import { isLine, parseLine, type Line, type LineOf, type LineType } from './contract.ts'
import { ControlClient } from './control-client.ts'

export const root = fileURLToPath(new URL('../../', import.meta.url))

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>
}

/** What `npm run -s hearsay` runs, with the Node that runs this test. */
const [, ...program] = scripts['hearsay']!.split(' ')

/** How a person's processes are started, beside the arguments. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv
  /** Options of every command: `--listen …`, `--no-dht`. */
  readonly shape?: readonly string[]
  /** What stands before the command: `ip netns exec …`. */
  readonly prefix?: readonly string[]
  /** Options of Node itself. */
  readonly node?: readonly string[]
}

/** What is told to whoever wants to know what was started. */
export type Register = (child: Child) => Child

/** How a command ended and what it printed. */
export interface Outcome extends Ended {
  readonly lines: readonly Line[]
  /** The line of the failure, which is on standard error. */
  readonly error: LineOf<'error'> | undefined
  readonly stderr: string
}

function failureIn(stderr: string): LineOf<'error'> | undefined {
  const text = stderr.split('\n').findLast(line => line.startsWith('{'))
  return text === undefined ? undefined : (parseLine(text) as LineOf<'error'>)
}

export class Person {
  readonly name: string
  readonly home: string
  shape: readonly string[]
  readonly #surroundings: Surroundings
  readonly #register: Register

  constructor(name: string, home: string, surroundings: Surroundings, register: Register) {
    this.name = name
    this.home = home
    this.shape = surroundings.shape ?? []
    this.#surroundings = surroundings
    this.#register = register
  }

  /** Starts a command of this home with `--json`. */
  start(args: readonly string[], options: { input?: string; onLine?: (line: Line) => void } = {}): Talker {
    const { env, prefix = [], node = [] } = this.#surroundings
    const command = [
      ...prefix,
      process.execPath,
      ...node,
      ...program,
      ...args,
      '--home',
      this.home,
      '--json',
      ...this.shape
    ]
    const talker = new Talker(command, env, options)
    this.#register(talker)
    return talker
  }

  /** Runs a command to its end, whatever it is. */
  async run(args: readonly string[], input?: string): Promise<Outcome> {
    const child = this.start(args, input === undefined ? {} : { input })
    const ended = await child.ended
    child.check()
    return { ...ended, lines: child.facts, error: failureIn(child.stderr), stderr: child.stderr }
  }

  /** Runs a command that must succeed. */
  async ask(...args: readonly string[]): Promise<readonly Line[]> {
    const child = this.start(args)
    const { code } = await child.ended
    child.check()
    if (code !== 0) throw new Error(`This should have succeeded.\n${child.describe()}`)
    return child.facts
  }

  /** Runs a command that must succeed and print one line of this type. */
  async one<Type extends LineType>(type: Type, ...args: readonly string[]): Promise<LineOf<Type>> {
    const lines = await this.ask(...args)
    const [line] = lines
    if (lines.length !== 1 || line?.type !== type)
      throw new Error(`${args.join(' ')} was to print one ${type} line: ${JSON.stringify(lines)}`)
    return line as LineOf<Type>
  }

  /** Runs a command that must fail with a code, end with 1 and print nothing else. */
  async refused(...args: readonly string[]): Promise<LineOf<'error'>> {
    const { code, lines, error, stderr } = await this.run(args)
    if (code !== 1 || lines.length > 0 || error === undefined)
      throw new Error(
        `${args.join(' ')} was to fail with a code: ${code} ${JSON.stringify(lines)}\n${stderr}`
      )
    return error
  }

  init(...args: readonly string[]): Promise<LineOf<'identity'>> {
    return this.one('identity', 'init', '--name', this.name, '--no-passphrase', ...args)
  }

  /** The last messages of a conversation, by a command that does without the network. */
  async history(to: string, limit = 10_000): Promise<LineOf<'message'>[]> {
    const lines = await this.ask('tail', to, '--limit', String(limit), '--offline')
    return lines.filter(isLine('message'))
  }

  /** Starts the node and waits until it is ready. */
  async up(options: { onLine?: (line: Line) => void } = {}): Promise<RunningNode> {
    const child = this.start(['up'], options)
    return new RunningNode(child, await child.line('ready'))
  }
}

/** A command of Hearsay that prints lines. */
export class Talker extends Child {
  readonly facts: Line[]

  constructor(
    command: readonly string[],
    env: NodeJS.ProcessEnv,
    options: { input?: string; onLine?: (line: Line) => void }
  ) {
    const facts: Line[] = []
    super({
      command,
      env,
      cwd: root,
      ...(options.input === undefined ? {} : { input: options.input }),
      onLine(text) {
        const line = parseLine(text)
        facts.push(line)
        options.onLine?.(line)
      }
    })
    this.facts = facts
  }

  /** The first line of a type, printed or yet to come, that fits. */
  line<Type extends LineType>(
    type: Type,
    fits: (line: LineOf<Type>) => boolean = () => true
  ): Promise<LineOf<Type>> {
    let next = 0
    return this.until(`a line ${type}`, () => {
      while (next < this.facts.length) {
        const line = this.facts[next++]!
        if (line.type === type && fits(line as LineOf<Type>)) return line as LineOf<Type>
      }
      return undefined
    })
  }
}

/** A node that runs: `up`. */
export class RunningNode {
  readonly child: Talker
  readonly ready: LineOf<'ready'>

  constructor(child: Talker, ready: LineOf<'ready'>) {
    this.child = child
    this.ready = ready
  }

  /** The first address, with the peer id in it. */
  get address(): string {
    const [address] = this.ready.addresses
    if (address === undefined) throw new Error(`The node has no address.\n${this.child.describe()}`)
    return address
  }

  get port(): number {
    return Number(/\/tcp\/(\d+)/u.exec(this.address)?.[1])
  }

  control(): Promise<ControlClient> {
    return ControlClient.connect(this.ready.socket)
  }

  /** Asks the node to stop, as Ctrl-C does; it must end well. */
  async stop(): Promise<void> {
    this.child.kill('SIGINT')
    const { code } = await this.child.ended
    this.child.check()
    if (code !== 0) throw new Error(`The node did not end well.\n${this.child.describe()}`)
  }

  /** Ends the process in the middle of whatever it does. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.child.ended
  }
}
