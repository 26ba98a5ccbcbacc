/** What a typed line means: a verb, a message to somebody, or a message to the open conversation. */
import type { KnownNames } from '../program.ts'

/** The meaning of a line. `words` are those of a command line; the names of groups have their `#`. */
export type Meaning =
  | { readonly type: 'nothing' }
  | { readonly type: 'verb'; readonly words: readonly string[] }
  | { readonly type: 'open'; readonly name: string }
  | { readonly type: 'message'; readonly to: string | undefined; readonly text: string }

/** Quotes hold words together; one that nobody closes, or inside a word, is an apostrophe. */
export function wordsOf(line: string): readonly string[] {
  const words = line.matchAll(/(?<=^|\s)(?:"(?<double>[^"]*)"|'(?<single>[^']*)')(?=\s|$)|(?<bare>\S+)/gu)
  return [...words].map(({ groups }) => groups?.['double'] ?? groups?.['single'] ?? groups?.['bare'] ?? '')
}

/** Whom `@…` or `#…` means: the longest known name that it begins with, else its first word. */
function addressee(line: string, names: readonly string[]): string {
  const rest = line.slice(1)
  const known = names
    .filter(name => rest === name || rest.startsWith(`${name} `))
    .toSorted((a, b) => b.length - a.length)
  return known[0] ?? /^\S*/u.exec(rest)?.[0] ?? ''
}

/** The meaning of a line. `//` at the beginning is a message with one `/`. */
export function meaningOf(line: string, { contacts, groups }: KnownNames): Meaning {
  const trimmed = line.trim()
  if (trimmed === '') return { type: 'nothing' }
  if (trimmed.startsWith('//')) return { type: 'message', to: undefined, text: trimmed.slice(1) }
  if (trimmed.startsWith('/')) return { type: 'verb', words: wordsOf(trimmed.slice(1)) }
  const isGroup = /^#\S/u.test(trimmed)
  if (!trimmed.startsWith('@') && !isGroup) return { type: 'message', to: undefined, text: trimmed }
  const known = addressee(trimmed, isGroup ? groups : contacts)
  const name = isGroup ? `#${known}` : known
  const text = trimmed.slice(1 + known.length).trim()
  return text === '' ? { type: 'open', name } : { type: 'message', to: name, text }
}
