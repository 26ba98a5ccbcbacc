/** Verbs that need neither a node nor a home. */
import { version as packageVersion } from 'hearsay'
import { z } from 'zod'
import { line } from '../facts.ts'
import { row } from '../output/people.ts'
import { safe, words } from '../output/safe-text.ts'
import { hereVerb, parametersOf, type Verb } from '../verb.ts'

const versionLine = line('version', { version: z.string(), node: z.string(), platform: z.string() })

/** Versions, for reports. */
export const versionFact = (): z.infer<typeof versionLine> => ({
  v: 1,
  type: 'version',
  version: packageVersion,
  node: process.versions.node,
  platform: `${process.platform}-${process.arch}`
})

export const version = hereVerb({
  name: 'version',
  summary: 'show the version',
  params: {},
  result: versionLine,
  async *run() {
    yield versionFact()
  },
  text: result => words`hearsay ${safe(result.version)} (Node ${safe(result.node)}, ${safe(result.platform)})`
})

const verbLine = line('verb', {
  name: z.string(),
  summary: z.string(),
  details: z.string().nullable(),
  /** Whether RPC has it. */
  method: z.boolean(),
  arguments: z.array(z.string()),
  params: z.record(z.string(), z.unknown()),
  result: z.record(z.string(), z.unknown()),
  lists: z.boolean()
})

/** A verb with the JSON Schemas of its parameters and of each result. */
export const verbFact = (verb: Verb): z.infer<typeof verbLine> => ({
  v: 1,
  type: 'verb',
  name: verb.name,
  summary: verb.summary,
  details: verb.details ?? null,
  method: verb.where === 'node',
  arguments: [...verb.positionals],
  params: z.toJSONSchema(verb.params, { io: 'input' }),
  result: z.toJSONSchema(verb.result, { unrepresentable: 'any' }),
  lists: verb.lists
})

/** Help on verbs: for people in program.ts, for programs as JSON Schemas here. */
export const help = (verbs: () => Iterable<Verb>) =>
  hereVerb({
    name: 'help',
    summary: 'explain the verbs, or one of them',
    params: { verb: z.string().optional().meta({ description: 'a verb', rest: true }) },
    positionals: ['verb'],
    result: verbLine,
    lists: true,
    async *run({ verb: name }) {
      const wanted = name?.trim().replaceAll(/\s+/gu, '.')
      for (const verb of verbs()) {
        if (wanted === undefined || verb.name === wanted) yield verbFact(verb)
      }
    },
    text: result => row(safe(result.name.replaceAll('.', ' ')), safe(result.summary))
  })

/** How a verb is called at the prompt: `send TO TEXT [--until STATE]`. */
export function usageOf(verb: Verb): string {
  const parameters = parametersOf(verb)
  const positional = verb.positionals.flatMap(name => parameters.filter(parameter => parameter.name === name))
  const shown = positional.map(({ value, required }) => (required ? value : `[${value}]`))
  return [...verb.path, ...shown].join(' ')
}
