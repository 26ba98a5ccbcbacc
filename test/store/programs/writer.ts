/**
 * Run by crash.test.ts until it is killed: writes numbered transactions, several at a time, and prints each
 * number once it was acknowledged. `writer HOME FIRST`
 */
import { writeSync } from 'node:fs'
import { fileStore } from '../../../src/store/sqlite.ts'

const IN_FLIGHT = 8
const [home, first] = process.argv.slice(2)
const store = await fileStore(home!)
let next = Number(first)

/** A transaction: two records that belong together, some that only take time, and one that each replaces. */
async function write(): Promise<void> {
  for (;;) {
    const number = next++
    const key = String(number).padStart(8, '0')
    const value = Buffer.alloc(200 + (number % 50) * 100, number % 251)
    await store.write([
      { collection: 'left', key, value },
      { collection: 'last', key: 'last', value: Buffer.from(key) },
      ...Array.from({ length: 10 }, (_, index) => ({ collection: 'middle', key: `${index}`, value })),
      { collection: 'right', key, value }
    ])
    writeSync(1, `${number}\n`)
  }
}

await Promise.all(Array.from({ length: IN_FLIGHT }, write))
