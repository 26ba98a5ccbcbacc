/** The names that people give to contacts and to themselves. */
import { fromUtf8 } from '../base/bytes.ts'
import { HearsayError } from '../base/errors.ts'
import { spec } from '../base/limits.ts'

/** Format, control, private and unassigned characters, line breaks and lone surrogates: none of them can be read. */
const UNREADABLE = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}]/u

/** A name as it is kept: trimmed and in one Unicode form (NFC). Throws NAME_INVALID. */
export function checkName(text: string): string {
  const name = text.trim().normalize('NFC')
  const fits = name.length > 0 && fromUtf8(name).length <= spec.nameMaxBytes
  if (!fits || UNREADABLE.test(name) || /^[-@#]/.test(name)) throw new HearsayError('NAME_INVALID')
  return name
}

/** A name that a stranger claims, made fit to be kept; empty where nothing of it can be. */
export function claimedName(text: string): string {
  try {
    return checkName(text)
  } catch {
    return ''
  }
}

/** What makes two names the same to a person who types one: case and Unicode form aside. */
export const foldName = (name: string): string => name.normalize('NFKC').toLowerCase()
