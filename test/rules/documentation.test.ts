/** What the pages say is so: programs type-check, commands exist, links lead somewhere. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { verbs } from '../../cli/verbs/index.ts'
import { parametersOf, type Verb } from '../../cli/verb.ts'
import { blocksOf, brokenLinks, commandsOf, pages, scriptsOf, type Block } from './documentation.ts'
import { filesIn, pathOf, read } from './sources.ts'

const has = (path: string): boolean => existsSync(pathOf(path))

/** Type-checks programs as somebody would who has installed the package; resolves to what the compiler says. */
async function typeCheck(blocks: readonly Block[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hearsay-docs-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const files = blocks.map(({ page, line, text }) => [
    `${page.replaceAll(/[^\w]/g, '-')}-line-${line}.ts`,
    // A block is a module, with its own names.
    `${text}\nexport {}\n`
  ])
  for (const [name, text] of files) await writeFile(join(folder, name!), text!)
  const packages = { '': 'index.ts', '/mls': 'crypto/mls/index.ts', '/testing': 'testing/index.ts' }
  const paths = Object.entries(packages).map(([entry, file]) => [`hearsay${entry}`, [pathOf(`src/${file}`)]])
  const settings = {
    extends: pathOf('tsconfig.json'),
    compilerOptions: {
      paths: { ...Object.fromEntries(paths), '*': [pathOf('node_modules/*')] },
      typeRoots: [pathOf('node_modules/@types')],
      // Pages about tests show them as they stand in a test file.
      types: ['node', pathOf('node_modules/vitest/globals')],
      noUnusedLocals: false
    },
    include: ['*.ts']
  }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(settings))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  const compiler = pathOf('node_modules/typescript/bin/tsc')
  const { stdout } = await promisify(execFile)(process.execPath, [compiler, '-p', folder]).catch(
    (error: { stdout: string }) => error
  )
  return stdout
}

test('the check of programs sees a wrong one', async () => {
  const wrong = {
    page: 'x.md',
    line: 1,
    language: 'ts',
    text: `import { createNode } from 'hearsay'\ncreateNode(1)`
  }
  expect(await typeCheck([wrong])).toContain('x-md-line-1.ts(2,12): error TS')
})

test('every program on a page type-checks', async () => {
  const programs = pages.flatMap(page => blocksOf(page)).filter(({ language }) => language === 'ts')
  const inSources = ['src/index.ts', 'src/crypto/mls/index.ts', 'src/testing/index.ts'].flatMap(path =>
    blocksOf(path, read(path).replaceAll(/^ \* ?/gm, ''))
  )
  expect(programs.length, 'the README has at least one').toBeGreaterThan(0)
  expect(inSources).toHaveLength(3)
  expect(await typeCheck([...programs, ...inSources])).toBe('')
})

/** What is wrong with a command: an unknown verb, or an option that the verb does not have. */
function wrongCommand(command: string): string | undefined {
  const local = command.replaceAll(/--(?:home|listen|bootstrap|passphrase-file) \S+ ?/g, '')
  const words = local
    .split(/ [|&<>] |;| {2,}#/)[0]!
    .trim()
    .split(/ +/)
  const options = words.filter(word => word.startsWith('--')).map(word => word.slice(2).split('=')[0]!)
  const named = words.filter(word => !word.startsWith('-'))
  const verb = verbs.get(named.slice(0, 2).join('.')) ?? verbs.get(named[0] ?? '')
  if (verb === undefined) return named.length === 0 ? undefined : `there is no verb: ${command}`
  const unknown = options.filter(option => !optionsOf(verb).has(option))
  return unknown.length === 0 ? undefined : `${verb.name} has no --${unknown.join(', --')}`
}

const globalOptions = [
  'home',
  'json',
  'passphrase-file',
  'listen',
  'bootstrap',
  'no-dht',
  'no-mdns',
  'offline',
  'help'
]

const optionsOf = (verb: Verb): ReadonlySet<string> =>
  new Set([
    ...globalOptions,
    ...parametersOf(verb).map(({ name, default: byDefault, kind }) => {
      const kebab = name.replaceAll(/[A-Z]/gu, letter => `-${letter.toLowerCase()}`)
      return kind === 'flag' && byDefault === true ? `no-${kebab}` : kebab
    })
  ])

describe('commands', () => {
  test('are looked up: an unknown verb or option is seen', () => {
    expect(commandsOf('```console\n$ hearsay fly --high\n```')).toEqual(['fly --high'])
    expect(wrongCommand('fly')).toBeDefined()
    expect(wrongCommand('send bob hi --until delivered')).toBeUndefined()
    expect(wrongCommand('--home alice send bob hi --loudly')).toBeDefined()
    expect(wrongCommand('invites revoke 1234')).toBeUndefined()
  })

  test.each(pages)('of %s exist, with their options', page => {
    expect(commandsOf(read(page)).flatMap(command => wrongCommand(command) ?? [])).toEqual([])
  })

  test.each(pages)('of npm in %s are scripts of package.json', page => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Readonly<Record<string, string>> }
    for (const script of scriptsOf(read(page))) expect(Object.keys(scripts)).toContain(script)
  })
})

test.each(pages)('every link of %s leads somewhere', page => {
  expect(brokenLinks(page, has)).toEqual([])
})

test('a link to nowhere is seen', () => {
  expect(brokenLinks('README.md', has, '[a](nowhere.md), [b](package.json), [c](#d)\n# E')).toEqual([
    'nowhere.md',
    '#d'
  ])
})

test('the index of the specs has every spec, and nothing else', () => {
  const listed = [...read('specs/README.md').matchAll(/^\| \[[\w-]+\]\(([\w-]+\.md)\)/gm)].map(
    ([, file]) => file
  )
  const there = filesIn(['specs'], '.md').map(path => path.slice('specs/'.length))
  expect(new Set([...listed, 'README.md'])).toEqual(new Set(there))
})

test('decisions are numbered without a gap, stand until they are superseded, and give their reasons', () => {
  const decisions = filesIn(['docs/decisions'], '.md')
  decisions.forEach((path, index) => {
    const number = String(index + 1).padStart(4, '0')
    const page = read(path)
    expect(path).toMatch(new RegExp(`^docs/decisions/${number}-[a-z-]+\\.md$`))
    expect(page.startsWith(`# ${number}: `), path).toBe(true)
    const [, status = 'accepted'] = /^Status: ([^.]+)/m.exec(page) ?? []
    expect(status, path).toMatch(/^(?:accepted|superseded by \d{4})$/)
    const parts = [...page.matchAll(/^(?:## |\*\*)(Context|Choice|Consequence)s?\b/gm)].map(
      ([, part]) => part
    )
    expect(parts, path).toEqual(['Context', 'Choice', 'Consequence'])
  })
})

describe('the threat model', () => {
  const adversaries = read('docs/threat-model.md')
    .split(/^## /m)
    .slice(1)
    .filter(section => section.includes('\nCannot:\n'))
  const claims = adversaries.flatMap(section =>
    section
      .split('\nCannot:\n')[1]!
      .split(/\n(?=- )/)
      .filter(line => line.startsWith('- '))
      .map(line => [section.split('\n')[0]!, line.replaceAll(/\s+/g, ' ')] as const)
  )

  test('has what each adversary can do, before what it cannot', () => {
    expect(adversaries.length).toBeGreaterThan(10)
    for (const section of adversaries) expect(section).toMatch(/\nCan:\n\n- [\s\S]*\nCannot:\n\n- /)
  })

  test.each(claims)('%s cannot: %s', (_, claim) => {
    expect(claim).toMatch(/\]\(\.\.\/test\/[\w/-]+\.test\.ts\)|There is no code that does/)
  })
})
