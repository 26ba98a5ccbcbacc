/**
 * Every schema that a store on disk has ever had, oldest first. A new store runs them all, an old one those
 * it lacks, in one transaction with the number of the schema (`PRAGMA user_version`).
 */
import { records } from './0001-records.ts'

/** The step from the schema before to this one. */
export interface Migration {
  /** Counts from 1 without gaps. */
  readonly schema: number
  readonly sql: string
}

/** All migrations, in order. */
export const migrations: readonly Migration[] = [records]

/** The schema that this version of Hearsay reads and writes. */
export const SCHEMA = migrations.length
