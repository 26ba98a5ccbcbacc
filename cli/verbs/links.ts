/** Links as people take them along: as text, and as a code for a camera. */
import { renderUnicodeCompact } from 'uqr'
import { z } from 'zod'
import { joined, literal, safe, safeLines, words, type SafeText } from '../output/safe-text.ts'

/** The largest payload of a QR code (version 40, error correction L), which is all that a camera can take. */
const QR_MAX_BYTES = 2953

/** The parameter of every verb that shows a link. */
export const qr = z.boolean().default(false).meta({ description: 'show it as a QR code too' })

/** A link, and where somebody wants it, its QR code or a sentence where it does not fit into one. */
export const linkText = (link: string, withCode: boolean): SafeText =>
  withCode ? words`${safe(link)}\n${qrCode(link)}` : safe(link)

function qrCode(link: string): SafeText {
  if (Buffer.byteLength(link) > QR_MAX_BYTES) return literal('(the link is too long for a QR code)')
  return joined(safeLines(renderUnicodeCompact(link, { border: 2 })), '\n')
}
