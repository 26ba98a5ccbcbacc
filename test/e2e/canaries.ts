/**
 * Canaries: byte strings that must not be seen, and a scanner that finds each of them in every encoding in which
 * it could slip out: as it is, UTF-16 in both byte orders, hexadecimal in both cases, base64 and base64url at each
 * of the three alignments that it can have inside something longer.
 */

export interface Canary {
  readonly what: string
  readonly bytes: Uint8Array
  /** Where the bytes are a text, its UTF-16 forms are looked for as well. */
  readonly text?: string
}

export interface Finding {
  readonly what: string
  readonly encoding: string
  readonly at: number
}

interface Needle {
  readonly canary: Canary
  readonly encoding: string
  readonly bytes: Buffer
}

/** The index looks at this many bytes; what is shorter would be found by chance. */
const PREFIX_BYTES = 4
const NEEDLE_MIN_BYTES = 6

export const textCanary = (what: string, text: string): Canary => ({ what, text, bytes: Buffer.from(text) })

/** All forms of a canary, by the name of the encoding. */
export function encodingsOf({ bytes, text }: Canary): Map<string, Buffer> {
  const forms = new Map<string, Buffer>([['raw', Buffer.from(bytes)]])
  if (text !== undefined) {
    forms.set('UTF-16LE', Buffer.from(text, 'utf16le'))
    forms.set('UTF-16BE', Buffer.from(text, 'utf16le').swap16())
  }
  const hex = Buffer.from(bytes).toString('hex')
  forms.set('hex', Buffer.from(hex))
  forms.set('HEX', Buffer.from(hex.toUpperCase()))
  for (const encoding of ['base64', 'base64url'] as const) {
    for (const lead of [0, 1, 2]) forms.set(`${encoding} at ${lead}`, inBase64(bytes, lead, encoding))
  }
  return forms
}

/** The characters that are the same whatever stands before and after: those that hold bits of ours only. */
function inBase64(bytes: Uint8Array, lead: number, encoding: 'base64' | 'base64url'): Buffer {
  const text = Buffer.concat([Buffer.alloc(lead), bytes]).toString(encoding)
  const first = Math.ceil((lead * 8) / 6)
  const end = Math.floor(((lead + bytes.length) * 8) / 6)
  return Buffer.from(text.slice(first, end))
}

export class Scanner {
  readonly #index = new Map<number, Needle[]>()

  constructor(canaries: Iterable<Canary>) {
    for (const canary of canaries) {
      for (const [encoding, bytes] of encodingsOf(canary)) {
        if (bytes.length < NEEDLE_MIN_BYTES)
          throw new RangeError(`${canary.what} is too short to be looked for`)
        const key = bytes.readUInt32LE(0)
        const needles = this.#index.get(key)
        if (needles === undefined) this.#index.set(key, [{ canary, encoding, bytes }])
        else needles.push({ canary, encoding, bytes })
      }
    }
  }

  /** Every canary in these bytes, in the order in which they stand there. */
  find(haystack: Uint8Array): Finding[] {
    const data = Buffer.from(haystack.buffer, haystack.byteOffset, haystack.byteLength)
    const findings: Finding[] = []
    for (let at = 0; at + PREFIX_BYTES <= data.length; at++) {
      for (const { canary, encoding, bytes } of this.#index.get(data.readUInt32LE(at)) ?? []) {
        if (data.compare(bytes, 0, bytes.length, at, Math.min(at + bytes.length, data.length)) === 0)
          findings.push({ what: canary.what, encoding, at })
      }
    }
    return findings
  }
}

/** Bytes with little in them are everywhere: lengths, zeros, padding. */
const tells = (bytes: Uint8Array): boolean => new Set(bytes).size >= Math.min(10, bytes.length * 0.6)

const WINDOW_BYTES = 16

/**
 * Canaries for a record of unknown inner form: its pieces of 16 bytes. A key of 32 bytes anywhere in it holds a
 * whole piece, so it cannot leave without one.
 */
export function canariesIn(what: string, record: Uint8Array): Canary[] {
  const canaries: Canary[] = []
  for (let at = 0; at + WINDOW_BYTES <= record.length; at += WINDOW_BYTES) {
    const bytes = record.subarray(at, at + WINDOW_BYTES)
    if (tells(bytes)) canaries.push({ what: `${what} at ${at}`, bytes })
  }
  return canaries
}
