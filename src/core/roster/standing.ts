/**
 * Standings: by which operation somebody may do what, and who ranks before whom.
 * Spec: specs/roster.md, section 6.
 *
 * Always true: a standing ranks after that of whoever granted it, because the grant is of no higher level and
 * lies deeper. So what voids an operation, or a grant that it rests on, always ranks before it, and judging
 * from the first rank to the last never has to look back.
 */
import type { IdentityId } from '../../base/ids.ts'
import type { Role } from '../../base/model.ts'
import type { Node } from './history.ts'

/** How much somebody may do; -1: nothing any more. */
export type Level = -1 | 0 | 1 | 2

/** The level of each role. */
export const levelOf: Readonly<Record<Role, Exclude<Level, -1>>> = { member: 0, admin: 1, owner: 2 }

/** The role of a level. */
export const roleOf = (level: Level): Role => (level === 2 ? 'owner' : level === 1 ? 'admin' : 'member')

/** A right that an operation granted. */
export interface Standing {
  readonly identity: IdentityId
  readonly level: Level
  /** The operation that granted it. */
  readonly node: Node
  /** Its place among the people that the operation names. */
  readonly position: number
}

/** A standing at the level that is left of it: people may step down. */
export interface Rank {
  readonly standing: Standing
  readonly level: Level
}

/** Negative where `a` ranks before `b`: by level, then by how early it was granted. */
export function compareRanks(a: Rank, b: Rank): number {
  if (a.level !== b.level) return b.level - a.level
  const [x, y] = [a.standing, b.standing]
  if (x.node.depth !== y.node.depth) return x.node.depth - y.node.depth
  if (x.node !== y.node) return x.node.id < y.node.id ? -1 : 1
  return x.position - y.position
}

/** Whether `a` ranks before `b`. */
export const outranks = (a: Rank, b: Rank): boolean => compareRanks(a, b) < 0
