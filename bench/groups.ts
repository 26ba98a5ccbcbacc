/**
 * Groups of 2 to 1,000 members: what each step of a member's life costs in CPU time and in bytes, for the
 * classical and the hybrid suite.
 *
 * A step is what one input makes a device do at once: nothing else of the node runs meanwhile, so no step may
 * take longer than a person notices. Every member measured remembers only what its own device has verified.
 */
import * as platform from 'node:crypto'
import { cipherSuite, Epoch, generateKeyPackage, verifyLeaves, XWING_SUITE } from 'hearsay/mls'
import type { CipherSuite, CommitOptions, Committed } from 'hearsay/mls'
import type { GeneratedKeyPackage, LeafPolicy, LeafRange } from 'hearsay/mls'
import { median } from './measure.ts'
import type { BenchOptions, Row } from './measure.ts'

const SIZES = [2, 10, 100, 1000] as const
const SUITES = [
  ['classical', 1],
  ['hybrid', XWING_SUITE]
] as const
/** Newcomers of one commit. */
const BATCH = 100
/** Leaves that are verified at once before a join. */
const PIECE = 256
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
 * Credentials as Hearsay has them: an identity signed the device, the device signed the leaf's key. Whoever meets
 * a leaf verifies both, once.
 */
const issuer = platform.generateKeyPairSync('ed25519')

const credentialOf = (signatureKey: Uint8Array): Uint8Array => {
  const statement = platform.sign(null, signatureKey, issuer.privateKey)
  return Buffer.concat([statement, platform.sign(null, statement, issuer.privateKey)])
}

function keyPackageOf(suite: CipherSuite): GeneratedKeyPackage {
  const signatureKeyPair = suite.signature.generateKeyPair()
  const identity = credentialOf(signatureKeyPair.publicKey)
  return generateKeyPackage({ suite, identity, signatureKeyPair, lifetime })
}

/** What one device of its own has verified. Other devices start with nothing. */
class Device {
  readonly suite: CipherSuite
  readonly #known = new Set<string>()

  constructor(suite: CipherSuite) {
    // A copy: a suite remembers the leaves that were verified with it.
    this.suite = { ...suite }
  }

  readonly policy: LeafPolicy = {
    validateCredential: (credential, signatureKey) => {
      if (credential.type !== 'basic') return false
      const name = Buffer.concat([signatureKey, credential.identity]).toString('latin1')
      if (this.#known.has(name)) return true
      const [statement, certificate] = [credential.identity.subarray(0, 64), credential.identity.subarray(64)]
      const valid =
        platform.verify(null, signatureKey, issuer.publicKey, statement) &&
        platform.verify(null, statement, issuer.publicKey, certificate)
      if (valid) this.#known.add(name)
      return valid
    }
  }

  /** The epoch after a commit of somebody else. */
  follow(epoch: Epoch, commit: Uint8Array): Epoch {
    const processed = epoch.process(commit, this.policy)
    if (processed.kind !== 'commit' || processed.epoch === undefined)
      throw new Error('the commit did not keep us')
    return processed.epoch
  }
}

/** A member whose side is measured. */
interface Member {
  readonly device: Device
  readonly epoch: Epoch
}

const proposalsOf = (newcomers: readonly GeneratedKeyPackage[]) =>
  newcomers.map(({ keyPackage }) => ({ type: 'add', keyPackage }) as const)

/** A group as a few of its members hold it. */
class Group {
  readonly #suite: CipherSuite
  readonly #watch: Stopwatch
  readonly bytes = new Map<string, number>()
  #founder: Member
  #followers: Member[] = []

  constructor(suite: CipherSuite, watch: Stopwatch) {
    this.#suite = suite
    this.#watch = watch
    const device = new Device(suite)
    const groupId = new Uint8Array(16)
    this.#founder = {
      device,
      epoch: Epoch.create({ suite: device.suite, groupId, ...keyPackageOf(suite) })
    }
  }

  /** Adds members batch by batch until there are `size`; some of each batch join and follow. */
  grow(size: number): void {
    const every = Math.max(1, Math.floor(size / (FOLLOWERS + 1)))
    for (let count = 1; count < size;) {
      const newcomers = Array.from({ length: Math.min(BATCH, size - count) }, () => keyPackageOf(this.#suite))
      const joining = newcomers.filter((_, index) => (count + index) % every === 0)
      count += newcomers.length
      // Only the last batch is the group's size; those before it are on the way there.
      const watch = count === size ? this.#watch : new Stopwatch()
      const { device, epoch } = this.#founder
      const options = { ...device.policy, proposals: proposalsOf(newcomers), ratchetTreeInWelcome: false }
      const committed = watch.run('add', () => epoch.commit(options))
      if (count === size) this.#measureAdd(committed, options)
      this.#followers = this.#followers.map(each =>
        this.#followed(each, committed, watch, 'process the adds')
      )
      this.#founder = { device, epoch: committed.epoch }
      this.#followers.push(...joining.map(each => this.#join(committed, each, watch)))
    }
  }

  /** The same adds with new keys for who commits them as well: everybody's leaf must be sealed to. */
  #measureAdd({ commit, epoch, welcome }: Committed, options: CommitOptions): void {
    this.bytes.set('commit of the adds', commit.length)
    this.bytes.set('welcome for all of them', welcome!.length)
    this.bytes.set('tree', epoch.ratchetTree().length)
    const { device, epoch: parent } = this.#founder
    // Another device that knows none of the newcomers.
    const fresh = new Device(device.suite)
    const cold = Epoch.load(parent.save(), { suite: fresh.suite })
    const renewing = { ...options, ...fresh.policy, forcePath: true }
    const renewed = this.#watch.run('add, with new keys', () => cold.commit(renewing))
    this.bytes.set('commit of the adds, with new keys', renewed.commit.length)
  }

  #join({ epoch, welcome }: Committed, newcomer: GeneratedKeyPackage, watch: Stopwatch): Member {
    const ratchetTree = epoch.ratchetTree()
    const { groupId } = epoch
    const join = (device: Device): Epoch =>
      Epoch.join(welcome!, { ...newcomer, ...device.policy, suite: device.suite, ratchetTree })
    watch.run('join', () => join(new Device(this.#suite)))
    const device = new Device(this.#suite)
    let from: number | undefined = 0
    while (from !== undefined) {
      const range: LeafRange = { suite: device.suite, groupId, from, count: PIECE }
      from = watch.run('verify some leaves', () => verifySome(device, ratchetTree, range))
    }
    return { device, epoch: watch.run('join, leaves verified before', () => join(device)) }
  }

  #followed({ device, epoch }: Member, { commit }: Committed, watch: Stopwatch, step: string): Member {
    return { device, epoch: watch.run(step, () => device.follow(epoch, commit)) }
  }

  /** Everybody who follows renews their keys, the founder last. */
  renewAll(): void {
    const authors = [...this.#followers.keys()].toReversed()
    for (const index of authors) this.#renew(index, index === authors[0] ? this.#watch : new Stopwatch())
    this.#renew(undefined, new Stopwatch())
  }

  #renew(index: number | undefined, watch: Stopwatch): void {
    const author = index === undefined ? this.#founder : this.#followers[index]!
    const committed = watch.run('update, first of all', () => author.epoch.commit({ forcePath: true }))
    if (watch === this.#watch) this.bytes.set('commit of the first update', committed.commit.length)
    const next = (member: Member): Member =>
      member === author
        ? { ...member, epoch: committed.epoch }
        : this.#followed(member, committed, watch, 'process the first update')
    this.#founder = next(this.#founder)
    this.#followers = this.#followers.map(next)
  }

  /** What happens day by day in a group whose members have renewed their keys. */
  live(rounds: number): void {
    const member = this.#followers[0]!
    const { epoch } = this.#founder
    const watch = this.#watch
    const text = platform.randomBytes(TEXT_BYTES)
    for (let round = 0; round < rounds; round++) {
      const update = watch.run('update', () => epoch.commit({ forcePath: true }))
      this.#followed(member, update, watch, 'process an update')
      this.bytes.set('commit of an update', update.commit.length)
      const sealed = watch.run('seal', () => epoch.seal(text))
      watch.run('open', () => member.epoch.process(sealed))
      const saved = watch.run('save', () => member.epoch.save())
      watch.run('load', () => Epoch.load(saved))
      this.bytes.set('state', saved.length)
      this.bytes.set('state that a message changes', member.epoch.saveRatchets().length)
      if (this.#followers.length > 1) this.#removeOne(round)
    }
  }

  #removeOne(round: number): void {
    const [member, ...others] = this.#followers
    const removed = others[round % others.length]!.epoch.ownLeaf
    const committed = this.#watch.run('remove', () =>
      this.#founder.epoch.commit({ proposals: [{ type: 'remove', removed }] })
    )
    this.#followed(member!, committed, this.#watch, 'process a remove')
    this.bytes.set('commit of a remove', committed.commit.length)
  }
}

/** Verifies some leaves and their credentials; returns where to go on. */
function verifySome(device: Device, ratchetTree: Uint8Array, range: LeafRange): number | undefined {
  const { members, next } = verifyLeaves(ratchetTree, range)
  for (const { leaf } of members)
    if (!device.policy.validateCredential!(leaf.credential, leaf.signatureKey, undefined))
      throw new Error('a credential is not valid')
  return next
}

function costsOf(suiteId: number, size: number, rounds: number): { times: Costs; bytes: Costs } {
  const watch = new Stopwatch()
  const group = new Group(cipherSuite(suiteId), watch)
  group.grow(size)
  group.renewAll()
  group.live(rounds)
  return { times: new Map(watch.medians), bytes: group.bytes }
}

/** The table of one suite. */
function rowsOf(suiteName: string, suiteId: number, { rounds, quick }: BenchOptions): Row[] {
  const sizes = quick ? SIZES.slice(0, -1) : SIZES
  const measured = sizes.map(size => ({ size, ...costsOf(suiteId, size, rounds) }))
  const rows: Row[] = []
  for (const { size, times, bytes } of measured) {
    const named = (what: string): string => `${suiteName}, ${size}: ${what}`
    const steps = [...times].map(([name, value]) => ({
      name: named(name),
      value,
      unit: 'ms',
      atMost: STEP_MAX_MS
    }))
    rows.push(...steps)
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
