/**
 * Groups of 2 to 1,000 members: what each step of a member's life costs in CPU time and in bytes, for the
 * classical and the hybrid suite.
 *
 * A step is what one input makes a device do at once: nothing else of the node runs meanwhile, so no step may
 * take longer than a person notices. The members measured have suites of their own, since a suite remembers
 * what it has verified, and on real devices nobody else's work is remembered.
 */
import * as platform from 'node:crypto'
import { cipherSuite, Epoch, generateKeyPackage, XWING_SUITE } from 'hearsay/mls'
import type { CipherSuite, Committed, GeneratedKeyPackage, LeafPolicy } from 'hearsay/mls'
import { median } from './measure.ts'
import type { BenchOptions, Row } from './measure.ts'

const SIZES = [2, 10, 100, 1000] as const
const SUITES = [
  ['classical', 1],
  ['hybrid', XWING_SUITE]
] as const
/** Newcomers of one commit. */
const BATCH = 100
/** Members besides the founder who follow the group, spread over its tree; all renew their keys once. */
const FOLLOWERS = 15
const TEXT_BYTES = 200
const STEP_MAX_MS = 400
const PROCESS_RATIO_MAX = 10
const lifetime = { notBefore: 0n, notAfter: 1n << 40n }

/** What one size of group costs: CPU milliseconds and bytes by the name of the step. */
type Costs = ReadonlyMap<string, number>

/** Collects what the same step took each time. */
class Stopwatch {
  readonly #times = new Map<string, number[]>()

  run<T>(step: string, operation: () => T): T {
    const before = process.cpuUsage()
    const result = operation()
    const { user, system } = process.cpuUsage(before)
    const times = this.#times.get(step) ?? []
    this.#times.set(step, [...times, (user + system) / 1000])
    return result
  }

  get medians(): [string, number][] {
    return [...this.#times].map(([step, times]) => [step, median(times)])
  }
}

/**
 * Credentials as Hearsay has them: a signature (here over the leaf's own key) that whoever meets the leaf
 * verifies. Without it a large part of joining and adding would be missing.
 */
const issuer = platform.generateKeyPairSync('ed25519')
const policy: LeafPolicy = {
  validateCredential: (credential, signatureKey) =>
    credential.type === 'basic' && platform.verify(null, signatureKey, issuer.publicKey, credential.identity)
}

/** A suite that remembers only what its own device has verified. */
const suiteOfOneDevice = (suite: CipherSuite): CipherSuite => ({ ...suite })

function keyPackageOf(suite: CipherSuite): GeneratedKeyPackage {
  const signatureKeyPair = suite.signature.generateKeyPair()
  const identity = platform.sign(null, signatureKeyPair.publicKey, issuer.privateKey)
  return generateKeyPackage({ suite, identity, signatureKeyPair, lifetime })
}

/** The epoch after a commit of somebody else. */
function followed(epoch: Epoch, commit: Uint8Array): Epoch {
  const processed = epoch.process(commit, policy)
  if (processed.kind !== 'commit' || processed.epoch === undefined)
    throw new Error('the commit did not keep us')
  return processed.epoch
}

/** A group as a few of its members hold it. */
class Group {
  readonly #suite: CipherSuite
  readonly #watch: Stopwatch
  readonly bytes = new Map<string, number>()
  founder: Epoch
  followers: Epoch[] = []

  constructor(suite: CipherSuite, watch: Stopwatch) {
    this.#suite = suite
    this.#watch = watch
    const own = keyPackageOf(suite)
    this.founder = Epoch.create({ suite: suiteOfOneDevice(suite), groupId: new Uint8Array(16), ...own })
  }

  /** Adds members batch by batch until there are `size`; some of each batch join and follow. */
  grow(size: number): void {
    const every = Math.max(1, Math.floor(size / (FOLLOWERS + 1)))
    for (let count = 1; count < size;) {
      const newcomers = Array.from({ length: Math.min(BATCH, size - count) }, () => keyPackageOf(this.#suite))
      const joining = newcomers.filter((_, index) => (count + index) % every === 0)
      count += newcomers.length
      const last = count === size
      const step = last ? 'add' : 'add, smaller group'
      const committed = this.#watch.run(step, () =>
        this.founder.commit({
          ...policy,
          proposals: newcomers.map(({ keyPackage }) => ({ type: 'add', keyPackage })),
          ratchetTreeInWelcome: false
        })
      )
      const seen = last ? 'process the adds' : 'process the adds, smaller group'
      const next = this.followers.map(epoch => this.#watch.run(seen, () => followed(epoch, committed.commit)))
      const joined = joining.map(each => this.#join(committed, each, last))
      this.founder = committed.epoch
      this.followers = [...next, ...joined]
    }
  }

  #join({ epoch, commit, welcome }: Committed, newcomer: GeneratedKeyPackage, last: boolean): Epoch {
    const ratchetTree = epoch.ratchetTree()
    if (last) {
      this.bytes.set('commit of the adds', commit.length)
      this.bytes.set('welcome for all of them', welcome!.length)
      this.bytes.set('tree', ratchetTree.length)
    }
    const suite = suiteOfOneDevice(this.#suite)
    return this.#watch.run(last ? 'join' : 'join, smaller group', () =>
      Epoch.join(welcome!, { ...newcomer, ...policy, suite, ratchetTree })
    )
  }

  /** Everybody who follows renews their keys, the founder last. */
  renewAll(): void {
    for (let index = this.followers.length - 1; index >= -1; index--) {
      const author = this.followers[index] ?? this.founder
      const first = index === this.followers.length - 1
      const committed = first
        ? this.#watch.run('update, first of all', () => author.commit({ forcePath: true }))
        : author.commit({ forcePath: true })
      if (first) this.bytes.set('commit of the first update', committed.commit.length)
      const next = (epoch: Epoch): Epoch =>
        epoch === author
          ? committed.epoch
          : first
            ? this.#watch.run('process the first update', () => followed(epoch, committed.commit))
            : followed(epoch, committed.commit)
      this.founder = next(this.founder)
      this.followers = this.followers.map(next)
    }
  }

  /** What happens day by day in a group whose members have renewed their keys. */
  live(rounds: number): void {
    const [member] = this.followers
    const watch = this.#watch
    const text = platform.randomBytes(TEXT_BYTES)
    for (let round = 0; round < rounds; round++) {
      const update = watch.run('update', () => this.founder.commit({ forcePath: true }))
      watch.run('process an update', () => followed(member!, update.commit))
      this.bytes.set('commit of an update', update.commit.length)
      const sealed = watch.run('seal', () => this.founder.seal(text))
      watch.run('open', () => member!.process(sealed))
      const saved = watch.run('save', () => member!.save())
      watch.run('load', () => Epoch.load(saved))
      this.bytes.set('state', saved.length)
      this.bytes.set('state that a message changes', member!.saveRatchets().length)
      if (this.followers.length > 1) this.#removeOne(round)
    }
  }

  #removeOne(round: number): void {
    const [member, ...others] = this.followers
    const removed = others[round % others.length]!.ownLeaf
    const { commit } = this.#watch.run('remove', () =>
      this.founder.commit({ proposals: [{ type: 'remove', removed }] })
    )
    this.#watch.run('process a remove', () => followed(member!, commit))
    this.bytes.set('commit of a remove', commit.length)
  }
}

function costsOf(suiteId: number, size: number, rounds: number): { times: Costs; bytes: Costs } {
  const watch = new Stopwatch()
  const group = new Group(cipherSuite(suiteId), watch)
  group.grow(size)
  group.renewAll()
  group.live(rounds)
  return { times: new Map(watch.medians), bytes: group.bytes }
}

const isStep = (name: string): boolean => !name.endsWith('smaller group') && name !== 'load'

/** The table of one suite. */
function rowsOf(suiteName: string, suiteId: number, { rounds, quick }: BenchOptions): Row[] {
  const sizes = quick ? SIZES.slice(0, -1) : SIZES
  const measured = sizes.map(size => ({ size, ...costsOf(suiteId, size, rounds) }))
  const rows: Row[] = []
  for (const { size, times, bytes } of measured) {
    const named = (what: string): string => `${suiteName}, ${size}: ${what}`
    const steps = [...times].filter(([name]) => isStep(name))
    rows.push(
      ...steps.map(([name, value]) => ({ name: named(name), value, unit: 'ms', atMost: STEP_MAX_MS }))
    )
    const load = times.get('load')
    if (load !== undefined) rows.push({ name: named('load'), value: load, unit: 'ms' })
    rows.push(...[...bytes].map(([name, value]) => ({ name: named(name), value, unit: 'bytes' })))
  }
  const processing = (size: number) =>
    measured.find(each => each.size === size)?.times.get('process an update')
  const [small, large] = [processing(10), processing(1000)]
  if (small !== undefined && large !== undefined)
    rows.push({
      name: `${suiteName}: processing an update at 1,000 beside 10`,
      value: large / small,
      unit: 'times',
      atMost: PROCESS_RATIO_MAX
    })
  return rows
}

/** Measures groups of each size, for each suite. */
export async function benchGroups(options: BenchOptions): Promise<Row[]> {
  // The compiler's work is not the group's: one group of each suite is thrown away.
  for (const [, suiteId] of SUITES) for (let turn = 0; turn < 3; turn++) costsOf(suiteId, 50, options.rounds)
  return SUITES.flatMap(([name, suiteId]) => rowsOf(name, suiteId, options))
}
