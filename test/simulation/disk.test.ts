/** The simulated disk: what is acknowledged survives, what is torn is gone whole. */
import { describe, expect, test } from 'vitest'
import { SimulatedDisk } from '../../src/testing/disk.ts'
import { storeSuite } from '../../src/testing/store-suite.ts'
import { seededRandom } from '../../src/testing/random.ts'
import { VirtualTime } from '../../src/testing/time.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const put = (key: string, value = key) => ({ collection: 'c', key, value: bytes(value) })

function machine(seed: number) {
  const time = new VirtualTime()
  const disk = new SimulatedDisk({ time, random: seededRandom(seed), name: 'alice' })
  time.start()
  return { time, disk }
}

storeSuite(
  'the simulated disk as a store',
  async () => {
    const { time, disk } = machine(0)
    return { open: async () => disk.open(), remove: async () => time.stop() }
  },
  { describe, test }
)

describe('the simulated disk', () => {
  test('a write resolves after its fsync, and not before', async () => {
    const { time, disk } = machine(1)
    disk.health.fsyncMinMs = 10
    disk.health.fsyncMaxMs = 10
    await disk.open().write([put('a')])
    expect(time.now).toBe(10)
    time.stop()
  })

  test('whatever moment power is lost at, what was acknowledged is there and nothing is there by half', async () => {
    let torn = 0
    let survivedUnheard = 0
    for (let seed = 0; seed < 200; seed++) {
      const { time, disk } = machine(seed)
      const store = disk.open()
      const acknowledged: number[] = []
      for (let i = 0; i < 20; i++) {
        const write = store.write([
          put(`${String(i).padStart(2, '0')}/one`),
          put(`${String(i).padStart(2, '0')}/two`)
        ])
        void write.then(() => acknowledged.push(i))
      }
      await time.advance(seededRandom(seed, 'when').float() * 5)
      const heard = acknowledged.length
      disk.crash()
      const found = (await disk.open().range('c')).map(({ key }) => key)
      expect(found.length % 2, `seed=${seed}`).toBe(0)
      const survivors = found.length / 2
      expect(survivors, `seed=${seed}`).toBeGreaterThanOrEqual(heard)
      expect(found, `seed=${seed}`).toEqual(
        Array.from({ length: survivors }, (_, i) => String(i).padStart(2, '0')).flatMap(i => [
          `${i}/one`,
          `${i}/two`
        ])
      )
      await time.advance(1000)
      expect(acknowledged.length, `seed=${seed}: a dead process heard of a write`).toBe(heard)
      if (survivors < 20) torn++
      if (survivors > heard) survivedUnheard++
      time.stop()
    }
    expect(torn).toBeGreaterThan(50)
    expect(survivedUnheard).toBeGreaterThan(50)
  })

  test('a full or failing disk refuses a transaction whole', async () => {
    const { time, disk } = machine(3)
    const store = disk.open()
    await store.write([put('a')])
    disk.health.full = true
    await expect(store.write([put('b')])).rejects.toMatchObject({ code: 'STORE_FULL' })
    disk.health.full = false
    disk.health.failure = 1
    await expect(store.write([put('b')])).rejects.toMatchObject({ code: 'STORE_FAILED' })
    disk.health.failure = 0
    expect((await store.range('c')).map(({ key }) => key)).toEqual(['a'])
    time.stop()
  })

  test('reads back in key order, by range, and what it hands out belongs to the reader', async () => {
    const { time, disk } = machine(4)
    const store = disk.open()
    await store.write(['d', 'b', 'a', 'c'].map(key => put(key)))
    await store.write([{ collection: 'c', key: 'b', value: undefined }])
    const keys = async (range: Parameters<typeof store.range>[1]): Promise<string[]> =>
      (await store.range('c', range)).map(({ key }) => key)
    expect(await keys({})).toEqual(['a', 'c', 'd'])
    expect(await keys({ from: 'b', to: 'd' })).toEqual(['c'])
    expect(await keys({ reverse: true, limit: 2 })).toEqual(['d', 'c'])
    expect(await keys({ from: 'x' })).toEqual([])
    const mine = await store.get('c', 'a')
    mine!.fill(0)
    expect(await store.get('c', 'a')).toEqual(bytes('a'))
    time.stop()
  })

  test('one process at a time, and none after close', async () => {
    const { time, disk } = machine(5)
    const store = disk.open()
    expect(() => disk.open()).toThrow('Another process')
    const write = store.write([put('a')])
    await store.close()
    await write
    await expect(store.get('c', 'a')).rejects.toMatchObject({ code: 'NODE_STOPPED' })
    expect(await disk.open().get('c', 'a')).toEqual(bytes('a'))
    time.stop()
  })
})
