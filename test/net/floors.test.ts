/** What is installed is not older than docs/security-floors.json allows, anywhere in the tree. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

interface Floors {
  readonly floors: Readonly<Record<string, { readonly atLeast: string; readonly why: string }>>
  readonly absent: Readonly<Record<string, string>>
}

interface Lockfile {
  readonly packages: Readonly<
    Record<string, { readonly version?: string; readonly integrity?: string; readonly link?: boolean }>
  >
}

const read = (path: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'))
const { floors, absent } = read('docs/security-floors.json') as Floors
const { packages } = read('package-lock.json') as Lockfile

const versionsOf = (name: string): string[] =>
  Object.entries(packages)
    .filter(([path]) => path === `node_modules/${name}` || path.endsWith(`/node_modules/${name}`))
    .map(([, { version }]) => version ?? 'none')

function isAtLeast(version: string, floor: string): boolean {
  const [have, want] = [version, floor].map(text => text.split('-')[0]!.split('.').map(Number))
  for (const [i, part] of want!.entries()) if ((have![i] ?? 0) !== part) return (have![i] ?? 0) > part
  return true
}

describe('every copy in the lockfile of', () => {
  test.each(Object.entries(floors))('%s is recent enough', (name, { atLeast, why }) => {
    const versions = versionsOf(name)
    expect(versions.length, `${name} is not in the lockfile`).toBeGreaterThan(0)
    for (const version of versions)
      expect(isAtLeast(version, atLeast), `${version} < ${atLeast}: ${why}`).toBe(true)
  })
})

test.each(Object.entries(absent))('%s is not in the lockfile', (name, why) => {
  expect(versionsOf(name), why).toEqual([])
})

test('versions are compared by number', () => {
  expect(isAtLeast('5.1.22', '5.1.22')).toBe(true)
  expect(isAtLeast('5.1.9', '5.1.22')).toBe(false)
  expect(isAtLeast('5.10.0', '5.9.9')).toBe(true)
  expect(isAtLeast('6.0.0', '5.1.22')).toBe(true)
  expect(isAtLeast('4.99.99', '5.0.0')).toBe(false)
})
