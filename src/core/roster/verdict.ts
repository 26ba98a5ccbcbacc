/**
 * Which operations of a roster count: strong removal by seniority. Spec: specs/roster.md, section 6.
 *
 * Always true: the verdict follows from the set of operations and from nothing else, no order of arrival and
 * no clock. Operations are judged rank by rank, the most senior first; all that can void one ranks before it
 * and has been judged by then.
 */
import { HearsayError } from '../../base/errors.ts'
import type { IdentityId } from '../../base/ids.ts'
import type { GroupSettings } from '../../base/model.ts'
import { append, bitsOf, concurrent, emptyBits, leaves, meet, precedes, setBit } from './history.ts'
import type { Bits, Node } from './history.ts'
import { voidByDevice } from './lists.ts'
import { compareRanks, levelOf, outranks, type Level, type Rank, type Standing } from './standing.ts'

/** An operation that counts, and the rank that it counts by. */
export interface Ruling {
  readonly node: Node
  readonly rank: Rank
}

/** What somebody says about itself: that it leaves, or steps down. Needs no right and cannot be overruled. */
interface Declarations {
  /** By the level that is left, from -1 to 2: the operations that leave it. */
  readonly masks: readonly Bits[]
  readonly nodes: readonly { readonly node: Node; readonly level: Level }[]
}

/** How the operations of a set were judged. */
export interface Verdict {
  readonly isVoid: (node: Node) => boolean
  /** The rank that an operation counts by; undefined for what needs none. */
  readonly rankOf: (node: Node) => Rank | undefined
  /** The best standing that is left to somebody. */
  readonly best: (identity: IdentityId) => Rank | undefined
  /** Whether somebody that this `create` or `add` brings in, by its place there, is still in. */
  readonly staysIn: (node: Node, position: number) => boolean
  /** Judges one more operation, whose author knew all the others: that changes nothing about those. */
  readonly extend: (node: Node) => void
}

const NOBODY: readonly never[] = []
const DECLARED: readonly Level[] = [-1, 0, 1, 2]

/** What an operation says about its own author that needs no right: the level that is left. */
function declared({ operation: { author, content } }: Node): Level | undefined {
  if (content.type === 'remove' && content.identity === author) return -1
  if (content.type === 'role' && content.identity === author) return levelOf[content.role]
  return undefined
}

class Trial implements Verdict {
  #size: number
  readonly #direct: boolean
  readonly #valid = new Set<Node>()
  readonly #ranks = new Map<Node, Rank>()
  readonly #undecided = new Map<IdentityId, Node[]>()
  readonly #declarations = new Map<IdentityId, Declarations>()
  readonly #uses = new Map<string, Ruling[]>()
  readonly #introduced = new Map<IdentityId, Node[]>()
  readonly #standings = new Map<IdentityId, Standing[]>()
  readonly #removals = new Map<IdentityId, Ruling[]>()
  readonly #roles = new Map<IdentityId, (Ruling & { readonly level: Level })[]>()
  readonly #settings: Ruling[] = []
  readonly #declaredFor = new Map<Node, Bits>()
  readonly #spent = new Map<Standing, boolean>()
  readonly #ends = new Map<Standing, Map<Level, Bits>>()
  /** Ranks still to be judged, the most senior last. */
  readonly #queue: Rank[] = []

  constructor(nodes: readonly Node[]) {
    this.#size = nodes.reduce((most, node) => Math.max(most, node.index + 1), 0)
    const create = nodes[0]!
    const { content: begun } = create.operation
    this.#direct = begun.type === 'create' && begun.kind === 'direct'
    const out = voidByDevice(nodes)
    for (const node of nodes) {
      const { author, content } = node.operation
      this.#index(node)
      if (out.has(node) || content.type === 'create') continue
      if (content.type === 'devices' || (!this.#direct && declared(node) !== undefined)) this.#valid.add(node)
      else if (!this.#direct) append(this.#undecided, author, node)
    }
    for (const [identity, own] of groupByAuthor([...this.#valid])) this.#declare(identity, own)
    const founder = { identity: create.operation.author, level: 2, node: create, position: 0 } as const
    this.#count(create, { standing: founder, level: 2 })
    for (let rank = this.#queue.pop(); rank !== undefined; rank = this.#queue.pop()) this.#judge(rank)
  }

  isVoid(node: Node): boolean {
    return !this.#valid.has(node)
  }

  rankOf(node: Node): Rank | undefined {
    return this.#ranks.get(node)
  }

  best(identity: IdentityId): Rank | undefined {
    const left = (this.#standings.get(identity) ?? NOBODY).flatMap(standing => {
      const rank = { standing, level: this.#levelLeft(standing) }
      const ended = rank.level < 0 || this.#isSpent(standing) || this.#endsOf(rank).some(word => word !== 0)
      return ended ? [] : [rank]
    })
    return left.toSorted(compareRanks)[0]
  }

  staysIn(node: Node, position: number): boolean {
    const { content } = node.operation
    if (content.type !== 'create' && content.type !== 'add') return false
    const { identity } = content.members[position]!
    const removals = this.#removals.get(identity) ?? NOBODY
    if (removals.some(removal => !precedes(removal.node, node))) return false
    const left = this.#declarations.get(identity)?.masks[0]
    if (left !== undefined && leaves(left, node.past)) return false
    return !this.#isReplayed(node, position, removals)
  }

  extend(node: Node): void {
    const { author, content } = node.operation
    this.#index(node)
    this.#size = Math.max(this.#size, node.index + 1)
    if (content.type === 'devices') this.#valid.add(node)
    if (this.#direct || content.type === 'devices') return
    if (declared(node) !== undefined) {
      this.#valid.add(node)
      this.#declare(author, [
        ...(this.#declarations.get(author)?.nodes ?? NOBODY).map(each => each.node),
        node
      ])
      return
    }
    const rank = this.best(author)
    if (rank === undefined || !this.#isRight(node, rank)) return
    this.#count(node, rank)
    // Nobody has acted by what it grants.
    this.#queue.length = 0
    if (content.type === 'remove' || content.type === 'role')
      for (const standing of this.#standings.get(content.identity) ?? NOBODY) this.#ends.delete(standing)
  }

  #index(node: Node): void {
    for (const list of node.claims) append(this.#introduced, list.identity, node)
  }

  #declare(identity: IdentityId, own: readonly Node[]): void {
    const nodes = own.flatMap(node => {
      const level = declared(node)
      return level === undefined ? [] : [{ node, level }]
    })
    if (nodes.length === 0) return
    const masks = DECLARED.map(level =>
      bitsOf(nodes.filter(each => each.level === level).map(each => each.node))
    )
    this.#declarations.set(identity, { masks, nodes })
  }

  /** What its owner has left of a standing: by what is said in `within`, or anywhere; all after the grant. */
  #levelLeft(standing: Standing, within?: Bits): Level {
    const masks = this.#declarations.get(standing.identity)?.masks
    const lowest = masks && DECLARED.findIndex((_, i) => leaves(masks[i]!, standing.node.past, within))
    if (lowest === undefined || lowest < 0) return standing.level
    return Math.min(standing.level, DECLARED[lowest]!) as Level
  }

  /** The same for its owner's own operation: what was said in its past, and beside it. */
  #levelFor(standing: Standing, node: Node): Level {
    const declarations = this.#declarations.get(standing.identity)
    if (declarations === undefined) return standing.level
    let known = this.#declaredFor.get(node)
    if (known === undefined) {
      known = bitsOf(declarations.nodes.map(each => each.node).filter(each => !precedes(node, each)))
      this.#declaredFor.set(node, known)
    }
    return this.#levelLeft(standing, known)
  }

  #grant(standing: Standing): void {
    append(this.#standings, standing.identity, standing)
    const declarations = this.#declarations.get(standing.identity)?.nodes ?? NOBODY
    const levels = new Set([standing.level, ...declarations.map(each => each.level)])
    for (const level of levels) {
      if (level < 0 || level > standing.level) continue
      const rank = { standing, level }
      let [low, high] = [0, this.#queue.length]
      while (low < high) {
        const middle = (low + high) >>> 1
        if (compareRanks(this.#queue[middle]!, rank) > 0) low = middle + 1
        else high = middle
      }
      this.#queue.splice(low, 0, rank)
    }
  }

  /** Judges what was done by this rank. */
  #judge(rank: Rank): void {
    const { standing, level } = rank
    const undecided = this.#undecided.get(standing.identity)
    if (undecided === undefined || undecided.length === 0 || this.#isSpent(standing)) return
    const ends = this.#endsOf(rank)
    const left = undecided.filter(node => {
      const applies =
        precedes(standing.node, node) && !meet(node.past, ends) && this.#levelFor(standing, node) === level
      if (applies && this.#isRight(node, rank)) this.#count(node, rank)
      return !applies
    })
    this.#undecided.set(standing.identity, left)
  }

  /** What ended a standing, as far as it ranks before it. Complete once that rank is judged. */
  #endsOf(rank: Rank): Bits {
    const { standing, level } = rank
    const known = this.#ends.get(standing)?.get(level)
    if (known !== undefined) return known
    const { identity, node } = standing
    const bits = emptyBits(this.#size)
    for (const removal of this.#removals.get(identity) ?? NOBODY)
      if (!precedes(removal.node, node) && outranks(removal.rank, rank)) setBit(bits, removal.node.index)
    for (const role of this.#roles.get(identity) ?? NOBODY)
      if (role.node !== node && this.#replaces(role, standing)) setBit(bits, role.node.index)
    const levels = this.#ends.get(standing) ?? new Map<Level, Bits>()
    this.#ends.set(standing, levels.set(level, bits))
    return bits
  }

  /** Whether a role was given instead of a standing: later, or meanwhile by somebody more senior. */
  #replaces(role: Ruling, { node }: Standing): boolean {
    if (precedes(node, role.node)) return true
    if (precedes(role.node, node)) return false
    const order = compareRanks(role.rank, this.#ranks.get(node)!)
    return order < 0 || (order === 0 && role.node.id < node.id)
  }

  /** Whether an operation counts by this rank. */
  #isRight(node: Node, rank: Rank): boolean {
    const { author, content } = node.operation
    const needed = this.#levelNeeded(node)
    if (rank.level < needed) return false
    // All rulings so far are by ranks before this one.
    const isJudged = (ruling: Ruling): boolean => concurrent(ruling.node, node)
    if (this.#removals.get(author)?.some(isJudged)) return false
    if (this.#roles.get(author)?.some(role => role.level < needed && isJudged(role))) return false
    if (content.type === 'remove')
      return this.#mayJudge(content.identity, node, rank) && !this.#isOverruled(content.identity, node, rank)
    if (content.type === 'role')
      return (
        this.#mayJudge(content.identity, node, rank) &&
        (this.#introduced.get(content.identity) ?? NOBODY).some(each => precedes(each, node))
      )
    return true
  }

  #levelNeeded(node: Node): Level {
    const { content } = node.operation
    if (content.type === 'role') return 2
    if (content.type !== 'add') return 1
    if (content.members.some(member => member.role !== 'member')) return 2
    return this.#settingsBefore(node).mayAdd === 'members' ? 0 : 1
  }

  /** The settings as the author of an operation knew them. */
  #settingsBefore(node: Node): GroupSettings {
    const known = latest(this.#settings.filter(each => precedes(each.node, node)))!
    const { content } = known.node.operation
    if (content.type !== 'settings' && content.type !== 'create') throw new HearsayError('INTERNAL')
    return content.settings
  }

  /** Whether somebody in the past of an operation is below its rank: an admin judges members, an owner whoever is junior. */
  #mayJudge(target: IdentityId, node: Node, rank: Rank): boolean {
    return !(this.#standings.get(target) ?? NOBODY).some(standing => {
      if (!precedes(standing.node, node)) return false
      const held = { standing, level: this.#levelLeft(standing, node.past) }
      if (rank.level === 1 ? held.level < 1 : !outranks(held, rank)) return false
      return !this.#isSpent(standing) && !meet(node.past, this.#endsOf(held))
    })
  }

  /** Whether the target was meanwhile given a standing before this rank. */
  #isOverruled(target: IdentityId, node: Node, rank: Rank): boolean {
    return (this.#standings.get(target) ?? NOBODY).some(
      standing =>
        concurrent(standing.node, node) && outranks({ standing, level: this.#levelLeft(standing) }, rank)
    )
  }

  /** What follows from an operation that counts. */
  #count(node: Node, rank: Rank): void {
    this.#valid.add(node)
    this.#ranks.set(node, rank)
    for (const use of node.uses) append(this.#uses, use, { node, rank })
    const { content } = node.operation
    if (content.type === 'create' || content.type === 'add')
      for (const [position, { identity, role }] of content.members.entries())
        this.#grant({ identity, level: levelOf[role], node, position })
    if (content.type === 'create' || content.type === 'settings') this.#settings.push({ node, rank })
    if (content.type === 'remove') append(this.#removals, content.identity, { node, rank })
    if (content.type === 'role') {
      const { identity, role } = content
      append(this.#roles, identity, { node, rank, level: levelOf[role] })
      this.#grant({ identity, level: levelOf[role], node, position: 0 })
    }
  }

  /** Whether a standing rests on a consent that does not count any more, by what ranks before it. */
  #isSpent(standing: Standing): boolean {
    const { identity, level, node, position } = standing
    const known = this.#spent.get(standing)
    if (known !== undefined) return known
    const isSenior = (ruling: Ruling): boolean => outranks(ruling.rank, { standing, level })
    const removals = (this.#removals.get(identity) ?? NOBODY).filter(isSenior)
    const spent = this.#isReplayed(node, position, removals, isSenior)
    this.#spent.set(standing, spent)
    return spent
  }

  /**
   * Whether the author knew of a removal, or of a leave, that another use of the same consent did not know.
   * Only uses that count: else whoever copies a consent into a void operation could throw its owner out.
   */
  #isReplayed(
    node: Node,
    position: number,
    removals: readonly Ruling[],
    applies: (use: Ruling) => boolean = () => true
  ): boolean {
    const consent = node.consents[position]
    const all = (consent && this.#uses.get(node.uses[position]!)) ?? NOBODY
    const others = all.filter(use => use.node !== node && applies(use))
    if (consent === undefined || others.length === 0) return false
    const left = (this.#declarations.get(consent.identity)?.nodes ?? NOBODY).filter(each => each.level < 0)
    const ends = bitsOf([...removals, ...left].map(each => each.node))
    return others.some(other => leaves(ends, other.node.past, node.past))
  }
}

function groupByAuthor(nodes: readonly Node[]): Map<IdentityId, Node[]> {
  const groups = new Map<IdentityId, Node[]>()
  for (const node of nodes) append(groups, node.operation.author, node)
  return groups
}

/** Of operations that replace each other: the later one, and of concurrent ones the more senior author's. */
export function latest<Each extends Ruling>(rulings: readonly Each[]): Each | undefined {
  const newest: Each[] = []
  // In the order of the graph: whatever comes later replaces those that it knew.
  for (const ruling of rulings.toSorted((a, b) => a.node.depth - b.node.depth)) {
    for (let i = newest.length - 1; i >= 0; i--)
      if (precedes(newest[i]!.node, ruling.node)) newest.splice(i, 1)
    newest.push(ruling)
  }
  return newest.toSorted((a, b) => compareRanks(a.rank, b.rank) || (a.node.id < b.node.id ? -1 : 1))[0]
}

/** Judges a set of operations that has the past of each; the first is the `create`. */
export const judge = (nodes: readonly Node[]): Verdict => new Trial(nodes)
