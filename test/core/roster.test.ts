/** Stories of rosters: who is in and who is out, when people act one after the other and at once. */
import { describe, expect, test } from 'vitest'
import type { OperationId } from '../../src/base/ids.ts'
import { spec } from '../../src/base/limits.ts'
import { player, Story, viewOf, whoIsIn } from './roster-story.ts'

const [alice, bob, carol, dave, mallory, sybil] = ['alice', 'bob', 'carol', 'dave', 'mallory', 'sybil'].map(
  player
) as [Player, Player, Player, Player, Player, Player]
type Player = ReturnType<typeof player>

/** Alice has founded, Mallory is an admin, Bob and Carol are members. */
function group(): Story {
  const story = new Story(alice)
  story.adds(alice, mallory, undefined, 'admin')
  story.adds(alice, bob)
  story.adds(alice, carol)
  return story
}

const isIn = (story: Story, who: Player): boolean => story.roster().current.members.has(who.identity)
const roleOf = (story: Story, who: Player) => story.roster().current.members.get(who.identity)?.role

describe('a group', () => {
  test('has its founder, and whom the founder adds', () => {
    const story = group()
    const roster = story.roster()
    expect(whoIsIn(roster)).toEqual(['alice', 'mallory', 'bob', 'carol'])
    expect(roster.current.ownerOf(bob.phone.id)).toBe(bob.identity)
    expect(roster.current.holds(carol.identity, bob.phone.id)).toBe(false)
    expect(roster.at([story.id])?.members.size).toBe(1)
    expect(roster.at(['00'.repeat(32) as OperationId])).toBeUndefined()
  })

  test('lets admins and owners rename it, set it up, add and remove, and members nothing of that', () => {
    const story = group()
    const settings = { mayAdd: 'members', history: 50, disappearAfterMs: 1000 } as const
    const wrong = [
      story.does(bob, { type: 'rename', name: 'bob’s' }),
      story.does(bob, { type: 'settings', settings }),
      story.removes(bob, carol),
      story.adds(bob, dave),
      story.gives(bob, bob, 'owner'),
      story.gives(mallory, mallory, 'owner'),
      story.gives(mallory, bob, 'admin'),
      story.adds(mallory, dave, undefined, 'admin'),
      story.removes(mallory, alice)
    ]
    const right = [
      story.does(mallory, { type: 'rename', name: 'climbers' }),
      story.does(mallory, { type: 'settings', settings }),
      story.removes(mallory, carol),
      story.adds(bob, dave)
    ]
    const roster = story.roster()
    // A declaration about oneself is never void, but it only ever takes something away.
    expect(wrong.filter(id => !roster.isVoid(id))).toEqual([wrong[4], wrong[5]])
    expect(right.filter(id => roster.isVoid(id))).toEqual([])
    expect(whoIsIn(roster)).toEqual(['alice', 'mallory', 'bob', 'dave'])
    expect([roster.current.name, roster.current.settings]).toEqual(['climbers', settings])
    expect(roster.current.members.get(mallory.identity)?.role).toBe('admin')
  })

  test('can be left by anybody, who comes back only by a new consent', () => {
    const story = new Story(alice)
    const consent = story.newcomer(bob)
    story.adds(alice, consent)
    story.removes(bob, bob)
    expect(isIn(story, bob)).toBe(false)
    story.adds(alice, consent)
    expect(isIn(story, bob)).toBe(false)
    story.adds(alice, bob)
    expect(isIn(story, bob)).toBe(true)
  })

  test('has owners who may step down, and is then in the hands of the others', () => {
    const story = group()
    story.gives(alice, bob, 'owner')
    story.gives(alice, alice, 'member')
    expect([roleOf(story, alice), roleOf(story, bob)]).toEqual(['member', 'owner'])
    const name = story.does(alice, { type: 'rename', name: 'mine' })
    expect(story.roster().isVoid(name)).toBe(true)
    story.removes(bob, alice)
    expect(whoIsIn(story.roster())).toEqual(['bob', 'mallory', 'carol'])
  })

  test('has owners whose past does not protect them', () => {
    const story = group()
    story.gives(alice, bob, 'owner')
    story.gives(alice, carol, 'owner')
    const tooEarly = story.removes(carol, bob)
    story.gives(alice, bob, 'member')
    const removal = story.removes(carol, bob)
    const roster = story.roster()
    expect([roster.isVoid(tooEarly), roster.isVoid(removal)]).toEqual([true, false])
    expect(isIn(story, bob)).toBe(false)
  })

  test('between two people has nothing but devices', () => {
    const story = new Story(alice, { other: bob })
    for (const who of [alice, bob]) {
      story.adds(who, mallory)
      story.removes(who, who === alice ? bob : alice)
      story.removes(who, who)
      story.does(who, { type: 'rename', name: 'x' })
    }
    const list = bob.extended(bob.first, 'add', bob.laptop)
    story.does(bob, { type: 'devices', entries: list.entries.slice(1) })
    const { current } = story.roster()
    expect([current.kind, current.name]).toEqual(['direct', 'hikers'])
    expect(current.devices().toSorted()).toEqual([alice.phone.id, bob.phone.id, bob.laptop.id].toSorted())
    expect([...current.members.values()].map(member => member.role)).toEqual(['owner', 'owner'])
  })

  test('has at most so many members, the most senior ones, and says so before it is asked in vain', () => {
    const story = new Story(alice)
    const crowd = Array.from({ length: spec.groupMembersMax + 1 }, (_, i) => player(`crowd ${i}`))
    const heads = story.heads()
    for (let i = 0; i < crowd.length; i += spec.newcomersMax) {
      const members = crowd.slice(i, i + spec.newcomersMax).map(who => story.newcomer(who))
      story.does(alice, { type: 'add', members })
    }
    const { current } = story.roster()
    expect(current.members.size).toBe(spec.groupMembersMax)
    expect(current.has(crowd.at(-3)!.phone.id)).toBe(true)
    expect(current.has(crowd.at(-1)!.phone.id)).toBe(false)
    const content = { type: 'add', members: [story.newcomer(bob)] } as const
    expect(story.roster().mayIssue(alice.identity, content)).toBe('GROUP_FULL')
    expect(story.roster(heads).mayIssue(alice.identity, content)).toBeUndefined()
  })
})

describe('at the same time,', () => {
  test('one is added and removed: it is out', () => {
    const story = group()
    const heads = story.heads()
    story.removes(alice, bob, heads)
    story.adds(mallory, bob, heads)
    expect(isIn(story, bob)).toBe(false)
    story.adds(mallory, bob)
    expect(isIn(story, bob)).toBe(true)
  })

  test('two owners remove each other: the senior one stays', () => {
    const story = group()
    story.gives(alice, bob, 'owner')
    const heads = story.heads()
    const coup = story.removes(bob, alice, heads)
    const answer = story.removes(alice, bob, heads)
    const roster = story.roster()
    expect([roster.isVoid(coup), roster.isVoid(answer)]).toEqual([true, false])
    expect(whoIsIn(roster)).toEqual(['alice', 'mallory', 'carol'])
  })

  test('a junior’s friends cannot bring down who removed it, nor what rests on what is void', () => {
    const story = group()
    story.gives(alice, bob, 'owner')
    const heads = story.heads()
    story.removes(alice, bob, heads)
    // Bob makes Carol an owner, who throws out Mallory and lets in Sybil.
    const grant = story.gives(bob, carol, 'owner', heads)
    const removal = story.removes(carol, mallory, [grant])
    const friend = story.adds(carol, sybil, [removal])
    const roster = story.roster()
    expect([grant, removal, friend].map(id => roster.isVoid(id))).toEqual([true, true, true])
    expect(whoIsIn(roster)).toEqual(['alice', 'mallory', 'carol'])
  })

  test('an owner promotes whom an admin removes: the owner has the last word', () => {
    const story = group()
    const heads = story.heads()
    story.gives(alice, bob, 'owner', heads)
    const removal = story.removes(mallory, bob, heads)
    expect(story.roster().isVoid(removal)).toBe(true)
    expect(roleOf(story, bob)).toBe('owner')
  })

  test('two owners give one person two roles: the senior’s counts', () => {
    for (const [senior, junior] of [
      ['admin', 'member'],
      ['member', 'admin']
    ] as const) {
      const story = group()
      story.gives(alice, bob, 'owner')
      const heads = story.heads()
      story.gives(alice, carol, senior, heads)
      story.gives(bob, carol, junior, heads)
      expect(roleOf(story, carol)).toBe(senior)
    }
  })

  test('one owner gives two roles on two devices: that of the smaller id counts', () => {
    const chosen = new Set<string>()
    for (const name of ['erin', 'frank', 'grace', 'heidi', 'ivan', 'judy']) {
      const story = new Story(alice)
      const list = alice.extended(alice.first, 'add', alice.laptop)
      story.does(alice, { type: 'devices', entries: list.entries.slice(1) })
      story.adds(alice, player(name))
      const heads = story.heads()
      const given = (['admin', 'owner'] as const).map((role, i) => {
        const content = { type: 'role', identity: player(name).identity, role } as const
        const device = [alice.phone, alice.laptop][i]!
        return { role, id: story.does(alice, content, { parents: heads, device }) }
      })
      const [first] = given.toSorted((a, b) => (a.id < b.id ? -1 : 1))
      expect(roleOf(story, player(name))).toBe(first!.role)
      chosen.add(first!.role)
    }
    expect(chosen.size).toBe(2)
  })

  test('two rename it: the senior’s name counts, and a later one replaces both', () => {
    const story = group()
    const heads = story.heads()
    story.does(mallory, { type: 'rename', name: 'mallory’s' }, { parents: heads })
    story.does(alice, { type: 'rename', name: 'alice’s' }, { parents: heads })
    expect(story.roster().current.name).toBe('alice’s')
    story.does(mallory, { type: 'rename', name: 'later' })
    expect(story.roster().current.name).toBe('later')
  })

  test('somebody is demoted and does what the old role allowed: it is void', () => {
    const story = group()
    const heads = story.heads()
    story.gives(alice, mallory, 'member', heads)
    const renamed = story.does(mallory, { type: 'rename', name: 'mallory’s' }, { parents: heads })
    expect(story.roster().isVoid(renamed)).toBe(true)
    expect(roleOf(story, mallory)).toBe('member')
  })

  test('somebody leaves on one device and acts on another: leaving counts, the other is void', () => {
    const story = group()
    const list = mallory.extended(mallory.first, 'add', mallory.laptop)
    story.does(mallory, { type: 'devices', entries: list.entries.slice(1) })
    const heads = story.heads()
    story.removes(mallory, mallory, heads)
    const renamed = story.does(
      mallory,
      { type: 'rename', name: 'x' },
      { parents: heads, device: mallory.laptop }
    )
    expect(story.roster().isVoid(renamed)).toBe(true)
    expect(isIn(story, mallory)).toBe(false)
  })
})

describe('two rosters', () => {
  test('have one digest exactly where they have the same operations, and exchange what they lack', () => {
    const story = group()
    const heads = story.heads()
    const left = story.does(alice, { type: 'rename', name: 'left' }, { parents: heads })
    const right = story.does(mallory, { type: 'rename', name: 'right' }, { parents: heads })
    const a = story.roster(story.closure([left]))
    const b = story.roster(story.closure([right]))
    expect(a.digest()).not.toEqual(b.digest())
    expect(a.knows(b.heads)).toBe(false)
    expect(a.includes([left], heads[0]!)).toBe(true)
    expect(a.includes(heads, left)).toBe(false)
    const missing = a.after(
      b.heads.filter(head => a.has(head)),
      100
    )
    expect(missing).toHaveLength(5)
    expect(a.after(heads, 100)).toEqual([story.bytes(left)])
    expect(a.after([], 2)).toEqual([...story.told.keys()].slice(0, 2).map(id => story.bytes(id)))
    for (const bytes of missing) b.add(bytes)
    for (const bytes of b.after(a.heads, 100)) a.add(bytes)
    expect(a.digest()).toEqual(b.digest())
    expect(viewOf(a.current)).toEqual(viewOf(b.current))
  })
})
