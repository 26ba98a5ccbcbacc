import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { errors } from 'hearsay'
import { expect, test } from 'vitest'

test('docs/errors.md has every code with its sentences, and no other', () => {
  const page = readFileSync(fileURLToPath(new URL('../../docs/errors.md', import.meta.url)), 'utf8')
  const rows = page.matchAll(/^\| `([A-Z_]+)` \| (.+?) \| (.+?) \|$/gmu)
  const documented = Object.fromEntries([...rows].map(([, code, message, hint]) => [code, [message, hint]]))
  expect(documented).toEqual(errors)
  expect(Object.keys(documented)).toEqual(Object.keys(errors))
})
