/**
 * Homes that earlier versions left behind open for ever. `test/compat/home-schema-1` was made by the first
 * version, with the passphrase below; it is never made anew. A new schema adds a folder and a test.
 */
import { chmod, cp } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { Store } from '../../src/ports/store.ts'
import { migrations, SCHEMA } from '../../src/store/migrations/index.ts'
import { changePassphrase, fileStore } from '../../src/store/sqlite.ts'
import { rawDatabase, temporaryFolder } from './places.ts'

const PASSPHRASE = 'correct horse battery staple'

/** A copy of a kept home, with the rights that version control does not keep. */
async function unpack(name: string, home: string): Promise<void> {
  await cp(fileURLToPath(new URL(`../compat/${name}`, import.meta.url)), home, { recursive: true })
  for (const folder of ['', 'store']) await chmod(join(home, folder), 0o700)
  for (const file of ['store.lock', 'store/key.json', 'store/store.db']) await chmod(join(home, file), 0o600)
}

async function expectRecords(store: Store): Promise<void> {
  const notes = await store.range('notes')
  expect(notes.map(({ key, value }) => [key, Buffer.from(value).toString()])).toEqual([
    ['empty', ''],
    ['greeting', 'hello bob']
  ])
  const numbers = await store.range('numbers', { reverse: true })
  expect(numbers).toHaveLength(21)
  expect(numbers[0]).toEqual({ key: '~ last', value: Uint8Array.of(255, 0, 128) })
  for (const { key, value } of numbers.slice(1))
    expect([...value]).toEqual(Array.from({ length: Number(key) * 20 }, () => Number(key)))
}

test('a home of schema 1 opens, with everything that was in it, and goes on from there', async () => {
  await using folder = await temporaryFolder()
  const home = join(folder.path, 'home')
  await unpack('home-schema-1', home)
  const store = await fileStore(home, { passphrase: PASSPHRASE, create: 'never' })
  await expectRecords(store)
  await store.write([{ collection: 'drafts', key: 'a', value: Uint8Array.of(1) }])
  await store.close()
  const again = await fileStore(home, { passphrase: PASSPHRASE, create: 'never' })
  await expectRecords(again)
  expect(await again.get('drafts', 'a')).toEqual(Uint8Array.of(1))
  await again.close()
})

test('schemas are numbered without gaps, and both old homes and new ones end at the last', async () => {
  expect(migrations.map(({ schema }) => schema)).toEqual(migrations.map((_, index) => index + 1))
  await using folder = await temporaryFolder()
  const [old, fresh] = [join(folder.path, 'old'), join(folder.path, 'fresh')]
  await unpack('home-schema-1', old)
  await changePassphrase(old, { from: PASSPHRASE })
  for (const home of [old, fresh]) {
    await (await fileStore(home)).close()
    const database = await rawDatabase(home)
    expect(database.pragma('user_version', { simple: true })).toBe(SCHEMA)
    database.close()
  }
})
