import { describe, expect, test } from 'vitest'
import { coloured, paintFor, plain } from '../../../cli/output/paint.ts'
import { person } from '../../../cli/output/people.ts'
import { literal } from '../../../cli/output/safe-text.ts'

const id = `3f9c${'0'.repeat(56)}a41d`

describe('a person on the screen', () => {
  test('has a mark once verified, and a fingerprint where the name is somebody else’s too', () => {
    expect(person({ name: 'bob', id, verified: false, lookAlike: false }, plain)).toBe('bob')
    expect(person({ name: 'bob', id, verified: true, lookAlike: false }, plain)).toBe('bob ✔')
    expect(person({ name: 'bоb', id, verified: false, lookAlike: true }, plain)).toBe('bоb ⟨3f9c…a41d⟩')
    expect(person({ name: '', id, verified: false, lookAlike: false }, plain)).toBe('3f9c…a41d')
  })

  test('cannot type the marks into its name', () => {
    for (const name of ['bob ✔', 'bob ✓', 'bob ✅', 'bob ☑', 'bob ⟨3f9c…a41d⟩']) {
      const shown = person({ name, id, verified: false, lookAlike: false }, plain)
      expect(shown).not.toMatch(/[✔✓✅☑⟨⟩]/u)
    }
  })
})

describe('colours', () => {
  test.each([
    [{ isTTY: true }, {}, coloured],
    [{ isTTY: true }, { NO_COLOR: '' }, coloured],
    [{ isTTY: true }, { NO_COLOR: '1' }, plain],
    [{ isTTY: true }, { TERM: 'dumb' }, plain],
    [{}, {}, plain]
  ])('for %j with %j', (stream, environment, paint) => expect(paintFor(stream, environment)).toBe(paint))

  test('end where they should', () => {
    expect(coloured('red', literal('no'))).toBe('\u001B[31mno\u001B[39m')
  })
})
