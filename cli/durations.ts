/** Durations as people write them: `500ms`, `30s`, `5m`, `2h`, `7d`. */
import { z } from 'zod'
import { limits } from './limits.ts'

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const PATTERN = /^(\d{1,9})(ms|s|m|h|d)$/

/** A duration in milliseconds, or undefined if it is none or longer than a year. */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit] = PATTERN.exec(text) ?? []
  if (amount === undefined || unit === undefined) return undefined
  const ms = Number(amount) * UNITS[unit as keyof typeof UNITS]
  return ms <= limits.timeoutMaxMs ? ms : undefined
}

/** A duration in the largest unit that tells it well: `412 ms`, `3.2 s`, `5 min`. */
export function formatDuration(ms: number): `${number} ${'ms' | 's' | 'min' | 'h' | 'd'}` {
  const amount = Math.max(0, Math.round(ms))
  if (amount < UNITS.s) return `${amount} ms`
  if (amount < UNITS.m) return `${Math.round(amount / 100) / 10} s`
  if (amount < UNITS.h) return `${Math.round(amount / UNITS.m)} min`
  if (amount < UNITS.d) return `${Math.round(amount / UNITS.h)} h`
  return `${Math.round(amount / UNITS.d)} d`
}

/** A parameter that is a duration; the parsed value is in milliseconds. */
export const duration = (description: string) =>
  z
    .string()
    .regex(PATTERN, 'a duration is a number with ms, s, m, h or d, like 30s')
    .transform((text, context) => {
      const ms = parseDuration(text)
      if (ms !== undefined) return ms
      context.addIssue({ code: 'custom', message: 'that is longer than a year' })
      return z.NEVER
    })
    .meta({ description, value: 'DURATION' })
