/** TAB in the chat: verbs after `/`, options after `--`, names after `@` and `#` and wherever a verb takes one. */
import type { KnownNames } from '../program.ts'
import { parametersOf, type NamesOf, type Parameter, type Verb } from '../verb.ts'
import type { Complete } from './screen.ts'

const kebab = (name: string): string => name.replaceAll(/[A-Z]/gu, letter => `-${letter.toLowerCase()}`)

/** The verb that a line begins with, and how many words name it. */
function verbOf(words: readonly string[], verbs: ReadonlyMap<string, Verb>): Verb | undefined {
  return verbs.get(words.slice(0, 2).join('.')) ?? verbs.get(words[0] ?? '')
}

/** A name as one word of a line: in quotes where it has spaces. */
const asWord = (name: string): string => (/\s/u.test(name) ? `"${name}"` : name)

/** The names that a place in a line takes. */
function offered({ contacts, groups }: KnownNames, kind: NamesOf | undefined): readonly string[] {
  const marked = groups.map(name => `#${name}`)
  if (kind === 'contacts') return contacts.map(asWord)
  if (kind === 'groups') return [...marked, ...groups].map(asWord)
  return kind === undefined ? [] : [...contacts, ...marked].map(asWord)
}

/** Whose names the argument at a place takes; a list goes on to the end of the line. */
function kindAt(verb: Verb | undefined, at: number, parameters: readonly Parameter[]): NamesOf | undefined {
  const last = parameters.find(({ name }) => name === verb?.positionals.at(-1))
  const name = verb?.positionals[at] ?? (last?.kind === 'list' ? last.name : undefined)
  return parameters.find(parameter => parameter.name === name)?.names
}

/** Completes with the verbs and the names that there are when somebody asks. */
export const completer =
  (verbs: ReadonlyMap<string, Verb>, own: readonly string[], names: () => KnownNames): Complete =>
  line => {
    const part = /\S*$/u.exec(line)?.[0] ?? ''
    const fitting = (candidates: readonly string[]): readonly [readonly string[], string] => [
      candidates.filter(candidate => candidate.startsWith(part)),
      part
    ]
    if (line.startsWith('@') || line.startsWith('#')) {
      const known = names()
      const marked = [...known.contacts.map(name => `@${name} `), ...known.groups.map(name => `#${name} `)]
      return [marked.filter(name => name.startsWith(line)), line]
    }
    if (!line.startsWith('/')) return [[], part]
    const words = line.slice(1).split(/\s+/u)
    if (words.length === 1) {
      const known = [...verbs.values()].map(verb => `/${verb.path.join(' ')}`)
      return fitting([...known, ...own].map(name => `${name} `))
    }
    const parameters = (verb: Verb | undefined) => (verb === undefined ? [] : parametersOf(verb))
    const verb = verbOf(words, verbs)
    if (part.startsWith('-')) {
      const options = parameters(verb).filter(({ name }) => verb?.positionals.includes(name) === false)
      return fitting(options.map(({ name }) => `--${kebab(name)} `))
    }
    const taken = words.length - 1 - (verb?.path.length ?? 1)
    const kind = words[0] === 'open' ? 'conversations' : kindAt(verb, taken, parameters(verb))
    const nested = [...verbs.values()].filter(
      ({ path }) => path.length === words.length && path[0] === words[0]
    )
    return fitting([...nested.map(({ path }) => `${path.at(-1) ?? ''} `), ...offered(names(), kind)])
  }
