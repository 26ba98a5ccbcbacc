/** Waiting with an end: what `--until` and `--timeout` mean. */
import { HearsayError } from 'hearsay'
import { z } from 'zod'
import { duration, formatDuration } from '../durations.ts'
import { safe, words } from '../output/safe-text.ts'
import type { Context } from '../verb.ts'

/** The parameter of every verb that waits. */
export const timeout = duration('how long to wait').prefault('30s')

/** What to wait for where somebody else has to answer. */
export const untilReady = z
  .enum(['requested', 'ready'])
  .default('requested')
  .meta({ description: 'what to wait for', value: 'STATE' })

/**
 * Waits for something, at most so long and until somebody stops it.
 * @throws TIMEOUT when the time is over, with `hint` if there is one; else what `wait` throws
 */
export async function inTime<Result>(
  wait: (signal: AbortSignal) => Promise<Result>,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal; readonly hint?: string }
): Promise<Result> {
  const deadline = new AbortController()
  const timer = setTimeout(() => deadline.abort(), options.timeoutMs)
  try {
    return await wait(AbortSignal.any([deadline.signal, options.signal]))
  } catch (cause) {
    if (!deadline.signal.aborted || options.signal.aborted) throw cause
    throw new HearsayError('TIMEOUT', options.hint === undefined ? { cause } : { hint: options.hint, cause })
  } finally {
    clearTimeout(timer)
  }
}

/** Why a promise was rejected, or undefined once it is fulfilled: for saying how far things came before throwing. */
export const failureOf = async (
  promise: Promise<unknown>
): Promise<{ readonly cause: unknown } | undefined> =>
  promise.then(
    () => undefined,
    (cause: unknown) => ({ cause })
  )

/** How long a command's own node stays for a request to leave. */
const LEAVE_MS = 5000

/**
 * Waits for the answer of somebody else: as long as was asked for where it is `required`. Otherwise only a node that
 * ends with this command waits, for a moment: the request has to leave, and often the answer is there by then.
 * @returns why there is none, where it was required
 */
export async function answerOf(
  wait: (signal: AbortSignal) => Promise<unknown>,
  options: {
    readonly required: boolean
    readonly timeoutMs: number
    readonly hint: string
    readonly context: Context
  }
): Promise<{ readonly cause: unknown } | undefined> {
  const { required, hint, context } = options
  const { host, signal, note } = context
  const mayWaitMs = host.stays || !host.online ? 0 : Math.min(options.timeoutMs, LEAVE_MS)
  const timeoutMs = required ? options.timeoutMs : mayWaitMs
  if (timeoutMs > 0) note(words`waiting up to ${safe(formatDuration(timeoutMs))} for the answer`)
  else if (!required) return undefined
  const failure = await failureOf(inTime(wait, { timeoutMs, signal, hint }))
  return required ? failure : undefined
}
