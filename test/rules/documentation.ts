/** The pages of the project as the rules read them: code blocks, links, and the commands that they show. */
import { posix } from 'node:path'
import { filesIn, read } from './sources.ts'

/** Every page of prose, from the root. */
export const pages: readonly string[] = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  ...filesIn(['docs', 'specs'], '.md')
]

/** A fenced block. */
export interface Block {
  readonly page: string
  readonly line: number
  readonly language: string
  readonly text: string
}

/** The fenced blocks of a page. */
export function blocksOf(page: string, text = read(page)): readonly Block[] {
  const found = text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)
  return [...found].map(({ 0: whole, 1: language = '', 2: content = '', index }) => ({
    page,
    line: text.slice(0, index).split('\n').length,
    language,
    text: whole === '' ? '' : content
  }))
}

/** The relative links of a page that lead to no file or heading. */
export function brokenLinks(
  page: string,
  has: (path: string) => boolean,
  text = read(page)
): readonly string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```$/gm, '')
  const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!)
  return links
    .filter(target => !/^[a-z]+:/.test(target))
    .filter(target => {
      const [path = '', heading] = target.split('#')
      const file = path === '' ? page : posix.normalize(posix.join(posix.dirname(page), path))
      if (!has(file)) return true
      return heading !== undefined && !headingsOf(file === page ? text : read(file)).has(heading)
    })
}

/** The headings of a page, as links name them. */
const headingsOf = (text: string): ReadonlySet<string> =>
  new Set(
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
      heading!
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, '')
        .replaceAll(' ', '-')
    )
  )

/**
 * The commands of Hearsay that a page tells people to type: what follows `hearsay` or `npm run -s hearsay --` at
 * the beginning of a line of a block or of inline code.
 */
export function commandsOf(text: string): readonly string[] {
  const blocks = [...text.matchAll(/^```(?:console|sh)?\n([\s\S]*?)^```$/gm)].flatMap(([, block]) =>
    block!.split('\n').map(line => line.replace(/^\$ /, ''))
  )
  const indented = [...text.matchAll(/^ {4}(.+)$/gm)].map(([, line]) => line!)
  const inline = [...text.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code!)
  return [...blocks, ...indented, ...inline].flatMap(
    line => /^(?:hearsay|npm run -s hearsay --) (.+)$/.exec(line)?.[1] ?? []
  )
}

/** The scripts of package.json that a page names. */
export const scriptsOf = (text: string): readonly string[] =>
  [...text.matchAll(/\bnpm (?:run (?:-s )?([\w:]+)|(test|start)\b)/g)].map(
    ([, script, short]) => script ?? short!
  )
