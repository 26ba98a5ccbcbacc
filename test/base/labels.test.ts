import { expect, test } from 'vitest'
import { labels } from '../../src/base/labels.ts'

test('no label equals another or begins with one, so no two purposes ever share an input', () => {
  const all = Object.values(labels)
  expect(new Set(all).size).toBe(all.length)
  for (const one of all)
    for (const other of all)
      if (one !== other) expect(other.startsWith(one), `${other} begins with ${one}`).toBe(false)
})

test('every label says the protocol and its version, in characters that need no escaping', () => {
  for (const label of Object.values(labels)) expect(label).toMatch(/^hearsay\/1\/[a-z-]+$/)
})
