/** The lines that begin with `/`: the verbs, and the few that only a chat has. */
import { buildProgram, findCommand, parse, UsageError } from '../program.ts'
import type { Fact } from '../facts.ts'
import type { Paint } from '../output/paint.ts'
import { joined, literal, padded, safe, safeLines, words, type SafeText } from '../output/safe-text.ts'
import type { HereContext, NodeVerb, Verb } from '../verb.ts'
import { usageOf } from '../verbs/about.ts'
import { groups, nodeVerbs } from '../verbs/index.ts'
import { asChatLine, legend } from './view.ts'

/** What only the chat has. */
export const ownCommands: readonly string[] = ['/help', '/open', '/quit']

/** What the commands do it with. */
export interface ChatCommandsInit {
  readonly context: HereContext
  readonly paint: Paint
  readonly print: (text: SafeText) => void
  readonly run: (verb: NodeVerb, params: object) => AsyncIterable<Fact>
  readonly open: (name: string) => Promise<void>
  readonly quit: () => void
}

/** Not in the chat: it shows events as they come. */
const LEFT_OUT = new Set(['events'])

const chatGroups: ReadonlyMap<string, readonly Verb[]> = new Map(
  [...groups]
    .map(
      ([group, verbs]) =>
        [group, verbs.filter(({ name }) => nodeVerbs.has(name) && !LEFT_OUT.has(name))] as const
    )
    .filter(([, verbs]) => verbs.length > 0)
)

export class ChatCommands {
  readonly #init: ChatCommandsInit

  constructor(init: ChatCommandsInit) {
    this.#init = init
  }

  /** Runs one line's words. Throws what the verb throws, or a UsageError. */
  async run(line: readonly string[]): Promise<void> {
    const [first = '', ...rest] = line
    if (first === 'quit' || first === 'exit') return this.#init.quit()
    if (first === 'open') return this.#init.open(rest.join(' '))
    if (first === 'help' || first === '') return this.#help(rest)
    await parse(this.#program(), line)
  }

  #program() {
    const { print, run, paint } = this.#init
    return buildProgram({
      name: '/',
      groups: chatGroups,
      globals: false,
      out: text => print(joined(safeLines(text.trimEnd()), '\n')),
      err: () => undefined,
      invoke: async ({ verb, params }) => {
        const onNode = nodeVerbs.get(verb.name)
        if (onNode === undefined) return
        for await (const fact of run(onNode, params)) {
          const text = verb.text(fact, paint, params)
          // Messages are shown as they were written.
          print(fact.type === 'message' ? text : asChatLine(text))
        }
      }
    })
  }

  #help(wanted: readonly string[]): void {
    const { print, paint } = this.#init
    if (wanted.length > 0) {
      const command = findCommand(this.#program(), wanted)
      if (command === undefined) throw new UsageError(`there is no verb "${wanted.join(' ')}"`)
      return command.outputHelp()
    }
    print(literal('@NAME TEXT       write to somebody; later lines go there too'))
    print(literal('#GROUP TEXT      writes to a group'))
    print(literal('@NAME or #GROUP  or /open NAME: open a conversation and show its last messages'))
    for (const [group, verbs] of chatGroups) {
      const usages = verbs.map(verb => safe(`/${usageOf(verb)}`))
      print(words`${paint('bold', padded(safe(group), 17))}${joined(wrapped(usages), '\n')}`)
    }
    print(words`${paint('bold', padded(literal('Chat'), 17))}/help VERB  /open NAME  /quit`)
    print(paint('dim', legend))
  }
}

const HELP_COLUMNS = 60

/** Usages in rows that fit a terminal of 80 columns. */
function wrapped(usages: readonly SafeText[]): readonly SafeText[] {
  const rows: SafeText[] = []
  for (const usage of usages) {
    const last = rows.at(-1)
    if (last !== undefined && last.length + usage.length + 2 <= HELP_COLUMNS) {
      rows[rows.length - 1] = words`${last}  ${usage}`
    } else rows.push(rows.length === 0 ? usage : words`                 ${usage}`)
  }
  return rows
}
