/** The pages of the protocol say what the code does: numbers, labels, fields and sections. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { labels } from '../../src/base/labels.ts'
import { spec } from '../../src/base/limits.ts'
import { generate } from '../../specs/vectors/generate.ts'

const root = new URL('../../', import.meta.url)
const text = (path: string): string => readFileSync(new URL(path, root), 'utf8')
const own = [
  'encoding',
  'identity',
  'invite',
  'contact',
  'envelope',
  'conversation',
  'roster',
  'group-order',
  'group',
  'delivery',
  'devices',
  'presence'
]
const limits: Readonly<Record<string, number | readonly number[]>> = spec

const number = (shown: string): number => Number(shown.replaceAll(',', ''))
/** Rows of the tables of a section, as cells. */
const rows = (section: string): string[][] =>
  section
    .split('\n')
    .filter(line => line.startsWith('| `'))
    .map(line =>
      line
        .split('|')
        .slice(1, -1)
        .map(cell => cell.trim())
    )
const sectionOf = (page: string, title: string): string =>
  page.split(/^## /m).find(each => each.startsWith(title))!

test('the table of limits has every constant of the protocol with its value, and nothing else', () => {
  const table = rows(sectionOf(text('specs/encoding.md'), '5. Limits'))
  const shown = table.map(([name, value]) => [name!.replaceAll('`', ''), value!.split(', ').map(number)])
  const actual = Object.entries(limits).map(([name, value]) => [
    name,
    typeof value === 'number' ? [value] : [...value]
  ])
  expect(shown).toEqual(actual)
})

test('the registry of labels has every label, and nothing else', () => {
  const table = rows(sectionOf(text('specs/encoding.md'), '3. Labels'))
  expect(table.map(([name, label]) => [name!.replaceAll('`', ''), label!.replaceAll('`', '')])).toEqual(
    Object.entries(labels)
  )
})

describe.each(own)('specs/%s.md', name => {
  const page = text(`specs/${name}.md`)

  test('gives the limits that it names their values', () => {
    for (const [, limit, value] of page.matchAll(/`(\w+(?:Max|MaxBytes|Ms|Update))`,? \(?(\d[\d,]*)\)?/g))
      expect([limit, limits[limit!]]).toEqual([limit, number(value!)])
  })

  test('lists the fields of every structure in the order of the wire', () => {
    const vectors = Object.values(generate()).flatMap(({ structures }) => structures)
    for (const [, structure, rest] of page.matchAll(/^### `([\w-]+)`\n([^#]*)/gm)) {
      const table = rest!.split(/\n\s*\n|^\n/).find(block => block.startsWith('| Field |'))!
      const [version, ...fields] = rows(table).map(([field]) => field!.replaceAll('`', ''))
      expect(version).toBe('version')
      const vector = vectors.find(each => each.structure === structure)
      expect([structure, ...fields]).toEqual([structure, ...Object.keys(vector?.value as object)])
    }
  })

  test('names only labels, pages, sections and files that there are', () => {
    for (const [, path] of page.matchAll(/`((?:src|docs|specs)\/[\w./-]+|[\w-]+\.md|vectors\/[\w.]+)`/g))
      expect([path, ['', 'specs/'].some(folder => existsSync(new URL(folder + path!, root)))]).toEqual([
        path,
        true
      ])
    for (const [, other, section] of page.matchAll(/`([\w-]+\.md)`, section (\d+)/g))
      expect([other, section, text(`specs/${other}`)]).toEqual([
        other,
        section,
        expect.stringContaining(`\n## ${section}. `)
      ])
    for (const [, label] of page.matchAll(/(?:hash|sign|hmac|hkdf|framed)\((?:[\w' ]+, )?`(\w+)`/g))
      expect([label, Object.hasOwn(labels, label!)]).toEqual([label, true])
  })
})

test('every structure of the vectors is on a page', () => {
  const shown = own.flatMap(name =>
    [...text(`specs/${name}.md`).matchAll(/^### `([\w-]+)`$/gm)].map(([, each]) => each)
  )
  const vectors = Object.values(generate()).flatMap(({ structures }) =>
    structures.map(each => each.structure)
  )
  expect(new Set(shown)).toEqual(new Set(vectors))
  expect(shown).toHaveLength(new Set(shown).size)
})

test('every section that the code names is there', () => {
  const sources = readdirSync(new URL('src/', root), { recursive: true, encoding: 'utf8' }).filter(path =>
    path.endsWith('.ts')
  )
  for (const path of sources)
    for (const [, page, section] of text(`src/${path}`).matchAll(/specs\/([\w-]+)\.md, section (\d+)/g))
      if (own.includes(page!))
        expect([path, page, section, text(`specs/${page}.md`)]).toEqual([
          path,
          page,
          section,
          expect.stringContaining(`\n## ${section}. `)
        ])
})

test('every section that the code calls by its name is there', () => {
  const sources = readdirSync(new URL('src/', root), { recursive: true, encoding: 'utf8' }).filter(path =>
    path.endsWith('.ts')
  )
  const named: string[] = []
  const missing: string[] = []
  for (const path of sources) {
    const prose = text(`src/${path}`).replaceAll(/\s*\n\s*(?:\*|\/\/) ?/g, ' ')
    for (const [, page, list] of prose.matchAll(
      /specs\/([\w-]+)\.md, sections? ((?:"[^"]+"(?:, | and )?)+)/g
    ))
      for (const [, section] of list!.matchAll(/"([^"]+)"/g)) {
        const where = `${path}: specs/${page}.md, "${section}"`
        if (!own.includes(page!)) continue
        const content = text(`specs/${page}.md`)
        const titles = [`## ${section}\n`, `. ${section}\n`, `**${section}.**`]
        named.push(where)
        if (!titles.some(each => content.includes(each))) missing.push(where)
      }
  }
  expect(missing).toEqual([])
  expect(named.length).toBeGreaterThan(10)
})
