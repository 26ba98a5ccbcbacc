/** One person on several machines, and what they are to each other. */
import { describe, expect, test } from 'vitest'
import type { Cursor, HearsayNode } from 'hearsay'
import { simulate, type SimulatedTestNetwork } from 'hearsay/testing'
import { circle, showLink, linked, until, texts, names, say, everybodyHears } from './machines.ts'

const cursor = (value: number): Cursor => value as Cursor

describe('linking a machine', () => {
  test('makes it a device that has the contacts, the groups and the past, and talks', async () => {
    await using net = await circle(1, 'phone')
    const [alice, bob] = [net.node('alice'), net.node('bob')]
    for (let number = 0; number < 150; number++) await say(bob, 'alice', `long ago ${number}`)
    await net.settle()
    const climbers = await alice.groups.create('climbers', { members: ['bob'] })
    await until(net, 'bob is asked', async () => (await bob.groups.invitations()).length === 1)
    await bob.groups.accept((await bob.groups.invitations())[0]!.id)
    await bob.groups.joined(climbers)

    const phone = await linked(net, 'phone')
    expect(phone.identity).toMatchObject({ id: alice.identity.id, name: alice.identity.name })
    expect(() => phone.recoveryPhrase()).toThrow(expect.objectContaining({ code: 'NOT_PRIMARY_DEVICE' }))
    await until(net, 'the past is there', async () => {
      const history = await (await phone.direct('bob').catch(() => undefined))?.history({ limit: 500 })
      return history?.length === 150
    })
    const past = await (await phone.direct('bob')).history({ limit: 500 })
    expect(past.map(({ text }) => text)).toEqual(Array.from({ length: 150 }, (_, n) => `long ago ${n}`))
    await phone.groups.joined(climbers)
    await (await (await phone.groups.conversation(climbers)).send('on the phone')).reached('delivered')
    await everybodyHears(net, ['alice', 'phone'])
    expect(await names(phone)).toEqual(['bob ready'])
    expect((await alice.devices.list()).map(({ current, online }) => [current, online])).toEqual([
      [true, false],
      [false, true]
    ])
  })

  test('goes on wherever a machine has crashed', async () => {
    for (let crashAt = 0; crashAt < 24; crashAt++) {
      const seed = 100 + crashAt
      await using net = await circle(seed, 'phone')
      const { link, up } = showLink(net, 'phone')
      const shown = await link
      void net
        .node('alice')
        .devices.link(shown)
        .catch(() => undefined)
      // What happens takes a few hops of 20 to 40 ms: every step is cut once at each side.
      await net.advance(5 + 8 * crashAt)
      const victim = crashAt % 2 === 0 ? 'phone' : 'alice'
      net.crash(victim)
      await net.advance(1000)
      if (victim === 'alice') await net.machine('alice').boot()
      // Whoever is a device already is started as one.
      const phone = await (victim === 'alice'
        ? up
        : showLink(net, 'phone').up.catch(() => net.machine('phone').boot()))
      expect(phone.identity.id, `seed=${seed}`).toBe(net.node('alice').identity.id)
      await everybodyHears(net, ['alice', 'phone'])
      await until(
        net,
        'nothing is left of it',
        async () => (await net.node('alice').contacts.list()).length === 1
      )
    }
  })

  test('with no link, with a link of a person, on a device without the phrase', async () => {
    await using net = await circle(2, 'phone')
    const [alice, bob] = [net.node('alice'), net.node('bob')]
    const phone = await linked(net, 'phone')
    await expect(alice.devices.link('hearsay:nonsense')).rejects.toMatchObject({ code: 'INVALID_INVITE' })
    const { link } = await bob.contacts.invite()
    await expect(alice.devices.link(link)).rejects.toMatchObject({ code: 'INVALID_INVITE' })
    await expect(phone.devices.link(link)).rejects.toMatchObject({ code: 'NOT_PRIMARY_DEVICE' })
    const [one, two] = await alice.devices.list()
    await expect(phone.devices.revoke(one!.id)).rejects.toMatchObject({ code: 'NOT_PRIMARY_DEVICE' })
    await expect(alice.devices.revoke(one!.id)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(alice.devices.revoke('ff')).rejects.toMatchObject({ code: 'UNKNOWN_DEVICE' })
    expect(two!.id).toBe(phone.identity.device)
  })

  test('a machine is linked once, and its link makes nobody a contact', async () => {
    await using net = await circle(3, 'phone')
    const { link, up } = showLink(net, 'phone')
    const shown = await link
    await expect(net.node('bob').contacts.add(shown, { name: 'trap' })).rejects.toMatchObject({
      code: 'INVALID_INVITE'
    })
    await net.node('alice').devices.link(shown)
    const phone = await up
    expect(phone.identity.id).toBe(net.node('alice').identity.id)
    expect(await names(net.node('bob'))).toEqual(['alice ready'])
  })
})

describe('several devices', () => {
  test('one that was off while another was linked has the new one when it comes back', async () => {
    await using net = await circle(4, 'phone', 'tablet')
    await linked(net, 'phone')
    await everybodyHears(net, ['alice', 'phone'])
    net.crash('phone')
    await linked(net, 'tablet')
    await everybodyHearsBut(net)
    await net.machine('phone').boot()
    await everybodyHears(net, ['alice', 'phone', 'tablet'])
    for (const name of ['alice', 'phone', 'tablet'])
      expect(await net.node(name).devices.list()).toHaveLength(3)
  })

  test('what one of them does, alone or at once, all of them come to show', async () => {
    await using net = await circle(5, 'phone')
    const [alice, bob] = [net.node('alice'), net.node('bob')]
    const phone = await linked(net, 'phone')
    await everybodyHears(net, ['alice', 'phone'])
    const { id } = await alice.groups.create('both', { members: ['bob'] })
    await until(net, 'bob is asked', async () => (await bob.groups.invitations()).length === 1)
    await bob.groups.accept((await bob.groups.invitations())[0]!.id)
    await phone.groups.joined(id)
    net.partition(['alice'], ['phone'])
    await Promise.all([
      alice.groups.rename(id, 'laptop says'),
      phone.groups.rename(id, 'phone says'),
      alice.groups.setRole(id, 'bob', 'admin'),
      phone.groups.configure(id, { history: 10 }),
      alice.contacts.rename('bob', 'robert'),
      phone.contacts.rename('bob', 'bobby'),
      say(alice, 'robert', 'one').catch(() => say(alice, 'bob', 'one')),
      say(phone, 'bobby', 'two').catch(() => say(phone, 'bob', 'two'))
    ])
    await net.advance(5000)
    net.heal()
    await until(net, 'both call him the same', async () => {
      const [one, two] = [await names(alice), await names(phone)]
      return one.join() === two.join()
    })
    await until(net, 'the group is one', async () => {
      const groups = await Promise.all([alice, phone, bob].map(node => node.groups.get(id)))
      const shapes = groups.map(({ name, settings, epoch, settled, members }) =>
        JSON.stringify([name, settings, epoch, settled, members.map(({ role }) => role)])
      )
      return groups.every(({ settled }) => settled) && new Set(shapes).size === 1
    })
    const group = await phone.groups.get(id)
    expect(['laptop says', 'phone says']).toContain(group.name)
    expect(group.settings.history).toBe(10)
    expect(group.members.map(({ role }) => role)).toEqual(['owner', 'admin'])
    const name = (await alice.contacts.list())[0]?.name ?? ''
    expect(['robert', 'bobby']).toContain(name)
    await until(net, 'both have both', async () => {
      const all = await Promise.all([texts(alice, name), texts(phone, name), texts(bob, 'alice')])
      return all.every(each => each.includes('one') && each.includes('two'))
    })
    expect((await texts(alice, name)).slice(-2)).toEqual((await texts(phone, name)).slice(-2))
  })

  test('contacts and groups that one makes are made on all; what is read on one is read', async () => {
    await using net = await circle(6, 'phone')
    const [alice, bob] = [net.node('alice'), net.node('bob')]
    const phone = await linked(net, 'phone')
    await everybodyHears(net, ['alice', 'phone'])
    const group = await phone.groups.create('phone-made', { members: ['bob'] })
    await until(net, 'alice has it', async () => (await alice.groups.list()).length === 1)
    await until(net, 'bob is asked', async () => (await bob.groups.invitations()).length === 1)
    await bob.groups.accept((await bob.groups.invitations())[0]!.id)
    await bob.groups.joined(group)
    await until(net, 'alice is in', async () => (await alice.groups.get(group.id)).state === 'joined')
    await (await (await alice.groups.conversation(group.id)).send('here as well')).reached('delivered')

    await (await say(bob, 'alice', 'read me')).reached('delivered')
    const unread = async (node: HearsayNode): Promise<number> =>
      (await node.conversations()).find(({ kind }) => kind === 'direct')!.unread
    expect(await unread(alice)).toBeGreaterThan(0)
    await (await phone.direct('bob')).markRead()
    await until(net, 'alice knows', async () => (await unread(alice)) === 0)

    await bob.groups.create('bob-made', { members: ['alice'] })
    for (const node of [alice, phone])
      await until(net, 'both are asked', async () => (await node.groups.invitations()).length === 1)
    await phone.groups.accept((await phone.groups.invitations())[0]!.id)
    await until(
      net,
      'alice is in with both',
      async () => (await alice.groups.list()).find(({ name }) => name === 'bob-made')?.state === 'joined'
    )
    expect(await alice.groups.invitations()).toEqual([])

    await phone.contacts.block('bob')
    await until(net, 'blocked here', async () => (await alice.contacts.get('bob')).blocked)
    await alice.contacts.forget('bob')
    await until(net, 'gone there', async () => (await phone.contacts.list()).length === 0)
  })
})

async function everybodyHearsBut(net: SimulatedTestNetwork): Promise<void> {
  await until(net, 'the tablet knows bob', async () =>
    (await names(net.node('tablet'))).includes('bob ready')
  )
  await say(net.node('tablet'), 'bob', 'from the tablet, first')
  await until(net, 'bob hears the tablet', async () =>
    (await texts(net.node('bob'), 'alice')).includes('from the tablet, first')
  )
}

describe('a device that is revoked', () => {
  test('hears nothing from then on, learns it when it comes back, and is refused everywhere', async () => {
    await using net = await circle(7, 'phone', 'tablet')
    const [alice, bob] = [net.node('alice'), net.node('bob')]
    await linked(net, 'phone')
    const tablet = await linked(net, 'tablet')
    await everybodyHears(net, ['alice', 'phone', 'tablet'])
    const { device } = net.node('phone').identity
    net.crash('phone')
    await alice.devices.revoke(device)
    await until(net, 'the tablet knows', async () => (await tablet.devices.list()).length === 2)
    await (await say(tablet, 'bob', 'without the phone')).reached('delivered')
    const answer = await say(bob, 'alice', 'for the two')
    await answer.reached('delivered')
    expect(answer.devices).toHaveLength(2)

    const phone = await net.machine('phone').boot()
    await until(
      net,
      'the phone knows',
      async () =>
        (await say(phone, 'bob', 'still me?').then(
          () => undefined,
          error => (error as { code: string }).code
        )) === 'DEVICE_REVOKED'
    )
    const loud: string[] = []
    for await (const event of phone.events({ since: cursor(0) })) {
      if (event.type === 'device:removed' && event.device.current) loud.push(event.type)
      if (loud.length > 0) break
    }
    expect(await texts(phone, 'bob')).not.toContain('for the two')
    expect(await texts(bob, 'alice')).not.toContain('still me?')
    await everybodyHears(net, ['alice', 'tablet'])
  })
})

test('somebody new in a group is given its last messages by whoever took it in, as that member’s word', async () => {
  await using net = await simulate({ nodes: ['alice', 'bob', 'carol'], seed: 9 })
  await net.contacts()
  const [alice, bob, carol] = ['alice', 'bob', 'carol'].map(name => net.node(name)) as [
    HearsayNode,
    HearsayNode,
    HearsayNode
  ]
  const join = async (node: HearsayNode): Promise<void> => {
    await until(net, 'an invitation', async () => (await node.groups.invitations()).length === 1)
    await node.groups.accept((await node.groups.invitations())[0]!.id)
    await node.groups.joined('readers')
  }
  const { id } = await alice.groups.create('readers', { members: ['bob'], settings: { history: 100 } })
  await join(bob)
  for (let number = 0; number < 80; number++) {
    await (await alice.conversation(id)).send(`alice ${number}`)
    await (await bob.conversation(id)).send(`bob ${number}`)
  }
  await net.settle()
  await alice.groups.add(id, 'carol')
  await join(carol)
  const past = async () => (await carol.conversation(id)).history({ limit: 500 })
  await until(net, 'the past', async () => (await past()).length === 100)
  await net.advance(60_000)
  const shown = await past()
  const there = await (await alice.conversation(id)).history({ limit: 100 })
  expect(shown.map(message => message.text)).toEqual(there.map(message => message.text))
  expect(shown.map(({ id: message }) => message)).toEqual(there.map(({ id: message }) => message))
  expect(new Set(shown.map(({ via }) => via))).toEqual(new Set([alice.identity.id]))
  expect(new Set(shown.map(({ from }) => from.id))).toEqual(new Set([alice.identity.id, bob.identity.id]))
  const sent = await (await bob.conversation(id)).send('welcome')
  await sent.reached('delivered')
  expect((await past()).at(-1)).toMatchObject({ text: 'welcome', via: undefined })
})
