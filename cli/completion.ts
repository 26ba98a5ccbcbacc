/**
 * Completion for bash, zsh and fish: `hearsay completion SHELL` prints the script, which calls back with
 * `hearsay complete -- WORDS…` for every TAB. Names of contacts and groups come from the running node, if there is one: a TAB
 * never starts a node.
 */
import completeCommander from '@bomb.sh/tab/commander'
import { z } from 'zod'
import type { ExitCode } from './failure.ts'
import { exitCodes } from './failure.ts'
import { buildProgram, parse, type KnownNames } from './program.ts'
import { runningSession, type Session } from './session.ts'
import { homeOf } from './settings.ts'
import type { Surroundings } from './surroundings.ts'
import type { NodeVerb } from './verb.ts'
import { contacts } from './verbs/contacts.ts'
import { listGroups } from './verbs/groups.ts'
import { groups } from './verbs/index.ts'

const NAMES_MAX_MS = 500
const named = z.object({ name: z.string() })

const nobody: KnownNames = { contacts: [], groups: [] }

/** The names that a TAB may offer: those that a shell shows and takes as one plain word. */
async function knownNames(argv: readonly string[], surroundings: Surroundings): Promise<KnownNames> {
  const at = argv.indexOf('--home')
  const home = homeOf(at < 0 ? undefined : argv[at + 1], surroundings.environment)
  try {
    const session = await runningSession(home, surroundings.environment)
    if (session === undefined) return nobody
    const signal = AbortSignal.timeout(NAMES_MAX_MS)
    return {
      contacts: await namesFrom(session, contacts, signal),
      groups: await namesFrom(session, listGroups, signal)
    }
  } catch {
    // No names, then: completion is a courtesy.
    return nobody
  }
}

async function namesFrom(session: Session, verb: NodeVerb, signal: AbortSignal): Promise<readonly string[]> {
  const names: string[] = []
  for await (const fact of session.run(verb, {}, { signal, note: () => undefined })) {
    names.push(named.parse(fact).name)
  }
  return names.filter(name => /^[\p{L}\p{N}_.+-]+$/u.test(name))
}

/** Prints a script, or what completes the words so far. */
export async function completionRun(argv: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const known = argv[0] === 'complete' ? await knownNames(argv, surroundings) : nobody
  const program = buildProgram({
    name: 'hearsay',
    // The library adds its own command of this name, which prints the script.
    groups: new Map(
      [...groups].map(([group, verbs]) => [group, verbs.filter(({ name }) => name !== 'completion')])
    ),
    globals: true,
    known,
    out: text => void surroundings.stdout.write(text),
    err: text => void surroundings.stderr.write(text),
    invoke: async () => undefined
  })
  completeCommander(program, { completionCommandName: 'completion' })
  await parse(program, argv)
  return exitCodes.done
}
