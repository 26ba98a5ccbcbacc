/**
 * A verb, defined once. From its definition come the command (program.ts), the line in the chat (`/verb`), the RPC
 * method (rpc/server.ts), the schema and the help.
 *
 * Always true: `run` and `text` never see a parameter or a result that its schema refuses.
 */
import type { HearsayNode } from 'hearsay'
import { z } from 'zod'
import type { Fact } from './facts.ts'
import { parseParams } from './failure.ts'
import type { Paint } from './output/paint.ts'
import type { SafeText } from './output/safe-text.ts'
import type { HostOptions, NodeHost } from './host.ts'
import type { Session } from './session.ts'
import type { Settings } from './settings.ts'
import type { Surroundings } from './surroundings.ts'

/** Whose names may stand for a parameter: `conversations` are contacts, and groups with a `#`. */
export type NamesOf = 'contacts' | 'groups' | 'conversations'

/** What a parameter's `meta` says beside its schema. */
declare module 'zod' {
  interface GlobalMeta {
    /** How help calls the value: `NAME`, `DURATION`. */
    value?: string
    /** Takes all remaining words of the command line, joined with spaces. */
    rest?: boolean
    /** `-` stands for standard input on the command line. */
    standardInput?: boolean
    /** Whose names complete it. */
    names?: NamesOf
  }
}

/** The process that runs the node, as a verb sees it. */
export interface Host {
  readonly home: string
  /** `up` and the chat stay; a command leaves when it is done. */
  readonly stays: boolean
  /** When the node began to start, by this machine's clock: what arrived before belongs to the past. */
  readonly startedAt: number
  /** Whether it has a network at all. */
  readonly online: boolean
  /** Where it answers; undefined while it does not. */
  readonly socket: string | undefined
  /** Asks the process to stop its node and end. Returns at once. */
  stop(): void
}

/** What a verb that works on a node is given. */
export interface Context {
  readonly node: HearsayNode
  readonly host: Host
  readonly signal: AbortSignal
  /** Tells the person who waits what is going on; never a result. */
  readonly note: (words: SafeText) => void
}

/** What a verb that works on this process and its home is given. */
export interface HereContext {
  readonly surroundings: Surroundings
  readonly settings: Settings
  readonly signal: AbortSignal
  /** Runs the node of this home in this process. */
  readonly open: (
    options: Pick<HostOptions, 'create' | 'network' | 'stays' | 'name' | 'phrase' | 'passphrase' | 'link'>
  ) => Promise<NodeHost>
  /** Uses the running node of this home, or runs one in this process. */
  readonly session: (options: Pick<HostOptions, 'create' | 'network' | 'stays' | 'name'>) => Promise<Session>
  /** The running node of this home, if there is one. */
  readonly running: () => Promise<Session | undefined>
  readonly note: (words: SafeText) => void
}

type Results<Result> = AsyncIterable<Result>

interface Definition<Shape extends z.ZodRawShape, Result extends Fact> {
  /** As RPC calls it: `invites.revoke`. The words of the command are the same, with spaces. */
  readonly name: string
  readonly summary: string
  /** More for `--help`: what to know before using it. */
  readonly details?: string
  /** Parameters in camelCase; those in `positionals` are arguments, in this order, the others options. */
  readonly params: Shape
  readonly positionals?: readonly (keyof Shape & string)[]
  /** The schema of each result. */
  readonly result: z.ZodType<Result>
  /** RPC answers with a list instead of one object. */
  readonly lists?: boolean
  /** Asked at the prompt before it runs; without a terminal `--yes` answers. The verb has a parameter `yes`. */
  readonly confirm?: SafeText
  /** What a person reads for one result; several lines are joined by line breaks. */
  text(result: Result, paint: Paint, params: z.output<z.ZodObject<Shape>>): SafeText
}

interface NodeDefinition<Shape extends z.ZodRawShape, Result extends Fact> extends Definition<Shape, Result> {
  /** What it needs when no node runs: one with a network, one without, or it fails with NO_RUNNING_NODE. */
  readonly needs: 'network' | 'node' | 'running node'
  run(params: z.output<z.ZodObject<Shape>>, context: Context): Results<Result>
}

interface HereDefinition<Shape extends z.ZodRawShape, Result extends Fact> extends Definition<Shape, Result> {
  /** A verb that takes the whole terminal over has no results. */
  run(params: z.output<z.ZodObject<Shape>>, context: HereContext): Results<Result> | Promise<void>
}

/** One parameter as its JSON Schema describes it. */
export interface Parameter {
  readonly name: string
  readonly required: boolean
  readonly description: string
  readonly kind: 'text' | 'flag' | 'number' | 'list'
  readonly choices: readonly string[]
  readonly default?: unknown
  readonly value: string
  readonly rest: boolean
  readonly standardInput: boolean
  readonly names?: NamesOf | undefined
}

interface Erased {
  readonly name: string
  readonly path: readonly string[]
  readonly summary: string
  readonly details: string | undefined
  readonly positionals: readonly string[]
  readonly lists: boolean
  readonly confirm: SafeText | undefined
  readonly params: z.ZodObject
  readonly result: z.ZodType
  /** Throws a ZodError when the result or the parameters are not of this verb. */
  text(result: unknown, paint: Paint, params: unknown): SafeText
}

/** A verb that works on a node: in this process or through the socket of the running one. */
export interface NodeVerb extends Erased {
  readonly where: 'node'
  readonly needs: 'network' | 'node' | 'running node'
  /** Throws a ParameterError when the parameters do not fit. */
  run(params: unknown, context: Context): Results<Fact>
}

/** A verb that works on this process and its home, never through RPC. */
export interface HereVerb extends Erased {
  readonly where: 'here'
  run(params: unknown, context: HereContext): Results<Fact> | Promise<void>
}

export type Verb = NodeVerb | HereVerb

function erased<Shape extends z.ZodRawShape, Result extends Fact>(
  definition: Definition<Shape, Result>
): Erased {
  const { name, summary, details, positionals = [], lists = false, confirm, result } = definition
  const schema = z.strictObject(definition.params)
  return {
    name,
    path: name.split('.'),
    summary,
    details,
    positionals,
    lists,
    confirm,
    params: schema,
    result,
    text: (value, paint, params) => definition.text(result.parse(value), paint, schema.parse(params))
  }
}

/** Defines a verb that works on a node. */
export function nodeVerb<Shape extends z.ZodRawShape, Result extends Fact>(
  definition: NodeDefinition<Shape, Result>
): NodeVerb {
  const schema = z.strictObject(definition.params)
  return {
    ...erased(definition),
    where: 'node',
    needs: definition.needs,
    run: (params, context) => definition.run(parseParams(schema, params), context)
  }
}

/** Defines a verb that works on this process and its home. */
export function hereVerb<Shape extends z.ZodRawShape, Result extends Fact>(
  definition: HereDefinition<Shape, Result>
): HereVerb {
  const schema = z.strictObject(definition.params)
  return {
    ...erased(definition),
    where: 'here',
    run: (params, context) => definition.run(parseParams(schema, params), context)
  }
}

const parameterSchema = z.looseObject({
  type: z.string().optional(),
  description: z.string().default(''),
  enum: z.array(z.string()).default([]),
  default: z.unknown().optional(),
  value: z.string().optional(),
  rest: z.boolean().default(false),
  standardInput: z.boolean().default(false),
  names: z.enum(['contacts', 'groups', 'conversations']).optional()
})

const kinds: Readonly<Record<string, Parameter['kind']>> = {
  boolean: 'flag',
  integer: 'number',
  number: 'number',
  array: 'list'
}

/** The parameters of a verb, in the order of its definition. */
export function parametersOf(verb: Verb): readonly Parameter[] {
  const schema = z.toJSONSchema(verb.params, { io: 'input' })
  return Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const {
      type = 'string',
      enum: choices,
      value = name.toUpperCase(),
      ...rest
    } = parameterSchema.parse(property)
    const required = schema.required?.includes(name) ?? false
    return { ...rest, name, required, kind: kinds[type] ?? 'text', choices, value }
  })
}
