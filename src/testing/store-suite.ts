/**
 * The acceptance suite of the store port (src/ports/store.ts): what every store must do, in examples. Whoever
 * writes a store proves it by running this over it, with any test runner that has `describe` and `test`.
 */
import assert from 'node:assert/strict'
import { HearsayError } from '../base/errors.ts'
import type { ErrorCode } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Change, Range, Store } from '../ports/store.ts'

/** One place where a store keeps its records. */
export interface StorePlace {
  /** Opens the store there: empty at first, later with what was written before. */
  readonly open: () => Promise<Store>
  /** Takes the place away after the test. The store is closed then. */
  readonly remove?: () => Promise<void>
}

/** What the suite needs of a test runner; vitest, node:test and mocha have it. */
export interface TestRunner {
  readonly describe: (name: string, body: () => void) => unknown
  readonly test: (name: string, body: () => Promise<void>) => unknown
}

type Story = (store: Store, reopen: () => Promise<Store>) => Promise<void>

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : new TextDecoder().decode(value)
const put = (key: string, value = key, collection = 'notes'): Change => ({
  collection,
  key,
  value: bytes(value)
})
const remove = (key: string, collection = 'notes'): Change => ({ collection, key, value: undefined })
const number = (value: number): string => String(value).padStart(6, '0')

async function keys(store: Store, range?: Range, collection = 'notes'): Promise<string[]> {
  const records = await store.range(collection, range)
  return records.map(({ key }) => key)
}

const rejects = (promise: Promise<unknown>, code: ErrorCode): Promise<void> =>
  assert.rejects(promise, error => error instanceof HearsayError && error.code === code)

const reading: Record<string, Story> = {
  'has nothing before anything is written': async store => {
    assert.equal(await store.get('notes', 'a'), undefined)
    assert.deepEqual(await store.range('notes'), [])
  },

  'gives back what was written, byte for byte': async store => {
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte)
    await store.write([{ collection: 'notes', key: 'all', value: all }])
    const value = await store.get('notes', 'all')
    assert.ok(value instanceof Uint8Array)
    assert.deepEqual([...value], [...all])
  },

  'knows an empty value from none': async store => {
    await store.write([put('empty', '')])
    assert.equal(text(await store.get('notes', 'empty')), '')
    assert.deepEqual(await keys(store), ['empty'])
  },

  'keeps collections apart': async store => {
    await store.write([put('a', 'of notes'), put('a', 'of drafts', 'drafts')])
    await store.write([remove('a', 'drafts')])
    assert.equal(text(await store.get('notes', 'a')), 'of notes')
    assert.equal(await store.get('drafts', 'a'), undefined)
    assert.deepEqual(await keys(store), ['a'])
  },

  'sorts keys byte by byte, whatever a language thinks of them': async store => {
    const sorted = [' ', '!', '-', '/', '10', '9', 'A', 'Z', '_', 'a', 'a ', 'a/b', 'aa', 'b', '~']
    await store.write(sorted.toReversed().map(key => put(key)))
    assert.deepEqual(await keys(store), sorted)
  },

  'reads ranges from either end, first key included, last one not': async store => {
    await store.write(['a', 'b', 'c', 'd', 'e'].map(key => put(key)))
    assert.deepEqual(await keys(store, { from: 'b', to: 'd' }), ['b', 'c'])
    assert.deepEqual(await keys(store, { from: 'b', to: 'd', reverse: true }), ['c', 'b'])
    assert.deepEqual(await keys(store, { from: 'bb' }), ['c', 'd', 'e'])
    assert.deepEqual(await keys(store, { to: 'bb', reverse: true }), ['b', 'a'])
    assert.deepEqual(await keys(store, { from: 'd', to: 'b' }), [])
    assert.deepEqual(await keys(store, { from: 'f' }), [])
  },

  'reads no more than the limit, from the end it was asked for': async store => {
    await store.write(['a', 'b', 'c', 'd', 'e'].map(key => put(key)))
    assert.deepEqual(await keys(store, { limit: 2 }), ['a', 'b'])
    assert.deepEqual(await keys(store, { limit: 2, reverse: true }), ['e', 'd'])
    assert.deepEqual(await keys(store, { from: 'b', limit: 2 }), ['b', 'c'])
    assert.deepEqual(await keys(store, { to: 'd', limit: 2, reverse: true }), ['c', 'b'])
    assert.deepEqual(await keys(store, { limit: 9 }), ['a', 'b', 'c', 'd', 'e'])
    assert.deepEqual(await keys(store, { limit: 0 }), [])
  },

  'gives bytes that belong to the reader': async store => {
    await store.write([put('a', 'mine')])
    const first = (await store.get('notes', 'a'))!
    first.fill(0)
    const [record] = await store.range('notes')
    assert.equal(text(record!.value), 'mine')
    record!.value.fill(0)
    assert.equal(text(await store.get('notes', 'a')), 'mine')
    assert.equal(first.buffer.byteLength, first.length, 'no more memory than the value')
  },

  'refuses names and ranges that it cannot order': async store => {
    for (const key of ['', 'é', 'a\n', 'a\0', 'k'.repeat(limits.storeKeyMaxBytes + 1)])
      await rejects(store.get('notes', key), 'INVALID_ARGUMENT')
    await rejects(store.get('', 'a'), 'INVALID_ARGUMENT')
    await rejects(store.range('notes', { limit: -1 }), 'INVALID_ARGUMENT')
    await rejects(store.range('notes', { limit: 0.5 }), 'INVALID_ARGUMENT')
    await rejects(store.range('notes', { from: 'ä' }), 'INVALID_ARGUMENT')
  }
}

const writing: Record<string, Story> = {
  'replaces a value': async store => {
    await store.write([put('a', 'first, and longer')])
    await store.write([put('a', 'second')])
    assert.equal(text(await store.get('notes', 'a')), 'second')
    assert.deepEqual(await keys(store), ['a'])
  },

  'deletes, also what is not there': async store => {
    await store.write([put('a'), put('b')])
    await store.write([remove('a'), remove('never'), remove('never', 'nowhere')])
    assert.deepEqual(await keys(store), ['b'])
    assert.equal(await store.get('notes', 'a'), undefined)
  },

  'makes the changes of a transaction in order': async store => {
    await store.write([put('a', '1'), put('a', '2'), put('b'), remove('b'), remove('c'), put('c')])
    assert.equal(text(await store.get('notes', 'a')), '2')
    assert.deepEqual(await keys(store), ['a', 'c'])
  },

  'takes a transaction without changes': async store => {
    await store.write([])
    assert.deepEqual(await keys(store), [])
  },

  'copies what it is given at the call': async store => {
    const value = bytes('as it was')
    const changes: Change[] = [{ collection: 'notes', key: 'a', value }]
    const written = store.write(changes)
    value.fill(0)
    changes.push(put('b'))
    await written
    assert.equal(text(await store.get('notes', 'a')), 'as it was')
    assert.deepEqual(await keys(store), ['a'])
  },

  'takes a view for the bytes that it shows': async store => {
    const whole = bytes('before|value|after')
    await store.write([{ collection: 'notes', key: 'a', value: whole.subarray(7, 12) }])
    assert.equal(text(await store.get('notes', 'a')), 'value')
  },

  'makes all changes of a transaction or none': async store => {
    await store.write([put('a', 'old')])
    const tooLarge = new Uint8Array(limits.storeValueMaxBytes + 1)
    for (const wrong of [
      put('ü'),
      put(''),
      put('b', 'b', ''),
      { ...put('b'), value: tooLarge },
      { ...put('b'), value: 'text' as unknown as Uint8Array }
    ])
      await rejects(store.write([put('a', 'new'), remove('a'), put('b'), wrong]), 'INVALID_ARGUMENT')
    assert.equal(text(await store.get('notes', 'a')), 'old')
    assert.deepEqual(await keys(store), ['a'])
  },

  'refuses a transaction that is too much as a whole': async store => {
    const value = new Uint8Array(limits.storeValueMaxBytes)
    const count = Math.floor(limits.storeWaitingMaxBytes / value.length) + 1
    const many = Array.from({ length: count }, () => ({ collection: 'notes', key: 'a', value }))
    await rejects(store.write(many), 'INVALID_ARGUMENT')
    const changes = Array.from({ length: limits.storeChangesMax + 1 }, () => remove('a'))
    await rejects(store.write(changes), 'INVALID_ARGUMENT')
    assert.deepEqual(await keys(store), [])
  },

  'goes on after what it refused': async store => {
    const outcomes = await Promise.allSettled([
      store.write([put('a')]),
      store.write([put('é')]),
      store.write([put('b')])
    ])
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled']
    )
    assert.deepEqual(await keys(store), ['a', 'b'])
  },

  'keeps the order of writes that nobody waited for': async store => {
    const writes = Array.from({ length: 500 }, (_, index) =>
      store.write([put('last', number(index)), put(number(index), 'x', 'all')])
    )
    await Promise.all(writes)
    assert.equal(text(await store.get('notes', 'last')), number(499))
    assert.equal((await store.range('all')).length, 500)
  },

  'keeps their order also where they are too much for one commit': async store => {
    const value = new Uint8Array(1024 * 1024)
    const count = Math.ceil((2.5 * limits.storeCommitMaxBytes) / value.length)
    const writes = Array.from({ length: count }, (_, index) =>
      store.write([{ collection: 'large', key: 'same', value }, put('last', number(index))])
    )
    const seen = store.get('notes', 'last')
    await Promise.all(writes)
    assert.equal(text(await seen), number(count - 1))
    assert.equal(text(await store.get('notes', 'last')), number(count - 1))
  },

  'shows a read every write that was called before it, and none after': async store => {
    const seen: Promise<Uint8Array | undefined>[] = []
    const writes: Promise<void>[] = []
    for (let index = 0; index < 100; index++) {
      writes.push(store.write([put('a', number(index))]))
      seen.push(store.get('notes', 'a'))
    }
    await Promise.all(writes)
    const values = await Promise.all(seen)
    assert.deepEqual(
      values.map(value => text(value)),
      Array.from({ length: 100 }, (_, index) => number(index))
    )
  }
}

const size: Record<string, Story> = {
  'holds values of a mebibyte': async (store, reopen) => {
    const large = Uint8Array.from({ length: 1024 * 1024 }, (_, index) => (index * 31 + (index >> 8)) & 0xff)
    await store.write(['a', 'b', 'c'].map(key => ({ collection: 'notes', key, value: large })))
    await store.write([remove('b')])
    const reopened = await reopen()
    const records = await reopened.range('notes')
    assert.deepEqual(
      records.map(({ key }) => key),
      ['a', 'c']
    )
    for (const { value } of records) assert.ok(Buffer.from(value).equals(large))
  },

  'holds ten thousand records': async (store, reopen) => {
    const count = 10_000
    // A stride without a common factor visits every number once, out of order.
    const order = Array.from({ length: count }, (_, index) => (index * 7919) % count)
    for (let start = 0; start < count; start += 500)
      await store.write(order.slice(start, start + 500).map(index => put(number(index))))
    const reopened = await reopen()
    const all = await keys(reopened)
    assert.equal(all.length, count)
    assert.ok(all.every((key, index) => key === number(index)))
    assert.deepEqual(await keys(reopened, { from: number(5000), limit: 2 }), [number(5000), number(5001)])
    assert.deepEqual(await keys(reopened, { to: number(5000), limit: 1, reverse: true }), [number(4999)])
  },

  'holds the longest names it allows': async store => {
    const collection = 'c'.repeat(limits.storeCollectionMaxBytes)
    const key = 'k'.repeat(limits.storeKeyMaxBytes)
    await store.write([put(key, 'value', collection)])
    assert.equal(text(await store.get(collection, key)), 'value')
  }
}

const closing: Record<string, Story> = {
  'has everything again when it is opened again': async (store, reopen) => {
    await store.write([put('a'), put('b'), put('c', 'of drafts', 'drafts')])
    const second = await reopen()
    await second.write([remove('a'), put('d')])
    const third = await reopen()
    assert.deepEqual(await keys(third), ['b', 'd'])
    assert.equal(text(await third.get('drafts', 'c')), 'of drafts')
  },

  'finishes what was called before it was closed': async (store, reopen) => {
    const writes = Array.from({ length: 50 }, (_, index) => store.write([put(number(index))]))
    const read = store.range('notes')
    const reopened = await reopen()
    await Promise.all(writes)
    assert.equal((await read).length, 50)
    assert.equal((await keys(reopened)).length, 50)
  },

  'answers nothing once it is closed, however often it is closed': async store => {
    await store.write([put('a')])
    await Promise.all([store.close(), store.close()])
    await store.close()
    await rejects(store.get('notes', 'a'), 'NODE_STOPPED')
    await rejects(store.range('notes'), 'NODE_STOPPED')
    await rejects(store.write([put('b')]), 'NODE_STOPPED')
  }
}

/** Runs the acceptance suite over a kind of store. `setup` makes a new, empty place for each test. */
export function storeSuite(name: string, setup: () => Promise<StorePlace>, runner: TestRunner): void {
  runner.describe(name, () => {
    for (const [story, tell] of Object.entries({ ...reading, ...writing, ...size, ...closing })) {
      runner.test(story, async () => {
        const place = await setup()
        let store = await place.open()
        try {
          await tell(store, async () => {
            await store.close()
            store = await place.open()
            return store
          })
        } finally {
          await store.close()
          await place.remove?.()
        }
      })
    }
  })
}
