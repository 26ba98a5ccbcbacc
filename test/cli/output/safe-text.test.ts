import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  columns,
  indented,
  joined,
  literal,
  padded,
  safe,
  safeLines,
  safeName,
  words
} from '../../../cli/output/safe-text.ts'

const FSI = '\u2068'
const PDI = '\u2069'

/** What an attacker would type besides single characters of every kind. */
const POOL = [
  '\u001B[31m',
  '\u001B]0;owned\u0007',
  '\u001B]52;c;b3duZWQ=\u001B\\',
  '\u009B2J',
  '\u001BP',
  '\u001B_',
  '\u001B[6n',
  '\r',
  '\b',
  '\n',
  '\r\n',
  '\u202E',
  '\u2066',
  '\u2069',
  '\u061C',
  '\u200F',
  '\u200B',
  '\u200D',
  '\u200C',
  '\uFEFF',
  '\u{E0041}',
  '\u0301',
  '\u20DD',
  '\uD800',
  '\uDC00',
  '\u2028',
  'א',
  'ب',
  'क',
  '🧑',
  '🚀',
  '\uFE0F',
  'a',
  ' ',
  '✓'
]

/** A thousand strings of one seed. Made here and not by fast-check, which would take ten times as long. */
function* hostile(seed: number): Generator<string> {
  let state = seed >>> 0
  const next = (below: number): number => {
    // xorshift32 (Marsaglia 2003): quick, and good enough to mix characters.
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
  const part = (): string => {
    const kind = next(6)
    if (kind < 3) return String.fromCharCode(next(0xa0))
    if (kind < 5) return POOL[next(POOL.length)] ?? ''
    return String.fromCodePoint(next(0x110000))
  }
  for (let count = 0; count < 1000; count++) yield Array.from({ length: next(11) }, part).join('')
}

/** An independent statement of what may stand in a line, without regard to how it is made. */
function complaint(line: string): string | undefined {
  let depth = 0
  let marks = 0
  for (const character of line) {
    const code = character.codePointAt(0)!
    if (character === FSI) depth++
    else if (character === PDI) depth--
    else if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return `control ${code.toString(16)}`
    else if (code >= 0xd800 && code <= 0xdfff) return 'lone surrogate'
    else if (code === 0x61c || code === 0x200e || code === 0x200f) return 'direction mark'
    else if (code >= 0x202a && code <= 0x202e) return 'embedding'
    else if (code >= 0x2066 && code <= 0x2069) return 'isolate'
    else if (code === 0x2028 || code === 0x2029) return 'separator'
    else if (code === 0x200b || code === 0xfeff || code === 0x2060) return 'zero width'
    else if (code >= 0xe0000 && code <= 0xe0fff) return 'tag'
    if (depth < 0 || depth > 1) return 'unbalanced isolate'
    // Joiners and variation selectors neither are marks on a letter nor begin a new one.
    if (code === 0x200c || code === 0x200d || code === 0xfe0e || code === 0xfe0f) continue
    marks = /\p{M}/u.test(character) ? marks + 1 : 0
    if (marks > 4) return 'pile of marks'
  }
  return depth === 0 ? undefined : 'open isolate'
}

describe('text from elsewhere on a terminal', () => {
  test('whatever 100,000 strings contain, nothing but printable text comes out', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1 }), seed => {
        for (const text of hostile(seed)) {
          for (const line of [safe(text), safeName(text), ...safeLines(text)]) {
            const why = complaint(line)
            if (why !== undefined)
              throw new Error(`${why} in ${JSON.stringify(line)} of ${JSON.stringify(text)}`)
          }
        }
      }),
      { numRuns: 100 }
    )
  })

  test('ordinary writing stays as it was written', () => {
    for (const text of [
      'lunch?',
      'naïve café',
      'Ångström',
      '日本語 テキスト',
      '한국어',
      'Ελληνικά',
      'Привет',
      'नमस्ते',
      '👩‍🚀 ❤️ 🧑🏽‍🌾',
      'o\u0308ffnen',
      'ไทย'
    ]) {
      expect(safe(text)).toBe(text)
      expect(safeName(text)).toBe(text)
    }
  })

  test('right-to-left text is kept and cannot turn what stands around it', () => {
    expect(safe('שלום')).toBe(`${FSI}שלום${PDI}`)
    expect(safe('می‌خواهم')).toBe(`${FSI}می‌خواهم${PDI}`)
    expect(safeLines('a\nسلام')).toEqual(['a', `${FSI}سلام${PDI}`])
  })

  test('an escape is shown, not obeyed', () => {
    expect(safe('\u001B]0;owned\u0007')).toBe('\\u{1b}]0;owned\\u{7}')
    expect(safe('\u009B2J')).toBe('\\u{9b}2J')
    expect(safe('evil\u202Etxt.exe')).toBe('evil\\u{202e}txt.exe')
    expect(safe('pass\rPASS')).toBe('pass\\u{d}PASS')
    expect(safe('a\bb')).toBe('a\\u{8}b')
    expect(safe('p\u200Baypal')).toBe('p\\u{200b}aypal')
    expect(safe('\uD800')).toBe('\\u{d800}')
    expect(safe('hi\u{E0068}')).toBe('hi\\u{e0068}')
  })

  test('500 marks on one letter become four and an ellipsis', () => {
    const piled = safe(`z${'\u0301'.repeat(500)}!`)
    expect(piled).toBe(`z${'\u0301'.repeat(4)}…!`)
  })

  test('a mark at the start does not land on our own text', () => {
    expect(safe('\u0338bob')).toBe('\u25CC\u0338bob')
  })

  test('a name has one line, an end, and no mark of ours', () => {
    expect(safeName('bob\nalice: hi')).toBe('bob↵alice: hi')
    expect(safeName('bob ✓')).toBe('bob \\u{2713}')
    expect(columns(safeName('x'.repeat(500)))).toBe(32)
    expect(columns(safeName('字'.repeat(500)))).toBeLessThanOrEqual(32)
    expect(columns(safeName('\u001B'.repeat(500)))).toBeLessThanOrEqual(32)
  })

  test('lines of a message are moved under its first one', () => {
    expect(indented(safeLines('one\n12:00 alice: two'), 4)).toBe('one\n    12:00 alice: two')
  })

  test('words hold what was made safe, between literals', () => {
    const name = safeName('bob')
    expect(words`${name} has ${2} of it`).toBe('bob has 2 of it')
    expect(joined([name, literal('away')], ' ')).toBe('bob away')
    expect(padded(name, 6)).toBe('bob   ')
    // @ts-expect-error a plain string is refused by the type: it must be made safe first
    expect(words`${'plain' as string}`).toBe('plain')
    // @ts-expect-error a variable is no literal
    expect(literal('plain' as string)).toBe('plain')
  })
})
