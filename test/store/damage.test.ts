/** A store that was damaged, or whose disk is full or read-only: clear words, and nothing made worse. */
import { execFileSync } from 'node:child_process'
import { copyFile, cp, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { Store } from '../../src/ports/store.ts'
import { fileStore } from '../../src/store/sqlite.ts'
import { codeOf, copyAsCrashed, hashesIn, rawDatabase, temporaryFolder } from './places.ts'

const record = (index: number, size = 1024) => ({
  collection: 'notes',
  key: String(index).padStart(6, '0'),
  value: randomBytes(size)
})

/** A home with enough records for a database of many pages. */
async function makeHome(home: string): Promise<void> {
  const store = await fileStore(home)
  await store.write(Array.from({ length: 200 }, (_, index) => record(index)))
  await store.close()
}

async function overwrite(path: string, offset: number, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, 'r+')
  await handle.write(bytes, 0, bytes.length, offset)
  await handle.close()
}

/** What opening and reading everything comes to. */
async function openAndRead(home: string): Promise<unknown> {
  let store: Store | undefined
  try {
    store = await fileStore(home, { create: 'if-missing' })
    return (await store.range('notes')).length
  } catch (error) {
    return (error as { code: string }).code
  } finally {
    await store?.close()
  }
}

describe('damage', () => {
  test.for([
    ['an empty database', (database: string) => truncate(database, 0)],
    ['a database without its end', (database: string) => truncate(database, 5 * 8192)],
    ['a database cut within a page', (database: string) => truncate(database, 5 * 8192 + 100)],
    ['a database without its first bytes', (database: string) => overwrite(database, 0, randomBytes(16))],
    ['a first page that was changed', (database: string) => overwrite(database, 200, randomBytes(16))],
    ['a database of something else', (database: string) => writeFile(database, randomBytes(80_000))],
    [
      'a database in plain text',
      (database: string) => writeFile(database, 'SQLite format 3\0'.padEnd(8192, '\0'))
    ],
    ['a database that is gone', (database: string) => rm(database)]
  ] as const)('%s is reported and left as it is', async ([, damage]) => {
    await using folder = await temporaryFolder()
    const home = join(folder.path, 'home')
    await makeHome(home)
    await damage(join(home, 'store', 'store.db'))
    const before = await hashesIn(home)
    expect(await openAndRead(home)).toBe('STORE_CORRUPT')
    expect(await hashesIn(home)).toEqual(before)
  })

  test('a page changed anywhere is noticed by whoever reads it, and never passed off as a record', async () => {
    await using folder = await temporaryFolder()
    const home = join(folder.path, 'home')
    await makeHome(home)
    const { size } = await stat(join(home, 'store', 'store.db'))
    let noticed = 0
    for (let page = 1; page < size / 8192; page += 3) {
      const copy = join(folder.path, `copy-${page}`)
      await cp(home, copy, { recursive: true })
      await overwrite(join(copy, 'store', 'store.db'), page * 8192 + 1000, randomBytes(4))
      const seen = await openAndRead(copy)
      if (seen !== 200) expect(seen).toBe('STORE_CORRUPT')
      if (seen === 'STORE_CORRUPT') noticed++
      await rm(copy, { recursive: true })
    }
    // All but the pages of the index, which a range over the whole table may not need.
    expect(noticed).toBeGreaterThan(6)
  })

  test('of a log cut short or damaged, whole transactions are left, from the first on', async () => {
    await using folder = await temporaryFolder()
    const home = join(folder.path, 'home')
    const store = await fileStore(home)
    for (let index = 0; index < 12; index++)
      await store.write([record(2 * index, 3000), record(2 * index + 1, 3000)])
    const crashed = join(folder.path, 'crashed')
    copyAsCrashed(home, crashed)
    await store.close()
    const log = await readFile(join(crashed, 'store', 'store.db-wal'))
    expect(log.length).toBeGreaterThan(100_000)
    const counts: number[] = []
    for (let cut = 0; cut <= 10; cut++) {
      const copy = join(folder.path, 'copy')
      await cp(crashed, copy, { recursive: true })
      const path = join(copy, 'store', 'store.db-wal')
      const offset = Math.floor((log.length * cut) / 10)
      if (cut % 2 === 0) await truncate(path, offset)
      else await overwrite(path, offset, randomBytes(8))
      const reopened = await fileStore(copy)
      const keys = (await reopened.range('notes')).map(({ key }) => key)
      await reopened.close()
      expect(keys.length % 2).toBe(0)
      expect(keys).toEqual(Array.from({ length: keys.length }, (_, index) => String(index).padStart(6, '0')))
      counts.push(keys.length)
      await rm(copy, { recursive: true })
    }
    expect(counts[0]).toBe(0)
    expect(counts.at(-1)).toBe(24)
  })

  test('a key file that is damaged, too large or gone is reported and left as it is', async () => {
    await using folder = await temporaryFolder()
    const home = join(folder.path, 'home')
    const store = await fileStore(home, { passphrase: 'correct horse' })
    await store.close()
    const path = join(home, 'store', 'key.json')
    const text = await readFile(path, 'utf8')
    const file = JSON.parse(text) as Record<string, unknown>
    const damaged = [
      '',
      text.slice(0, 100),
      'null',
      '[]',
      text.padEnd(5000),
      { ...file, version: 0 },
      { ...file, passphrase: 'yes' },
      { ...file, passphrase: false },
      { ...file, argon2id: undefined },
      { ...file, argon2id: { memoryKib: 2 ** 30, passes: 3, parallelism: 1 } },
      { ...file, argon2id: { memoryKib: 65_536, passes: 2 ** 31, parallelism: 1 } },
      { ...file, argon2id: { memoryKib: 4, passes: 3, parallelism: 1 } },
      { ...file, salt: 'short' },
      { ...file, nonce: `${String(file['nonce'])}=` },
      { ...file, wrappedKey: '' }
    ]
    for (const one of damaged) {
      await writeFile(path, typeof one === 'string' ? one : JSON.stringify(one))
      const before = await hashesIn(home)
      expect(await codeOf(fileStore(home, { passphrase: 'correct horse' })), JSON.stringify(one)).toBe(
        'STORE_CORRUPT'
      )
      expect(await hashesIn(home)).toEqual(before)
    }
    await rm(path)
    expect(await codeOf(fileStore(home, { passphrase: 'correct horse' }))).toBe('STORE_CORRUPT')
    await writeFile(path, text, { mode: 0o600 })
    await (await fileStore(home, { passphrase: 'correct horse' })).close()
  })

  test('a key that is not the one of this database opens nothing, after a crash neither', async () => {
    await using folder = await temporaryFolder()
    const [alice, bob, crashed] = ['alice', 'bob', 'crashed'].map(name => join(folder.path, name))
    await makeHome(bob!)
    const store = await fileStore(alice!)
    await store.write([record(1)])
    copyAsCrashed(alice!, crashed!)
    await store.close()
    for (const home of [alice!, crashed!]) {
      const own = await readFile(join(home, 'store', 'key.json'))
      await copyFile(join(bob!, 'store', 'key.json'), join(home, 'store', 'key.json'))
      const before = await hashesIn(home)
      expect(await openAndRead(home)).toBe('STORE_CORRUPT')
      expect(await hashesIn(home)).toEqual(before)
      await writeFile(join(home, 'store', 'key.json'), own)
      expect(await openAndRead(home)).toBe(1)
    }
  })

  test('a store of a newer Hearsay is left to it', async () => {
    await using folder = await temporaryFolder()
    const home = join(folder.path, 'home')
    await makeHome(home)
    const path = join(home, 'store', 'key.json')
    const text = await readFile(path, 'utf8')
    await writeFile(path, text.replace('"version": 1', '"version": 2'))
    expect(await openAndRead(home)).toBe('STORE_TOO_NEW')
    await writeFile(path, text)
    const database = await rawDatabase(home)
    database.pragma('user_version = 99')
    database.close()
    const before = await hashesIn(home)
    expect(await openAndRead(home)).toBe('STORE_TOO_NEW')
    expect(await hashesIn(home)).toEqual(before)
  })
})

/** As root where we are root, else as the root of a user namespace. */
const NAMESPACE = { command: 'unshare', flags: ['-rm', 'sh', '-ec'] } as const

/** A program in a mount namespace of its own, where it may fill and lock a small disk without hurting anybody. */
function withSmallDisk(mountPoint: string, script: string): string {
  const program = fileURLToPath(new URL('programs/small-disk.ts', import.meta.url))
  const mounted = `mount -t tmpfs -o size=3m,mode=700 none '${mountPoint}' && ${script}`
  return execFileSync(NAMESPACE.command, [...NAMESPACE.flags, mounted], {
    encoding: 'utf8',
    env: { ...process.env, RUN: `${process.execPath} ${program}`, HOME_DIR: mountPoint }
  })
}

/** Whether this machine lets us mount: Linux, and either root or a kernel with user namespaces. */
function canMount(): boolean {
  try {
    execFileSync(NAMESPACE.command, [...NAMESPACE.flags, 'mount -t tmpfs none /mnt'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

describe.skipIf(!canMount())('a small disk (needs to mount one)', () => {
  test('that is full refuses whole transactions, keeps the rest, and goes on once there is space', async () => {
    await using folder = await temporaryFolder()
    const lines = withSmallDisk(folder.path, '$RUN fill "$HOME_DIR"').trim().split('\n')
    const { refused, acknowledged, kept, torn, together, stayed, reopened } = JSON.parse(lines.at(-1)!)
    expect(refused).toBe('STORE_FULL')
    expect(acknowledged).toBeGreaterThan(3)
    expect(kept).toBe(acknowledged)
    expect(torn).toBe(0)
    expect(together).toEqual(['written', 'STORE_FULL', 'written'])
    expect(stayed).toEqual(['a', 'c'])
    expect(reopened).toBe(acknowledged + 1)
  })

  test('that is full makes no home, and leaves none half', async () => {
    await using folder = await temporaryFolder()
    const script =
      'head -c 3140000 /dev/zero > "$HOME_DIR/ballast" || true; $RUN open "$HOME_DIR"; ls "$HOME_DIR"; ' +
      'rm "$HOME_DIR/ballast"; $RUN open "$HOME_DIR"; ls "$HOME_DIR"'
    const said = withSmallDisk(folder.path, script).trim().split('\n')
    expect(said).toEqual(['STORE_FULL', 'ballast', 'store.lock', 'opened', 'store', 'store.lock'])
  })

  test('that is read-only opens nothing and says so', async () => {
    await using folder = await temporaryFolder()
    const script =
      '$RUN open "$HOME_DIR"; mount -o remount,ro "$HOME_DIR"; $RUN open "$HOME_DIR"; ' +
      'mount -o remount,rw "$HOME_DIR"; $RUN open "$HOME_DIR"'
    const said = withSmallDisk(folder.path, script).trim().split('\n')
    expect(said).toEqual(['opened', 'STORE_FAILED', 'opened'])
  })
})
