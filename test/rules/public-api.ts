/**
 * The public API as text: what each entry of the package exports, with its signature as the source has it. What a
 * body does is not part of it, nor is what is `#private`.
 */
import { posix } from 'node:path'
import { parseAst } from 'vitest/node'
import { read } from './sources.ts'

interface Tree {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

interface Source {
  readonly path: string
  readonly text: string
  readonly body: readonly Tree[]
}

function load(path: string): Source {
  const text = read(path)
  const program = parseAst(text, { lang: 'ts' }) as unknown as { readonly body: readonly Tree[] }
  return { path, text, body: program.body }
}

const nameOf = (tree: unknown): string => {
  const { name, value } = tree as { name?: string; value?: string }
  return name ?? value ?? ''
}

/** Text without comments, and without the lines that this leaves empty. */
const bare = (text: string): string =>
  text
    .replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '')
    .split('\n')
    .map(line => line.trimEnd())
    .filter(line => line !== '')
    .join('\n')

function memberOf(member: Tree, text: string): readonly string[] {
  const key = member['key'] as Tree | undefined
  if (key?.type === 'PrivateIdentifier' || member['accessibility'] === 'private') return []
  if (member.type === 'MethodDefinition') {
    const { body } = member['value'] as { body: Tree | null }
    return [bare(text.slice(member.start, body?.start ?? member.end))]
  }
  const value = member['value'] as Tree | null | undefined
  return [bare(text.slice(member.start, value?.start ?? member.end)).replace(/ =$/, '')]
}

/** A declaration as its callers see it. */
function signature(declaration: Tree, name: string, text: string): string {
  const bodyOf = (tree: Tree): Tree | undefined => (tree['body'] as Tree | null) ?? undefined
  switch (declaration.type) {
    case 'FunctionDeclaration':
      return bare(text.slice(declaration.start, bodyOf(declaration)?.start ?? declaration.end))
    case 'ClassDeclaration': {
      const body = bodyOf(declaration)!
      const members = (body['body'] as readonly Tree[]).flatMap(member => memberOf(member, text))
      return [bare(text.slice(declaration.start, body.start)), ...members.map(each => `  ${each}`)].join('\n')
    }
    case 'VariableDeclaration': {
      const declarator = (declaration['declarations'] as readonly Tree[]).find(
        each => nameOf(each['id']) === name
      )!
      const init = declarator['init'] as Tree
      if (init.type === 'ArrowFunctionExpression')
        return `const ${bare(text.slice(declarator.start, bodyOf(init)!.start))}`.replace(/ =>[ (]*$/, '')
      if (init.type === 'Literal') return `const ${bare(text.slice(declarator.start, declarator.end))}`
      const id = declarator['id'] as Tree
      return `const ${bare(text.slice(id.start, id.end))}`
    }
    default:
      return bare(text.slice(declaration.start, declaration.end))
  }
}

/** What can be named and not made or called: a class becomes a type; functions and constants are not passed on. */
function asTypes(found: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const types = [...found].filter(([, text]) => !/^(?:(?:async )?function|const) /.test(text))
  return new Map(types.map(([name, text]) => [name, text.replace(/^class /, 'type of class ')]))
}

/** What a module declares or takes from elsewhere under this name, as a signature. */
function find(path: string, name: string): string {
  const source = load(path)
  for (const statement of source.body) {
    const declaration = (statement['declaration'] ?? statement) as Tree
    const declared =
      declaration.type === 'VariableDeclaration'
        ? (declaration['declarations'] as readonly Tree[]).map(each => nameOf(each['id']))
        : [nameOf(declaration['id'] ?? {})]
    if (declared.includes(name)) return signature(declaration, name, source.text)
  }
  const found = exportsOf(path).get(name)
  if (found === undefined) throw new Error(`${path} has no ${name}`)
  return found
}

/** Every export of a module with its signature, what it passes on from others included. */
export function exportsOf(path: string): ReadonlyMap<string, string> {
  const { body, text } = load(path)
  const all = new Map<string, string>()
  for (const statement of body) {
    if (!statement.type.startsWith('Export')) continue
    const from = statement['source'] as { value: string } | null | undefined
    const target = from == null ? path : posix.join(posix.dirname(path), from.value)
    const specifiers = (statement['specifiers'] ?? []) as readonly Tree[]
    const passed =
      statement.type === 'ExportAllDeclaration'
        ? exportsOf(target)
        : new Map(specifiers.map(each => [nameOf(each['exported']), find(target, nameOf(each['local']))]))
    for (const [name, found] of statement['exportKind'] === 'type' ? asTypes(passed) : passed)
      all.set(name, found)
    const declaration = statement['declaration'] as Tree | null | undefined
    if (declaration == null) continue
    const names =
      declaration.type === 'VariableDeclaration'
        ? (declaration['declarations'] as readonly Tree[]).map(each => nameOf(each['id']))
        : [nameOf(declaration['id'])]
    for (const name of names) all.set(name, signature(declaration, name, text))
  }
  return all
}
