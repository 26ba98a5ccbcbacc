/** Schema 1: every record of every collection in one table. Released; never edit, add the next one. */
import type { Migration } from './index.ts'

/**
 * With a row id, although the key is unique: values are far larger than keys, and a table that is its own
 * index moves them about at every insertion (measured with 1 KiB values: a quarter of the speed, three times
 * the size).
 */
export const records: Migration = {
  schema: 1,
  sql: `
    CREATE TABLE records (
      collection TEXT NOT NULL,
      key TEXT NOT NULL,
      value BLOB NOT NULL,
      PRIMARY KEY (collection, key)
    ) STRICT;
  `
}
