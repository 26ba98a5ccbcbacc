/** What a process that is killed without warning leaves behind. TESTING: acknowledged means on disk. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { watch } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { fileStore } from '../../src/store/sqlite.ts'
import { rawDatabase, temporaryFolder } from './places.ts'

const WRITER = fileURLToPath(new URL('programs/writer.ts', import.meta.url))
const OPENER = fileURLToPath(new URL('programs/small-disk.ts', import.meta.url))
const ROUNDS = 15

/** Small, repeatable and good enough to choose moments (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * Runs a writer, kills it a moment after it acknowledged so many, and returns all that it acknowledged. Without
 * that moment death would always come between two commits, where nothing can go wrong.
 */
async function writeUntilKilled(home: string, first: number, random: () => number): Promise<number[]> {
  const killAfter = 1 + Math.floor(random() * 400)
  const momentMs = random() * 6
  const writer = spawn(process.execPath, [WRITER, home, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const acknowledged: number[] = []
  const lines = createInterface({ input: writer.stdout })
  lines.on('line', line => {
    acknowledged.push(Number(line))
    if (acknowledged.length === killAfter) setTimeout(() => writer.kill('SIGKILL'), momentMs)
  })
  const [[, signal]] = await Promise.all([once(writer, 'exit'), once(lines, 'close')])
  expect(signal).toBe('SIGKILL')
  return acknowledged
}

/** Runs a program that makes a home, and kills it at the n-th thing that happens in the folder. */
async function makeHomeUntilKilled(folder: string, killAt: number): Promise<void> {
  let happened = 0
  const maker = spawn(process.execPath, [OPENER, 'open', folder], { stdio: 'ignore' })
  const watcher = watch(folder, { recursive: true }, () => {
    if (++happened === killAt) maker.kill('SIGKILL')
  })
  await once(maker, 'exit')
  watcher.close()
}

test('a home whose making is killed at any moment is a whole home or none', async () => {
  for (let killAt = 1; killAt <= 33; killAt += 4) {
    await using home = await temporaryFolder()
    await makeHomeUntilKilled(home.path, killAt)
    const made = (await readdir(home.path)).includes('store')
    if (made)
      expect(await readdir(join(home.path, 'store'))).toEqual(
        expect.arrayContaining(['key.json', 'store.db'])
      )
    const store = await fileStore(home.path, { create: made ? 'never' : 'must-be-new' })
    await store.write([{ collection: 'notes', key: 'a', value: Uint8Array.of(1) }])
    await store.close()
    expect(await readdir(home.path), `killed at ${killAt}`).toEqual(['store', 'store.lock'])
  }
})

test('a writer that is killed loses nothing it acknowledged, tears nothing and changes no order', async () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
  const random = seeded(seed)
  await using home = await temporaryFolder()
  let next = 0
  for (let round = 0; round < ROUNDS; round++) {
    const where = `round ${round}, reproduce with SEED=${seed}`
    const acknowledged = await writeUntilKilled(home.path, next, random)

    // A lock that outlived its holder would stop us here.
    const store = await fileStore(home.path, { create: 'never' })
    const left = await store.range('left')
    const right = await store.range('right')
    const last = Number(Buffer.from((await store.get('last', 'last'))!).toString())
    await store.close()

    expect(last, where).toBeGreaterThanOrEqual(Math.max(...acknowledged))
    // In the order of the calls: where one is there, all before it are.
    expect(
      left.map(({ key }) => Number(key)),
      where
    ).toEqual(Array.from({ length: last + 1 }, (_, n) => n))
    expect(right.length, where).toBe(left.length)
    for (const [index, { key, value }] of left.entries()) {
      const twin = right[index]!
      if (twin.key !== key || !Buffer.from(value).equals(twin.value) || value[0] !== Number(key) % 251)
        expect.fail(`transaction ${key} is torn, ${where}`)
    }
    const database = await rawDatabase(home.path)
    expect(database.pragma('integrity_check', { simple: true }), where).toBe('ok')
    database.close()
    next = last + 1
  }
})
