/**
 * People, groups and moments as the terminal shows them. A verified contact has a mark, and who or what has a name
 * that looks like another's has a short fingerprint; neither can be typed into a name (safe-text.ts).
 */
import type { Paint } from './paint.ts'
import { joined, literal, padded, safe, safeName, words, type SafeText } from './safe-text.ts'

/** What is shown of a person. */
interface Person {
  readonly name: string
  readonly id: string
  readonly verified: boolean
  readonly lookAlike: boolean
}

/** Both ends of a fingerprint, for telling two people apart at a glance. Comparing in full: `verify`. */
export const shortFingerprint = (id: string): SafeText => safe(`${id.slice(0, 4)}…${id.slice(-4)}`)

/** A name with its marks. */
export function person({ name, id, verified, lookAlike }: Person, paint: Paint): SafeText {
  const shown = name === '' ? shortFingerprint(id) : safeName(name)
  const parts = [paint('bold', shown)]
  if (verified) parts.push(paint('green', literal('✔')))
  if (lookAlike) parts.push(paint('yellow', words`⟨${shortFingerprint(id)}⟩`))
  return joined(parts, ' ')
}

/** A group with its `#`: `climbers` alone would be a person. */
export function groupName(
  { name, id, lookAlike }: { readonly name: string; readonly id: string; readonly lookAlike: boolean },
  paint: Paint
): SafeText {
  const shown = paint('bold', words`#${name === '' ? shortFingerprint(id) : safeName(name)}`)
  return lookAlike ? words`${shown} ${paint('yellow', words`⟨${shortFingerprint(id)}⟩`)}` : shown
}

/** What a message or a conversation says of where it belongs. */
export const conversationName = (
  {
    conversationKind: kind,
    conversationName: name,
    conversation: id,
    conversationLookAlike: lookAlike
  }: {
    readonly conversationKind: 'direct' | 'group'
    readonly conversationName: string
    readonly conversation: string
    readonly conversationLookAlike: boolean
  },
  paint: Paint
): SafeText => (kind === 'group' ? groupName({ name, id, lookAlike }, paint) : safeName(name))

/** A number of things: `1 member`, `5 members`. */
export const counted = (count: number, one: 'member' | 'device' | 'message'): SafeText =>
  words`${count} ${safe(count === 1 ? one : `${one}s`)}`

const twoDigits = (number: number): string => String(number).padStart(2, '0')

/** The day of an ISO time where we are: `2026-11-22`. */
export function localDay(isoTime: string): SafeText {
  const at = new Date(isoTime)
  return safe(`${at.getFullYear()}-${twoDigits(at.getMonth() + 1)}-${twoDigits(at.getDate())}`)
}

/** The time of day of an ISO time where we are: `16:53`. */
export function localTime(isoTime: string): SafeText {
  const at = new Date(isoTime)
  return safe(`${twoDigits(at.getHours())}:${twoDigits(at.getMinutes())}`)
}

/** Day and time of an ISO time where we are. */
export const localMoment = (isoTime: string): SafeText => words`${localDay(isoTime)} ${localTime(isoTime)}`

/** The column where the second part of a row begins. */
const FIRST_COLUMN = 13

/** A row: what it is about, then the rest. */
export const row = (first: SafeText, rest: SafeText): SafeText => words`${padded(first, FIRST_COLUMN)}${rest}`
