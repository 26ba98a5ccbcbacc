/**
 * The TLS presentation language as MLS uses it (RFC 9420 section 2.1; RFC 8446 section 3): big-endian integers
 * and vectors with the variable-size length of RFC 9000 section 16.
 *
 * Always true: one value has one encoding (lengths that are not minimal are refused, so decoding and encoding
 * again gives the same bytes), and what a Reader returns never shares memory with what it read.
 */
import { mlsLimits } from '../../base/limits.ts'
import { MlsError } from './errors.ts'

/** Appends a value to a Writer. */
export type Write<T> = (writer: Writer, value: T) => void
/** Takes a value from a Reader. Throws MlsError `malformed`. */
export type Read<T> = (reader: Reader) => T

const FIRST_CAPACITY_BYTES = 1024
const NOTHING = new Uint8Array(0)
const LENGTH_MAX = 0x3fffffff

const lengthBytes = (length: number): number => (length < 0x40 ? 1 : length < 0x4000 ? 2 : 4)

/**
 * Buffers of writers that are done. Allocating one costs as much as hashing what is written into it, and a
 * message needs half a dozen. They hold zeros: what was written may have been secret.
 */
const spare: Uint8Array[] = []
const SPARE_MAX = 8
const SPARE_CAPACITY_MAX_BYTES = 16_384

/** Builds an encoding. `finish` once; a writer that was finished is empty again. */
export class Writer {
  #bytes = spare.pop() ?? new Uint8Array(FIRST_CAPACITY_BYTES)
  #length = 0

  /** How many bytes have been written. */
  get length(): number {
    return this.#length
  }

  u8(value: number): this {
    this.#reserve(1)
    this.#bytes[this.#length++] = value
    return this
  }

  u16(value: number): this {
    return this.u8(value >>> 8).u8(value)
  }

  u32(value: number): this {
    return this.u16(value >>> 16).u16(value)
  }

  u64(value: bigint): this {
    return this.u32(Number(BigInt.asUintN(32, value >> 32n))).u32(Number(BigInt.asUintN(32, value)))
  }

  /** Bytes of a length that the reader knows. */
  bytes(bytes: Uint8Array): this {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
    return this
  }

  /** `opaque x<V>`: a length, then the bytes. */
  opaque(bytes: Uint8Array): this {
    this.#writeLength(bytes.length, this.#length)
    return this.bytes(bytes)
  }

  /** A vector whose content `write` writes. */
  nested(write: (writer: this) => void): this {
    const start = this.#length
    write(this)
    const length = this.#length - start
    // The length is known only now: move the content aside for it.
    const width = lengthBytes(length)
    this.#reserve(width)
    this.#bytes.copyWithin(start + width, start, this.#length)
    this.#writeLength(length, start)
    this.#length = start + width + length
    return this
  }

  /** `T x<V>`: a vector of values. */
  list<T>(items: readonly T[], write: Write<T>): this {
    return this.nested(writer => {
      for (const item of items) write(writer, item)
    })
  }

  /** `optional<T>`: one byte that says whether a value follows. */
  optional<T>(value: T | undefined, write: Write<T>): this {
    if (value === undefined) return this.u8(0)
    this.u8(1)
    write(this, value)
    return this
  }

  /** Everything written so far, in an array of its own. */
  finish(): Uint8Array {
    const bytes = this.#bytes
    const written = bytes.slice(0, this.#length)
    bytes.fill(0, 0, this.#length)
    this.#bytes = NOTHING
    this.#length = 0
    if (bytes.length <= SPARE_CAPACITY_MAX_BYTES && spare.length < SPARE_MAX) spare.push(bytes)
    return written
  }

  #writeLength(length: number, at: number): void {
    if (length > LENGTH_MAX) throw new MlsError('malformed', 'a vector of more than 2^30 bytes')
    const width = lengthBytes(length)
    this.#reserve(width)
    const prefix = width === 1 ? 0 : width === 2 ? 0x4000 : 0x80000000
    for (let i = 0; i < width; i++) this.#bytes[at + i] = (length + prefix) >>> (8 * (width - 1 - i))
    if (at === this.#length) this.#length += width
  }

  #reserve(more: number): void {
    const needed = this.#length + more
    if (needed <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length))
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes.fill(0)
    this.#bytes = larger
  }
}

/** Takes an encoding apart, front to back. */
export class Reader {
  readonly #bytes: Uint8Array
  #position = 0

  constructor(bytes: Uint8Array) {
    // A view that is no Buffer, because a Buffer's `slice` would not copy.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Whether everything has been read. */
  get done(): boolean {
    return this.#position === this.#bytes.length
  }

  u8(): number {
    return this.#take(1)[0]!
  }

  u16(): number {
    const [high, low] = this.#take(2)
    return high! * 0x100 + low!
  }

  u32(): number {
    return this.u16() * 0x10000 + this.u16()
  }

  u64(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32())
  }

  bytes(length: number): Uint8Array {
    return this.#take(length).slice()
  }

  opaque(): Uint8Array {
    return this.#take(this.#length()).slice()
  }

  /** A vector of values, no more of them than `countMax`. */
  list<T>(read: Read<T>, countMax: number = Infinity): T[] {
    const inner = new Reader(this.#take(this.#length()))
    const items: T[] = []
    while (!inner.done) {
      if (items.length >= countMax) throw new MlsError('malformed', `a list of more than ${countMax}`)
      items.push(read(inner))
    }
    return items
  }

  optional<T>(read: Read<T>): T | undefined {
    const present = this.u8()
    if (present > 1) throw new MlsError('malformed', 'an optional value is neither there nor absent')
    return present === 1 ? read(this) : undefined
  }

  /** What has not been read yet. */
  rest(): Uint8Array {
    return this.bytes(this.#bytes.length - this.#position)
  }

  #length(): number {
    const first = this.u8()
    const width = 1 << (first >> 6)
    if (width === 8) throw new MlsError('malformed', 'a length of eight bytes')
    let length = first & 0x3f
    for (let i = 1; i < width; i++) length = length * 0x100 + this.u8()
    if (lengthBytes(length) !== width) throw new MlsError('malformed', 'a length is not minimal')
    return length
  }

  #take(length: number): Uint8Array {
    const end = this.#position + length
    if (end > this.#bytes.length) throw new MlsError('malformed', 'the input ends early')
    const taken = this.#bytes.subarray(this.#position, end)
    this.#position = end
    return taken
  }
}

/** The encoding of one value. */
export function encode<T>(write: Write<T>, value: T): Uint8Array {
  const writer = new Writer()
  write(writer, value)
  return writer.finish()
}

/** The one value that `bytes` encode, all of them. Throws MlsError `malformed`. */
export function decode<T>(read: Read<T>, bytes: Uint8Array, maxBytes: number = mlsLimits.messageMaxBytes): T {
  if (bytes.length > maxBytes) throw new MlsError('malformed', `more than ${maxBytes} bytes`)
  const reader = new Reader(bytes)
  const value = read(reader)
  if (!reader.done) throw new MlsError('malformed', 'bytes are left over')
  return value
}

/** Writes a `uint16`, for lists of registry values. */
export const writeU16: Write<number> = (writer, value) => void writer.u16(value)
/** Reads a `uint16`. */
export const readU16: Read<number> = reader => reader.u16()
/** Writes a `uint32`, for lists of indices. */
export const writeU32: Write<number> = (writer, value) => void writer.u32(value)
/** Reads a `uint32`. */
export const readU32: Read<number> = reader => reader.u32()
/** Writes `opaque<V>`. */
export const writeOpaque: Write<Uint8Array> = (writer, value) => void writer.opaque(value)
/** Reads `opaque<V>`. */
export const readOpaque: Read<Uint8Array> = reader => reader.opaque()
