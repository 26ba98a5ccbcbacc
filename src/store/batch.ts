/**
 * How operations cross from the node's thread to the store's and back: as one buffer that is transferred, not
 * cloned, so that a thousand small records cost the node's thread a copy of their bytes and nothing more.
 *
 * Both ends are the same version of this code in one process, so the format is nobody's contract and its
 * bytes are nobody else's: it may change at will, and a decoder may trust its encoder.
 * Always true: results come in the order of the operations, one for each.
 */
import type { ErrorCode } from '../base/errors.ts'
import type { Change, Collection, Range, StoredRecord } from '../ports/store.ts'

/** What the store's thread is asked. */
export type Operation =
  | { readonly type: 'write'; readonly changes: readonly Change[] }
  | { readonly type: 'get'; readonly collection: Collection; readonly key: string }
  | { readonly type: 'range'; readonly collection: Collection; readonly range: Range }

/** An error without its class, which does not cross threads. */
export interface Failure {
  readonly code: ErrorCode
  /** What the database said; never the bytes of a record. */
  readonly cause: string
}

/** What came of one operation. */
export type Result =
  | { readonly type: 'written' }
  | { readonly type: 'value'; readonly value: Uint8Array | undefined }
  | { readonly type: 'records'; readonly records: StoredRecord[] }
  | { readonly type: 'failed'; readonly failure: Failure }

const CHUNK_BYTES = 16 * 1024
/** In place of a length: there is no value, the record is deleted or was not found. */
const ABSENT = 0xffff_ffff
const NO_LIMIT = 0xffff_ffff

const WRITE = 1
const GET = 2
const RANGE = 3

const WRITTEN = 1
const VALUE = 2
const RECORDS = 3
const FAILED = 4

/** A buffer that grows. Text goes in as Latin-1, which for ASCII is its bytes. */
class Writer {
  // Not from Node's pool: the memory is transferred to the other thread.
  #buffer: Buffer<ArrayBuffer> = Buffer.allocUnsafeSlow(CHUNK_BYTES)
  #length = 0

  get length(): number {
    return this.#length
  }

  byte(value: number): void {
    this.#reserve(1)
    this.#buffer[this.#length++] = value
  }

  word(value: number): void {
    this.#reserve(4)
    this.#length = this.#buffer.writeUInt32LE(value, this.#length)
  }

  text(value: string): void {
    this.word(value.length)
    this.#reserve(value.length)
    this.#length += this.#buffer.write(value, this.#length, value.length, 'latin1')
  }

  bytes(value: Uint8Array | undefined): void {
    if (value === undefined) {
      this.word(ABSENT)
      return
    }
    this.word(value.length)
    this.#reserve(value.length)
    this.#buffer.set(value, this.#length)
    this.#length += value.length
  }

  /** The memory itself; what is beyond the length means nothing. The writer is not used after this. */
  take(): ArrayBuffer {
    return this.#buffer.buffer
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes
    if (needed <= this.#buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#buffer.length))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}

/** Reads what a Writer wrote. */
class Reader {
  readonly #buffer: Buffer
  #offset = 0

  constructor(memory: ArrayBuffer) {
    this.#buffer = Buffer.from(memory)
  }

  byte(): number {
    return this.#buffer[this.#offset++]!
  }

  word(): number {
    const value = this.#buffer.readUInt32LE(this.#offset)
    this.#offset += 4
    return value
  }

  text(): string {
    const length = this.word()
    this.#offset += length
    return this.#buffer.toString('latin1', this.#offset - length, this.#offset)
  }

  /** A view: it lives as long as the memory does. */
  bytes(): Uint8Array | undefined {
    const length = this.word()
    if (length === ABSENT) return undefined
    this.#offset += length
    return this.#buffer.subarray(this.#offset - length, this.#offset)
  }

  /** A copy in memory of its own, for whoever asked the store to have. */
  ownBytes(): Uint8Array | undefined {
    const view = this.bytes()
    return view === undefined ? undefined : Uint8Array.from(view)
  }
}

/** Gathers operations. Their bytes are copied at once: what the caller does with its own later is its own. */
export class BatchEncoder {
  readonly #writer = new Writer()
  #count = 0

  /** How many operations it holds. */
  get count(): number {
    return this.#count
  }

  /** How many bytes they take. */
  get byteLength(): number {
    return this.#writer.length
  }

  add(operation: Operation): void {
    const writer = this.#writer
    this.#count++
    switch (operation.type) {
      case 'write':
        writer.byte(WRITE)
        writer.word(operation.changes.length)
        for (const { collection, key, value } of operation.changes) {
          writer.text(collection)
          writer.text(key)
          writer.bytes(value)
        }
        return
      case 'get':
        writer.byte(GET)
        writer.text(operation.collection)
        writer.text(operation.key)
        return
      case 'range': {
        const { from, to, reverse, limit } = operation.range
        writer.byte(RANGE)
        writer.text(operation.collection)
        // No key is empty, so an empty text stands for none.
        writer.text(from ?? '')
        writer.text(to ?? '')
        writer.byte(reverse === true ? 1 : 0)
        writer.word(Math.min(limit ?? NO_LIMIT, NO_LIMIT))
      }
    }
  }

  /** The batch, to be transferred. The encoder is not used after this. */
  take(): { readonly count: number; readonly memory: ArrayBuffer } {
    return { count: this.#count, memory: this.#writer.take() }
  }
}

/** The operations of a batch. Their values are views of its memory. */
export function decodeBatch(count: number, memory: ArrayBuffer): Operation[] {
  const reader = new Reader(memory)
  return Array.from({ length: count }, (): Operation => {
    const type = reader.byte()
    if (type === WRITE) {
      const changes = Array.from({ length: reader.word() }, () => ({
        collection: reader.text(),
        key: reader.text(),
        value: reader.bytes()
      }))
      return { type: 'write', changes }
    }
    if (type === GET) return { type: 'get', collection: reader.text(), key: reader.text() }
    return { type: 'range', collection: reader.text(), range: decodeRange(reader) }
  })
}

function decodeRange(reader: Reader): Range {
  const from = reader.text()
  const to = reader.text()
  const reverse = reader.byte() === 1
  const limit = reader.word()
  return {
    ...(from === '' ? {} : { from }),
    ...(to === '' ? {} : { to }),
    ...(reverse ? { reverse } : {}),
    ...(limit === NO_LIMIT ? {} : { limit })
  }
}

/** The results of a batch in one buffer, to be transferred back. */
export function encodeResults(results: readonly Result[]): ArrayBuffer {
  const writer = new Writer()
  for (const result of results) {
    switch (result.type) {
      case 'written':
        writer.byte(WRITTEN)
        break
      case 'value':
        writer.byte(VALUE)
        writer.bytes(result.value)
        break
      case 'records':
        writer.byte(RECORDS)
        writer.word(result.records.length)
        for (const { key, value } of result.records) {
          writer.text(key)
          writer.bytes(value)
        }
        break
      case 'failed':
        writer.byte(FAILED)
        writer.text(result.failure.code)
        writer.bytes(Buffer.from(result.failure.cause))
    }
  }
  return writer.take()
}

/** The results of a batch. Their bytes are copies that belong to the reader. */
export function decodeResults(count: number, memory: ArrayBuffer): Result[] {
  const reader = new Reader(memory)
  return Array.from({ length: count }, (): Result => {
    const type = reader.byte()
    if (type === WRITTEN) return { type: 'written' }
    if (type === VALUE) return { type: 'value', value: reader.ownBytes() }
    if (type === RECORDS) {
      const records = Array.from({ length: reader.word() }, () => ({
        key: reader.text(),
        value: reader.ownBytes()!
      }))
      return { type: 'records', records }
    }
    const code = reader.text() as ErrorCode
    return { type: 'failed', failure: { code, cause: Buffer.from(reader.bytes()!).toString() } }
  })
}
