/** Operations on their way between members who tell each other what they have. */
import { describe, expect, test } from 'vitest'
import type { PeerId } from '../../src/base/ids.ts'
import { spec } from '../../src/base/limits.ts'
import { Roster } from '../../src/core/roster.ts'
import { compareRosters, followRoster } from '../../src/core/roster-sync.ts'
import { addLink } from '../../src/core/transmission.ts'
import type { ControlBody } from '../../src/wire/control.ts'
import { oneSide, type OneSide } from './one-side.ts'
import { player, Story, type Player } from './roster-story.ts'

type RosterBody = Extract<ControlBody, { type: 'roster' }>

const [alice, bob, carol] = [player('alice'), player('bob'), player('carol')]
const peerOf = (who: Player): PeerId => `12D3Koo${who.identity.slice(0, 8)}` as PeerId

/** What a member has who was given these operations. */
const sideOf = (who: Player, roster: Roster): OneSide =>
  oneSide({ roster, identity: who.identity, self: who.phone.id })

/** Two members talk about their rosters until neither has anything to say. Returns how much was said. */
function talk(sides: readonly [OneSide, OneSide], people: readonly [Player, Player]): number {
  let said = 0
  for (const [i, side] of sides.entries()) {
    const theirs = sides[1 - i]!.conversation.roster!.digest()
    compareRosters(side.conversation, side.turn, peerOf(people[1 - i]!), theirs)
  }
  for (let quiet = false; !quiet;) {
    quiet = true
    for (const [i, side] of sides.entries())
      for (const body of side.told.splice(0)) {
        quiet = false
        said += 1
        const reader = sides[1 - i]!
        followRoster(reader.conversation, reader.turn, peerOf(people[i]!), body as RosterBody)
      }
  }
  return said
}

const digestOf = ({ conversation }: OneSide): Uint8Array => conversation.roster!.digest()

describe('two members', () => {
  test('who know the same say nothing', () => {
    const story = new Story(alice)
    story.adds(alice, bob)
    expect(talk([sideOf(alice, story.roster()), sideOf(bob, story.roster())], [alice, bob])).toBe(0)
  })

  test('who each did something come to know both', () => {
    const story = new Story(alice)
    const together = story.adds(alice, bob)
    const first = story.does(alice, { type: 'rename', name: 'climbers' }, { parents: [together] })
    const second = story.removes(bob, bob, [together])
    const sides = [
      sideOf(alice, story.roster([together, first])),
      sideOf(bob, story.roster([together, second]))
    ] as const
    talk(sides, [alice, bob])
    for (const side of sides) expect(digestOf(side)).toEqual(story.roster().digest())
  })

  test('come to know more than one message holds, one message after the other', () => {
    const story = new Story(alice)
    story.adds(alice, bob)
    const before = story.roster()
    for (let i = 0; i < spec.operationsPerMessageMax + 10; i++)
      story.does(alice, { type: 'rename', name: `name ${i}` })
    const sides = [sideOf(alice, story.roster()), sideOf(bob, before)] as const
    for (let round = 0; round < 3; round++) talk(sides, [alice, bob])
    expect(digestOf(sides[1])).toEqual(story.roster().digest())
  })
})

describe('a member who floods the roster', () => {
  test('with more heads than a message may name silences nobody', () => {
    const story = new Story(alice)
    const together = story.adds(alice, bob)
    const quiet = story.roster()
    for (let i = 0; i < spec.operationsPerMessageMax + 10; i++)
      story.does(bob, { type: 'rename', name: `name ${i}` }, { parents: [together] })
    const flooded = story.roster()
    expect(flooded.heads.length).toBeGreaterThan(spec.operationsPerMessageMax)
    const sides = [sideOf(alice, flooded), sideOf(carol, quiet)] as const
    for (let round = 0; round < 3; round++) talk(sides, [alice, carol])
    expect(digestOf(sides[1])).toEqual(flooded.digest())
  })

  test('with as much as one message holds is passed on in pieces', () => {
    const story = new Story(alice)
    story.adds(alice, bob)
    const side = sideOf(alice, story.roster())
    addLink(side.conversation, peerOf(carol), carol.phone.id)
    // Large, and there is no need that they count: they only have to be taken in.
    const consents = Array.from({ length: 50 }, (_, i) => story.newcomer(player(`crowd ${i}`)))
    const made = Array.from({ length: 28 }, () => story.does(bob, { type: 'add', members: consents }))
    const operations = made.map(id => story.bytes(id))
    const size = operations.reduce((sum, { length }) => sum + length, 0)
    expect(size).toBeGreaterThan(550_000)
    const { id } = story
    followRoster(side.conversation, side.turn, peerOf(bob), {
      type: 'roster',
      group: id,
      heads: [],
      operations,
      keyPackages: [],
      answer: false
    })
    expect(digestOf(side)).toEqual(story.roster().digest())
    const passedOn = side.told.filter(({ type }) => type === 'roster') as RosterBody[]
    expect(passedOn.length).toBeGreaterThan(0)
    for (const body of passedOn)
      expect(body.operations.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(size)
  })
})
