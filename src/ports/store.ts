/**
 * The store port: what is on disk. Ordered collections of records, written in transactions.
 * Acceptance suite: src/testing/store-suite.ts; every implementation passes it.
 */

/** Where a record lives. A collection is made by its first record. */
export type Collection = string

/** One change of a transaction. Without a value the record is deleted; deleting what is not there is fine. */
export interface Change {
  readonly collection: Collection
  /** Printable ASCII; records of a collection sort by it, byte by byte. */
  readonly key: string
  readonly value: Uint8Array | undefined
}

/** One record as it was read. The bytes belong to the reader. */
export interface StoredRecord {
  readonly key: string
  readonly value: Uint8Array
}

/** Which records of a collection to read. */
export interface Range {
  /** First key, included. */
  readonly from?: string
  /** Last key, excluded. */
  readonly to?: string
  /** From the last to the first. */
  readonly reverse?: boolean
  readonly limit?: number
}

/** Ordered collections of records on disk or in memory. One writer. */
export interface Store {
  /** The value of a record, or undefined. Throws STORE_FAILED. */
  get(collection: Collection, key: string): Promise<Uint8Array | undefined>
  /** Records of a collection in key order. Throws STORE_FAILED. */
  range(collection: Collection, range?: Range): Promise<StoredRecord[]>
  /**
   * All changes or none. Resolves once they survive a crash of the process and the machine; transactions
   * become durable in the order of the calls. Throws STORE_FULL or STORE_FAILED with nothing changed.
   */
  write(changes: readonly Change[]): Promise<void>
  /** Waits for what is under way and lets go of the files. Idempotent. */
  close(): Promise<void>
}
