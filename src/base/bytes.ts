/** Bytes and their text forms. No I/O, no randomness, nothing but the language. */

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** UTF-8 bytes of a text. */
export const fromUtf8 = (text: string): Uint8Array => encoder.encode(text)

/** The text of UTF-8 bytes. Throws a TypeError where they are not UTF-8. */
export const toUtf8 = (bytes: Uint8Array): string => decoder.decode(bytes)

/** All parts, one after the other, in a new array. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const whole = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

/** Whether two arrays hold the same bytes. Not for secrets: the time it takes tells where they differ. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Negative, zero or positive as `a` sorts before, with or after `b`, byte by byte. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  const shorter = Math.min(a.length, b.length)
  for (let i = 0; i < shorter; i++) {
    const difference = a[i]! - b[i]!
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += HEX[byte]
  return text
}

/** The value of each digit by its character code; undefined elsewhere. */
const DIGITS = Array.from({ length: 103 }, (_, code) => {
  const value = '0123456789abcdef'.indexOf(String.fromCharCode(code))
  return value < 0 ? undefined : value
})

/** Bytes of lower-case hexadecimal text. Throws a SyntaxError on anything else. */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0) throw new SyntaxError('not hexadecimal')
  const bytes = new Uint8Array(text.length / 2)
  for (let i = 0; i < bytes.length; i++) {
    const high = DIGITS[text.charCodeAt(2 * i)]
    const low = DIGITS[text.charCodeAt(2 * i + 1)]
    if (high === undefined || low === undefined) throw new SyntaxError('not hexadecimal')
    bytes[i] = 16 * high + low
  }
  return bytes
}

/** base64url without padding (RFC 4648 section 5). */
export function toBase64url(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** Bytes of base64url text, strictly: no padding, no white space, no stray bits. Throws a SyntaxError. */
export function fromBase64url(text: string): Uint8Array {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) throw new SyntaxError('not base64url')
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  const bytes = Uint8Array.from(binary, character => character.charCodeAt(0))
  if (toBase64url(bytes) !== text) throw new SyntaxError('not canonical base64url')
  return bytes
}
