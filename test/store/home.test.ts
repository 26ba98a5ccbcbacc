/** The home: who may open it, with what, and that nothing which was refused changes anything. */
import { execFileSync } from 'node:child_process'
import { chmod, chown, mkdir, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Store } from '../../src/ports/store.ts'
import { platformArgon2id, portableArgon2id } from '../../src/store/key.ts'
import { changePassphrase, fileStore } from '../../src/store/sqlite.ts'
import type { FileStoreOptions } from '../../src/store/sqlite.ts'
import { codeOf, copyAsCrashed, filesIn, hashesIn, temporaryFolder } from './places.ts'

const isRoot = process.getuid?.() === 0
const GREETING = { collection: 'notes', key: 'greeting', value: Buffer.from('hello bob') }

/** A home of alice's, closed, with one record in it. */
async function makeHome(home: string, options: FileStoreOptions = {}): Promise<void> {
  const store = await fileStore(home, options)
  await store.write([GREETING])
  await store.close()
}

async function expectGreeting(home: string, options: FileStoreOptions = {}): Promise<void> {
  const store = await fileStore(home, { ...options, create: 'never' })
  try {
    expect(Buffer.from((await store.get('notes', 'greeting'))!).toString()).toBe('hello bob')
  } finally {
    await store.close()
  }
}

/** Opening fails with this code, and every byte of the home stays as it was. */
async function expectRefused(home: string, code: string, options: FileStoreOptions = {}): Promise<void> {
  const before = await hashesIn(home)
  expect(await codeOf(fileStore(home, options))).toBe(code)
  expect(await hashesIn(home)).toEqual(before)
}

describe('making a home', () => {
  test('a home is made where there is none, with all folders above it', async () => {
    await using folder = await temporaryFolder()
    const home = join(folder.path, 'of', 'alice')
    await makeHome(home)
    await expectGreeting(home)
    expect(await readdir(home)).toEqual(['store', 'store.lock'])
    expect(await readdir(join(home, 'store'))).toEqual(['key.json', 'store.db'])
  })

  test('a new home is made in a folder that has other files', async () => {
    await using folder = await temporaryFolder()
    await writeFile(join(folder.path, 'config.json'), '{}', { mode: 0o600 })
    await makeHome(folder.path, { create: 'must-be-new' })
    await expectGreeting(folder.path)
  })

  test("a home that must be new is not an old one, and one that must be there isn't made", async () => {
    await using folder = await temporaryFolder()
    expect(await codeOf(fileStore(join(folder.path, 'none'), { create: 'never' }))).toBe('NOT_INITIALISED')
    expect(await codeOf(fileStore(folder.path, { create: 'never' }))).toBe('NOT_INITIALISED')
    expect(await readdir(folder.path)).toEqual([])
    await makeHome(folder.path)
    await expectRefused(folder.path, 'ALREADY_INITIALISED', { create: 'must-be-new' })
  })

  test('of many who make one home at once, one has it', async () => {
    await using folder = await temporaryFolder()
    const stores = await Promise.allSettled(
      Array.from({ length: 5 }, () => fileStore(folder.path, { create: 'must-be-new' }))
    )
    const opened = stores.filter(result => result.status === 'fulfilled')
    expect(opened).toHaveLength(1)
    for (const result of stores)
      if (result.status === 'rejected')
        expect(['HOME_IN_USE', 'ALREADY_INITIALISED']).toContain((result.reason as { code: string }).code)
    await opened[0]!.value.close()
  })

  test('what was left of a making that was killed is no home, and is no obstacle', async () => {
    await using folder = await temporaryFolder()
    await mkdir(join(folder.path, 'store.new'), { mode: 0o700 })
    await writeFile(join(folder.path, 'store.new', 'store.db'), 'half', { mode: 0o600 })
    expect(await codeOf(fileStore(folder.path, { create: 'never' }))).toBe('NOT_INITIALISED')
    await makeHome(folder.path)
    await expectGreeting(folder.path)
    expect(await readdir(folder.path)).toEqual(['store', 'store.lock'])
  })
})

describe('a home in use', () => {
  let store: Store | undefined
  afterEach(async () => {
    await store?.close()
  })

  test('is in use for everybody else at once, whatever passphrase they have', async () => {
    await using folder = await temporaryFolder()
    const home = join(folder.path, 'home')
    store = await fileStore(home, { passphrase: 'correct horse' })
    expect(await codeOf(fileStore(home, { passphrase: 'correct horse' }))).toBe('HOME_IN_USE')
    expect(await codeOf(fileStore(home, { passphrase: 'wrong' }))).toBe('HOME_IN_USE')
    expect(await codeOf(fileStore(home))).toBe('HOME_IN_USE')
    expect(await codeOf(changePassphrase(home, { from: 'correct horse' }))).toBe('HOME_IN_USE')
    await store.write([GREETING])
    copyAsCrashed(home, join(folder.path, 'seen'))
    const seen = [...(await filesIn(join(folder.path, 'seen'))).keys()]
    expect(seen.map(path => basename(path))).toEqual(['store.lock', 'key.json', 'store.db', 'store.db-wal'])
    await store.close()
    await expectGreeting(home, { passphrase: 'correct horse' })
  })
})

describe('passphrases', () => {
  test('opens with its passphrase and with nothing else', async () => {
    await using folder = await temporaryFolder()
    await makeHome(folder.path, { passphrase: 'correct horse' })
    await expectRefused(folder.path, 'PASSPHRASE_NEEDED')
    for (const passphrase of ['correct hors', 'correct horse ', 'Correct horse', new Uint8Array(13)])
      await expectRefused(folder.path, 'WRONG_PASSPHRASE', { passphrase })
    await expectGreeting(folder.path, { passphrase: Buffer.from('correct horse') })
  })

  test('takes an accent for the same however it was typed', async () => {
    await using folder = await temporaryFolder()
    await makeHome(folder.path, { passphrase: 'caf\u00e9' })
    await expectGreeting(folder.path, { passphrase: 'cafe\u0301' })
  })

  test('says so when a passphrase is given and the store has none', async () => {
    await using folder = await temporaryFolder()
    await makeHome(folder.path)
    await expectRefused(folder.path, 'WRONG_PASSPHRASE', { passphrase: 'correct horse' })
  })

  test('refuses to lock anything with an empty passphrase', async () => {
    await using folder = await temporaryFolder()
    expect(await codeOf(fileStore(folder.path, { passphrase: '' }))).toBe('INVALID_ARGUMENT')
    expect(await readdir(folder.path)).toEqual([])
  })

  test('is changed, set and taken away without touching the database', async () => {
    await using folder = await temporaryFolder()
    const home = folder.path
    const database = join(home, 'store', 'store.db')
    await makeHome(home)
    const before = (await filesIn(home)).get(database)!

    await changePassphrase(home, { to: 'first' })
    await expectRefused(home, 'PASSPHRASE_NEEDED')
    await changePassphrase(home, { from: 'first', to: 'second' })
    expect(await codeOf(changePassphrase(home, { from: 'first', to: 'third' }))).toBe('WRONG_PASSPHRASE')
    expect(await codeOf(changePassphrase(home, { to: 'third' }))).toBe('PASSPHRASE_NEEDED')
    expect(await codeOf(changePassphrase(home, { from: 'second', to: '' }))).toBe('INVALID_ARGUMENT')
    await expectRefused(home, 'WRONG_PASSPHRASE', { passphrase: 'first' })
    expect((await filesIn(home)).get(database)).toEqual(before)

    await expectGreeting(home, { passphrase: 'second' })
    await changePassphrase(home, { from: 'second' })
    await expectGreeting(home)
    expect(await readdir(join(home, 'store'))).toEqual(['key.json', 'store.db'])
  })

  test('derives the same key with and without the platform', async () => {
    const passphrase = Buffer.from('correct horse')
    const salt = Buffer.alloc(16, 7)
    for (const parameters of [
      { memoryKib: 64, passes: 1, parallelism: 1 },
      { memoryKib: 256, passes: 3, parallelism: 2 }
    ]) {
      const portable = Buffer.from(await portableArgon2id(passphrase, salt, parameters))
      const platform = await platformArgon2id(passphrase, salt, parameters)
      expect(portable).toHaveLength(32)
      if (platform !== undefined) expect(Buffer.from(platform)).toEqual(portable)
    }
  })
})

describe.skipIf(process.getuid === undefined)('other people on the machine', () => {
  test('find every folder and file closed, whatever the umask', async () => {
    for (const mask of [0o000, 0o022, 0o777]) {
      await using folder = await temporaryFolder()
      const home = join(folder.path, 'home')
      const umask = process.umask(mask)
      try {
        const store = await fileStore(home)
        await store.write([GREETING])
        const modes: Record<string, string> = {}
        for (const name of [
          '',
          'store.lock',
          'store',
          'store/key.json',
          'store/store.db',
          'store/store.db-wal'
        ])
          modes[name] = ((await stat(join(home, name))).mode & 0o7777).toString(8)
        await store.close()
        await changePassphrase(home, { to: 'another' })
        modes['changed'] = ((await stat(join(home, 'store/key.json'))).mode & 0o7777).toString(8)
        expect(modes, `umask ${mask.toString(8)}`).toEqual({
          '': '700',
          'store.lock': '600',
          store: '700',
          'store/key.json': '600',
          'store/store.db': '600',
          'store/store.db-wal': '600',
          changed: '600'
        })
      } finally {
        process.umask(umask)
      }
    }
  })

  test.skipIf(!isRoot)('read nothing of it, and do not even learn what is in it (needs root)', async () => {
    await using folder = await temporaryFolder()
    const home = join(folder.path, 'home')
    await makeHome(home)
    await chmod(folder.path, 0o755)
    const asNobody = (command: string, path: string): string | undefined => {
      try {
        return execFileSync(command, [path], { uid: 65_534, gid: 65_534, encoding: 'utf8', stdio: 'pipe' })
      } catch {
        return undefined
      }
    }
    expect(asNobody('ls', folder.path)).toBe('home\n')
    expect(asNobody('ls', home)).toBeUndefined()
    for (const name of ['store.lock', 'store/key.json', 'store/store.db'])
      expect(asNobody('cat', join(home, name)), name).toBeUndefined()
  })

  test('could have read or changed a home that is open to them, so it is not used', async () => {
    await using folder = await temporaryFolder()
    const home = join(folder.path, 'home')
    await makeHome(home)
    for (const name of ['', 'store', 'store/key.json', 'store/store.db'])
      for (const right of [0o040, 0o020, 0o004, 0o002, 0o001]) {
        const path = join(home, name)
        const { mode } = await stat(path)
        await chmod(path, mode | right)
        await expectRefused(home, 'HOME_UNSAFE')
        await chmod(path, mode)
      }
    // The lock holds nothing, so its rights are simply put right.
    await chmod(join(home, 'store.lock'), 0o666)
    await expectGreeting(home)
    expect((await stat(join(home, 'store.lock'))).mode & 0o777).toBe(0o600)
  })

  test('are not handed a new home in a folder of theirs', async () => {
    await using folder = await temporaryFolder()
    await chmod(folder.path, 0o770)
    expect(await codeOf(fileStore(folder.path))).toBe('HOME_UNSAFE')
    expect(await readdir(folder.path)).toEqual([])
  })

  test('cannot point the store elsewhere with a link', async () => {
    await using folder = await temporaryFolder()
    const home = join(folder.path, 'home')
    await makeHome(home)
    for (const name of ['store.lock', 'store', 'store/key.json', 'store/store.db']) {
      const path = join(home, name)
      await rename(path, join(folder.path, 'elsewhere'))
      await symlink(join(folder.path, 'elsewhere'), path)
      expect(await codeOf(fileStore(home)), name).toBe('HOME_UNSAFE')
      await rm(path)
      await rename(join(folder.path, 'elsewhere'), path)
    }
    await symlink('/dev/null', join(home, 'store', 'store.db-wal'))
    expect(await codeOf(fileStore(home))).toBe('HOME_UNSAFE')
    await rm(join(home, 'store', 'store.db-wal'))
    await expectGreeting(home)
  })

  test.skipIf(!isRoot)('own no home that somebody else uses (needs root)', async () => {
    await using folder = await temporaryFolder()
    await makeHome(folder.path)
    await chown(join(folder.path, 'store', 'key.json'), 12_345, 12_345)
    await expectRefused(folder.path, 'HOME_UNSAFE')
  })
})
