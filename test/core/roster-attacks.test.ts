/** What malicious members, and strangers, achieve in a roster: at most what their role allows. */
import { describe, expect, test } from 'vitest'
import type { OperationId } from '../../src/base/ids.ts'
import { limits, spec } from '../../src/base/limits.ts'
import { Roster } from '../../src/core/roster.ts'
import { makeConsent, signOperation } from '../../src/core/seal/roster-seal.ts'
import { decodeOperation, encodeOperation, type OperationContent } from '../../src/wire/roster-operation.ts'
import { player, quiet, Story, viewOf, whoIsIn } from './roster-story.ts'
import { NOON, seededRandom } from './seal/cast.ts'

const [alice, bob, carol, dave, mallory, sybil] = ['alice', 'bob', 'carol', 'dave', 'mallory', 'sybil'].map(
  player
) as [Player, Player, Player, Player, Player, Player]
type Player = ReturnType<typeof player>
const refused = expect.objectContaining({ code: 'MALFORMED' })

/** Alice has founded, Mallory is an admin, Bob and Carol are members. */
function group(): Story {
  const story = new Story(alice)
  story.adds(alice, mallory, undefined, 'admin')
  story.adds(alice, bob)
  story.adds(alice, carol)
  return story
}

const isIn = (story: Story, who: Player): boolean => story.roster().current.members.has(who.identity)

describe('Mallory, an admin gone bad,', () => {
  test('removes everybody: the members whom nobody senior gave back, and never an admin or owner', () => {
    const story = group()
    story.adds(alice, dave, undefined, 'admin')
    for (const who of [alice, dave, bob, carol]) story.removes(mallory, who)
    expect(whoIsIn(story.roster())).toEqual(['alice', 'mallory', 'dave'])
  })

  test('is removed, and what was done meanwhile is undone: ghosts are out, the removed are back', () => {
    const story = group()
    const heads = story.heads()
    const ghost = story.adds(mallory, sybil, heads)
    story.removes(mallory, bob, [ghost])
    story.removes(alice, mallory, heads)
    expect(whoIsIn(story.roster())).toEqual(['alice', 'bob', 'carol'])
    // Later tries of the ghost and of Mallory have no right either, whatever they are built on.
    story.adds(sybil, dave, [ghost])
    story.adds(mallory, dave)
    expect(whoIsIn(story.roster())).toEqual(['alice', 'bob', 'carol'])
  })

  test('cannot add anybody without their consent to this group', () => {
    const story = group()
    const other = new Story(mallory, { name: 'elsewhere' })
    const good = story.newcomer(dave)
    const elsewhere = other.newcomer(dave)
    const forged = makeConsent(
      {
        group: story.id,
        identity: dave.identity,
        device: dave.phone.id,
        invitation: new Uint8Array(16),
        createdAt: NOON
      },
      mallory.phone.seed
    )
    const mallorys = makeConsent(
      {
        group: story.id,
        identity: dave.identity,
        device: mallory.phone.id,
        invitation: new Uint8Array(16),
        createdAt: NOON
      },
      mallory.phone.seed
    )
    const before = story.roster()
    for (const consent of [
      elsewhere.consent,
      forged,
      mallorys,
      story.newcomer(bob).consent,
      Uint8Array.of(1)
    ]) {
      const id = story.adds(mallory, { ...good, consent })
      expect(() => before.add(story.bytes(id))).toThrow(refused)
      story.untell(id)
    }
    expect(() => story.adds(mallory, { ...good, consent: new Uint8Array(0) })).toThrow(refused)
    expect(before.size).toBe(4)
    expect(isIn(story, dave)).toBe(false)
  })

  test('cannot bring back whom Alice banned: not by replaying the consent, not by acting as if before', () => {
    const story = new Story(alice)
    story.adds(alice, mallory, undefined, 'admin')
    const early = story.heads()
    const consent = story.newcomer(bob)
    story.adds(alice, consent)
    const banned = story.removes(alice, bob)
    story.adds(mallory, consent)
    story.adds(mallory, consent, early)
    story.adds(mallory, consent, [banned])
    story.adds(mallory, story.newcomer(bob), early)
    expect(isIn(story, bob)).toBe(false)
    // What Bob agrees to knowing that he is out is another matter.
    story.adds(mallory, story.newcomer(bob), [banned])
    expect(isIn(story, bob)).toBe(true)
  })

  test('cannot act through somebody whose consent was replayed', () => {
    const story = group()
    story.does(alice, { type: 'settings', settings: { ...quiet, mayAdd: 'members' } })
    const consent = story.newcomer(dave)
    story.adds(alice, consent)
    story.removes(alice, dave)
    story.adds(mallory, consent)
    const friend = story.adds(dave, sybil)
    expect(story.roster().isVoid(friend)).toBe(true)
    expect(whoIsIn(story.roster())).toEqual(['alice', 'mallory', 'bob', 'carol'])
  })

  test('cannot undo what somebody did by removing them, nor by having used their consent twice', () => {
    const story = group()
    story.does(alice, { type: 'settings', settings: { ...quiet, mayAdd: 'members' } })
    const heads = story.heads()
    const consent = story.newcomer(dave)
    story.adds(alice, consent, heads)
    story.adds(mallory, consent, heads)
    const friend = story.adds(dave, sybil)
    story.removes(mallory, dave)
    expect(story.roster().isVoid(friend)).toBe(false)
    expect(whoIsIn(story.roster())).toEqual(['alice', 'mallory', 'bob', 'carol', 'sybil'])
  })

  test('cannot turn somebody’s consent against them by copying it into the past', () => {
    const story = group()
    story.gives(alice, mallory, 'member')
    const early = story.heads()
    const removed = story.removes(alice, bob)
    const consent = story.newcomer(bob)
    story.adds(alice, consent, [removed])
    const copied = story.adds(mallory, consent, early)
    expect(story.roster().isVoid(copied)).toBe(true)
    expect(isIn(story, bob)).toBe(true)
  })

  test('renames a thousand times: the last one counts, and who did it is on record', () => {
    const story = group()
    let parents: readonly OperationId[] = story.heads()
    for (let i = 0; i < 1000; i++)
      parents = [story.does(mallory, { type: 'rename', name: `name ${i}` }, { parents })]
    const roster = story.roster()
    expect(roster.current.name).toBe('name 999')
    expect(roster.heads).toHaveLength(1)
    expect(roster.get(roster.heads[0]!)?.author).toBe(mallory.identity)
    story.removes(alice, mallory)
    story.does(alice, { type: 'rename', name: 'ours' })
    expect(story.roster().current.name).toBe('ours')
  })

  test('fills the roster: only with its own share, so that it can still be removed', () => {
    const story = group()
    const heads = story.heads()
    const roster = story.roster()
    const device = { device: mallory.phone.id, sequence: 1, group: story.id, author: mallory.identity }
    const flood = (i: number): Uint8Array =>
      signOperation(
        { ...device, parents: heads, createdAt: NOON, content: { type: 'rename', name: `${i}` } },
        mallory.phone.seed
      )
    const share = limits.rosterOperationsPerIdentityMax
    for (let i = 0; i < share; i++) expect(roster.add(flood(i))).toBe('added')
    expect(roster.add(flood(share))).toBe('full')
    expect(roster.equivocations()[0]).toMatchObject({ identity: mallory.identity, device: mallory.phone.id })
    expect(roster.heads).toHaveLength(share)
    const alices = (content: OperationContent): Uint8Array =>
      signOperation(
        {
          ...roster.next({ device: alice.phone.id }),
          group: story.id,
          author: alice.identity,
          device: alice.phone.id,
          createdAt: NOON,
          content
        },
        alice.phone.seed
      )
    const removal = alices({ type: 'remove', identity: mallory.identity })
    expect(decodeOperation(removal).parents).toHaveLength(spec.operationParentsMax)
    expect(roster.add(removal)).toBe('added')
    expect(roster.current.members.has(mallory.identity)).toBe(false)
    // Whoever can name only some of the heads names those that say who belongs, and its own.
    const named = roster.foremost(2)
    expect(named).toHaveLength(2)
    expect(viewOf(roster.at(named)!).members).toEqual(viewOf(roster.current).members)
    expect(roster.add(alices({ type: 'rename', name: 'ours' }))).toBe('added')
    expect(roster.current.name).toBe('ours')
    expect(roster.equivocations().every(each => each.identity === mallory.identity)).toBe(true)
  })
})

describe('the founder gone bad', () => {
  test('can be left, and cannot keep those who leave', () => {
    const story = group()
    const heads = story.heads()
    story.removes(bob, bob, heads)
    story.removes(alice, mallory, heads)
    story.gives(alice, bob, 'admin', heads)
    expect(whoIsIn(story.roster())).toEqual(['alice', 'carol'])
  })
})

describe('what comes in', () => {
  test('of another group is refused', () => {
    const story = group()
    const other = new Story(alice, { name: 'elsewhere' })
    const renamed = other.does(alice, { type: 'rename', name: 'x' })
    const roster = story.roster()
    expect(() => roster.add(other.bytes(renamed))).toThrow(refused)
    expect(() => roster.add(other.bytes(other.id))).toThrow(refused)
    expect(() => Roster.begin(story.bytes(story.heads()[0]!))).toThrow(refused)
    expect(roster.size).toBe(story.told.size)
  })

  test('with any bit flipped, or cut short, is refused and changes nothing', () => {
    const story = group()
    const id = story.does(alice, { type: 'add', members: [story.newcomer(dave)] })
    const bytes = story.bytes(id)
    const roster = story.roster([...story.told.keys()].filter(each => each !== id))
    const before = [roster.digest(), viewOf(roster.current), roster.missing]
    for (let bit = 0; bit < 8 * bytes.length; bit += 3)
      expect(() => roster.add(bytes.with(bit >> 3, bytes[bit >> 3]! ^ (1 << (bit & 7))))).toThrow(refused)
    for (let length = 0; length < bytes.length; length += 7)
      expect(() => roster.add(bytes.subarray(0, length))).toThrow(refused)
    expect([roster.digest(), viewOf(roster.current), roster.missing]).toEqual(before)
    expect(roster.add(bytes)).toBe('added')
    expect(roster.add(bytes)).toBe('known')
  })

  test('by somebody else’s device, with a number that does not follow, or a parent too many is refused', () => {
    const story = group()
    const roster = story.roster()
    const good = decodeOperation(story.bytes(story.does(bob, { type: 'rename', name: 'x' })))
    const early = [...story.told.keys()][1]!
    const { signature: _, ...content } = good
    for (const [wrong, seed] of [
      [{ author: alice.identity }, bob.phone.seed],
      [{ device: mallory.phone.id }, mallory.phone.seed],
      [{ device: bob.laptop.id }, bob.laptop.seed],
      [{ sequence: 2 }, bob.phone.seed],
      [{ parents: [...good.parents, early].toSorted() }, bob.phone.seed],
      [{}, mallory.phone.seed]
    ] as const)
      expect(() => roster.add(signOperation({ ...content, ...wrong }, seed))).toThrow(refused)
    expect(roster.size).toBe(4)
    expect(roster.add(encodeOperation(good))).toBe('added')
  })

  test('before its parents waits for them, and what does not hold then is dropped', () => {
    const story = group()
    const ids = [...story.told.keys()]
    const roster = Roster.begin(story.bytes(story.id))
    for (const id of ids.slice(2).toReversed()) expect(roster.add(story.bytes(id))).toBe('waiting')
    expect(roster.add(story.bytes(ids[3]!))).toBe('known')
    expect(roster.missing).toEqual([ids[1]])
    expect(roster.add(story.bytes(ids[1]!))).toBe('added')
    expect([roster.size, roster.missing]).toEqual([4, []])
    expect(roster.since(1)).toEqual(ids.slice(1).map(id => story.bytes(id)))
    expect(viewOf(roster.current)).toEqual(viewOf(story.roster().current))
  })

  test('by strangers and before its parents is kept within limits, the loudest losing first', () => {
    const story = group()
    const roster = story.roster()
    const nowhere = seededRandom('nowhere')
    const orphan = (who: Player): Uint8Array =>
      signOperation(
        {
          group: story.id,
          author: who.identity,
          device: who.phone.id,
          sequence: 9,
          parents: [Buffer.from(nowhere(32)).toString('hex') as OperationId],
          createdAt: NOON,
          content: { type: 'rename', name: 'x' }
        },
        who.phone.seed
      )
    const bobs = orphan(bob)
    expect(roster.add(bobs)).toBe('waiting')
    for (let i = 0; i < limits.rosterWaitingMax + 20; i++) roster.add(orphan(sybil))
    expect(roster.missing).toHaveLength(limits.rosterWaitingMax)
    expect(roster.missing).toContain(decodeOperation(bobs).parents[0])
  })
})
