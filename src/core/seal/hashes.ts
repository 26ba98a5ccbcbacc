/**
 * The ids that are hashes of bytes. Spec: specs/encoding.md, section 3.
 *
 * Always true: whoever has the bytes computes the same id, and no two kinds of bytes share one.
 */
import { idOf, type EnvelopeId, type MessageId } from '../../base/ids.ts'
import { labelledHash } from '../../crypto/hash.ts'

/** The id of an envelope, by all its bytes. */
export const envelopeId = (envelope: Uint8Array): EnvelopeId => idOf(labelledHash('envelope', envelope))

/** What the next entry of a log and those that saw this one refer to. 32 bytes. */
export const entryHash = (entry: Uint8Array): Uint8Array => labelledHash('entry', entry)

/** The id of a message: its entry's hash, so that it stays the same however often it is sealed again. */
export const messageId = (entry: Uint8Array): MessageId => messageIdOf(entryHash(entry))

/** The same, where the hash of the entry is known. */
export const messageIdOf = (hash: Uint8Array): MessageId => idOf(hash)

/** What the next entry of a device list refers to. 32 bytes. */
export const deviceEntryHash = (entry: Uint8Array): Uint8Array => labelledHash('deviceEntryHash', entry)

/** What the answer to a contact request is bound to. 32 bytes. */
export const requestHash = (request: Uint8Array): Uint8Array => labelledHash('requestHash', request)
