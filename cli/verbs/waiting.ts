/** Waiting with an end: what `--until` and `--timeout` mean. */
import { HearsayError } from 'hearsay'
import { duration } from '../durations.ts'

/** The parameter of every verb that waits. */
export const timeout = duration('how long to wait').prefault('30s')

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
