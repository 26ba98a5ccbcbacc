/**
 * One run of the command line: from arguments to an exit code. Nothing else in the package ends the process or
 * touches its streams.
 */
import { HearsayError } from 'hearsay'
import { completionRun } from './completion.ts'
import { exitCodeOf, exitCodes, parseParams, type ExitCode } from './failure.ts'
import type { HostOptions, NodeHost } from './host.ts'
import { Printer } from './output/printer.ts'
import { literal, type SafeText } from './output/safe-text.ts'
import { buildProgram, findCommand, parse, UsageError, type Invocation } from './program.ts'
import { ask, canAsk, readSecretFile, readStandardInput } from './secrets.ts'
import { openHost, openSession, runningSession, type Session } from './session.ts'
import { settingsOf, type Settings } from './settings.ts'
import type { Surroundings } from './surroundings.ts'
import { parametersOf, type HereContext, type HereVerb, type NodeVerb, type Verb } from './verb.ts'
import { about, bare, groups, nodeVerbs } from './verbs/index.ts'

/** Runs one command line. Never rejects. */
export async function run(argv: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  // Before anything is parsed, the only sign of how to speak is the word itself.
  const printer = new Printer(surroundings, argv.includes('--json'))
  try {
    if (argv[0] === 'complete') return await completionRun(argv, surroundings)
    await parse(
      buildProgram({
        name: 'hearsay',
        groups,
        globals: true,
        out: text => void surroundings.stdout.write(text),
        // Commander's own complaint would come without a code; ours is printed below.
        err: () => undefined,
        invoke: invocation => new Run(invocation, surroundings, printer).perform()
      }),
      isBare(argv) ? [...argv, bare.name] : argv
    )
    return exitCodes.done
  } catch (error) {
    if (printer.gone.aborted) return exitCodes.done
    printer.failure(error)
    return error instanceof UsageError ? exitCodes.usage : exitCodeOf(error)
  }
}

const valued = new Set(['--home', '--passphrase-file', '--listen', '--bootstrap'])

/** Whether a command line has no verb: options only, and none that asks for help. */
function isBare(argv: readonly string[]): boolean {
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? ''
    if (!word.startsWith('-') || ['-h', '--help', '-V', '--version', '--'].includes(word)) return false
    if (valued.has(word)) index++
  }
  return true
}

class Run {
  readonly #verb: Verb
  readonly #given: Readonly<Record<string, unknown>>
  readonly #invocation: Invocation
  readonly #surroundings: Surroundings
  readonly #printer: Printer
  readonly #interrupted = new AbortController()

  constructor(invocation: Invocation, surroundings: Surroundings, printer: Printer) {
    this.#invocation = invocation
    this.#verb = invocation.verb
    this.#given = invocation.params
    this.#surroundings = surroundings
    this.#printer = printer
  }

  /** Runs the verb to its end, or until it is interrupted. */
  async perform(): Promise<void> {
    const verb = this.#verb
    if (verb.name === 'help' && this.#invocation.options.json !== true) return this.#help()
    const params = await this.#answered(await this.#withStandardInput())
    // A schema refuses before anything is opened.
    parseParams(verb.params, params)
    const settings = await settingsOf(this.#invocation.options, this.#surroundings.environment)
    const endInterrupts = this.#surroundings.onInterrupt(() => {
      // The second time somebody means it: everything that was acknowledged is on disk already.
      if (this.#interrupted.signal.aborted) process.exit(exitCodes.failed)
      this.#interrupted.abort()
    })
    try {
      if (verb.where === 'here') await this.#runHere(verb, params, settings)
      else await this.#runOnNode(verb, params, settings)
    } finally {
      endInterrupts()
    }
  }

  get #signal(): AbortSignal {
    return AbortSignal.any([this.#interrupted.signal, this.#printer.gone])
  }

  #help(): void {
    const program = buildProgram({
      name: 'hearsay',
      groups,
      globals: true,
      out: text => void this.#surroundings.stdout.write(text),
      err: () => undefined,
      invoke: async () => undefined
    })
    const wanted = this.#given['verb']
    const words = typeof wanted === 'string' ? wanted.split(/[\s.]+/u) : []
    const command = findCommand(
      program,
      words.filter(word => word !== '')
    )
    if (command === undefined) throw new UsageError(`there is no verb "${words.join(' ')}"`)
    command.outputHelp()
  }

  /** `-` means standard input, where the verb says so. */
  async #withStandardInput(): Promise<Record<string, unknown>> {
    const params = { ...this.#given }
    for (const { name, standardInput } of parametersOf(this.#verb)) {
      if (!standardInput || params[name] !== '-') continue
      if (this.#invocation.options.passphraseFile === '-') {
        throw new UsageError('standard input cannot hold both the text and the passphrase')
      }
      params[name] = (await readStandardInput(this.#surroundings)).replace(/\r?\n$/u, '')
    }
    return params
  }

  /** Asks before what cannot be taken back, where there is somebody to ask. */
  async #answered(params: Record<string, unknown>): Promise<Record<string, unknown>> {
    const { confirm } = this.#verb
    if (confirm === undefined || params['yes'] === true || !canAsk(this.#surroundings)) return params
    const answer = await ask(confirm, this.#surroundings)
    if (!/^y(es)?$/iu.test(answer)) throw new HearsayError('ABORTED', { message: 'You said no.' })
    return { ...params, yes: true }
  }

  async #runHere(verb: HereVerb, params: unknown, settings: Settings): Promise<void> {
    const context: HereContext = {
      surroundings: this.#surroundings,
      settings,
      signal: this.#signal,
      note: words => this.#printer.note(words),
      open: options => this.#withPassphrase(settings, all => openHost({ ...all, ...options })),
      running: () => runningSession(settings.home, this.#surroundings.environment),
      session: options => this.#withPassphrase(settings, all => openSession({ ...all, ...options }))
    }
    const results = verb.run(params, context)
    if (results instanceof Promise) return results
    for await (const fact of results) await this.#printer.result(fact, verb, params)
  }

  async #runOnNode(verb: NodeVerb, params: unknown, settings: Settings): Promise<void> {
    const session = await this.#session(verb, settings)
    const note = (words: SafeText): void => this.#printer.note(words)
    try {
      const signal = AbortSignal.any([this.#signal, session.stopAsked])
      const options = { signal, note, untilClosed: verb.needs === 'running node' }
      for await (const fact of session.run(verb, params, options)) {
        await this.#printer.result(fact, verb, params)
      }
    } catch (error) {
      if (!this.#signal.aborted || !verb.lists) throw error
      // Ctrl-C is how what follows is ended: nothing has failed.
    } finally {
      await session.close()
    }
  }

  async #session(verb: NodeVerb, settings: Settings): Promise<Session> {
    if (verb.needs === 'running node') {
      const running = await runningSession(settings.home, this.#surroundings.environment)
      if (running === undefined) throw new HearsayError('NO_RUNNING_NODE')
      return running
    }
    const needs = { create: 'never', network: verb.needs === 'network', stays: false } as const
    return this.#withPassphrase(settings, all => openSession({ ...all, ...needs }))
  }

  /** Opens with the passphrase that there is; asks for one where the store wants it and somebody is there. */
  async #withPassphrase<Opened extends NodeHost | Session>(
    settings: Settings,
    open: (options: Omit<HostOptions, 'create' | 'network' | 'stays'>) => Promise<Opened>
  ): Promise<Opened> {
    const { environment } = this.#surroundings
    const base = { settings, environment, verbs: nodeVerbs, about }
    const { passphraseFile } = settings
    if (passphraseFile !== undefined) {
      return open({ ...base, passphrase: await readSecretFile(passphraseFile, this.#surroundings) })
    }
    try {
      return await open(base)
    } catch (error) {
      const locked = error instanceof HearsayError && error.code === 'PASSPHRASE_NEEDED'
      if (!locked || !canAsk(this.#surroundings)) throw error
      return open({
        ...base,
        passphrase: await ask(literal('Passphrase:'), this.#surroundings, { hidden: true })
      })
    }
  }
}
