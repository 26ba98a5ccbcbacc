/** TAB in the chat: verbs after `/`, options after `--`, names after `@` and wherever a verb takes one. */
import { parametersOf, type Verb } from '../verb.ts'
import type { Complete } from './screen.ts'

const kebab = (name: string): string => name.replaceAll(/[A-Z]/gu, letter => `-${letter.toLowerCase()}`)

/** The verb that a line begins with, and how many words name it. */
function verbOf(words: readonly string[], verbs: ReadonlyMap<string, Verb>): Verb | undefined {
  return verbs.get(words.slice(0, 2).join('.')) ?? verbs.get(words[0] ?? '')
}

/** Completes with the verbs and the names that there are when somebody asks. */
export const completer =
  (verbs: ReadonlyMap<string, Verb>, own: readonly string[], names: () => readonly string[]): Complete =>
  line => {
    const part = /\S*$/u.exec(line)?.[0] ?? ''
    const fitting = (candidates: readonly string[]): readonly [readonly string[], string] => [
      candidates.filter(candidate => candidate.startsWith(part)),
      part
    ]
    if (line.startsWith('@')) {
      return [
        names()
          .map(name => `@${name} `)
          .filter(name => name.startsWith(line)),
        line
      ]
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
    const here = parameters(verb).find(({ name }) => name === verb?.positionals[taken])
    const wantsName = here?.names === true || words[0] === 'open'
    const nested = [...verbs.values()].filter(
      ({ path }) => path.length === words.length && path[0] === words[0]
    )
    return fitting([...nested.map(({ path }) => `${path.at(-1) ?? ''} `), ...(wantsName ? names() : [])])
  }
