/**
 * Whatever is done to the bytes of a message, it is refused with a typed error, and the epoch is byte for byte
 * what it was. FULL=1 multiplies the number of trials by ten.
 */
import { describe, expect, test } from 'vitest'
import { equal, fromUtf8, toHex } from '../../../src/base/bytes.ts'
import type { Random } from '../../../src/base/random.ts'
import { cipherSuite, decodeKeyPackage, Epoch, XWING_SUITE } from '../../../src/crypto/mls/index.ts'
import { add, groupOf, opened, person, reasonOf, remove, say } from './people.ts'
import { below, seededRandom, seeds } from './seeded.ts'

const FACTOR = process.env['FULL'] === '1' ? 10 : 1

/** The bytes with a few bits, bytes or lengths changed: never the same as before. */
function mutated(random: Random, bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes)
  const at = (): number => below(random, copy.length)
  switch (below(random, 8)) {
    case 0:
      return copy.subarray(0, at())
    case 1:
      return Uint8Array.from([...copy, ...random(1 + below(random, 8))])
    case 2: {
      const position = at()
      return Uint8Array.from([...copy.subarray(0, position), ...random(1), ...copy.subarray(position)])
    }
    case 3: {
      const position = at()
      return Uint8Array.from([...copy.subarray(0, position), ...copy.subarray(position + 1)])
    }
    case 4: {
      const from = at()
      copy.set(
        copy.subarray(from, from + 1 + below(random, 16)),
        below(random, Math.max(1, copy.length - 16))
      )
      break
    }
    default:
      for (let flips = 1 + below(random, 3); flips > 0; flips--) copy[at()]! ^= 1 << below(random, 8)
  }
  if (equal(copy, bytes)) copy[at()]! ^= 1
  return copy
}

/** Tries `count` mutations of some messages; all must be refused with a typed error and without a trace. */
function expectAllRefused(
  seed: number,
  count: number,
  messages: readonly Uint8Array[],
  accept: (bytes: Uint8Array) => unknown,
  save?: () => Uint8Array
): void {
  const random = seededRandom(seed)
  const before = save?.()
  for (let trial = 0; trial < count; trial++) {
    const bytes = mutated(random, messages[trial % messages.length]!)
    // Swapping bytes may give another of the valid messages back; those are not mutations.
    if (messages.some(message => equal(message, bytes))) continue
    const told = `seed ${seed}, trial ${trial}: ${toHex(bytes)}`
    expect(
      reasonOf(() => accept(bytes)),
      told
    ).not.toBe(undefined)
    if (before !== undefined) expect(equal(save!(), before), told).toBe(true)
  }
}

describe.each(seeds(3))('seed %i', seed => {
  test('mutated messages and commits', () => {
    const [alices, bobs, carols] = groupOf(['alice', 'bob', 'carol'].map(name => person(name)))
    const messages = [
      say(alices!, 'x'.repeat(64)),
      alices!.commit().commit,
      carols!.commit({ wireFormat: 'public' }).commit,
      alices!.commit({ proposals: [add(person('dave'))], wireFormat: 'public' }).commit,
      carols!.commit({ proposals: [remove(alices!)] }).commit,
      carols!.propose({ type: 'update' }).message,
      carols!.propose(remove(alices!), { wireFormat: 'public' }).message,
      Epoch.external(alices!.groupInfo({ external: true }), person('eve')).commit
    ]
    expectAllRefused(
      seed,
      6000 * FACTOR,
      messages,
      bytes => bobs!.process(bytes),
      () => bobs!.save()
    )
    expect(opened(bobs!, messages[0]!)).toHaveLength(64)
    for (const message of messages.slice(1)) expect(reasonOf(() => bobs!.process(message))).toBe(undefined)
  })

  test('mutated Welcomes', () => {
    const [alices, bobs] = groupOf([person('alice'), person('bob')])
    const dave = person('dave')
    const welcomes = [
      alices!.commit({ proposals: [add(dave)] }).welcome!,
      bobs!.commit({ proposals: [add(dave), remove(alices!)] }).welcome!
    ]
    const bare = alices!.commit({ proposals: [add(dave)], ratchetTreeInWelcome: false })
    expectAllRefused(seed, 700 * FACTOR, welcomes, bytes => Epoch.join(bytes, dave))
    const tree = bare.epoch.ratchetTree()
    expectAllRefused(seed, 100 * FACTOR, [tree], ratchetTree =>
      Epoch.join(bare.welcome!, { ...dave, ratchetTree })
    )
    expect(Epoch.join(bare.welcome!, { ...dave, ratchetTree: tree }).number).toBe(2n)
  })
})

test('mutated messages and Welcomes of the hybrid suite', () => {
  const [alices, bobs] = groupOf([person('alice', XWING_SUITE), person('bob', XWING_SUITE)])
  const carol = person('carol', XWING_SUITE)
  const added = alices!.commit({ proposals: [add(carol)] })
  const messages = [say(alices!, 'hi'), added.commit, alices!.commit({ wireFormat: 'public' }).commit]
  expectAllRefused(
    1,
    500 * FACTOR,
    messages,
    bytes => bobs!.process(bytes),
    () => bobs!.save()
  )
  expectAllRefused(2, 200 * FACTOR, [added.welcome!], bytes => Epoch.join(bytes, carol))
  expect(opened(bobs!, messages[0]!)).toBe('hi')
})

test('mutated GroupInfos and key packages', () => {
  const [alices] = groupOf([person('alice'), person('bob')])
  const groupInfo = alices!.groupInfo({ external: true })
  const eve = person('eve')
  expectAllRefused(1, 400 * FACTOR, [groupInfo], bytes => Epoch.external(bytes, eve))
  const commit = (bytes: Uint8Array): unknown =>
    alices!.commit({ proposals: [{ type: 'add', keyPackage: decodeKeyPackage(bytes) }] })
  expectAllRefused(2, 600 * FACTOR, [eve.bytes], commit, () => alices!.save())
})

test('a stored epoch that was cut or changed in length is refused', () => {
  const [alices] = groupOf([person('alice'), person('bob')])
  const stored = alices!.save()
  for (let length = 0; length < stored.length; length++)
    expect(reasonOf(() => Epoch.load(stored.subarray(0, length)))).not.toBe(undefined)
  expect(reasonOf(() => Epoch.load(Uint8Array.from([...stored, 0])))).toBe('malformed')
  expect(reasonOf(() => cipherSuite(9))).toBe('invalid')
  expect(reasonOf(() => Epoch.load(fromUtf8('nothing of the kind')))).toBe('malformed')
})
