import { describe, expect, test } from 'vitest'
import { formatDuration, parseDuration } from '../../cli/durations.ts'

describe('durations', () => {
  test.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    ['0s', 0]
  ])('%s is %d ms', (text, ms) => expect(parseDuration(text)).toBe(ms))

  test.each(['', '30', 's', '-5s', '1.5s', '30 s', '1w', '366d', '9999999999s', '٣s'])('%j is none', text =>
    expect(parseDuration(text)).toBeUndefined()
  )

  test.each([
    [412, '412 ms'],
    [3240, '3.2 s'],
    [300_000, '5 min'],
    [604_800_000, '7 d'],
    [-1, '0 ms']
  ])('%d ms reads %s', (ms, text) => expect(formatDuration(ms)).toBe(text))
})
