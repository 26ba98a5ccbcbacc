/** Both stores pass the acceptance suite, and do the same as each other whatever is asked of them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { limits } from '../../src/base/limits.ts'
import type { Change, Range, Store } from '../../src/ports/store.ts'
import { MemoryDisk, memoryStore } from '../../src/store/memory.ts'
import { StoreThread } from '../../src/store/sqlite-thread.ts'
import { fileStore } from '../../src/store/sqlite.ts'
import { storeSuite } from '../../src/testing/store-suite.ts'
import type { StorePlace } from '../../src/testing/store-suite.ts'

async function onDisk(): Promise<StorePlace> {
  const directory = await mkdtemp(join(tmpdir(), 'hearsay-store-'))
  return { open: () => fileStore(directory), remove: () => rm(directory, { recursive: true }) }
}

async function inMemory(): Promise<StorePlace> {
  const disk = new MemoryDisk()
  return { open: async () => memoryStore(disk) }
}

storeSuite('a store in memory', inMemory, { describe, test })
storeSuite('a store on disk', onDisk, { describe, test })

test('a store in memory is cut off when its disk is opened again, as a crashed process is', async () => {
  const disk = new MemoryDisk()
  const crashed = memoryStore(disk)
  await crashed.write([{ collection: 'notes', key: 'a', value: Uint8Array.of(1) }])
  const restarted = memoryStore(disk)
  await expect(crashed.write([{ collection: 'notes', key: 'b', value: Uint8Array.of(2) }])).rejects.toThrow(
    expect.objectContaining({ code: 'NODE_STOPPED' })
  )
  await crashed.close()
  expect(await restarted.range('notes')).toEqual([{ key: 'a', value: Uint8Array.of(1) }])
})

test('a store on disk refuses what would wait without bound, and goes on with the rest', async () => {
  const place = await onDisk()
  const store = await place.open()
  try {
    const reads = Array.from({ length: limits.storeWaitingMax + 10 }, () => store.get('notes', 'a'))
    const outcomes = await Promise.allSettled(reads)
    const refused = outcomes.filter(outcome => outcome.status === 'rejected')
    expect(refused).toHaveLength(10)
    expect(refused[0]!.reason).toMatchObject({ code: 'LIMIT_REACHED' })
    await store.write([{ collection: 'notes', key: 'a', value: Uint8Array.of(1) }])
    expect(await store.get('notes', 'a')).toEqual(Uint8Array.of(1))
  } finally {
    await store.close()
    await place.remove?.()
  }
})

test('a thread that fails answers everybody who asked', async () => {
  const thread = new StoreThread()
  const asked = [
    thread.ask({ type: 'open', path: '/nowhere/store.db', key: new Uint8Array(32) }),
    thread.ask({ type: 'execute', count: 1, memory: new ArrayBuffer(0) })
  ]
  for (const outcome of await Promise.allSettled(asked))
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'STORE_FAILED' } })
  await thread.close()
  await expect(thread.ask({ type: 'close' })).rejects.toMatchObject({ code: 'STORE_FAILED' })
})

const key = fc.string({ unit: fc.constantFrom('a', 'B', '/', '~', ' '), minLength: 1, maxLength: 3 })
const collection = fc.constantFrom('notes', 'drafts')
const change = fc.record<Change>({
  collection,
  key,
  value: fc.option(fc.uint8Array({ maxLength: 40 }), { nil: undefined, freq: 3 })
})
const range = fc.record<Range>(
  { from: key, to: key, reverse: fc.boolean(), limit: fc.nat({ max: 6 }) },
  { requiredKeys: [] }
)

type Step =
  | { type: 'write'; changes: Change[] }
  | { type: 'get'; collection: string; key: string }
  | { type: 'range'; collection: string; range: Range }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant('write'), changes: fc.array(change, { maxLength: 6 }) })
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('get'), collection, key }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('range'), collection, range }) }
)

/** Nothing is awaited in between: on disk, the steps land in shared commits of every size. */
function walk(store: Store, steps: readonly Step[]): Promise<unknown[]> {
  return Promise.all(
    steps.map((one): Promise<unknown> => {
      if (one.type === 'write') return store.write(one.changes)
      if (one.type === 'get') return store.get(one.collection, one.key)
      return store.range(one.collection, one.range)
    })
  )
}

test('whatever is asked in whatever order, memory and disk answer alike', async () => {
  const { open, remove } = await onDisk()
  const disk = await open()
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async steps => {
        const memory = memoryStore()
        for (const name of ['notes', 'drafts']) {
          const left = await disk.range(name)
          await disk.write(left.map(record => ({ collection: name, key: record.key, value: undefined })))
        }
        expect(await walk(disk, steps)).toEqual(await walk(memory, steps))
        expect(await disk.range('notes')).toEqual(await memory.range('notes'))
      }),
      { numRuns: 200 }
    )
  } finally {
    await disk.close()
    await remove?.()
  }
})
