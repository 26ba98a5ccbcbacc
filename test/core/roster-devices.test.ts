/** Whose devices act in a roster: they come and go, are stolen, and contradict each other. */
import { describe, expect, test } from 'vitest'
import type { OperationId } from '../../src/base/ids.ts'
import { extendDeviceList, verifyDeviceList, type DeviceList } from '../../src/core/seal/device-list.ts'
import { player, Story, whoIsIn, type Device, type Player } from './roster-story.ts'
import { NOON } from './seal/cast.ts'

const [alice, bob, mallory] = ['alice', 'bob', 'mallory'].map(player) as [Player, Player, Player]
const refused = expect.objectContaining({ code: 'MALFORMED' })
const both = alice.extended(alice.first, 'add', alice.laptop)

/** Tells the group about a list, whatever of it is known. */
const tells = (
  story: Story,
  who: Player,
  entries: readonly Uint8Array[],
  options: { parents?: readonly OperationId[]; device?: Device } = {}
): OperationId => story.does(who, { type: 'devices', entries }, options)

/** Alice’s group with Bob; both of Alice’s devices are known. */
function group(): Story {
  const story = new Story(alice)
  story.adds(alice, bob)
  tells(story, alice, both.entries.slice(1), { device: alice.laptop })
  return story
}

const devicesOf = (story: Story, who: Player) =>
  new Set(story.roster().current.members.get(who.identity)?.devices)

describe('a device', () => {
  test('introduces itself with an entry of its identity, and is refused without', () => {
    const story = new Story(alice)
    const early = story.does(alice, { type: 'rename', name: 'x' }, { device: alice.laptop })
    expect(() => story.roster()).toThrow(refused)
    story.untell(early)
    const stolen = extendDeviceList(
      mallory.identitySeed,
      alice.first,
      { operation: 'add', device: mallory.phone.id },
      NOON
    )
    const wrong = tells(story, alice, [stolen], { device: mallory.phone })
    expect(() => story.roster()).toThrow(refused)
    story.untell(wrong)
    tells(story, alice, both.entries.slice(1), { device: alice.laptop })
    story.does(alice, { type: 'rename', name: 'x' }, { device: alice.laptop })
    expect(story.roster().current.name).toBe('x')
    expect(devicesOf(story, alice)).toEqual(new Set([alice.phone.id, alice.laptop.id]))
  })

  test('that is revoked can do nothing any more, and what it did meanwhile is void', () => {
    const story = group()
    const heads = story.heads()
    const known = story.removes(alice, bob, heads)
    // The phone is stolen; the laptop has heard of what it did honestly.
    const without = alice.extended(both, 'revoke', alice.phone)
    const revoked = tells(story, alice, without.entries.slice(2), { device: alice.laptop, parents: [known] })
    const ghost = story.adds(alice, mallory, [known])
    const friend = story.adds(mallory, bob, [ghost])
    const roster = story.roster()
    expect([known, revoked, ghost, friend].map(id => roster.isVoid(id))).toEqual([false, false, true, true])
    expect(whoIsIn(roster)).toEqual(['alice'])
    expect(devicesOf(story, alice)).toEqual(new Set([alice.laptop.id]))
    story.does(alice, { type: 'rename', name: 'x' })
    expect(() => story.roster()).toThrow(refused)
  })

  test('that was revoked is not saved by others who still show the old list, nor by an older one', () => {
    const story = group()
    const heads = story.heads()
    const without = alice.extended(both, 'revoke', alice.phone)
    tells(story, alice, without.entries.slice(2), { device: alice.laptop, parents: heads })
    story.adds(bob, story.newcomer(alice, 'member', both), heads)
    expect(devicesOf(story, alice)).toEqual(new Set([alice.laptop.id]))
  })

  test('that was revoked long ago still did what it did: nobody else turns the revocation against that', () => {
    const story = group()
    story.adds(alice, mallory, undefined, 'admin')
    const before = story.heads()
    const banned = story.removes(alice, mallory)
    const without = alice.extended(both, 'revoke', alice.phone)
    tells(story, alice, without.entries.slice(2), { device: alice.laptop })
    // Mallory shows the list to a past in which nobody knew of the ban.
    const consent = { ...story.newcomer(alice), devices: both.entries }
    story.adds(mallory, { ...consent, devices: without.entries.slice(0, 3) }, before)
    const said = [...story.told.keys()].at(-1)!
    expect(() => story.roster()).toThrow(refused)
    story.untell(said)
    const consenting = story.newcomerBy(alice, alice.laptop, without)
    story.adds(mallory, consenting, before)
    const roster = story.roster()
    expect(roster.isVoid(banned)).toBe(false)
    expect(roster.current.members.has(mallory.identity)).toBe(false)
  })

  test('replaces all others when its identity is recovered from the words', () => {
    const story = group()
    const anew = alice.recovered(player('alice’s new phone').phone)
    const device = player('alice’s new phone').phone
    const heads = story.heads()
    tells(story, alice, anew.entries, { device, parents: heads })
    const late = story.does(alice, { type: 'rename', name: 'late' }, { parents: heads })
    expect(devicesOf(story, alice)).toEqual(new Set([device.id]))
    expect(story.roster().isVoid(late)).toBe(true)
    expect(story.roster().equivocations()).toEqual([])
    story.does(alice, { type: 'rename', name: 'new' }, { device })
    expect(story.roster().current.name).toBe('new')
  })

  test('of one person is not another’s, though that one puts it on its list', () => {
    const story = new Story(mallory)
    const grabbed = mallory.extended(mallory.first, 'add', bob.phone)
    tells(story, mallory, grabbed.entries.slice(1))
    expect(story.roster().current.ownerOf(bob.phone.id)).toBe(mallory.identity)
    story.adds(mallory, bob)
    const { current } = story.roster()
    expect(current.ownerOf(bob.phone.id)).toBe(bob.identity)
    expect(current.holds(bob.identity, bob.phone.id)).toBe(true)
    expect(current.devices()).toHaveLength(2)
  })
})

describe('a device of two people', () => {
  test('is the senior one’s, whatever came first', () => {
    const story = new Story(alice)
    const shared = bob.extended(bob.first, 'add', mallory.phone)
    story.adds(alice, story.newcomer(bob, 'member', shared))
    story.adds(alice, mallory)
    const heads = story.heads()
    for (const who of [bob, mallory])
      story.does(who, { type: 'rename', name: who.identity }, { parents: heads, device: mallory.phone })
    const ids = [...story.told.keys()]
    const orders = [ids, [...ids.slice(0, -2), ids.at(-1)!, ids.at(-2)!]]
    for (const order of orders)
      expect(story.roster(order).current.ownerOf(mallory.phone.id)).toBe(bob.identity)
  })
})

describe('it is seen and told', () => {
  test('that a device gave one number twice', () => {
    const story = group()
    const heads = story.heads()
    const pair = ['a', 'b'].map(name => story.does(bob, { type: 'rename', name }, { parents: heads }))
    expect(story.roster().equivocations()).toEqual([
      { identity: bob.identity, device: bob.phone.id, operations: pair.toSorted() }
    ])
  })

  test('not that two devices of one person acted at once', () => {
    const story = group()
    const heads = story.heads()
    for (const device of [alice.phone, alice.laptop])
      story.does(alice, { type: 'rename', name: 'x' }, { parents: heads, device })
    expect(story.roster().equivocations()).toEqual([])
    expect(story.roster().heads).toHaveLength(2)
  })

  test('that two lists of one identity contradict: the longer one counts, and what either revokes is out', () => {
    const story = new Story(alice)
    const heads = story.heads()
    const other = player('thief').phone
    const forked: DeviceList = alice.extended(
      alice.extended(alice.first, 'add', other),
      'revoke',
      alice.phone
    )
    const ours = tells(story, alice, both.entries.slice(1), { parents: heads, device: alice.laptop })
    const theirs = tells(story, alice, forked.entries.slice(1), { parents: heads, device: other })
    expect(story.roster().equivocations()).toEqual([
      { identity: alice.identity, device: undefined, operations: [ours, theirs].toSorted() }
    ])
    expect(devicesOf(story, alice)).toEqual(new Set([other.id]))
    const recovered = alice.recovered(alice.laptop)
    tells(story, alice, recovered.entries, { device: alice.laptop })
    expect(devicesOf(story, alice)).toEqual(new Set([alice.laptop.id]))
    expect(verifyDeviceList(recovered.entries, alice.identity).devices.size).toBe(1)
  })
})
