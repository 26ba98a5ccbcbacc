/** The roster of the model says what the product's roster says, of the same operations with the same pasts. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { OperationId } from '../../src/base/ids.ts'
import { player, Story, whoIsIn } from '../core/roster-story.ts'
import { bits, has, NAMES } from './bits.ts'
import { membersOf } from './members.ts'
import type { Event, Outcome } from './model.ts'

type Change = Extract<Event, { type: 'add' | 'remove' }>

/** Three owners, and what they may do to each other: only to who is more junior. */
const EVERYBODY = 0b111
const changes: readonly Change[] = [
  { type: 'remove', by: 0, target: 1 },
  { type: 'remove', by: 0, target: 2 },
  { type: 'remove', by: 1, target: 2 },
  { type: 'add', by: 0, target: 1 },
  { type: 'add', by: 0, target: 2 },
  { type: 'add', by: 1, target: 2 },
  { type: 'add', by: 2, target: 1 }
]
const outcomeAfter = (past: number): Outcome => ({ done: true, past, keyPackage: 0, seals: 0, opened: 0 })

/** Up to six changes, each known to some of the later ones, and allowed by what its author knew. */
function historyOf(drawn: readonly (readonly [Change, number])[]): { events: Change[]; outcomes: Outcome[] } {
  const events: Change[] = []
  const outcomes: Outcome[] = []
  for (const [event, seen] of drawn) {
    // Everybody knows at least what it has done itself.
    const known = [...events.keys()].filter(i => has(seen, i) || events[i]!.by === event.by)
    const past = known.reduce((set, i) => set | (1 << i) | outcomes[i]!.past, 0)
    const members = membersOf({ members: EVERYBODY, events, kept: 0 }, { outcomes }, past)
    // Whoever comes back is the most junior from then on; in the model nobody changes places.
    const returned = events.some(({ type, target }) => type === 'add' && target === 1)
    if (!has(members, event.by) || has(members, event.target) === (event.type === 'add')) continue
    if (returned && (event.by === 1 || event.by === 2)) continue
    events.push(event)
    outcomes.push(outcomeAfter(past))
  }
  return { events, outcomes }
}

const histories = fc.array(fc.tuple(fc.constantFrom(...changes), fc.nat(63)), { maxLength: 6 }).map(historyOf)

test('three owners, and who is in after any of their operations', () => {
  const people = NAMES.map(player)
  const [alice, bob, carol] = people
  fc.assert(
    fc.property(histories, fc.nat(63), ({ events, outcomes }, wanted) => {
      const story = new Story(alice!)
      story.adds(alice!, bob!, undefined, 'owner')
      const beginning = story.adds(alice!, carol!, undefined, 'owner')
      const ids: OperationId[] = []
      for (const [i, { type, by, target }] of events.entries()) {
        const parents = [beginning, ...bits(outcomes[i]!.past).map(j => ids[j]!)]
        const [author, who] = [people[by]!, people[target]!]
        ids.push(
          type === 'add' ? story.adds(author, who, parents, 'owner') : story.removes(author, who, parents)
        )
      }
      const some = bits(wanted & ((1 << events.length) - 1))
      const operations = some.reduce((set, i) => set | (1 << i) | outcomes[i]!.past, 0)
      const roster = story.roster(story.closure([beginning, ...bits(operations).map(i => ids[i]!)]))
      const members = membersOf({ members: EVERYBODY, events, kept: 0 }, { outcomes }, operations)
      expect(whoIsIn(roster).toSorted()).toEqual(bits(members).map(d => NAMES[d]!))
    }),
    { numRuns: 300 }
  )
})
