/**
 * A simulated disk: the `Store` port with everything that real ones do on a bad day.
 *
 * Transactions are written in the order of the calls and become durable in that order, each after a virtual
 * `fsync`; its promise resolves then and not before. A crash keeps a random prefix of those that were still
 * under way: what was torn in the middle is rolled back, as a write-ahead log does, and a transaction whose
 * promise never resolved may well have survived. A full disk and an I/O error refuse a transaction whole.
 *
 * Invariant: once `write` has resolved, no crash takes its changes back. Reads see every transaction that was
 * accepted, as those of a database see its page cache.
 */
import { compareText } from './order.ts'
import { HearsayError } from '../base/errors.ts'
import type { Change, Collection, Range, Store, StoredRecord } from '../ports/store.ts'
import { checkChanges, checkName, checkRange } from '../store/check.ts'
import type { SeededRandom } from './random.ts'
import type { VirtualTime } from './time.ts'

/** How a disk behaves; all of it may change at any time. */
export interface DiskHealth {
  /** How long an fsync takes at least and at most, in milliseconds. */
  fsyncMinMs: number
  fsyncMaxMs: number
  /** How likely a transaction is refused with STORE_FAILED. */
  failure: number
  /** While true every transaction is refused with STORE_FULL. */
  full: boolean
}

/** A disk in working order. */
export const healthyDisk = (): DiskHealth => ({ fsyncMinMs: 0.3, fsyncMaxMs: 4, failure: 0, full: false })

interface Transaction {
  readonly changes: readonly Change[]
  readonly session: Session
  readonly settle: () => void
  readonly onSurvived: (() => void) | undefined
}

/** One process that has the disk open; a crash ends it without a word. */
interface Session {
  alive: boolean
  closed: boolean
}

/** What a machine keeps when its process dies. */
export class SimulatedDisk {
  readonly health: DiskHealth
  /**
   * Called with every transaction that is asked for: where a test lets the machine crash at a write. What it
   * returns is called if the transaction survives, whether or not anybody is left to hear of it.
   */
  onWrite: ((changes: readonly Change[]) => (() => void) | undefined) | undefined
  /** Called when a transaction is refused, because the disk is full or failing. */
  onRefuse: (() => void) | undefined
  readonly #time: VirtualTime
  readonly #random: SeededRandom
  readonly #name: string
  /** What the platters hold. */
  readonly #durable = new Records()
  /** What a reader sees: durable records and all transactions under way. */
  #visible = new Records()
  #pending: Transaction[] = []
  #lastSyncAt = 0
  #session: Session | undefined

  constructor(init: { time: VirtualTime; random: SeededRandom; name: string; health?: Partial<DiskHealth> }) {
    this.#time = init.time
    this.#random = init.random
    this.#name = init.name
    this.health = { ...healthyDisk(), ...init.health }
  }

  /** Opens the disk for a process; one at a time, as `HOME_IN_USE` sees to. */
  open(): Store {
    if (this.#session?.alive === true && !this.#session.closed) throw new HearsayError('HOME_IN_USE')
    const session: Session = { alive: true, closed: false }
    this.#session = session
    return {
      get: async (collection, key) => {
        requireOpen(session)
        if (!session.alive) return await never()
        checkName(collection, key)
        return copy(this.#visible.get(collection, key))
      },
      range: async (collection, range) => {
        requireOpen(session)
        if (!session.alive) return await never()
        checkRange(collection, range ?? {})
        return this.#visible.range(collection, range)
      },
      write: changes => this.#write(session, changes),
      close: async () => {
        session.closed = true
        await Promise.all(this.#pending.map(transaction => this.#synced(transaction)))
      }
    }
  }

  /**
   * The machine loses power: the process hears nothing more, and of the transactions under way a random
   * prefix survives.
   */
  crash(): void {
    if (this.#session !== undefined) this.#session.alive = false
    const kept = this.#random.integer(this.#pending.length + 1)
    this.#time.note(`${this.#name} disk keeps ${kept} of ${this.#pending.length} unsynced`)
    for (const transaction of this.#pending.slice(0, kept)) this.#survive(transaction)
    this.#pending = []
    this.#visible = this.#durable.clone()
  }

  /** Whether these bytes are part of any record that would survive a crash in this moment. */
  holds(bytes: Uint8Array): boolean {
    return this.#durable.holds(bytes)
  }

  /** Records of a collection that would survive a crash in this moment, in key order. */
  surviving(collection: Collection): StoredRecord[] {
    return this.#durable.range(collection)
  }

  /** How many transactions are under way. */
  get unsynced(): number {
    return this.#pending.length
  }

  async #write(session: Session, changes: readonly Change[]): Promise<void> {
    requireOpen(session)
    checkChanges(changes)
    if (!session.alive) return await never()
    const onSurvived = this.onWrite?.(changes)
    this.#refuseOnBadDays()
    await new Promise<void>(resolve => {
      const owned = changes.map(change => ({ ...change, value: copy(change.value) }))
      const transaction = { changes: owned, session, settle: resolve, onSurvived }
      this.#pending.push(transaction)
      this.#visible.apply(owned)
      const { fsyncMinMs, fsyncMaxMs } = this.health
      const takes = fsyncMinMs + this.#random.float() * (fsyncMaxMs - fsyncMinMs)
      this.#lastSyncAt = Math.max(this.#lastSyncAt, this.#time.now + takes)
      this.#time.after(this.#lastSyncAt - this.#time.now, `${this.#name} fsync`, () =>
        this.#sync(transaction)
      )
    })
  }

  #refuseOnBadDays(): void {
    const { full, failure } = this.health
    const fails = failure > 0 && this.#random.chance(failure)
    if (!full && !fails) return
    this.onRefuse?.()
    if (full) throw new HearsayError('STORE_FULL')
    throw new HearsayError('STORE_FAILED', { message: 'The disk reported an I/O error (simulated).' })
  }

  /** Everything up to this transaction is on the platters now. */
  #sync(transaction: Transaction): void {
    const index = this.#pending.indexOf(transaction)
    if (index < 0) return
    for (const done of this.#pending.splice(0, index + 1)) {
      this.#survive(done)
      if (done.session.alive) done.settle()
    }
  }

  #survive({ changes, onSurvived }: Transaction): void {
    this.#durable.apply(changes)
    onSurvived?.()
  }

  async #synced(transaction: Transaction): Promise<void> {
    await this.#time.until(() => !this.#pending.includes(transaction))
  }
}

/** Collections of records in key order. */
class Records {
  readonly #collections = new Map<Collection, { keys: string[]; values: Map<string, Uint8Array> }>()

  get(collection: Collection, key: string): Uint8Array | undefined {
    return this.#collections.get(collection)?.values.get(key)
  }

  range(collection: Collection, range: Range = {}): StoredRecord[] {
    const found = this.#collections.get(collection)
    if (found === undefined) return []
    const from = range.from === undefined ? 0 : position(found.keys, range.from)
    const to = range.to === undefined ? found.keys.length : position(found.keys, range.to)
    const keys = found.keys.slice(from, Math.max(from, to))
    if (range.reverse === true) keys.reverse()
    return keys
      .slice(0, range.limit ?? keys.length)
      .map(key => ({ key, value: found.values.get(key)!.slice() }))
  }

  apply(changes: readonly Change[]): void {
    for (const { collection, key, value } of changes) {
      let found = this.#collections.get(collection)
      if (found === undefined) {
        found = { keys: [], values: new Map() }
        this.#collections.set(collection, found)
      }
      const known = found.values.has(key)
      if (value === undefined) {
        if (known) found.keys.splice(position(found.keys, key), 1)
        found.values.delete(key)
        continue
      }
      if (!known) found.keys.splice(position(found.keys, key), 0, key)
      found.values.set(key, value)
    }
  }

  holds(bytes: Uint8Array): boolean {
    for (const { values } of this.#collections.values()) {
      for (const { buffer, byteOffset, byteLength } of values.values()) {
        if (Buffer.from(buffer, byteOffset, byteLength).includes(bytes)) return true
      }
    }
    return false
  }

  clone(): Records {
    const twin = new Records()
    for (const [collection, { keys, values }] of this.#collections) {
      twin.#collections.set(collection, { keys: [...keys], values: new Map(values) })
    }
    return twin
  }
}

/** Where a key is, or would be inserted. */
function position(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareText(keys[middle]!, key) < 0) low = middle + 1
    else high = middle
  }
  return low
}

function copy(value: Uint8Array | undefined): Uint8Array | undefined {
  return value?.slice()
}

function requireOpen(session: Session): void {
  if (session.closed) throw new HearsayError('NODE_STOPPED')
}

/** What a process hears from a machine that has lost power. */
function never(): Promise<never> {
  return new Promise(() => undefined)
}
