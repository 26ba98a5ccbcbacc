/**
 * A store in memory: what simulations and tests use, and what a node without a home would have.
 * Always true: a write is made whole, at the moment of the call, or not at all.
 */
import { HearsayError } from '../base/errors.ts'
import type { Change, Collection, Range, Store, StoredRecord } from '../ports/store.ts'
import { checkChanges, checkName, checkRange } from './check.ts'

/** One collection: the values by key, and the keys in order. */
interface Records {
  readonly values: Map<string, Uint8Array>
  readonly keys: string[]
}

/** What outlives a memory store that was closed or crashed, as a disk does. */
export class MemoryDisk {
  readonly #collections = new Map<Collection, Records>()
  #owner: object | undefined

  /** Hands the disk to a new store. Whoever had it before is cut off, as a process that crashed is. */
  attach(owner: object): void {
    this.#owner = owner
  }

  /** Takes the disk from a store; only its present owner has anything to lose. */
  detach(owner: object): void {
    if (this.#owner === owner) this.#owner = undefined
  }

  /** The records of a collection, or undefined. Throws NODE_STOPPED to everybody but the owner. */
  read(owner: object, collection: Collection): Records | undefined {
    this.#checkOwner(owner)
    return this.#collections.get(collection)
  }

  /** Makes all changes. Throws NODE_STOPPED to everybody but the owner. */
  write(owner: object, changes: readonly Change[]): void {
    this.#checkOwner(owner)
    for (const { collection, key, value } of changes) {
      let records = this.#collections.get(collection)
      if (records === undefined) {
        if (value === undefined) continue
        records = { values: new Map(), keys: [] }
        this.#collections.set(collection, records)
      }
      const known = records.values.has(key)
      if (value === undefined) {
        if (known) records.keys.splice(position(records.keys, key), 1)
        records.values.delete(key)
      } else {
        if (!known) records.keys.splice(position(records.keys, key), 0, key)
        records.values.set(key, value.slice())
      }
    }
  }

  #checkOwner(owner: object): void {
    if (this.#owner !== owner) throw new HearsayError('NODE_STOPPED')
  }
}

/** How many keys sort before this one. ASCII sorts by code unit as it does by byte. */
function position(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  // Most keys are made to sort last; that case should not cost a search.
  if (high > 0 && keys[high - 1]! < key) return high
  while (low < high) {
    const middle = (low + high) >>> 1
    if (keys[middle]! < key) low = middle + 1
    else high = middle
  }
  return low
}

/** Async methods, so that what is refused rejects and never throws at the call. */
class MemoryStore implements Store {
  readonly #disk: MemoryDisk

  constructor(disk: MemoryDisk) {
    this.#disk = disk
    disk.attach(this)
  }

  async get(collection: Collection, key: string): Promise<Uint8Array | undefined> {
    checkName(collection, key)
    return this.#disk.read(this, collection)?.values.get(key)?.slice()
  }

  async range(collection: Collection, range: Range = {}): Promise<StoredRecord[]> {
    checkRange(collection, range)
    const records = this.#disk.read(this, collection)
    if (records === undefined) return []
    const { values, keys } = records
    const { from, to, reverse = false, limit = keys.length } = range
    const first = from === undefined ? 0 : position(keys, from)
    const end = to === undefined ? keys.length : Math.max(first, position(keys, to))
    const chosen = reverse
      ? keys.slice(Math.max(first, end - limit), end).reverse()
      : keys.slice(first, Math.min(end, first + limit))
    return chosen.map(key => ({ key, value: values.get(key)!.slice() }))
  }

  async write(changes: readonly Change[]): Promise<void> {
    checkChanges(changes)
    this.#disk.write(this, changes)
  }

  async close(): Promise<void> {
    this.#disk.detach(this)
  }
}

/**
 * A store in memory. Give it the disk of an earlier one to open the same records again; the earlier store is
 * cut off then (its calls reject with NODE_STOPPED), whether it was closed or is to be thought of as crashed.
 */
export const memoryStore = (disk: MemoryDisk = new MemoryDisk()): Store => new MemoryStore(disk)
