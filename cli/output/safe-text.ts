/**
 * Text that may reach a terminal.
 *
 * A terminal obeys what it prints: bytes from elsewhere can set its title, write its clipboard, move its cursor,
 * make it answer on our standard input, or show words in an order in which nobody wrote them. So whatever another
 * person, a file or an error says passes through `safe`, `safeName` or `safeLines`; the type system refuses it at
 * the writers otherwise.
 *
 * Always true: a SafeText holds printable characters, our own colours (paint.ts) and balanced isolates (Unicode
 * UAX #9, FSI and PDI). What is not printable is shown as `\u{…}`, never dropped in silence, except marks beyond
 * the cap, which are replaced by an ellipsis.
 */
import type { ErrorCode } from 'hearsay'
import stringWidth from 'string-width'
import { limits } from '../limits.ts'

declare const brand: unique symbol
/** Text that a terminal only shows and never obeys. Made by this file and paint.ts alone. */
export type SafeText = string & { readonly [brand]: 'SafeText' }

const FSI = '\u2068'
const PDI = '\u2069'
const DOTTED_CIRCLE = '\u25CC'
const RIGHT_TO_LEFT =
  /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]|[\u{10800}-\u{10FFF}\u{1E800}-\u{1EFFF}]/u

// Everything that shows nothing of its own, changes its surroundings, or is not (yet) a character.
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u{FFF9}-\u{FFFC}\u2800]/u
const SPACE = /\p{Zs}/u
const MARK = /\p{M}/u
// Joiners change how these scripts are read and are part of ordinary spelling there; elsewhere they only hide.
const JOINED_SCRIPT =
  /[\p{Script=Arabic}\p{Script=Syriac}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Gurmukhi}\p{Script=Gujarati}\p{Script=Oriya}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Kannada}\p{Script=Malayalam}\p{Script=Sinhala}]/u
const PICTURE = /[\p{Extended_Pictographic}\p{Emoji_Modifier}\uFE0F]/u
// The marks that this program sets itself. A name that contains them could pass itself off as verified, or as
// told apart by a fingerprint.
const OUR_MARKS = /[\u2713\u2714\u2705\u2611\u{1F5F8}\u{1F5F9}\u221A\u2B55\u26A0\u27E8\u27E9\u3008\u3009]/u

const escaped = (character: string): string => `\\u{${character.codePointAt(0)!.toString(16)}}`

/** Whether an invisible character between these two belongs to ordinary writing. */
function belongs(character: string, before: string, after: string | undefined): boolean {
  if (character === '\uFE0F' || character === '\uFE0E') return /\p{Emoji}/u.test(before)
  if (character !== '\u200D' && character !== '\u200C') return false
  if (after === undefined) return false
  if (character === '\u200D' && PICTURE.test(before) && PICTURE.test(after)) return true
  return JOINED_SCRIPT.test(before) && JOINED_SCRIPT.test(after)
}

/** The characters of one line, each printable. */
function printable(line: string): string {
  if (/^[ -~]*$/.test(line)) return line
  const characters = Array.from(line)
  let shown = ''
  let before = ''
  let marks = 0
  for (const [index, character] of characters.entries()) {
    if (UNPRINTABLE.test(character) && !belongs(character, before, characters[index + 1])) {
      shown += escaped(character)
      before = ''
      marks = 0
    } else if (MARK.test(character) && !/[\uFE0E\uFE0F]/.test(character)) {
      marks++
      // A mark without a letter would sit on whatever we printed before it.
      if (before === '' || before === ' ') shown += DOTTED_CIRCLE
      if (marks <= limits.marksPerLetterMax) shown += character
      else if (marks === limits.marksPerLetterMax + 1) shown += '…'
      before = character
    } else {
      before = SPACE.test(character) && character !== '\u3000' ? ' ' : character
      shown += before
      if (!UNPRINTABLE.test(character)) marks = 0
    }
  }
  return shown
}

const isolated = (line: string): SafeText =>
  (RIGHT_TO_LEFT.test(line) ? `${FSI}${line}${PDI}` : line) as SafeText

/** One line of foreign text: breaks are shown as ↵ and tabs as a space. */
export const safe = (text: string): SafeText =>
  isolated(printable(text.replaceAll('\t', ' ').replaceAll(/\r?\n/gu, '\u21B5')))

/** Foreign text as lines. Only the line breaks that people write (LF, CR LF) make one. */
export const safeLines = (text: string): readonly SafeText[] =>
  text.split(/\r?\n/u).map(line => isolated(printable(line.replaceAll('\t', '    '))))

/** A name that somebody else may have chosen: one line, bounded in columns, without our own marks. */
export function safeName(name: string): SafeText {
  const line = printable(name.replaceAll('\t', ' ').replaceAll(/\r?\n/gu, '\u21B5'))
  const characters = Array.from(line).map(character =>
    OUR_MARKS.test(character) ? escaped(character) : character
  )
  return isolated(clipped(characters))
}

function clipped(characters: readonly string[]): string {
  const whole = characters.join('')
  // A character takes two columns at most; escapes make a name at most eight times longer. Between, measure.
  if (2 * whole.length <= limits.nameColumnsMax) return whole
  if (whole.length <= 8 * limits.nameColumnsMax && stringWidth(whole) <= limits.nameColumnsMax) return whole
  let short = ''
  for (const character of characters) {
    if (stringWidth(short + character) >= limits.nameColumnsMax) break
    short += character
  }
  return `${short}…`
}

/** How many columns a terminal uses for it. */
export const columns = (text: SafeText): number => stringWidth(text.replaceAll(/[\u2066-\u2069]/gu, ''))

/**
 * Words of our own around safe values: the literal parts are in our source, the values must be safe already.
 * @example words`${safeName(contact.name)} has it`
 */
export function words(
  literals: TemplateStringsArray,
  ...values: readonly (SafeText | number | ErrorCode)[]
): SafeText {
  return String.raw({ raw: literals.map(literal => literal) }, ...values) as SafeText
}

/** Our own words alone. The type takes literals only: a variable `string` must go through `safe`. */
export const literal = <Text extends string>(text: string extends Text ? never : Text): SafeText =>
  text as string as SafeText

/** Safe texts in a row. */
export const joined = (texts: readonly SafeText[], separator: ' ' | '\n' | ', ' | ''): SafeText =>
  texts.join(separator) as SafeText

/** Fills with spaces up to so many columns; longer text keeps its length and gets one space. */
export const padded = (text: SafeText, width: number): SafeText =>
  `${text}${' '.repeat(Math.max(1, width - columns(text)))}` as SafeText

/** Every line moved to the right, so that foreign lines cannot pass for rows of ours. */
export const indented = (lines: readonly SafeText[], width: number): SafeText =>
  lines.join(`\n${' '.repeat(width)}`) as SafeText
