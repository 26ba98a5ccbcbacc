/**
 * The verbs as commands (commander): names, arguments, options and help, all from the verbs' definitions. The
 * chat parses its `/verb` lines with the same program.
 */
import { Argument, Command, CommanderError, Option } from 'commander'
import { HearsayError, version } from 'hearsay'
import type { GlobalOptions } from './settings.ts'
import { parametersOf, type Parameter, type Verb } from './verb.ts'

/** What a command line asks for. */
export interface Invocation {
  readonly verb: Verb
  readonly params: Readonly<Record<string, unknown>>
  readonly options: GlobalOptions
}

/** The names that a shell may offer. */
export interface KnownNames {
  readonly contacts: readonly string[]
  readonly groups: readonly string[]
}

/** Where help and complaints go, and what to do with what was asked. */
export interface ProgramInit {
  readonly name: string
  readonly groups: ReadonlyMap<string, readonly Verb[]>
  /** Known names, offered by completion. */
  readonly known?: KnownNames
  /** Without them the chat's lines have no global options. */
  readonly globals: boolean
  out(text: string): void
  err(text: string): void
  invoke(invocation: Invocation): Promise<void>
}

const kebab = (name: string): string => name.replaceAll(/[A-Z]/gu, letter => `-${letter.toLowerCase()}`)

const wholeNumber = (text: string): number | string => (/^\d{1,15}$/u.test(text) ? Number(text) : text)

const collected = (value: string, before: unknown): readonly string[] => [
  ...(Array.isArray(before) ? (before as string[]) : []),
  value
]

function option(parameter: Parameter): Option {
  const { name, kind, description, choices, value } = parameter
  const byDefault = parameter.default
  const said = typeof byDefault === 'string' || typeof byDefault === 'number' ? ` (default ${byDefault})` : ''
  if (kind === 'flag') return new Option(`--${byDefault === true ? 'no-' : ''}${kebab(name)}`, description)
  const valued = new Option(`--${kebab(name)} <${value}>`, `${description}${said}`)
  if (choices.length > 0) valued.choices(choices)
  if (kind === 'number') valued.argParser(wholeNumber)
  if (kind === 'list') valued.argParser(collected)
  return valued
}

function argument(
  { value, required, rest, description, names, choices, kind }: Parameter,
  known: KnownNames | undefined
): Argument {
  const shown = rest || kind === 'list' ? `${value}...` : value
  const made = new Argument(required ? `<${shown}>` : `[${shown}]`, description)
  if (choices.length > 0) made.choices(choices)
  // Completion only: whom a name means, and whether it means anybody, the node decides.
  // A shell takes `#name` for a comment, so where that is due it is left to be typed in quotes.
  const offered = names === undefined ? [] : (known?.[names === 'groups' ? 'groups' : 'contacts'] ?? [])
  if (offered.length > 0) made.argChoices = [...offered]
  return made
}

/** The options that shape the node and the output; every command takes them, before or after the verb. */
function globalOptions(): readonly Option[] {
  return [
    new Option('--home <DIR>', 'the profile (or HEARSAY_HOME)'),
    new Option('--json', 'one JSON object a line'),
    new Option('--passphrase-file <FILE>', 'the passphrase of the store; - is standard input'),
    new Option('--listen <ADDR>', 'listen here; repeatable').argParser(collected),
    new Option('--bootstrap <ADDR>', 'begin here; repeatable').argParser(collected),
    new Option('--no-dht', 'without the DHT'),
    new Option('--no-mdns', 'without neighbours on the local network'),
    new Option('--offline', 'without any network')
  ]
}

const globalNames = new Set(globalOptions().map(each => each.attributeName()))

/** The global options that somebody gave, wherever they stand. */
function globalsOf(command: Command): GlobalOptions {
  const given: Record<string, unknown> = {}
  for (let at: Command | null = command; at !== null; at = at.parent) {
    for (const [name, value] of Object.entries(at.opts())) {
      if (!globalNames.has(name) || at.getOptionValueSource(name) !== 'cli') continue
      if (Array.isArray(value) && Array.isArray(given[name])) given[name] = [...value, ...given[name]]
      else given[name] ??= value
    }
  }
  return given
}

/** The parameters of a verb that the command line gave; the others have the defaults of its schema. */
function paramsOf(command: Command, parameters: readonly Parameter[], verb: Verb): Record<string, unknown> {
  const params: Record<string, unknown> = {}
  for (const [index, name] of verb.positionals.entries()) {
    const value: unknown = command.processedArgs[index]
    const listed = parameters.some(each => each.name === name && each.kind === 'list')
    if (Array.isArray(value) && value.length === 0) continue
    params[name] = Array.isArray(value) && !listed ? value.join(' ') : value
  }
  for (const { name } of parameters) {
    if (command.getOptionValueSource(name) === 'cli') params[name] = command.getOptionValue(name)
  }
  return Object.fromEntries(Object.entries(params).filter(([, value]) => value !== undefined))
}

function addVerb(parent: Command, verb: Verb, group: string, init: ProgramInit): void {
  const command = new Command(verb.path.at(-1) ?? verb.name)
  // What a parent decided about errors and output holds for its commands too.
  command.copyInheritedSettings(parent).helpOption('-h, --help', 'explain this verb').helpCommand(false)
  command.summary(verb.summary).helpGroup(`${group}:`)
  // A shell shows one line beside a candidate.
  const described = init.known === undefined ? [verb.summary, verb.details] : [verb.summary]
  command.description(described.filter(text => text !== undefined).join('\n\n'))
  const parameters = parametersOf(verb)
  for (const name of verb.positionals) {
    const parameter = parameters.find(each => each.name === name)
    if (parameter !== undefined) command.addArgument(argument(parameter, init.known))
  }
  for (const parameter of parameters) {
    if (!verb.positionals.includes(parameter.name)) command.addOption(option(parameter))
  }
  if (init.globals) for (const each of globalOptions()) command.addOption(each.helpGroup('Global options:'))
  command.action(() =>
    init.invoke({ verb, params: paramsOf(command, parameters, verb), options: globalsOf(command) })
  )
  parent.addCommand(command)
}

/** A first word that is no verb by itself: `group` in `group create`. */
function addFamily(program: Command, name: string, group: string, init: ProgramInit): Command {
  const verbs = [...init.groups.values()].flat().filter(({ path }) => path.length > 1 && path[0] === name)
  const names = verbs.map(({ path }) => path.at(-1)).join(', ')
  const family = new Command(name)
    .copyInheritedSettings(program)
    .helpOption('-h, --help', 'explain these verbs')
    .helpCommand(false)
    .description(names)
    .helpGroup(`${group}:`)
    .argument('[verb...]')
  if (init.globals) for (const each of globalOptions()) family.addOption(each.helpGroup('Global options:'))
  family.action((words: readonly string[]) => {
    const [word] = words
    throw new UsageError(
      word === undefined
        ? `${name} takes a verb: ${names}`
        : `there is no verb "${name} ${word}"; there are ${names}`
    )
  })
  program.addCommand(family)
  return family
}

/** The program. Parsing throws a CommanderError; see `parse`. */
export function buildProgram(init: ProgramInit): Command {
  const program = new Command(init.name)
    .description('A messenger that nobody can switch off. Without a verb it opens the chat.')
    .exitOverride()
    .helpCommand(false)
    .showHelpAfterError(false)
    .configureOutput({ writeOut: text => init.out(text), writeErr: text => init.err(text) })
  if (init.globals) {
    program.version(version, '-V, --version', 'show the version')
    for (const each of globalOptions()) program.addOption(each)
  }
  const made = new Map<string, Command>()
  for (const [group, verbs] of init.groups) {
    for (const verb of verbs) {
      const [first = ''] = verb.path
      if (verb.path.length > 1 && !made.has(first)) made.set(first, addFamily(program, first, group, init))
      addVerb(made.get(first) ?? program, verb, group, init)
      const added = program.commands.at(-1)
      if (verb.path.length === 1 && added !== undefined) made.set(verb.name, added)
    }
  }
  return program
}

/** The command that words name: `invites revoke`. */
export function findCommand(program: Command, words: readonly string[]): Command | undefined {
  let found: Command | undefined = program
  for (const word of words) found = found?.commands.find(command => command.name() === word)
  return found
}

/**
 * Runs a command line. Help that was asked for is written and is no failure.
 * @throws UsageError for what is no command; else what `invoke` throws
 */
export async function parse(program: Command, argv: readonly string[]): Promise<void> {
  try {
    await program.parseAsync([...argv], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return
    throw new UsageError(error.message.replace(/^error: /u, ''), error)
  }
}

/** A command line that means nothing. */
export class UsageError extends HearsayError {
  constructor(message: string, cause?: unknown) {
    const said = message.replaceAll(/\s+/gu, ' ').trim()
    super('INVALID_ARGUMENT', { message: /[.)]$/u.test(said) ? said : `${said}.`, cause })
  }
}
