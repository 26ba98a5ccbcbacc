/** The project's own files as the rules read them: paths from the root with `/`, and modules as syntax trees. */
import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseAst } from 'vitest/node'

const root = new URL('../../', import.meta.url)

/** A file of the project as text. */
export const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')

/** Where a file of the project is on this machine. */
export const pathOf = (path: string): string => fileURLToPath(new URL(path, root))

/** Files under these folders whose names have this ending, sorted. */
export function filesIn(folders: readonly string[], ending: string): readonly string[] {
  return folders
    .flatMap(folder =>
      readdirSync(pathOf(folder), { recursive: true, encoding: 'utf8' }).map(
        path => `${folder}/${path.replaceAll('\\', '/')}`
      )
    )
    .filter(path => path.endsWith(ending))
    .sort()
}

/** What a module imports and names, types included. */
export interface Module {
  readonly path: string
  /** Every specifier of `import`, `export … from`, `import()` and `import('…')` types. */
  readonly imports: readonly string[]
  /** `import()` of something that is not a literal: nobody can tell what. */
  readonly isOpenEnded: boolean
  /** Names that it uses, wherever they come from; names of properties and methods are not among them. */
  readonly names: ReadonlySet<string>
  /** Whether it has `async`, `await` or `for await`. */
  readonly isAsynchronous: boolean
  /** Whether it takes `random` of `Math`, as a property or by taking it apart. */
  readonly usesChance: boolean
}

type Tree = Readonly<Record<string, unknown>> & { readonly type: string }

const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && typeof (value as Tree).type === 'string'

/** Where an identifier is only a label: `x.label`, `{ label: x }`, `label() {}`. */
const labels: Readonly<Record<string, string>> = {
  MemberExpression: 'property',
  Property: 'key',
  MethodDefinition: 'key',
  PropertyDefinition: 'key',
  TSPropertySignature: 'key',
  TSMethodSignature: 'key'
}

/** `Math.random`, `Math['random']`, and `Math` for anything but one of its properties. */
function takesChance(tree: Tree): boolean {
  if (tree.type === 'MemberExpression' && isMath(tree['object'])) {
    const property = tree['property']
    return isTree(property) && (property['name'] ?? property['value']) === 'random'
  }
  return Object.entries(tree).some(
    ([key, value]) => key !== labels[tree.type] && [value].flat().some(child => isMath(child))
  )
}

const isMath = (value: unknown): boolean =>
  isTree(value) && value.type === 'Identifier' && value['name'] === 'Math'

/** Reads a module of TypeScript. Throws where it does not parse. */
export function parseModule(path: string, source: string): Module {
  const imports = new Set<string>()
  const names = new Set<string>()
  let isOpenEnded = false
  let isAsynchronous = false
  let usesChance = false
  const visit = (tree: Tree): void => {
    if (tree.type === 'Identifier') names.add(String(tree['name']))
    if (tree['async'] === true || tree['await'] === true || tree.type === 'AwaitExpression')
      isAsynchronous = true
    if (takesChance(tree)) usesChance = true
    const from = tree['source']
    if (isTree(from)) {
      if (typeof from['value'] === 'string') imports.add(from['value'])
      else isOpenEnded = true
    }
    const label = labels[tree.type]
    for (const [key, value] of Object.entries(tree)) {
      if (key === label && tree['computed'] !== true && tree['shorthand'] !== true) continue
      for (const child of Array.isArray(value) ? value : [value]) if (isTree(child)) visit(child)
    }
  }
  visit(parseAst(source, { lang: 'ts' }) as unknown as Tree)
  return { path, imports: [...imports], isOpenEnded, names, isAsynchronous, usesChance }
}

/** A module of the project. */
export const moduleAt = (path: string): Module => parseModule(path, read(path))
