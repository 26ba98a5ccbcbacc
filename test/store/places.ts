/** What the tests of the store on disk share: a home that goes away, and a look at what is in it. */
import { hash } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3-multiple-ciphers'

/** A folder for one test, removed when the test ends, whichever way. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'hearsay-store-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/**
 * The bytes of every file below a folder, by path. Not while this process has a store open there: closing a
 * file drops the locks on it.
 */
export async function filesIn(folder: string): Promise<Map<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  const read = files.toSorted().map(async path => [path, await readFile(path)] as const)
  return new Map(await Promise.all(read))
}

/** The hash of every file below a folder, by path: whether anything changed, in a form that can be printed. */
export async function hashesIn(folder: string): Promise<Record<string, string>> {
  const files = [...(await filesIn(folder))]
  return Object.fromEntries(files.map(([path, bytes]) => [path, `${bytes.length} ${hash('sha256', bytes)}`]))
}

/** The code of the HearsayError that a promise rejects with; 'nothing' where it does not. */
export async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
    return 'nothing'
  } catch (error) {
    return (error as { code?: unknown }).code ?? error
  }
}

/**
 * A copy of a home that is in use: what a crash at this moment would leave. Made by another process, because
 * this one would lose its locks by reading the files.
 */
export const copyAsCrashed = (home: string, copy: string): void => {
  execFileSync('cp', ['-pr', home, copy])
}

/** The database of a closed home without a passphrase, opened past the store. Close it. */
export async function rawDatabase(home: string): Promise<Database> {
  const { key } = JSON.parse(await readFile(join(home, 'store', 'key.json'), 'utf8')) as { key: string }
  const database = new Database(join(home, 'store', 'store.db'), { timeout: 0, fileMustExist: true })
  database.pragma("cipher = 'chacha20'")
  database.key(Buffer.from(`raw:${Buffer.from(key, 'base64url').toString('hex')}`))
  return database
}
