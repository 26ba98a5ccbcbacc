/**
 * The roster of a conversation: who belongs to it, decided by signed operations and nobody's server.
 * Spec: specs/roster.md.
 *
 * Always true: what a roster says follows from the set of its operations, in whatever order they came. An
 * operation that is refused changes nothing. Whoever was removed by an operation that counts stays out,
 * whatever is merged later, until somebody adds them knowing of the removal and with a consent of its own.
 */
import { fromHex } from '../base/bytes.ts'
import { malformed, HearsayError, type ErrorCode } from '../base/errors.ts'
import type { DeviceId, IdentityId, OperationId } from '../base/ids.ts'
import { limits, spec } from '../base/limits.ts'
import { labelledHash } from '../crypto/hash.ts'
import type { Newcomer, OperationContent, RosterOperation } from '../wire/roster-operation.ts'
import { operationId, verifyOperation } from './seal/roster-seal.ts'
import { admit, type Admitted } from './roster/admission.ts'
import { hasBit, History, precedes, type Node } from './roster/history.ts'
import { claimsOf, contradictions } from './roster/lists.ts'
import { membersOf, type Member, type Members } from './roster/members.ts'
import { compareRanks, levelOf } from './roster/standing.ts'
import { judge, type Verdict } from './roster/verdict.ts'
import { Waiting } from './roster/waiting.ts'

export type { Members }

/** Two signed operations that one honest device, or one honest identity, would not have made. */
export interface Equivocation {
  readonly identity: IdentityId
  /** The device that gave two operations one number; undefined where the identity's device lists contradict. */
  readonly device: DeviceId | undefined
  readonly operations: readonly [OperationId, OperationId]
}

/** All operations as they were judged, and what they come to. */
interface Judged {
  readonly members: Members
  readonly verdict: Verdict
}

/** What became of an operation. `waiting`: until its parents come. `full`: a limit was reached; not kept. */
export type Addition = 'added' | 'known' | 'waiting' | 'full'

export class Roster {
  readonly id: OperationId
  readonly kind: 'direct' | 'group'
  readonly create: RosterOperation
  readonly #history = new History()
  readonly #waiting = new Waiting()
  readonly #perIdentity = new Map<IdentityId, number>()
  #bytes = 0
  #current: Judged | undefined
  readonly #views = new Map<string, Members>()

  private constructor(first: Admitted, kind: 'direct' | 'group') {
    this.id = first.id
    this.kind = kind
    this.create = first.operation
    this.#append(first)
  }

  /** The roster that begins with this `create`. Throws MALFORMED. */
  static begin(create: Uint8Array): Roster {
    const operation = verifyOperation(create)
    if (operation.content.type !== 'create') throw malformed('a roster begins with a create')
    const received = { id: operationId(create), bytes: new Uint8Array(create), operation }
    return new Roster(admit(received, new History()), operation.content.kind)
  }

  /** How many operations it has, those that wait left out. */
  get size(): number {
    return this.#history.nodes.length
  }

  /** The operations that no other one names, ascending. */
  get heads(): readonly OperationId[] {
    return this.#history.heads
  }

  /** Parents that waiting operations name and that have not come, ascending. */
  get missing(): readonly OperationId[] {
    return this.#waiting.missing
  }

  /**
   * Takes in an operation, and those that waited for it. Throws MALFORMED, with nothing changed, where it is
   * not of this roster, or its signature, its device, a device list in it or a consent does not hold.
   */
  add(bytes: Uint8Array): Addition {
    const id = operationId(bytes)
    if (this.has(id) || this.#waiting.has(id)) return 'known'
    const operation = verifyOperation(bytes)
    if (operation.group !== this.id) throw malformed('an operation of another roster')
    if (!this.#hasRoom(operation.author, bytes)) return 'full'
    const received = { id, bytes: new Uint8Array(bytes), operation }
    const lacking = operation.parents.filter(parent => !this.has(parent))
    if (lacking.length > 0) return this.#waiting.put(received, lacking) ? 'waiting' : 'full'
    this.#append(admit(received, this.#history))
    this.#takeInWaiting(id)
    return 'added'
  }

  /** Whether it has this operation; one that waits it has not. */
  has(id: OperationId): boolean {
    return this.#history.get(id) !== undefined
  }

  /** An operation that it has. */
  get(id: OperationId): RosterOperation | undefined {
    return this.#history.get(id)?.operation
  }

  /** By all operations that it has. */
  get current(): Members {
    return this.#judged().members
  }

  /** Whether it has all of these operations. */
  knows(heads: readonly OperationId[]): boolean {
    return heads.every(head => this.has(head))
  }

  /** By these operations and what came before them; undefined where one is unknown, or there is none. */
  at(heads: readonly OperationId[]): Members | undefined {
    if (heads.length === 0 || !this.knows(heads)) return undefined
    const key = [...new Set(heads)].toSorted().join()
    if (key === this.heads.join()) return this.current
    let view = this.#views.get(key)
    if (view === undefined) {
      const closure = this.#history.closure(heads)
      const nodes = this.#history.nodes.filter(node => hasBit(closure, node.index))
      view = membersOf(nodes, judge(nodes))
    }
    this.#remember(key, view)
    return view
  }

  /** The bytes of up to `max` operations that are neither these nor before them, parents first. */
  after(heads: readonly OperationId[], max: number): Uint8Array[] {
    const known = this.#history.closure(heads)
    const found: Uint8Array[] = []
    for (const node of this.#history.nodes) {
      if (found.length >= max) break
      if (!hasBit(known, node.index)) found.push(node.bytes)
    }
    return found
  }

  /** The bytes of the operations that were taken in when it already had `size` of them, parents first. */
  since(size: number): Uint8Array[] {
    return this.#history.nodes.slice(size).map(node => node.bytes)
  }

  /** The bytes of all operations, parents first. */
  operations(): Uint8Array[] {
    return this.since(0)
  }

  /** 32 bytes that two rosters share exactly where they have the same operations. */
  digest(): Uint8Array {
    return labelledHash('rosterDigest', ...this.heads.map(fromHex))
  }

  /** Whether an operation is one of these or before them. Unknown ones are before nothing. */
  includes(past: readonly OperationId[], id: OperationId): boolean {
    const node = this.#history.get(id)
    if (node === undefined) return false
    return past.some(each => {
      const head = this.#history.get(each)
      return head !== undefined && (head === node || hasBit(head.past, node.index))
    })
  }

  /**
   * The heads, ascending, or where there are more than `max` those to name instead. A member who writes
   * hundreds of operations beside each other makes hundreds of heads: then those come first that lead to
   * `own`, and to what the most senior said about who belongs.
   */
  foremost(max: number, own?: OperationId): readonly OperationId[] {
    if (this.heads.length <= max) return this.heads
    const heads = this.heads.map(head => this.#history.get(head)!)
    const chosen = new Set<Node>()
    const reach = (target: Node): void => {
      const isReached = (head: Node): boolean => head === target || precedes(target, head)
      if (chosen.size >= max || [...chosen].some(isReached)) return
      const head = heads.find(isReached)
      if (head !== undefined) chosen.add(head)
    }
    const last = own && this.#history.get(own)
    if (last !== undefined) reach(last)
    for (const node of this.#bySeniority()) reach(node)
    for (const head of heads) reach(head)
    return [...chosen].map(head => head.id).toSorted()
  }

  /**
   * What the next operation of one's own device names. Its own last one is in the past of these parents: a
   * device that forgets it gives a number twice.
   */
  next(own: { readonly device: DeviceId }): { sequence: number; parents: readonly OperationId[] } {
    const last = this.#history.lastOf(own.device)
    const parents = this.foremost(spec.operationParentsMax, last?.id)
    const sequence = this.#history.sequenceIn(this.#history.closure(parents), own.device) + 1
    return { sequence, parents }
  }

  /** Why an operation would not count if this member made it now; undefined: it would. */
  mayIssue(identity: IdentityId, content: OperationContent): ErrorCode | undefined {
    const { members, settings, kind } = this.current
    if (content.type === 'devices') return undefined
    const author = members.get(identity)
    if (author === undefined) return 'NOT_A_MEMBER'
    if (kind === 'direct' || content.type === 'create') return 'NOT_ALLOWED'
    switch (content.type) {
      case 'add':
        return mayAdd(author, content.members, members, settings.mayAdd)
      case 'remove':
      case 'role': {
        const target = members.get(content.identity)
        if (target === undefined) return 'NOT_A_MEMBER'
        return mayJudge(author, target, content) ? undefined : 'NOT_ALLOWED'
      }
      case 'rename':
      case 'settings':
        return author.role === 'member' ? 'NOT_ALLOWED' : undefined
    }
  }

  /** Whether any operation, counting or not, gave this device to this identity: whose leaf an old tree may have. */
  everHad(identity: IdentityId, device: DeviceId): boolean {
    return this.#history.listsOf(identity).some(({ devices }) => devices.has(device))
  }

  /** Whether any operation, counting or not, named this identity a member. */
  everIncluded(identity: IdentityId): boolean {
    return this.#history.listsOf(identity).length > 0
  }

  /** The operations that put somebody out, with their past and, where that shows it, nothing else; and their heads. */
  partingOf(identity: IdentityId): {
    readonly operations: readonly Uint8Array[]
    readonly heads: readonly OperationId[]
  } {
    const removals = this.#history.nodes.filter(
      ({ operation: { content } }) => content.type === 'remove' && content.identity === identity
    )
    const last = removals.filter(node => !removals.some(({ past }) => hasBit(past, node.index)))
    const heads = last.map(({ id }) => id)
    if (this.at(heads)?.members.has(identity) !== false)
      return { operations: this.operations(), heads: this.heads }
    const closure = this.#history.closure(heads)
    const nodes = this.#history.nodes.filter(({ index }) => hasBit(closure, index))
    return { operations: nodes.map(({ bytes }) => bytes), heads }
  }

  /** What proves that somebody is not honest, or that somebody else has its keys. */
  equivocations(): Equivocation[] {
    const found: Equivocation[] = []
    const first = new Map<string, Node>()
    for (const node of this.#history.nodes) {
      const { author, device, sequence } = node.operation
      const key = `${device}/${sequence}`
      const other = first.get(key)
      if (other === undefined) first.set(key, node)
      else found.push({ identity: author, device, operations: pairOf(other, node) })
    }
    for (const [a, b] of contradictions(claimsOf(this.#history.nodes)))
      found.push({ identity: a.list.identity, device: undefined, operations: pairOf(a.node, b.node) })
    return found
  }

  /** Whether an operation does not count, by all operations that it has. False for unknown ones. */
  isVoid(id: OperationId): boolean {
    const node = this.#history.get(id)
    return node !== undefined && this.#judged().verdict.isVoid(node)
  }

  /** Keeps a view as the newest of those that are kept. */
  #remember(heads: string, view: Members): void {
    this.#views.delete(heads)
    this.#views.set(heads, view)
    if (this.#views.size > limits.rosterViewsMax) this.#views.delete([...this.#views.keys()][0]!)
  }

  #judged(): Judged {
    if (this.#current === undefined) {
      const verdict = judge(this.#history.nodes)
      this.#current = { verdict, members: membersOf(this.#history.nodes, verdict) }
    }
    return this.#current
  }

  /** The operations that say who belongs, those by the first ranks first. */
  #bySeniority(): Node[] {
    const { verdict } = this.#judged()
    const ranked = this.#history.nodes.flatMap(node => {
      const rank = verdict.rankOf(node)
      const { type } = node.operation.content
      return rank === undefined || type === 'rename' || type === 'settings' ? [] : [{ node, rank }]
    })
    const others = this.#history.nodes.filter(node => node.claims.length > 0)
    return [...ranked.toSorted((a, b) => compareRanks(a.rank, b.rank)).map(({ node }) => node), ...others]
  }

  #hasRoom(author: IdentityId, bytes: Uint8Array): boolean {
    return (
      this.size < limits.rosterOperationsMax &&
      (this.#perIdentity.get(author) ?? 0) < limits.rosterOperationsPerIdentityMax &&
      this.#bytes + bytes.length <= limits.rosterMaxBytes
    )
  }

  #append(admitted: Admitted): void {
    const node = { ...admitted, index: this.size }
    const knew = new Set(admitted.operation.parents)
    const knewAll = this.#current !== undefined && this.heads.every(head => knew.has(head))
    // What was just current is what others ask about: they have not heard of this one yet.
    if (this.#current !== undefined) this.#remember(this.heads.join(), this.#current.members)
    this.#history.append(node)
    const { author } = admitted.operation
    this.#perIdentity.set(author, (this.#perIdentity.get(author) ?? 0) + 1)
    this.#bytes += admitted.bytes.length
    if (this.#current === undefined || !knewAll) this.#current = undefined
    else this.#current = this.#extended(this.#current, node)
  }

  /** The same as judging everything again, for an operation that comes after all the others. */
  #extended({ members, verdict }: Judged, node: Node): Judged {
    verdict.extend(node)
    const { content } = node.operation
    const counts = !verdict.isVoid(node)
    if (counts && content.type === 'rename') return { verdict, members: members.with({ name: content.name }) }
    if (counts && content.type === 'settings')
      return { verdict, members: members.with({ settings: content.settings }) }
    const same = !counts && node.claims.length === 0
    return { verdict, members: same ? members : membersOf(this.#history.nodes, verdict) }
  }

  /** Takes in what waited for an operation, and what waited for that. What does not hold is dropped. */
  #takeInWaiting(parent: OperationId): void {
    const arrived = [parent]
    for (let id = arrived.pop(); id !== undefined; id = arrived.pop())
      for (const received of this.#waiting.release(id)) {
        if (!this.#hasRoom(received.operation.author, received.bytes)) continue
        try {
          this.#append(admit(received, this.#history))
          arrived.push(received.id)
        } catch (error) {
          if (!(error instanceof HearsayError)) throw error
        }
      }
  }
}

/** Operations in an order that does not depend on which came first. */
const pairOf = (a: Node, b: Node): readonly [OperationId, OperationId] =>
  a.id < b.id ? [a.id, b.id] : [b.id, a.id]

function mayAdd(
  author: Member,
  newcomers: readonly Newcomer[],
  members: ReadonlyMap<IdentityId, Member>,
  who: 'admins' | 'members'
): ErrorCode | undefined {
  if (newcomers.some(each => each.role !== 'member') && author.role !== 'owner') return 'NOT_ALLOWED'
  if (author.role === 'member' && who === 'admins') return 'NOT_ALLOWED'
  if (newcomers.some(each => members.has(each.identity))) return 'ALREADY_MEMBER'
  return members.size + newcomers.length > spec.groupMembersMax ? 'GROUP_FULL' : undefined
}

function mayJudge(
  author: Member,
  target: Member,
  content: Extract<OperationContent, { readonly type: 'remove' | 'role' }>
): boolean {
  if (target === author) return content.type === 'remove' || levelOf[content.role] <= levelOf[author.role]
  if (author.role === 'owner') return target.seniority > author.seniority
  return author.role === 'admin' && target.role === 'member' && content.type === 'remove'
}
