/**
 * Honest groups, at random: whoever commits what, everybody follows, and nobody who was invited is refused.
 * The tree of a long-lived group is full of blanks and unmerged leaves, which is where implementations differ.
 */
import { expect, test } from 'vitest'
import type { Random } from '../../../src/base/random.ts'
import { cipherSuite, Epoch, generateKeyPackage } from '../../../src/crypto/mls/index.ts'
import type { CommitOptions } from '../../../src/crypto/mls/index.ts'
import { add, ALWAYS, expectSameEpoch, nextEpoch, opened, remove, say } from './people.ts'
import { below, pick, seededRandom, seeds } from './seeded.ts'

const FACTOR = process.env['FULL'] === '1' ? 10 : 1

/** One group of up to `size` members under `steps` random commits. */
class Walk {
  readonly #random: Random
  readonly #size: number
  members: Epoch[]
  #names = 0
  joins = 0

  constructor(seed: number, size: number) {
    this.#random = seededRandom(seed)
    this.#size = size
    this.members = [Epoch.create({ groupId: Uint8Array.of(seed), ...this.#person() })]
  }

  #person() {
    const suite = cipherSuite(1)
    return generateKeyPackage({ suite, identity: `p${this.#names++}`, lifetime: ALWAYS })
  }

  step(): void {
    const random = this.#random
    const committer = pick(random, this.members)
    const others = this.members.filter(member => member !== committer)
    const dice = below(random, 10)
    const leaving = dice >= 5 && dice < 8 ? others.filter(() => below(random, 4) === 0).slice(0, 3) : []
    const room = this.#size - this.members.length
    const joining = Array.from({ length: dice >= 6 ? Math.min(room, 1 + below(random, 3)) : 0 }, () =>
      this.#person()
    )
    // Some of those who stay propose their own update, by reference.
    const staying = others.filter(member => !leaving.includes(member))
    const proposers = dice === 4 || dice === 8 ? staying.slice(0, 2) : []
    const proposed = proposers.map(member => ({ member, ...member.propose({ type: 'update' }) }))
    for (const { member, message } of proposed)
      for (const each of this.members) if (each !== member) each.process(message)
    const options: CommitOptions = {
      proposals: [...leaving.map(remove), ...joining.map(add)],
      proposalRefs: proposed.map(({ reference }) => reference),
      forcePath: below(random, 2) === 0,
      wireFormat: below(random, 2) === 0 ? 'public' : 'private'
    }
    const { epoch, commit, welcome } = committer.commit(options)
    const next = staying.map(member => nextEpoch(member, commit))
    for (const evicted of leaving) {
      const processed = evicted.process(commit)
      expect(processed.kind === 'commit' && processed.epoch).toBe(undefined)
    }
    this.joins += joining.length
    const newcomers = joining.map(each => Epoch.join(welcome!, each))
    this.members = [epoch, ...next, ...newcomers]
    expectSameEpoch(this.members)
    for (const member of this.members) expect(member.memberCount).toBe(this.members.length)
    const speaker = pick(random, this.members)
    const message = say(speaker, 'hi')
    for (const listener of this.members)
      if (listener !== speaker) expect(opened(listener, message)).toBe('hi')
  }
}

const sizes = [2, 3, 4, 6, 8, 12, 16, 24, 32]
test.each(seeds(sizes.length).map(seed => [seed, sizes[seed % sizes.length]!] as const))(
  'seed %i: a group of up to %i members never refuses anybody',
  (seed, size) => {
    const walk = new Walk(seed, size)
    for (let step = 0; step < 40 * FACTOR; step++) {
      try {
        walk.step()
      } catch (error) {
        throw new Error(`seed ${seed}, step ${step}, size ${size}`, { cause: error })
      }
    }
    expect(walk.joins).toBeGreaterThan(0)
  }
)
