/** Groups as people and programs live them: whole nodes on a simulated network. */
import { expect, test } from 'vitest'
import type { Group, HearsayNode } from 'hearsay'
import { simulate } from 'hearsay/testing'
import type { SimulatedTestNetwork } from 'hearsay/testing'

/** Alice knows everybody; the others know only her. */
async function star(net: SimulatedTestNetwork, names: readonly string[]): Promise<void> {
  const alice = net.node('alice')
  for (const name of names) {
    const { link } = await alice.contacts.invite()
    await net.node(name).contacts.add(link, { name: 'alice' })
    await net.node(name).contacts.ready('alice')
  }
}

/** The first invitation into a group that a node has. */
async function invited(net: SimulatedTestNetwork, name: string) {
  const node = net.node(name)
  for (;;) {
    const [first] = await node.groups.invitations()
    if (first !== undefined) return first
    await net.advance(200)
  }
}

/** A group of alice and these people, all of whom are in it. */
async function climbers(net: SimulatedTestNetwork, names: readonly string[]): Promise<Group> {
  await star(net, names)
  const group = await net.node('alice').groups.create('climbers', { members: names })
  for (const name of names) {
    await net.node(name).groups.accept((await invited(net, name)).id)
    await net.node(name).groups.joined('climbers')
  }
  await agree(net, ['alice', ...names], group)
  return group
}

/** Resolves once these people have one epoch and one roster, with nobody else in either. */
async function agree(net: SimulatedTestNetwork, names: readonly string[], group: Group): Promise<void> {
  for (;;) {
    const views = await Promise.all(names.map(name => net.node(name).groups.get(group.id)))
    const same = new Set(
      views.map(({ epoch, members, name, settings }) =>
        [epoch, name, settings.mayAdd, ...members.map(({ id, role }) => id + role)].join()
      )
    )
    if (same.size === 1 && views.every(each => each.settled && each.state === 'joined')) {
      expect(views[0]!.members).toHaveLength(names.length)
      return
    }
    await net.advance(500)
  }
}

const say = async (node: HearsayNode, group: Group, text: string) =>
  (await node.groups.conversation(group.id)).send(text)

const heard = async (node: HearsayNode, group: Group): Promise<string[]> =>
  (await (await node.groups.conversation(group.id)).history()).map(({ text }) => text)

/** Resolves once everybody has heard this. */
async function allHear(
  net: SimulatedTestNetwork,
  names: readonly string[],
  group: Group,
  text: string
): Promise<void> {
  for (const name of names)
    while (!(await heard(net.node(name), group)).includes(text)) await net.advance(200)
}

test('nobody is in a group before saying yes, and everybody reads everybody then', async () => {
  await using net = await simulate({ nodes: ['alice', 'bob', 'carol'], seed: 1 })
  await star(net, ['bob', 'carol'])
  const alice = net.node('alice')
  const group = await alice.groups.create('climbers', { members: ['bob', 'carol'] })
  expect(group).toMatchObject({ name: 'climbers', state: 'joined' })
  expect(group.members).toHaveLength(1)
  expect(group.invited).toHaveLength(2)

  const invitation = await invited(net, 'bob')
  expect(invitation).toMatchObject({ name: 'climbers', members: 1, role: 'member' })
  await net.node('bob').groups.accept(invitation.id)
  await net.node('bob').groups.joined('climbers')
  await net.node('carol').groups.decline((await invited(net, 'carol')).id)
  while ((await alice.groups.get('climbers')).invited.length > 0) await net.advance(200)
  await agree(net, ['alice', 'bob'], group)

  await (await say(net.node('bob'), group, 'who has the rope?')).reached('delivered')
  expect(await heard(alice, group)).toEqual(['who has the rope?'])
  expect(await net.node('carol').groups.list()).toEqual([])
})

test('members who are no contacts of each other talk directly, and see each other under the names they claim', async () => {
  await using net = await simulate({ nodes: ['alice', 'bob', 'carol'], seed: 2 })
  const group = await climbers(net, ['bob', 'carol'])
  const bob = net.node('bob')
  net.offline('alice')
  await net.advance(1000)
  await say(bob, group, 'without alice')
  await allHear(net, ['carol'], group, 'without alice')
  const [message] = await (await net.node('carol').groups.conversation(group.id)).history()
  expect(message!.from).toMatchObject({ name: 'bob', verified: false, self: false })
  expect((await net.node('carol').contacts.list()).map(({ name }) => name)).toEqual(['alice'])
  net.online('alice')
  await allHear(net, ['alice'], group, 'without alice')
})

test('who was removed reads nothing of what is said afterwards; who leaves is out by its own word', async () => {
  await using net = await simulate({ nodes: ['alice', 'bob', 'carol', 'dave'], seed: 3 })
  const group = await climbers(net, ['bob', 'carol', 'dave'])
  const [alice, bob, carol, dave] = ['alice', 'bob', 'carol', 'dave'].map(name => net.node(name)) as [
    HearsayNode,
    HearsayNode,
    HearsayNode,
    HearsayNode
  ]
  await alice.groups.remove(group.id, 'bob')
  await (await say(alice, group, 'bob is gone')).reached('delivered')
  await agree(net, ['alice', 'carol', 'dave'], group)
  await dave.groups.leave(group.id)
  await (await say(carol, group, 'dave is gone')).reached('delivered')
  await agree(net, ['alice', 'carol'], group)
  await net.advance(30_000)
  expect(await heard(bob, group)).toEqual([])
  expect(await heard(dave, group)).toEqual(['bob is gone'])
  expect((await bob.groups.get(group.id)).state).toBe('removed')
  expect((await dave.groups.get(group.id)).state).toBe('left')
  await expect(say(bob, group, 'let me in')).rejects.toMatchObject({ code: 'NOT_A_MEMBER' })
})

test('roles: who may not is told so, an admin may, and an owner makes admins', async () => {
  await using net = await simulate({ nodes: ['alice', 'bob', 'carol'], seed: 4 })
  const group = await climbers(net, ['bob', 'carol'])
  const [alice, bob] = [net.node('alice'), net.node('bob')]
  await expect(bob.groups.rename(group.id, 'bobs')).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
  await expect(bob.groups.remove(group.id, 'carol')).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
  await alice.groups.setRole(group.id, 'bob', 'admin')
  await agree(net, ['alice', 'bob', 'carol'], group)
  await bob.groups.rename(group.id, 'ropes')
  await agree(net, ['alice', 'bob', 'carol'], group)
  expect((await net.node('carol').groups.get('#ropes')).name).toBe('ropes')
  await expect(bob.groups.remove(group.id, 'alice')).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
  await alice.groups.configure(group.id, { mayAdd: 'members' })
  await agree(net, ['alice', 'bob', 'carol'], group)
  expect((await net.node('carol').groups.get(group.id)).settings.mayAdd).toBe('members')
})

test('a link brings whoever has it into the group, with its role, until it is revoked', async () => {
  await using net = await simulate({ nodes: ['alice', 'bob', 'carol'], seed: 5 })
  const alice = net.node('alice')
  const group = await alice.groups.create('open house')
  const { link, id } = await alice.groups.invite(group.id, { role: 'admin' })
  await net.node('bob').groups.join(link)
  while ((await net.node('bob').groups.list()).length === 0) await net.advance(200)
  await net.node('bob').groups.joined('open house')
  await agree(net, ['alice', 'bob'], group)
  expect((await alice.groups.get(group.id)).members[1]).toMatchObject({ role: 'admin' })
  await alice.contacts.revokeInvite(id)
  const carol = net.node('carol')
  const stranger = await carol.groups.join(link)
  await expect(carol.contacts.ready(stranger.id)).rejects.toMatchObject({ code: 'REQUEST_REJECTED' })
  expect(await carol.groups.list()).toEqual([])
})

test('two halves go on apart, with changes on both sides, and are one again with nothing lost', async () => {
  const names = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank']
  await using net = await simulate({ nodes: names, seed: 6 })
  const group = await climbers(net, names.slice(1))
  const [alice, bob, dave, erin] = ['alice', 'bob', 'dave', 'erin'].map(name => net.node(name)) as [
    HearsayNode,
    HearsayNode,
    HearsayNode,
    HearsayNode
  ]
  await alice.groups.setRole(group.id, 'dave', 'admin')
  await agree(net, names, group)
  net.partition(['alice', 'bob', 'carol'], ['dave', 'erin', 'frank'])
  await alice.groups.rename(group.id, 'alpinists')
  await dave.groups.remove(group.id, 'frank')
  await say(bob, group, 'on the left')
  await say(erin, group, 'on the right')
  await allHear(net, ['alice', 'carol'], group, 'on the left')
  await allHear(net, ['dave'], group, 'on the right')
  await alice.groups.remove(group.id, 'carol')
  await say(alice, group, 'left again')
  await allHear(net, ['bob'], group, 'left again')
  net.heal()
  const staying = ['alice', 'bob', 'dave', 'erin']
  await agree(net, staying, group)
  for (const text of ['on the left', 'on the right', 'left again']) await allHear(net, staying, group, text)
  await net.settle()
  const histories = await Promise.all(staying.map(name => heard(net.node(name), group)))
  expect(new Set(histories.map(each => each.join('|'))).size).toBe(1)
  expect(histories[0]).toHaveLength(3)
  expect(await heard(net.node('carol'), group)).not.toContain('left again')
})

test('who was away while others came and went comes back and gets everything', async () => {
  const names = ['alice', 'bob', 'carol', 'dave', 'erin']
  await using net = await simulate({ nodes: names, seed: 7 })
  const group = await climbers(net, names.slice(1))
  const [alice, bob] = [net.node('alice'), net.node('bob')]
  net.offline('carol')
  await say(alice, group, 'one')
  await allHear(net, ['bob'], group, 'one')
  await alice.groups.remove(group.id, 'dave')
  await say(bob, group, 'two')
  await allHear(net, ['alice'], group, 'two')
  await alice.groups.remove(group.id, 'erin')
  await say(bob, group, 'three')
  await allHear(net, ['alice'], group, 'three')
  await net.advance(26 * 3_600_000)
  await say(alice, group, 'four')
  net.online('carol')
  await allHear(net, ['alice', 'bob', 'carol'], group, 'four')
  await net.settle()
  expect(await heard(net.node('carol'), group)).toEqual(['one', 'two', 'three', 'four'])
  await (await say(net.node('carol'), group, 'five')).reached('delivered')
  expect(await heard(bob, group)).toEqual(['one', 'two', 'three', 'four', 'five'])
})

test('two members who can never connect talk through a third, and their receipts come back', async () => {
  await using net = await simulate({ nodes: ['alice', 'bob', 'carol'], seed: 8 })
  net.partition(['bob'], ['carol'])
  const group = await climbers(net, ['bob', 'carol'])
  const [bob, carol] = [net.node('bob'), net.node('carol')]
  const first = await say(bob, group, 'across')
  await allHear(net, ['carol'], group, 'across')
  await first.reached('delivered')
  await (await say(carol, group, 'and back')).reached('delivered')
  expect(await heard(bob, group)).toEqual(['across', 'and back'])
  // Carol misses an epoch; what Bob sealed for it he seals again, though she can only tell him through Alice.
  net.offline('carol')
  await net.node('alice').groups.rename(group.id, 'ropes')
  await say(bob, group, 'while carol is away')
  await net.advance(30_000)
  net.partition(['bob'], ['carol'])
  net.online('carol')
  await allHear(net, ['carol'], group, 'while carol is away')
  await net.settle()
})
