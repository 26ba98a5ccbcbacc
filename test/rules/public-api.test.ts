/**
 * The public API is a committed page: whoever changes it sees so in review. Where the change is meant,
 * `npx vitest run --project unit test/rules/public-api.test.ts -u` writes the page anew.
 */
import * as hearsay from 'hearsay'
import * as mls from 'hearsay/mls'
import * as testing from 'hearsay/testing'
import { describe, expect, test } from 'vitest'
import { exportsOf } from './public-api.ts'
import { read } from './sources.ts'

const entries = [
  ['hearsay', hearsay],
  ['hearsay/mls', mls],
  ['hearsay/testing', testing]
] as const

const { exports: table } = JSON.parse(read('package.json')) as {
  exports: Readonly<Record<string, Readonly<Record<string, string>>>>
}
const sourceOf = (entry: string): string =>
  table[entry.replace('hearsay', '.')]!['hearsay-source']!.slice('./'.length)

describe.each(entries)('%s', (entry, module) => {
  const api = exportsOf(sourceOf(entry))

  test('exports what its page says', async () => {
    const page = [...api]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([, signature]) => signature)
      .join('\n\n')
    await expect(`${page}\n`).toMatchFileSnapshot(`public-api/${entry.replace('/', '-')}.txt`)
  })

  test('has every value that the page has, and no other', () => {
    const values = [...api]
      .filter(([, signature]) => /^(?:async function|function|(?:abstract )?class|const) /.test(signature))
      .map(([name]) => name)
    expect(values.toSorted()).toEqual(Object.keys(module).toSorted())
  })
})

test('the package names no entry that has no page', () => {
  expect(Object.keys(table)).toEqual(entries.map(([entry]) => entry.replace('hearsay', '.')))
})
