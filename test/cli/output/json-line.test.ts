import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { jsonLine } from '../../../cli/output/json-line.ts'

describe('a line of JSON', () => {
  test('means the same to a program and shows a terminal nothing to obey', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        const line = jsonLine({ text })
        expect(JSON.parse(line)).toEqual({ text })
        expect(line).not.toMatch(/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u)
      }),
      { numRuns: 2000 }
    )
  })

  test('a break in a text does not break the line', () => {
    expect(jsonLine({ text: 'a\nb\u2028c\u009B' })).toBe(String.raw`{"text":"a\nb\u2028c\u009b"}`)
  })
})
