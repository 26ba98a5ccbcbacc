/**
 * The encrypted SQLite file and what is done in it. Runs in the store's own thread, synchronously.
 * Spec: specs/store.md, sections "Database" and "Commits".
 *
 * Always true: a batch is committed as a whole before any of its results leaves; and no database is ever
 * used that is not encrypted, because the key is set and the cipher read back before the first page is read.
 */
import Database from 'better-sqlite3-multiple-ciphers'
import { HearsayError } from '../base/errors.ts'
import type { ErrorCode } from '../base/errors.ts'
import type { Change, Range, StoredRecord } from '../ports/store.ts'
import type { Failure, Operation, Result } from './batch.ts'
import { migrations, SCHEMA } from './migrations/index.ts'

const CIPHER = 'chacha20'
/** Half again as fast as 4 KiB with records of a kilobyte, and 16 KiB is no faster (measured). */
const PAGE_BYTES = 8192
const CACHE_KIB = 16 * 1024
const WAL_KEPT_BYTES = 16 * 1024 * 1024

type Connection = InstanceType<typeof Database>

/** What each group of SQLite's result codes is to a person; all others are STORE_FAILED. */
const CODES: readonly (readonly [prefix: string, code: ErrorCode])[] = [
  ['SQLITE_FULL', 'STORE_FULL'],
  ['SQLITE_CORRUPT', 'STORE_CORRUPT'],
  // What decrypts to nonsense is "not a database": damage, because the key was authenticated before.
  ['SQLITE_NOTADB', 'STORE_CORRUPT'],
  ['SQLITE_BUSY', 'HOME_IN_USE'],
  ['SQLITE_LOCKED', 'HOME_IN_USE']
]

/** What went wrong, in a form that crosses threads. */
export function toFailure(error: unknown): Failure {
  if (error instanceof HearsayError) return { code: error.code, cause: error.message }
  if (error instanceof Database.SqliteError) {
    const code = CODES.find(([prefix]) => error.code.startsWith(prefix))?.[1] ?? 'STORE_FAILED'
    return { code, cause: `${error.code}: ${error.message}` }
  }
  return { code: 'STORE_FAILED', cause: error instanceof Error ? error.message : String(error) }
}

/**
 * Holds a lock file, made where it is missing, until the returned function is called or the process ends,
 * however it ends. Throws HOME_IN_USE at once where another process, or another store of this one, holds it.
 *
 * The file is an empty database because SQLite brings portable locks, which Node does not have.
 */
export function lock(path: string): () => void {
  const database = new Database(path, { timeout: 0, fileMustExist: false })
  try {
    // Nothing is ever written to it, so it needs no journal beside it either.
    database.pragma('journal_mode = MEMORY')
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    throw error
  }
  return () => void database.close()
}

/** Opens an encrypted file and proves that it can be read and written. Throws with the file closed again. */
function connect(path: string, key: Uint8Array): Connection {
  const database = new Database(path, { timeout: 0, fileMustExist: true })
  try {
    database.pragma(`cipher = '${CIPHER}'`)
    const rawKey = Buffer.from(`raw:${Buffer.from(key).toString('hex')}`)
    database.key(rawKey)
    rawKey.fill(0)
    if (database.pragma('cipher', { simple: true }) !== CIPHER)
      throw new HearsayError('STORE_FAILED', { message: 'The database cannot be encrypted.' })
    // Before the first access: SQLite then keeps the index of the log in memory and not in a shared file.
    database.pragma('locking_mode = EXCLUSIVE')
    database.pragma(`page_size = ${PAGE_BYTES}`)
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = FULL')
    // On a Mac fsync alone does not reach the disk; elsewhere these two mean nothing.
    database.pragma('fullfsync = ON')
    database.pragma('checkpoint_fullfsync = ON')
    database.pragma('temp_store = MEMORY')
    database.pragma('secure_delete = ON')
    database.pragma(`cache_size = -${CACHE_KIB}`)
    database.pragma(`journal_size_limit = ${WAL_KEPT_BYTES}`)
    database.exec('BEGIN IMMEDIATE; COMMIT')
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

const schemaOf = (database: Connection): number => database.pragma('user_version', { simple: true }) as number

/** Brings a database to the present schema. All of it or nothing. */
function migrate(database: Connection): void {
  const missing = migrations.slice(schemaOf(database))
  if (missing.length === 0) return
  database.transaction(() => {
    for (const { schema, sql } of missing) {
      database.exec(sql)
      database.pragma(`user_version = ${schema}`)
    }
  })()
}

/** Makes the database in an empty file, on disk when it returns. */
export function createDatabase(path: string, key: Uint8Array): void {
  const database = connect(path, key)
  try {
    migrate(database)
  } finally {
    database.close()
  }
}

/** The records in one encrypted file. One thread, one connection. */
export class RecordDatabase {
  readonly #database: Connection
  readonly #put: Database.Statement<[string, string, Uint8Array]>
  readonly #delete: Database.Statement<[string, string]>
  readonly #get: Database.Statement<[string, string], Buffer>
  readonly #ranges = new Map<string, Database.Statement<(string | number)[], StoredRecord>>()

  /** Opens the file. Throws STORE_CORRUPT, STORE_TOO_NEW, HOME_IN_USE or STORE_FAILED; nothing is changed then. */
  constructor(path: string, key: Uint8Array) {
    const database = connect(path, key)
    this.#database = database
    try {
      const schema = schemaOf(database)
      if (schema < 1) throw new HearsayError('STORE_CORRUPT', { message: 'The database has no schema.' })
      if (schema > SCHEMA) throw new HearsayError('STORE_TOO_NEW')
      migrate(database)
      this.#put = database.prepare(
        `INSERT INTO records (collection, key, value) VALUES (?, ?, ?)
         ON CONFLICT (collection, key) DO UPDATE SET value = excluded.value`
      )
      this.#delete = database.prepare('DELETE FROM records WHERE collection = ? AND key = ?')
      this.#get = database
        .prepare<[string, string], Buffer>('SELECT value FROM records WHERE collection = ? AND key = ?')
        .pluck()
    } catch (error) {
      database.close()
      throw error
    }
  }

  /**
   * Carries out the operations of a batch in order, as one transaction that is on disk when this returns.
   * Where that fails, each is carried out by itself, so that the one which cannot be fails alone.
   */
  execute(operations: readonly Operation[]): Result[] {
    try {
      return this.#commit(operations)
    } catch (error) {
      if (operations.length === 1) return [{ type: 'failed', failure: toFailure(error) }]
      return operations.flatMap(operation => this.execute([operation]))
    }
  }

  close(): void {
    this.#database.close()
  }

  #commit(operations: readonly Operation[]): Result[] {
    if (!operations.some(({ type }) => type === 'write')) return operations.map(one => this.#apply(one))
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      const results = operations.map(operation => this.#apply(operation))
      this.#database.exec('COMMIT')
      return results
    } catch (error) {
      // A full disk may have ended the transaction already.
      if (this.#database.inTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }

  #apply(operation: Operation): Result {
    if (operation.type === 'write') {
      for (const change of operation.changes) this.#change(change)
      return { type: 'written' }
    }
    const { collection } = operation
    if (operation.type === 'get') return { type: 'value', value: this.#get.get(collection, operation.key) }
    return { type: 'records', records: this.#range(collection, operation.range) }
  }

  #change({ collection, key, value }: Change): void {
    if (value === undefined) this.#delete.run(collection, key)
    else this.#put.run(collection, key, value)
  }

  #range(collection: string, { from, to, reverse, limit }: Range): StoredRecord[] {
    const sql =
      'SELECT key, value FROM records WHERE collection = ?' +
      (from === undefined ? '' : ' AND key >= ?') +
      (to === undefined ? '' : ' AND key < ?') +
      (reverse === true ? ' ORDER BY key DESC' : ' ORDER BY key') +
      (limit === undefined ? '' : ' LIMIT ?')
    let statement = this.#ranges.get(sql)
    if (statement === undefined) {
      statement = this.#database.prepare(sql)
      this.#ranges.set(sql, statement)
    }
    return statement.all(...[collection, from, to, limit].filter(value => value !== undefined))
  }
}
