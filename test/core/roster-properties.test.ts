/** Rosters of random histories, in which everybody acts at any time, in good faith or bad. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { OperationId } from '../../src/base/ids.ts'
import type { Role } from '../../src/base/model.ts'
import { verifyDeviceList } from '../../src/core/seal/device-list.ts'
import { NO_GROUP, type Newcomer, type OperationContent } from '../../src/wire/roster-operation.ts'
import { player, quiet, Story, viewOf, type Device, type Player } from './roster-story.ts'
import { twin } from './roster-twin.ts'

const people = ['alice', 'bob', 'carol', 'dave', 'mallory', 'sybil'].map(player)
/** Mostly plain members: those in power outvote everybody else soon enough. */
const newcomerRole = (n: number): Role =>
  (['member', 'member', 'member', 'member', 'admin', 'owner'] as const)[n % 6]!
const roles: readonly Role[] = ['member', 'admin', 'owner']

/** What somebody does, as numbers that are taken modulo what there is to choose from. */
interface Move {
  readonly what: (typeof WHAT)[number]
  readonly who: number
  readonly whom: number
  readonly role: number
  readonly device: number
  /** The heads, the author's own view, or something long past. */
  readonly where: 'heads' | 'own' | 'past'
  readonly parents: readonly number[]
}
const WHAT = [
  'add',
  'add',
  'replay',
  'remove',
  'remove',
  'leave',
  'role',
  'role',
  'rename',
  'settings',
  'devices',
  'devices'
] as const

const move: fc.Arbitrary<Move> = fc.record({
  what: fc.constantFrom(...WHAT),
  who: fc.nat(),
  whom: fc.nat(),
  role: fc.nat(),
  device: fc.nat(),
  where: fc.constantFrom('heads', 'own', 'past', 'past'),
  parents: fc.array(fc.nat(), { minLength: 1, maxLength: 3 })
})
const moves = fc.array(move, { minLength: 5, maxLength: 28 })

/** Pieces of device lists, among them a fork and a list begun anew. */
const piecesOf = (who: Player): (readonly Uint8Array[])[] => {
  const two = who.extended(who.first, 'add', who.laptop)
  const one = who.extended(two, 'revoke', who.phone)
  const other = who.extended(two, 'revoke', who.laptop)
  const anew = who.recovered(who.laptop)
  return [
    two.entries.slice(1),
    one.entries.slice(2),
    other.entries.slice(2),
    one.entries.slice(1),
    anew.entries
  ]
}
const pieces = new Map(people.map(who => [who, piecesOf(who)]))

function contentOf(story: Story, { what, whom, role, who }: Move, used: Newcomer[]): OperationContent {
  const target = people[whom % people.length]!
  switch (what) {
    case 'add': {
      const newcomer = story.newcomer(target, newcomerRole(role))
      used.push(newcomer)
      return { type: 'add', members: [newcomer] }
    }
    case 'replay':
      return {
        type: 'add',
        members: [
          {
            ...(used[whom % used.length] ?? story.newcomer(target)),
            role: newcomerRole(role)
          }
        ]
      }
    case 'remove':
      return { type: 'remove', identity: target.identity }
    case 'leave':
      return { type: 'remove', identity: people[who % people.length]!.identity }
    case 'role':
      return { type: 'role', identity: target.identity, role: roles[role % 3]! }
    case 'rename':
      return { type: 'rename', name: `name ${whom % 9}` }
    case 'settings':
      return { type: 'settings', settings: { ...quiet, mayAdd: role % 2 === 0 ? 'members' : 'admins' } }
    case 'devices': {
      const choices = pieces.get(people[who % people.length]!)!
      return { type: 'devices', entries: choices[whom % choices.length]! }
    }
  }
}

/** The story of these moves; what everybody would refuse at the door is not in it. */
function play(all: readonly Move[], direct = false): Story {
  const [alice, bob] = people as [Player, Player]
  const story = new Story(alice, direct ? { other: bob } : {})
  const door = story.roster()
  const used: Newcomer[] = []
  if (!direct) {
    for (const who of people.slice(1, 4)) {
      const newcomer = story.newcomer(who, who === people[1] ? 'admin' : 'member')
      used.push(newcomer)
      door.add(story.bytes(story.adds(alice, newcomer)))
    }
  }
  for (const each of all) {
    const who = people[each.who % people.length]!
    const device: Device = each.device % 3 === 0 ? who.laptop : who.phone
    const ids = [...story.told.keys()]
    const own = ids.filter(id => story.told.get(id)!.operation.author === who.identity)
    const from = each.where === 'own' && own.length > 0 ? own : ids
    const parents = each.where === 'heads' ? story.heads() : each.parents.map(n => from[n % from.length]!)
    const id = story.does(who, contentOf(story, each, used), {
      parents: story.heads(parents).slice(0, 16),
      device
    })
    try {
      door.add(story.bytes(id))
    } catch (error) {
      expect(error).toMatchObject({ code: 'MALFORMED' })
      story.untell(id)
    }
  }
  return story
}

const shuffled = (ids: readonly OperationId[], order: readonly number[]): OperationId[] =>
  ids
    .map((id, i) => [(order[i % order.length]! * (i + 1)) % 101, id] as const)
    .sort(([a], [b]) => a - b)
    .map(([, id]) => id)

const runs = (numRuns: number) => ({ numRuns })

test('a roster says what its slow twin says, whatever people do', () => {
  fc.assert(
    fc.property(moves, fc.boolean(), (all, direct) => {
      const story = play(all, direct)
      const ids = [...story.told.keys()]
      const roster = story.roster()
      const expected = twin(story, ids)
      expect(viewOf(roster.current)).toEqual(expected.view)
      expect(ids.filter(id => roster.isVoid(id)).toSorted()).toEqual(expected.voids)
    }),
    runs(120)
  )
})

test('in whatever order operations come, a roster says the same; twice is once', () => {
  fc.assert(
    fc.property(moves, fc.array(fc.nat(100), { minLength: 3, maxLength: 40 }), (all, order) => {
      const story = play(all)
      const ids = [...story.told.keys()]
      const [a, b] = [story.roster(), story.roster([...shuffled(ids, order), ...ids])]
      // Somebody looks at it all the time.
      const watched = story.roster([])
      for (const [i, id] of ids.entries()) {
        const [heads, before] = [watched.heads, viewOf(watched.current)]
        watched.add(story.bytes(id))
        expect(viewOf(watched.at(heads)!)).toEqual(before)
        expect(viewOf(watched.current)).toEqual(viewOf(story.roster(ids.slice(0, i + 1)).current))
      }
      expect(ids.filter(id => a.isVoid(id))).toEqual(ids.filter(id => watched.isVoid(id)))
      expect(b.missing).toEqual([])
      expect(b.digest()).toEqual(a.digest())
      expect(viewOf(b.current)).toEqual(viewOf(a.current))
      expect(ids.filter(id => a.isVoid(id))).toEqual(ids.filter(id => b.isVoid(id)))
      const sorted = (each: typeof a) =>
        each.equivocations().map(({ device, operations }) => [device, ...operations.toSorted()])
      expect(new Set(sorted(a).map(([device]) => device))).toEqual(
        new Set(sorted(b).map(([device]) => device))
      )
    }),
    runs(50)
  )
})

test('what a roster said at some point of its past it says for ever, whatever else it has', () => {
  fc.assert(
    fc.property(moves, fc.nat(), fc.nat(), (all, x, y) => {
      const story = play(all)
      const ids = [...story.told.keys()]
      const heads = story.heads([ids[x % ids.length]!, ids[y % ids.length]!])
      const then = story.closure(heads)
      const roster = story.roster()
      expect(viewOf(roster.at(heads)!)).toEqual(viewOf(story.roster(then).current))
      expect(viewOf(roster.at(heads)!)).toEqual(twin(story, then).view)
      expect(roster.after(heads, 1000)).toHaveLength(ids.length - then.length)
    }),
    runs(40)
  )
})

test('who is removed stays out, whatever is merged, until added anew by who knew of the removal', () => {
  fc.assert(
    fc.property(moves, fc.nat(), fc.nat(), (all, x, y) => {
      const story = play(all)
      const ids = [...story.told.keys()]
      // Somebody has one part of the story, somebody else another, and they meet.
      const parts = [x, y].map(n => story.closure([ids[n % ids.length]!]))
      const merged = story.roster(ids.filter(id => parts.some(part => part.includes(id))))
      for (const id of merged.operations().length === 0 ? [] : ids) {
        const told = story.told.get(id)!
        const { content } = told.operation
        if (content.type !== 'remove' || !merged.has(id) || merged.isVoid(id)) continue
        const added = ids.some(each => {
          const later = story.told.get(each)!
          const next = later.operation.content
          return (
            merged.has(each) &&
            next.type === 'add' &&
            later.past.has(id) &&
            next.members.some(member => member.identity === content.identity)
          )
        })
        if (!added) expect(merged.current.members.has(content.identity)).toBe(false)
      }
    }),
    runs(60)
  )
})

test('a device that its identity revoked is out, whatever is merged', () => {
  fc.assert(
    fc.property(moves, all => {
      const story = play(all)
      const roster = story.roster()
      for (const { operation, id } of story.told.values()) {
        if (operation.content.type !== 'devices') continue
        const list = verifyDeviceList(story.wholeList(id), operation.author)
        const who = people.find(each => each.identity === operation.author)!
        for (const device of [who.phone.id, who.laptop.id])
          if (list.entries.length > 2 && !list.devices.has(device))
            expect(roster.current.members.get(who.identity)?.devices.has(device) ?? false).toBe(false)
      }
    }),
    runs(40)
  )
})

test('what a roster says may be done does count when it is done, and what may not does not', () => {
  fc.assert(
    fc.property(moves, move, (all, last) => {
      const story = play(all)
      const roster = story.roster()
      const who = people[last.who % people.length]!
      const member = roster.current.members.get(who.identity)
      const device = [who.phone, who.laptop].find(each => member?.devices.has(each.id))
      const content = contentOf(story, last, [])
      // A replay is refused by a consent, which is not for the author's role to say.
      if (device === undefined || content.type === 'devices') return fc.pre(false)
      const why = roster.mayIssue(who.identity, content)
      fc.pre(why !== 'ALREADY_MEMBER' && why !== 'NOT_A_MEMBER')
      const id = story.does(who, content, { parents: story.heads(), device })
      const { sequence, parents } = roster.next({ device: device.id })
      expect({ sequence, parents }).toEqual({
        sequence: story.told.get(id)!.operation.sequence,
        parents: story.told.get(id)!.operation.parents
      })
      expect(roster.add(story.bytes(id))).toBe('added')
      const harmless = content.type === 'role' && content.identity === who.identity
      if (why === undefined || !harmless) expect(roster.isVoid(id)).toBe(why !== undefined)
    }),
    runs(30)
  )
})

test('the ids of a roster are those of its operations, and its group is its first', () => {
  fc.assert(
    fc.property(moves, all => {
      const story = play(all)
      const roster = story.roster()
      expect(roster.create.group).toBe(NO_GROUP)
      expect(roster.knows([...story.told.keys()])).toBe(true)
      expect(roster.heads).toEqual(story.heads())
    }),
    runs(10)
  )
})
