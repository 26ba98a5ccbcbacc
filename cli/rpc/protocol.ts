/**
 * The control protocol: JSON-RPC 2.0 (https://www.jsonrpc.org/specification), one object or batch a line.
 *
 * A method is a verb (`send`, `invites.revoke`), its parameters are the verb's by name, its result is what the
 * verb prints with `--json`. Beside the verbs:
 * - `subscribe {since?, as?}` turns on `event` notifications; without `since` they go on after what was
 *   acknowledged, or begin now. `unsubscribe` turns them off.
 * - `ack {cursor, as?}` makes a cursor durable. `as` names a subscriber where there are several.
 * - `cancel {id}` ends a call of this connection.
 * - A request with `"stream": true` gets its results as `result` notifications `{id, result}` while they are made,
 *   and what the node has to say meanwhile as `note` notifications `{id, text}`; its response is then an empty
 *   list. That is how a call that never ends by itself can be followed.
 */
import { errors, HearsayError, type ErrorCode } from 'hearsay'
import { z } from 'zod'
import { failureFact, ParameterError } from '../failure.ts'

/** The codes that JSON-RPC defines, and the one for failures of ours, whose `data` has the code. */
export const rpcCodes = {
  parseError: -32_700,
  invalidRequest: -32_600,
  methodNotFound: -32_601,
  invalidParams: -32_602,
  internalError: -32_603,
  failed: -32_000
} as const

const requestId = z.union([z.string().max(128), z.number(), z.null()])
export type RequestId = z.infer<typeof requestId>

export const requestSchema = z.object({
  jsonrpc: z.literal('2.0'),
  id: requestId.optional(),
  method: z.string().max(64),
  params: z.record(z.string(), z.unknown()).optional(),
  stream: z.boolean().optional()
})
export type Request = z.infer<typeof requestSchema>

/** What the methods of the protocol itself take. */
const subscriber = z
  .string()
  .regex(/^[a-z0-9_-]{1,32}$/u)
  .default('default')
export const subscribeParams = z.strictObject({ since: z.int().min(0).optional(), as: subscriber })
export const ackParams = z.strictObject({ cursor: z.int().min(0), as: subscriber })
export const cancelParams = z.strictObject({ id: requestId })

const errorObject = z.object({
  code: z.number(),
  message: z.string(),
  data: z.object({ code: z.string(), message: z.string(), hint: z.string() }).optional()
})

/** What a client reads: a response or a notification. */
export const inboundSchema = z.object({
  id: requestId.optional(),
  method: z.string().optional(),
  params: z.record(z.string(), z.unknown()).optional(),
  result: z.unknown().optional(),
  error: errorObject.optional()
})

/** The error of a response. Results that came before it are in `data`, so that nothing known is lost. */
export function errorResponse(id: RequestId, error: unknown, results: readonly object[] = []): object {
  const { code, message, hint } = failureFact(error)
  const data = { code, message, hint, ...(results.length === 0 ? {} : { results }) }
  return { jsonrpc: '2.0', id, error: { code: rpcCode(error, code), message, data } }
}

function rpcCode(error: unknown, code: ErrorCode): number {
  if (error instanceof ProtocolError) return error.rpcCode
  if (error instanceof ParameterError) return rpcCodes.invalidParams
  return code === 'INTERNAL' ? rpcCodes.internalError : rpcCodes.failed
}

/** A request that is none, or names no method. */
export class ProtocolError extends HearsayError {
  readonly rpcCode: number

  constructor(code: number, message: string) {
    super('INVALID_ARGUMENT', {
      message,
      hint: 'The protocol is JSON-RPC 2.0; the method "help" lists the verbs.'
    })
    this.rpcCode = code
  }
}

/** The error that a response carries, as it was thrown over there. */
export function errorOf(error: z.infer<typeof errorObject>): HearsayError {
  const { code = 'INTERNAL', message = error.message, hint } = error.data ?? {}
  const known = code in errors ? (code as ErrorCode) : 'INTERNAL'
  return new HearsayError(known, { message, ...(hint === undefined ? {} : { hint }) })
}
