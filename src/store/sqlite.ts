/**
 * The store on disk: encrypted SQLite in a thread of its own, with group commit.
 * Spec: specs/store.md. Passes src/testing/store-suite.ts.
 *
 * Always true: operations are carried out in the order of the calls, so that a read sees every write called
 * before it; while one batch is committed the next one gathers; and a write resolves once its batch is synced.
 */
import { HearsayError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Change, Collection, Range, Store, StoredRecord } from '../ports/store.ts'
import { BatchEncoder, decodeResults } from './batch.ts'
import type { Operation, Result } from './batch.ts'
import { checkChanges, checkName, checkRange } from './check.ts'
import {
  checkLock,
  closeLock,
  createStore,
  findStore,
  fromFileSystem,
  homeIn,
  replaceKeyFile,
  unlock
} from './home.ts'
import type { Home } from './home.ts'
import { checkPassphrase } from './key.ts'
import type { Passphrase } from './key.ts'
import { StoreThread, toError } from './sqlite-thread.ts'

export interface FileStoreOptions {
  /** What locks the store. Without one the key lies beside it, readable to its owner only. */
  readonly passphrase?: Passphrase
  /** Whether to make a store where there is none; 'must-be-new' refuses one that is there. */
  readonly create?: 'if-missing' | 'must-be-new' | 'never'
}

/** Operations on their way, and who waits for each. */
interface Batch {
  readonly encoder: BatchEncoder
  readonly waiting: PromiseWithResolvers<Result>[]
}

class FileStore implements Store {
  readonly #thread: StoreThread
  /** What gathers while the thread is at work; the first of them goes next. */
  #batches: Batch[] = []
  #waitingCount = 0
  #waitingBytes = 0
  #flushing: Promise<void> | undefined
  #closed: Promise<void> | undefined

  constructor(thread: StoreThread) {
    this.#thread = thread
  }

  async get(collection: Collection, key: string): Promise<Uint8Array | undefined> {
    checkName(collection, key)
    const result = await this.#enqueue({ type: 'get', collection, key })
    return result.type === 'value' ? result.value : undefined
  }

  async range(collection: Collection, range: Range = {}): Promise<StoredRecord[]> {
    checkRange(collection, range)
    const result = await this.#enqueue({ type: 'range', collection, range })
    return result.type === 'records' ? result.records : []
  }

  async write(changes: readonly Change[]): Promise<void> {
    checkChanges(changes)
    await this.#enqueue({ type: 'write', changes })
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    await this.#flushing
    await this.#thread.close()
  }

  #enqueue(operation: Operation): Promise<Result> {
    if (this.#closed !== undefined) throw new HearsayError('NODE_STOPPED')
    if (this.#waitingCount >= limits.storeWaitingMax || this.#waitingBytes >= limits.storeWaitingMaxBytes)
      throw new HearsayError('LIMIT_REACHED', {
        message: 'Too much waits for the disk.',
        hint: 'Wait for earlier writes before you make more.'
      })
    let batch = this.#batches.at(-1)
    if (batch === undefined || batch.encoder.byteLength >= limits.storeCommitMaxBytes) {
      batch = { encoder: new BatchEncoder(), waiting: [] }
      this.#batches.push(batch)
    }
    const before = batch.encoder.byteLength
    batch.encoder.add(operation)
    const waiting: PromiseWithResolvers<Result> = Promise.withResolvers()
    batch.waiting.push(waiting)
    this.#waitingCount++
    this.#waitingBytes += batch.encoder.byteLength - before
    this.#flushing ??= this.#flush()
    return waiting.promise
  }

  /** Sends batch after batch until nothing waits. One is with the thread at a time: the next grows meanwhile. */
  async #flush(): Promise<void> {
    // Lets everything that is called in this turn of the loop into the first batch.
    await Promise.resolve()
    for (let batch = this.#batches.shift(); batch !== undefined; batch = this.#batches.shift()) {
      const bytes = batch.encoder.byteLength
      await this.#send(batch)
      this.#waitingCount -= batch.waiting.length
      this.#waitingBytes -= bytes
    }
    this.#flushing = undefined
  }

  /** Settles everybody who waits for a batch. Never rejects. */
  async #send({ encoder, waiting }: Batch): Promise<void> {
    try {
      const { count, memory } = encoder.take()
      const answer = await this.#thread.ask({ type: 'execute', count, memory })
      const results = decodeResults(count, answer!)
      for (const [index, result] of results.entries()) {
        if (result.type === 'failed') waiting[index]!.reject(toError(result.failure))
        else waiting[index]!.resolve(result)
      }
    } catch (error) {
      // The thread is gone. Those already settled are not settled twice.
      for (const one of waiting) one.reject(error)
    }
  }
}

/** Does something to a home that nobody else may use meanwhile. Takes the thread, and lets go of it on error. */
async function withLock<T>(home: Home, work: (thread: StoreThread) => Promise<T>): Promise<T> {
  await checkLock(home)
  const thread = new StoreThread()
  try {
    // Before the passphrase is even looked at: that a home is in use should be known at once, and by anybody.
    await thread.ask({ type: 'lock', path: home.lock })
    await closeLock(home)
    return await work(thread)
  } catch (error) {
    await thread.close()
    throw error
  }
}

/**
 * Opens the store in a folder, and makes both where they are missing and may be made.
 *
 * Throws ALREADY_INITIALISED, NOT_INITIALISED, HOME_IN_USE (at once, whoever has it), HOME_UNSAFE,
 * PASSPHRASE_NEEDED, WRONG_PASSPHRASE, STORE_CORRUPT, STORE_TOO_NEW, STORE_FULL or STORE_FAILED, and in each
 * case leaves what was there as it was.
 */
export async function fileStore(directory: string, options: FileStoreOptions = {}): Promise<Store> {
  const { passphrase, create = 'if-missing' } = options
  checkPassphrase(passphrase)
  const home = homeIn(directory)
  try {
    await findStore(home, create)
    return await withLock(home, async thread => {
      // Looks again, because only now nobody else is making one.
      if (!(await findStore(home, create)))
        await createStore(home, passphrase, async (path, key) => {
          await thread.ask({ type: 'create', path, key })
        })
      const key = await unlock(home, passphrase)
      try {
        await thread.ask({ type: 'open', path: home.database, key })
      } finally {
        key.fill(0)
      }
      return new FileStore(thread)
    })
  } catch (error) {
    throw fromFileSystem(error)
  }
}

/**
 * Locks the store of a home with another passphrase, or with none. Resolves once the old one no longer opens
 * it. No record is touched: the key stays the same, so an old copy of the key file still opens with the old
 * passphrase. The home must not be in use. Throws as `fileStore` does.
 */
export async function changePassphrase(
  directory: string,
  change: { readonly from?: Passphrase; readonly to?: Passphrase }
): Promise<void> {
  checkPassphrase(change.from)
  checkPassphrase(change.to)
  const home = homeIn(directory)
  try {
    await findStore(home, 'never')
    await withLock(home, async thread => {
      const key = await unlock(home, change.from)
      try {
        await replaceKeyFile(home, key, change.to)
      } finally {
        key.fill(0)
      }
      await thread.close()
    })
  } catch (error) {
    throw fromFileSystem(error)
  }
}
