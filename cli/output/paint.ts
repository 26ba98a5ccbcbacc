/**
 * Colours: our own SGR sequences (ECMA-48, section 8.3.117) and no others. Each is closed where it ends, and
 * there are none where nobody sees them: no terminal, `NO_COLOR` set (https://no-color.org), or `TERM=dumb`.
 */
import type { SafeText } from './safe-text.ts'

const codes = {
  bold: ['1', '22'],
  dim: ['2', '22'],
  red: ['31', '39'],
  green: ['32', '39'],
  yellow: ['33', '39'],
  blue: ['34', '39'],
  magenta: ['35', '39'],
  cyan: ['36', '39']
} as const

/** The colours that exist. */
export type Colour = keyof typeof codes

/** Paints safe text, or leaves it as it is. */
export type Paint = (colour: Colour, text: SafeText) => SafeText

/** Leaves everything as it is. */
export const plain: Paint = (_colour, text) => text

/** Paints for a terminal. */
export const coloured: Paint = (colour, text) => {
  const [on, off] = codes[colour]
  return `\u001B[${on}m${text}\u001B[${off}m` as SafeText
}

/** The paint for a stream: coloured only where a person watches and did not say no. */
export function paintFor(
  stream: { readonly isTTY?: boolean },
  environment: Readonly<Record<string, string | undefined>>
): Paint {
  const refused = (environment['NO_COLOR'] ?? '') !== '' || environment['TERM'] === 'dumb'
  return stream.isTTY === true && !refused ? coloured : plain
}
