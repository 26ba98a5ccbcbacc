/**
 * The folder of a node, as far as the store is concerned: where its files are, who may touch them, and how
 * they come to be.
 * Spec: specs/store.md, sections "Files" and "Making a home".
 *
 * Always true: a home has a whole store or none (it appears by one rename); nothing that is there is ever
 * overwritten; and neither the database nor the lock is opened here once it is in use, because closing any
 * handle to a file drops every POSIX lock that the process has on it.
 */
import { chmod, lstat, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import type { Stats } from 'node:fs'
import { join, resolve } from 'node:path'
import { HearsayError } from '../base/errors.ts'
import { formatKeyFile, generateKey, openKeyFile } from './key.ts'
import type { Passphrase } from './key.ts'

const OWNER_FOLDER = 0o700
const OWNER_FILE = 0o600
const OTHERS = 0o077
/** A key file is some three hundred bytes; what is much larger is not one, and is not read. */
const KEY_FILE_MAX_BYTES = 4096
const PLAINTEXT_HEADER = 'SQLite format 3\0'
/** Made by a database beside itself, so there or not there. */
const LOG_SUFFIX = '-wal'

/** The paths of one home. */
export interface Home {
  readonly folder: string
  /** Held by whoever uses the home. */
  readonly lock: string
  /** Holds key and database. There, or not there: never half. */
  readonly store: string
  readonly key: string
  readonly database: string
}

/** The paths of the home in a folder. */
export function homeIn(directory: string): Home {
  const folder = resolve(directory)
  const store = join(folder, 'store')
  return {
    folder,
    lock: join(folder, 'store.lock'),
    store,
    key: join(store, 'key.json'),
    database: join(store, 'store.db')
  }
}

/** STORE_FULL or STORE_FAILED for what the file system said; any other error, ours or a bug, is left as it is. */
export function fromFileSystem(error: unknown): unknown {
  const { syscall, code } = error as NodeJS.ErrnoException
  if (syscall === undefined) return error
  return new HearsayError(code === 'ENOSPC' || code === 'EDQUOT' ? 'STORE_FULL' : 'STORE_FAILED', {
    cause: error
  })
}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT'

async function statusOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

const unsafe = (path: string, why: string, hint: string): HearsayError =>
  new HearsayError('HOME_UNSAFE', { message: `${path} ${why}.`, hint })

/** Throws HOME_UNSAFE unless this is of the kind it should be, and ours. */
function checkOwn(path: string, status: Stats, kind: 'file' | 'folder'): void {
  if (!(kind === 'file' ? status.isFile() : status.isDirectory()))
    throw unsafe(path, `is not a plain ${kind}`, 'Look at what it is before you use this home.')
  // Windows has no owners and modes of this sort; a home there is as safe as the folder it is in.
  if (process.getuid !== undefined && status.uid !== process.getuid())
    throw unsafe(path, 'belongs to another user', 'Run as the user whose home this is.')
}

/** Throws HOME_UNSAFE unless this is of the kind it should be, ours, and closed to everybody else. */
function checkStatus(path: string, status: Stats, kind: 'file' | 'folder'): void {
  checkOwn(path, status, kind)
  if (process.getuid !== undefined && (status.mode & OTHERS) !== 0)
    throw unsafe(
      path,
      'can be read or written by others',
      `Take their rights away: chmod -R go-rwx '${path}'`
    )
}

async function checkPath(path: string, kind: 'file' | 'folder'): Promise<void> {
  const status = await statusOf(path)
  if (status === undefined)
    throw new HearsayError('STORE_CORRUPT', { message: `${path} is missing; nothing was changed.` })
  checkStatus(path, status, kind)
}

/** Makes what was renamed, made or removed in a folder survive a crash of the machine. */
async function syncFolder(path: string): Promise<void> {
  // Windows does not open folders, and its file system keeps a journal of names by itself.
  if (process.platform === 'win32') return
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** A new file for its owner only, whatever the umask; on disk when this resolves. Throws where there is one. */
async function writeNewFile(path: string, text: string): Promise<void> {
  const handle = await open(path, 'wx', OWNER_FILE)
  try {
    await handle.chmod(OWNER_FILE)
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { mode: OWNER_FOLDER })
  await chmod(path, OWNER_FOLDER)
}

/**
 * Whether the home has a store. Makes the folder where it may and has to. Throws HOME_UNSAFE,
 * ALREADY_INITIALISED or NOT_INITIALISED.
 */
export async function findStore(
  home: Home,
  create: 'if-missing' | 'must-be-new' | 'never'
): Promise<boolean> {
  let folder: Stats | undefined
  try {
    // The home itself may be a link: its owner decides where it is. Nothing in it may.
    folder = await stat(home.folder)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
  if (folder !== undefined) checkStatus(home.folder, folder, 'folder')
  const found = folder !== undefined && (await statusOf(home.store)) !== undefined
  if (found && create === 'must-be-new') throw new HearsayError('ALREADY_INITIALISED')
  if (!found && create === 'never') throw new HearsayError('NOT_INITIALISED')
  if (folder === undefined) {
    await mkdir(home.folder, { recursive: true, mode: OWNER_FOLDER })
    await chmod(home.folder, OWNER_FOLDER)
  }
  return found
}

/** Throws HOME_UNSAFE where the lock is not a plain file of ours. Its rights are `closeLock`'s business. */
export async function checkLock(home: Home): Promise<void> {
  const status = await statusOf(home.lock)
  if (status !== undefined) checkOwn(home.lock, status, 'file')
}

/**
 * Takes everybody else's rights from the lock, which the database made and the umask shaped. By its path: a
 * handle of ours would take the lock with it when it is closed.
 */
export async function closeLock(home: Home): Promise<void> {
  if (((await stat(home.lock)).mode & 0o777) !== OWNER_FILE) await chmod(home.lock, OWNER_FILE)
}

/**
 * Makes a whole store beside where it belongs and moves it there in one step. The caller holds the lock.
 * `createDatabase` makes the database in an empty file and lets go of it.
 */
export async function createStore(
  home: Home,
  passphrase: Passphrase | undefined,
  createDatabase: (path: string, key: Uint8Array) => Promise<void>
): Promise<void> {
  const folder = `${home.store}.new`
  const database = join(folder, 'store.db')
  const key = generateKey()
  // What was begun and never finished: whoever began it no longer holds the lock.
  await rm(folder, { recursive: true, force: true })
  try {
    await makeFolder(folder)
    await writeNewFile(database, '')
    await createDatabase(database, key)
    await checkEncrypted(database)
    await writeNewFile(join(folder, 'key.json'), await formatKeyFile(key, passphrase))
    await syncFolder(folder)
    await rename(folder, home.store)
    await syncFolder(home.folder)
  } catch (error) {
    await rm(folder, { recursive: true, force: true }).catch(() => {})
    throw error
  } finally {
    key.fill(0)
  }
}

/** A cipher that was set up wrongly leaves a readable database without a word, so we look ourselves. */
async function checkEncrypted(database: string): Promise<void> {
  const handle = await open(database, 'r')
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(PLAINTEXT_HEADER.length), { position: 0 })
    if (bytesRead < PLAINTEXT_HEADER.length || buffer.toString('latin1') === PLAINTEXT_HEADER)
      throw new HearsayError('STORE_FAILED', { message: 'The database cannot be encrypted.' })
  } finally {
    await handle.close()
  }
}

/** The store's key. Throws HOME_UNSAFE, STORE_CORRUPT, STORE_TOO_NEW, PASSPHRASE_NEEDED or WRONG_PASSPHRASE. */
export async function unlock(home: Home, passphrase: Passphrase | undefined): Promise<Uint8Array> {
  await checkPath(home.store, 'folder')
  await checkPath(home.key, 'file')
  await checkPath(home.database, 'file')
  // SQLite would make a new database of it, and a loss would look like a beginning.
  if ((await stat(home.database)).size === 0)
    throw new HearsayError('STORE_CORRUPT', { message: `${home.database} is empty; nothing was changed.` })
  const log = `${home.database}${LOG_SUFFIX}`
  const status = await statusOf(log)
  if (status !== undefined) checkStatus(log, status, 'file')
  if ((await stat(home.key)).size > KEY_FILE_MAX_BYTES)
    throw new HearsayError('STORE_CORRUPT', { message: 'The key file of the store is damaged: its size.' })
  return openKeyFile(await readFile(home.key, 'utf8'), passphrase)
}

/** Puts a key file for this key in the place of the present one, in one step. The caller holds the lock. */
export async function replaceKeyFile(
  home: Home,
  key: Uint8Array,
  passphrase: Passphrase | undefined
): Promise<void> {
  const draft = `${home.key}.new`
  await rm(draft, { force: true })
  try {
    await writeNewFile(draft, await formatKeyFile(key, passphrase))
    await rename(draft, home.key)
    await syncFolder(home.store)
  } catch (error) {
    await rm(draft, { force: true }).catch(() => {})
    throw error
  }
}
