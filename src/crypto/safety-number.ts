/**
 * The safety number of two identities: 60 digits that both see if nobody sits between them.
 * Spec: specs/identity.md, section 5. After Signal's numeric fingerprints: 5,200 rounds of SHA-512.
 *
 * Always true: it does not matter who asks; each side's identity decides 30 digits, so finding a key that
 * shows somebody's digits takes 10^30 tries of 5,200 hashes each.
 */
import { createHash } from 'node:crypto'
import { fromHex } from '../base/bytes.ts'
import type { IdentityId } from '../base/ids.ts'
import { framed } from './hash.ts'

const ROUNDS = 5200
const GROUP_DIGITS = 5
const GROUP_BYTES = 5
const GROUPS_EACH = 6

/** The 60 digits of two identities, in whichever order they are given. Takes some 20 ms of CPU. */
export const safetyNumber = (a: IdentityId, b: IdentityId): string =>
  [digitsOf(a), digitsOf(b)].sort().join('')

/** Twelve groups of five digits, with a space between them. */
export const formatSafetyNumber = (number: string): string => (number.match(/\d{5}/g) ?? []).join(' ')

/** Whether two safety numbers are the same, however they are grouped. */
export function sameSafetyNumber(a: string, b: string): boolean {
  const digits = (text: string): string => text.replaceAll(/\s/g, '')
  return /^\d{60}$/.test(digits(a)) && digits(a) === digits(b)
}

/** One identity's half. */
function digitsOf(identity: IdentityId): string {
  const key = fromHex(identity)
  let hash: Uint8Array = framed('safetyNumber', key)
  for (let round = 0; round < ROUNDS; round++) hash = createHash('sha512').update(hash).update(key).digest()
  const view = new DataView(hash.buffer, hash.byteOffset)
  return Array.from({ length: GROUPS_EACH }, (_, group) => {
    const offset = group * GROUP_BYTES
    const value = view.getUint8(offset) * 2 ** 32 + view.getUint32(offset + 1)
    return String(value % 10 ** GROUP_DIGITS).padStart(GROUP_DIGITS, '0')
  }).join('')
}
