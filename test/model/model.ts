/**
 * A model of a group's epochs: three devices, the product's own rules, and everything that a network, a clock,
 * a crash or a hostile device may do to them.
 *
 * Head, commit order and validity are src/core/heads.ts and src/core/commit-order.ts themselves; only MLS and
 * the roster are abstract. An epoch is a parent, an author, a tree and the operations that its commit names. Who
 * holds the parent and keeps a leaf can follow a commit; who was added joins by a welcome for one key package.
 *
 * Always true: a state is a value and equal states have equal keys. Devices are numbers; sets of devices,
 * epochs and operations are bits. Epochs are in the order of length, then id: their index is their id.
 */
import type { DeviceId, EpochId, GroupId } from '../../src/base/ids.ts'
import { planChange, mayRenew, holdsDropped, objection } from '../../src/core/commit-order.ts'
import type { Desired, TreeLeaf } from '../../src/core/commit-order.ts'
import { compareHeads, compareHeld } from '../../src/core/heads.ts'
import type { Head } from '../../src/core/heads.ts'
import { bits, has, NAMES } from './bits.ts'
import { membersOf } from './members.ts'
import { RULES } from './rules.ts'
import type { Rules } from './rules.ts'

const DEVICES = [0, 1, 2] as const
const SETS = 1 << DEVICES.length

/** One thing that may happen once in a run, at any moment or never. */
export type Event =
  | { readonly type: 'add' | 'remove'; readonly by: number; readonly target: number }
  | { readonly type: 'message' | 'renew' | 'crash' | 'age'; readonly by: number }
  /** A hostile device commits on any epoch that it ever had, naming what it likes, equivocating if it likes. */
  | { readonly type: 'extend'; readonly by: number }
  /** The same, putting somebody out. */
  | { readonly type: 'evict'; readonly by: number; readonly target: number }

/** What is tried: who begins in the group, what may happen, and how many epochs are kept beside the head. */
export interface Scenario {
  readonly members: number
  readonly events: readonly Event[]
  readonly kept: number
}

export interface Epoch {
  readonly parent: number
  readonly length: number
  readonly author: number
  readonly tree: number
  readonly operations: number
  readonly adds: number
  readonly removes: number
  /** The number of the key package that each newcomer was added by; zero for none. */
  readonly keyPackages: readonly number[]
}

export interface Device {
  readonly known: number
  readonly held: number
  /** Every epoch that was ever held: a commit is opened once. */
  readonly seen: number
  /** Key packages given out so far, and which of them have been joined by. */
  readonly keyPackages: number
  readonly spent: number
  /** The key package of its newest plea to be admitted, zero for none, and its head at that moment. */
  readonly asks: number
  readonly asksFrom: number
  /** The epoch that came last. Only for a head by order of arrival. */
  readonly newest: number
}

/** What became of an event: operations have a past, messages have seals. */
export interface Outcome {
  readonly done: boolean
  /** The operations that the author of one knew; the members that the author of a message knew. */
  readonly past: number
  readonly keyPackage: number
  readonly seals: number
  readonly opened: number
}

export interface State {
  readonly epochs: readonly Epoch[]
  readonly devices: readonly Device[]
  readonly outcomes: readonly Outcome[]
}

/** One possible next moment, in words. */
export interface Step {
  readonly what: string
  readonly next: State
}

const group = 'group' as GroupId
const deviceIds = NAMES as unknown as readonly DeviceId[]
const epochIds = Array.from({ length: 32 }, (_, i) => i.toString(16).padStart(2, '0') as EpochId)
const trees: readonly (readonly TreeLeaf[])[] = Array.from({ length: SETS }, (_, set) =>
  bits(set).map(index => ({ index, device: deviceIds[index]! }))
)
const desires: readonly Desired[] = Array.from({ length: SETS }, (_, set) => {
  const devices = bits(set).map(d => deviceIds[d]!)
  const all = new Set(devices)
  return { has: device => all.has(device), devices: () => devices }
})
const deviceSets: readonly ReadonlySet<DeviceId>[] = desires.map(desired => new Set(desired.devices()))
const bitsOf = (devices: readonly DeviceId[]): number =>
  devices.reduce((set, device) => set | (1 << deviceIds.indexOf(device)), 0)

/** The state before anything happens. Those in the group hold its first epoch. */
export function begin({ members, events }: Scenario): State {
  const none = DEVICES.map(() => 0)
  const founding: Epoch = {
    parent: -1,
    length: 1,
    author: 0,
    tree: members,
    operations: 0,
    adds: 0,
    removes: 0,
    keyPackages: none
  }
  return {
    epochs: [founding],
    devices: DEVICES.map(d => ({
      known: 0,
      held: has(members, d) ? 1 : 0,
      seen: has(members, d) ? 1 : 0,
      keyPackages: 0,
      spent: 0,
      asks: 0,
      asksFrom: -1,
      newest: 0
    })),
    outcomes: events.map(() => ({ done: false, past: 0, keyPackage: 0, seals: 0, opened: 0 }))
  }
}

/** Equal for equal states, and for no others. */
export function keyOf({ epochs, devices, outcomes }: State): string {
  const parts: number[] = [epochs.length]
  for (const e of epochs)
    parts.push(e.parent + 1, e.length, e.author, e.tree, e.operations, e.adds, e.removes, ...e.keyPackages)
  for (const d of devices)
    parts.push(
      d.known,
      d.held & 0xffff,
      d.held >>> 16,
      d.seen & 0xffff,
      d.seen >>> 16,
      d.keyPackages,
      d.spent,
      d.asks,
      d.asksFrom + 1,
      d.newest
    )
  for (const o of outcomes)
    parts.push(o.done ? 1 : 0, o.past, o.keyPackage, o.seals & 0xffff, o.seals >>> 16, o.opened)
  return String.fromCharCode(...parts)
}

/** The model with its rules, over one scenario. */
export class Model {
  readonly scenario: Scenario
  readonly rules: Rules
  /** Devices that may do what they like. */
  readonly hostile: number
  readonly #rosters = new WeakMap<readonly Outcome[], number[]>()
  readonly #heads = new WeakMap<State, number[]>()

  constructor(scenario: Scenario, rules: Rules = RULES) {
    this.scenario = scenario
    this.rules = rules
    this.hostile = scenario.events.reduce(
      (set, { type, by }) => (type === 'extend' || type === 'evict' ? set | (1 << by) : set),
      0
    )
  }

  /**
   * The devices that a set of operations makes members, by the rules of specs/roster.md as far as three equal
   * owners need them: a removal wins against what it does not come before, the more senior wins between two who
   * remove each other, and what an author did who was removed at the same time by somebody senior is void.
   */
  roster(state: State, operations: number): number {
    let rosters = this.#rosters.get(state.outcomes)
    if (rosters === undefined) {
      rosters = []
      this.#rosters.set(state.outcomes, rosters)
    }
    return (rosters[operations] ??= membersOf(this.scenario, state, operations))
  }

  /** The head of a device, or -1. */
  head(state: State, d: number): number {
    let heads = this.#heads.get(state)
    if (heads === undefined) {
      heads = []
      this.#heads.set(state, heads)
    }
    return (heads[d] ??= this.#headOf(state, d))
  }

  #headOf(state: State, d: number): number {
    const { held, known, newest } = state.devices[d]!
    if (!this.rules.headRule && has(held, newest)) return newest
    return this.ranked(state, held, known)[0] ?? -1
  }

  /** Epochs, the best first, for who knows these operations. */
  ranked(state: State, held: number, known: number): number[] {
    const desired = desires[this.roster(state, known)]!
    if (held === (held & -held)) return bits(held)
    return bits(held)
      .map(e => {
        const clean = !this.rules.cleanFirst || !holdsDropped(trees[state.epochs[e]!.tree]!, desired)
        return { e, place: { ...placeOf(state, e), clean } }
      })
      .sort((a, b) => compareHeld(a.place, b.place))
      .map(({ e }) => e)
  }

  /** Whether a device thinks that it is a member. */
  isMember(state: State, d: number): boolean {
    return has(this.roster(state, state.devices[d]!.known), d)
  }

  /** Whether a device may seal a message on its head. */
  maySeal(state: State, d: number): boolean {
    const head = this.head(state, d)
    if (head < 0 || !this.isMember(state, d)) return false
    const { tree } = state.epochs[head]!
    const roster = this.roster(state, state.devices[d]!.known)
    return has(tree, d) && (!this.rules.removalsFirst || !holdsDropped(trees[tree]!, desires[roster]!))
  }

  /** Whether a commit counts for who holds its parent. */
  counts(state: State, e: number): boolean {
    const epoch = state.epochs[e]!
    const parent = state.epochs[epoch.parent]!
    const { adds, removes, author } = epoch
    const change = { adds: [...desires[adds]!.devices()], removes: [...trees[removes]!] }
    if (!this.rules.justified) return true
    if (!this.rules.alternation && adds + removes === 0) return true
    const commit = { ...change, author: deviceIds[author]!, parentAuthor: deviceIds[parent.author]! }
    return objection(commit, desires[this.roster(state, epoch.operations)]!) === undefined
  }

  /** Whether a device can follow a commit now. */
  canFollow(state: State, d: number, e: number): boolean {
    const { held, seen, known } = state.devices[d]!
    const { parent, author, tree, adds, operations } = state.epochs[e]!
    if (parent < 0 || has(seen, e) || !has(held, parent) || !has(tree, d) || has(adds, d)) return false
    if ((operations & ~known) !== 0) return false
    // An honest device commits again only with its next key. A hostile one may use the same key twice: then whoever
    // has opened one of the two cannot open the other.
    const opened = (each: Epoch, i: number): boolean =>
      i !== e && has(seen, i) && each.parent === parent && each.author === author
    if (has(this.hostile, author) && state.epochs.some(opened)) return false
    return this.counts(state, e)
  }

  /** Whether a device can join an epoch by its welcome. Like every reader it needs the operations. */
  canJoin(state: State, d: number, e: number): boolean {
    const { spent, seen, known } = state.devices[d]!
    const { adds, keyPackages, operations } = state.epochs[e]!
    if (!has(adds, d) || has(seen, e) || has(spent, keyPackages[d]!)) return false
    return (operations & ~known) === 0 && this.isMember(state, d)
  }

  /**
   * Whether a device has cause to ask: no epoch and no welcome on its way, or a member whose head is better and
   * will not come within reach when all that has been sent has arrived.
   */
  hasCauseToAsk(state: State, d: number): boolean {
    if (!this.rules.ask || !this.isMember(state, d)) return false
    const head = this.head(state, d)
    const { held, known } = state.devices[d]!
    const roster = this.roster(state, known)
    const hostile = this.hostile
    const within = (e: number): boolean => {
      const { parent, author, tree, adds } = state.epochs[e]!
      if (has(held, e)) return true
      // Who has been removed, or never kept the rules, may send nothing any more.
      if (has(state.devices[d]!.seen, e) || !has(roster, author) || has(hostile, author)) return false
      if (has(adds, d)) return !has(state.devices[d]!.spent, state.epochs[e]!.keyPackages[d]!)
      return parent >= 0 && has(tree, d) && within(parent)
    }
    if (head < 0) return !state.epochs.some((_, e) => within(e))
    return DEVICES.some(other => {
      if (other === d || !has(roster, other)) return false
      const theirs = this.head(state, other)
      return theirs >= 0 && better(state, theirs, head) && !within(theirs)
    })
  }

  /** Who has asked a device that can answer. */
  asking(state: State, d: number): number {
    const head = this.head(state, d)
    if (head < 0) return 0
    return DEVICES.reduce<number>((set, other) => {
      const { asks, asksFrom } = state.devices[other]!
      const behind = asks > 0 && (asksFrom < 0 || (asksFrom !== head && better(state, head, asksFrom)))
      return other !== d && behind && !this.#hasSeenUsed(state, d, other, asks) ? set | (1 << other) : set
    }, 0)
  }

  /** What a device would commit on its head, having heard of these pleas; undefined for nothing. */
  plan(state: State, d: number, heard: number): Pick<Epoch, 'adds' | 'removes' | 'keyPackages'> | undefined {
    const head = this.head(state, d)
    if (head < 0) return undefined
    if (!this.rules.again && committed(state, d, head)) return undefined
    const { tree, author } = state.epochs[head]!
    const { known } = state.devices[d]!
    const keyPackages = DEVICES.map(other => this.#keyPackageOf(state, d, other, heard))
    const change = planChange(
      {
        self: deviceIds[d]!,
        tree: trees[tree]!,
        desired: desires[this.roster(state, known)]!,
        author: deviceIds[author]!,
        committed: committed(state, d, head),
        asking: deviceSets[heard]!,
        hasKeyPackage: device => keyPackages[deviceIds.indexOf(device)]! > 0
      },
      DEVICES.length
    )
    if (change === undefined) return undefined
    const adds = bitsOf(change.adds)
    return {
      adds,
      removes: bitsOf(change.removes.map(({ device }) => device)),
      keyPackages: keyPackages.map((each, other) => (has(adds, other) ? each : 0))
    }
  }

  /** Whether a device may renew its keys on its head. */
  mayRenew(state: State, d: number): boolean {
    const head = this.head(state, d)
    if (head < 0 || !this.isMember(state, d) || !has(state.epochs[head]!.tree, d)) return false
    if (!this.rules.alternation) return !committed(state, d, head)
    const author = deviceIds[state.epochs[head]!.author]!
    return mayRenew({ self: deviceIds[d]!, author, committed: committed(state, d, head) })
  }

  #keyPackageOf(state: State, d: number, other: number, heard: number): number {
    const { asks } = state.devices[other]!
    if (has(heard, other) && !this.#hasSeenUsed(state, d, other, asks)) return asks
    const { known } = state.devices[d]!
    let found = 0
    for (const [i, event] of this.scenario.events.entries())
      if (event.type === 'add' && event.target === other && has(known, i)) {
        const { keyPackage } = state.outcomes[i]!
        if (!this.#hasSeenUsed(state, d, other, keyPackage)) found = Math.max(found, keyPackage)
      }
    return found
  }

  #hasSeenUsed(state: State, d: number, other: number, keyPackage: number): boolean {
    const { seen } = state.devices[d]!
    return state.epochs.some((epoch, e) => has(seen, e) && epoch.keyPackages[other] === keyPackage)
  }
}

const placeOf = (state: State, e: number): Head => ({
  group,
  generation: 1,
  length: state.epochs[e]!.length,
  epoch: epochIds[e]!
})

/** Whether an epoch is a better head than another for who does not know their trees. */
export const better = (state: State, a: number, b: number): boolean =>
  compareHeads(placeOf(state, a), placeOf(state, b)) < 0

/** Whether a device has made its commit on an epoch. */
export const committed = (state: State, d: number, e: number): boolean =>
  state.epochs.some(({ parent, author }) => parent === e && author === d)
