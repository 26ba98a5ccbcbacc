/**
 * Who is a member, for the model: the rules of specs/roster.md as far as three equal owners need them.
 *
 * A removal wins against what it does not come before. Of two who remove each other the more senior wins, and
 * what somebody did who was removed at the same time by somebody more senior is void.
 */
import { bits, has } from './bits.ts'
import type { Scenario, State } from './model.ts'

const DEVICES = [0, 1, 2] as const

/** The devices that are members after these operations. */
export function membersOf(
  { members, events }: Scenario,
  state: Pick<State, 'outcomes'>,
  operations: number
): number {
  const targetOf = (i: number): number | undefined => {
    const event = events[i]!
    return event.type === 'add' || event.type === 'remove' ? event.target : undefined
  }
  const all = bits(operations).filter(i => events[i]!.type === 'add' || events[i]!.type === 'remove')
  const past = (i: number): number => state.outcomes[i]!.past
  const voids = new Set<number>()
  const count = (among: readonly number[]): number => {
    let result = 0
    for (const d of DEVICES) {
      const about = among.filter(i => targetOf(i) === d)
      const removals = about.filter(i => events[i]!.type === 'remove')
      const adds = about.filter(i => events[i]!.type === 'add')
      const beginning = has(members, d) && removals.length === 0
      if (beginning || adds.some(add => removals.every(removal => has(past(add), removal)))) result |= 1 << d
    }
    return result
  }
  // Void by somebody strictly senior only, so one pass from the most senior author on settles it.
  for (const author of DEVICES)
    for (const i of all.filter(each => events[each]!.by === author)) {
      const removed = all.some(j => {
        const { type, by } = events[j]!
        const concurrent = !has(past(i), j) && !has(past(j), i)
        return type === 'remove' && targetOf(j) === author && by < author && concurrent && !voids.has(j)
      })
      if (removed) voids.add(i)
    }
  return count(all.filter(i => !voids.has(i)))
}
