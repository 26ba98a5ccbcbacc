/** The last line of a CI run is true: what failed, what did not load and what did not run is counted. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { pathOf, read } from './sources.ts'

interface Part {
  readonly code: number
  /** Tests by file; a file without tests did not load. Without files there is no report. */
  readonly files?: Readonly<Record<string, Readonly<Record<string, 'passed' | 'failed' | 'skipped'>>>>
}

/** What the tally says last, and its exit code. */
function tally(parts: Readonly<Record<string, Part>>): readonly [line: string, code: number | null] {
  const folder = mkdtempSync(join(tmpdir(), 'hearsay-tally-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const [name, { code, files }] of Object.entries(parts)) {
    writeFileSync(join(folder, `${name}.code`), `${code}\n`)
    if (files === undefined) continue
    const testResults = Object.entries(files).map(([file, tests]) => ({
      name: file,
      status:
        Object.values(tests).includes('failed') || Object.keys(tests).length === 0 ? 'failed' : 'passed',
      assertionResults: Object.entries(tests).map(([fullName, status]) => ({ fullName, status }))
    }))
    writeFileSync(join(folder, `${name}.json`), JSON.stringify({ testResults }))
  }
  const { stdout, status } = spawnSync(
    process.execPath,
    [pathOf('.ci/tally.mjs'), folder, ...Object.keys(parts)],
    { encoding: 'utf8' }
  )
  return [stdout.trimEnd().split('\n').at(-1)!, status]
}

test('all that passed is counted, what ran twice once', () => {
  const a = { 'a.test.ts': { one: 'passed', two: 'skipped' } } as const
  const b = { 'b.test.ts': { one: 'passed' } } as const
  expect(tally({ check: { code: 0, files: a }, rest: { code: 0, files: { ...a, ...b } } })).toEqual([
    '2 passed, 0 failed',
    0
  ])
})

test('a failure counts, and so does a file that did not load', () => {
  expect(tally({ check: { code: 1, files: { 'a.test.ts': { one: 'failed', two: 'passed' } } } })).toEqual([
    '1 passed, 1 failed',
    1
  ])
  expect(tally({ check: { code: 1, files: { 'a.test.ts': {} } } })).toEqual(['0 passed, 1 failed', 1])
})

test('a test that failed once has failed, whatever it did later', () => {
  const parts = {
    check: { code: 1, files: { 'a.test.ts': { one: 'failed' } } },
    rest: { code: 0, files: { 'a.test.ts': { one: 'passed' } } }
  } as const
  expect(tally(parts)).toEqual(['0 passed, 1 failed', 1])
})

test('a part that ended before its tests, or badly after them, is a failure', () => {
  expect(tally({ check: { code: 2 } })).toEqual(['0 passed, 1 failed', 1])
  expect(tally({ check: { code: 1, files: { 'a.test.ts': { one: 'passed' } } } })).toEqual([
    '1 passed, 1 failed',
    1
  ])
  expect(tally({ check: { code: 124, files: {} } })).toEqual(['0 passed, 1 failed', 1])
})

test('nothing at all is no success', () => {
  expect(tally({ check: { code: 0 } })).toEqual(['0 passed, 1 failed', 1])
})

test('the run begins with an install and ends with the tally', () => {
  const run = read('.ci/run')
  expect(run).toContain('set -euo pipefail')
  expect(run.trimEnd().split('\n').at(-1)).toMatch(/tally\.mjs "\$reports" check simulation e2e$/)
  expect(run.indexOf('npm ci')).toBeLessThan(run.indexOf('part check'))
})
