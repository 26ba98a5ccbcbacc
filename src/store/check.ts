/**
 * What may be asked of a store: the shapes that every implementation accepts and refuses alike.
 * Always true: nothing is stored, queued or copied before it has passed here.
 */
import { HearsayError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Change, Range } from '../ports/store.ts'

/** Letters that sort the same as text, as bytes and in SQLite, and that no log can trip over. */
const PRINTABLE_ASCII = /^[\x20-\x7e]+$/

const refuse = (why: string): HearsayError => new HearsayError('INVALID_ARGUMENT', { message: `${why}.` })

function checkText(what: string, text: unknown, maxBytes: number): void {
  if (typeof text !== 'string' || text.length > maxBytes || !PRINTABLE_ASCII.test(text))
    throw refuse(`A ${what} of the store is 1 to ${maxBytes} printable ASCII characters`)
}

/** Throws INVALID_ARGUMENT unless these name a record. */
export function checkName(collection: string, key: string): void {
  checkText('collection', collection, limits.storeCollectionMaxBytes)
  checkText('key', key, limits.storeKeyMaxBytes)
}

/** Throws INVALID_ARGUMENT unless these changes make a transaction. */
export function checkChanges(changes: readonly Change[]): void {
  if (changes.length > limits.storeChangesMax)
    throw refuse(`A transaction has at most ${limits.storeChangesMax} changes`)
  let bytes = 0
  for (const { collection, key, value } of changes) {
    checkName(collection, key)
    if (value === undefined) continue
    if (!(value instanceof Uint8Array)) throw refuse('A value of the store is bytes')
    if (value.length > limits.storeValueMaxBytes)
      throw refuse(`A value of the store has at most ${limits.storeValueMaxBytes} bytes`)
    bytes += value.length
  }
  if (bytes > limits.storeWaitingMaxBytes)
    throw refuse(`The values of a transaction have at most ${limits.storeWaitingMaxBytes} bytes`)
}

/** Throws INVALID_ARGUMENT unless this is a range of a collection. */
export function checkRange(collection: string, { from, to, limit }: Range): void {
  checkText('collection', collection, limits.storeCollectionMaxBytes)
  if (from !== undefined) checkText('key', from, limits.storeKeyMaxBytes)
  if (to !== undefined) checkText('key', to, limits.storeKeyMaxBytes)
  if (limit !== undefined && (!Number.isSafeInteger(limit) || limit < 0))
    throw refuse('The limit of a range is a whole number')
}
