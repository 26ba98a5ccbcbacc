/** What we use of better-sqlite3-multiple-ciphers, whose own types its package does not export. */
declare module 'better-sqlite3-multiple-ciphers' {
  class Statement<Parameters extends readonly unknown[], Row = unknown> {
    run(...parameters: Parameters): unknown
    get(...parameters: Parameters): Row | undefined
    all(...parameters: Parameters): Row[]
    /** From now on a row is the value of its first column. */
    pluck(): this
  }

  class SqliteError extends Error {
    /** SQLite's extended result code by name, like `SQLITE_IOERR_WRITE`. */
    readonly code: string
  }

  class Database {
    static readonly SqliteError: typeof SqliteError
    readonly inTransaction: boolean
    /** `timeout`: for how long another holder of the file is waited for, in milliseconds. */
    constructor(path: string, options: { readonly timeout: number; readonly fileMustExist: boolean })
    key(key: Buffer): number
    pragma(source: string, options?: { readonly simple: boolean }): unknown
    exec(sql: string): this
    prepare<Parameters extends readonly unknown[], Row = unknown>(sql: string): Statement<Parameters, Row>
    transaction(work: () => void): () => void
    close(): this
  }

  namespace Database {
    export type { Statement }
  }

  export default Database
}
