/** Run by damage.test.ts on a disk of three mebibytes: `open HOME`, or `fill HOME` until it is full. */
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileStore } from '../../../src/store/sqlite.ts'

const PAIR_BYTES = 60_000

/** Two records that are there together or not at all. */
const pair = (index: number) =>
  ['left', 'right'].map(collection => ({
    collection,
    key: String(index).padStart(6, '0'),
    value: new Uint8Array(PAIR_BYTES).fill(index)
  }))

const codeOf = (error: unknown): string => (error as { code: string }).code

async function open(home: string): Promise<string> {
  try {
    const store = await fileStore(home)
    await store.close()
    return 'opened'
  } catch (error) {
    return codeOf(error)
  }
}

async function fill(home: string): Promise<string> {
  const store = await fileStore(home)
  await writeFile(join(home, 'ballast'), new Uint8Array(1_000_000))
  let acknowledged = 0
  let refused: string | undefined
  while (refused === undefined)
    try {
      await store.write(pair(acknowledged))
      acknowledged++
    } catch (error) {
      refused = codeOf(error)
    }
  // Several at once share a commit that cannot be; each is refused by itself.
  const outcomes = await Promise.allSettled([100, 101, 102].map(index => store.write(pair(index))))
  const torn = outcomes.filter(({ status }) => status === 'fulfilled').length
  const left = await store.range('left')
  const right = await store.range('right')
  const alike = left.every(({ key, value }, index) => right[index]?.key === key && value[0] === index)
  await rm(join(home, 'ballast'))
  await store.write(pair(acknowledged))
  // One that is too large for what is left takes nobody with it who shares its commit.
  const small = (key: string) => [{ collection: 'small', key, value: new Uint8Array(10) }]
  const tooLarge = [{ collection: 'small', key: 'b', value: new Uint8Array(4_000_000) }]
  const mixed = await Promise.allSettled([small('a'), tooLarge, small('c')].map(one => store.write(one)))
  const together = mixed.map(one => (one.status === 'fulfilled' ? 'written' : codeOf(one.reason)))
  const stayed = (await store.range('small')).map(({ key }) => key)
  await store.close()
  const again = await fileStore(home)
  const reopened = (await again.range('right')).length
  await again.close()
  const kept = alike && left.length === right.length ? left.length : -1
  return JSON.stringify({ refused, acknowledged, kept, torn, together, stayed, reopened })
}

const [verb, home] = process.argv.slice(2)
console.log(await (verb === 'fill' ? fill : open)(home!))
