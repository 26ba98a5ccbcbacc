/** What asking a node for something came to. */
import type { HearsayError } from 'hearsay'

/** What an attempt came to: a value, a refusal by Hearsay, or silence, because the machine crashed. */
export type Outcome<Value> =
  | { readonly type: 'done'; readonly value: Value }
  | { readonly type: 'refused'; readonly error: HearsayError }
  | { readonly type: 'crashed' }

/** One run under way. */

/** An error for the record, with where it came from. */
export const describe = (cause: unknown): string =>
  cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
