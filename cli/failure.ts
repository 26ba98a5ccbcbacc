/** Failures as programs, people and exit codes see them. */
import { HearsayError, type ErrorCode } from 'hearsay'
import { z } from 'zod'
import { line } from './facts.ts'

/** What an exit code means. Scripts rely on these. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  /** What was waited for did not come in time, and nothing is lost. */
  timeout: 3,
  bug: 70
} as const
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

export const errorLine = line('error', { code: z.string(), message: z.string(), hint: z.string() })

/** The line of `--json` for a failure. */
export interface FailureFact {
  readonly v: 1
  readonly type: 'error'
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string
}

/** Parameters that a schema refused, in words. */
export class ParameterError extends HearsayError {
  constructor(error: z.ZodError) {
    const issues = error.issues.map(({ path, message }) =>
      path.length === 0 ? message : `${path.join('.')}: ${message}`
    )
    super('INVALID_ARGUMENT', { message: `${issues.join('; ')}.`, cause: error })
  }
}

/** The parameters as the schema gives them. Throws a ParameterError. */
export function parseParams<Schema extends z.ZodType>(schema: Schema, params: unknown): z.output<Schema> {
  const parsed = schema.safeParse(params)
  if (parsed.success) return parsed.data
  throw new ParameterError(parsed.error)
}

/** What was thrown, as one of our errors. What we did not throw on purpose is a bug. */
export function hearsayError(error: unknown): HearsayError {
  if (error instanceof HearsayError) return error
  if (error instanceof Error && error.name === 'AbortError')
    return new HearsayError('ABORTED', { cause: error })
  return new HearsayError('INTERNAL', {
    message:
      error instanceof Error ? `This is a bug in Hearsay: ${error.message}` : 'This is a bug in Hearsay.',
    cause: error
  })
}

/** A failure as a line. */
export function failureFact(error: unknown): FailureFact {
  const { code, message, hint } = hearsayError(error)
  return { v: 1, type: 'error', code, message, hint }
}

/** The exit code for a failure. */
export function exitCodeOf(error: unknown): ExitCode {
  const { code } = hearsayError(error)
  if (code === 'INVALID_ARGUMENT') return exitCodes.usage
  if (code === 'TIMEOUT') return exitCodes.timeout
  return code === 'INTERNAL' ? exitCodes.bug : exitCodes.failed
}
