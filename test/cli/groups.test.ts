import { describe, expect, test } from 'vitest'
import { aliceKnows, homeOf, running, type TestHome } from './homes.ts'

type Line = Record<string, unknown>

/** Says yes to the one invitation that waits or comes next, and waits until taken in. */
async function acceptInvitation(home: TestHome): Promise<Line> {
  const invitation = await nextInvitation(home)
  const [group] = await home.json('accept', [String(invitation['id']).slice(0, 12), '--until', 'joined'])
  return group ?? {}
}

/** The invitation that waits or comes next. */
async function nextInvitation(home: TestHome): Promise<Line> {
  // Listening begins before the look, so none can come between the two.
  const following = home.start(['events', '--since', '0', '--json'])
  await following.terminal.stdout.until(/"group:invited"/u)
  following.terminal.interrupt()
  await following.ended
  const [invitation] = await home.json('requests')
  return invitation ?? {}
}

/** Alice has founded `climbers`, and all others have said yes. */
async function climbersWith(...names: readonly string[]) {
  const { alice, others } = await aliceKnows(...names)
  await alice.json('group.create', ['climbers', ...names])
  await Promise.all(others.map(acceptInvitation))
  return { alice, others }
}

/** The names in a list of a line, in the order of the alphabet. */
const namesIn = (line: Line | undefined, list: 'members' | 'invited' | 'devices'): string[] =>
  ((line?.[list] ?? []) as Line[]).map(({ name }) => String(name)).sort()

const until = ['--until', 'delivered', '--timeout', '60s']

describe('a group at the prompt', () => {
  test('is founded, joined by a yes, and talked in', async () => {
    const { alice, others } = await aliceKnows('bob', 'carol')
    const [bob, carol] = others as [TestHome, TestHome]
    const [founded] = await alice.json('group.create', ['#climbers', 'bob', '@carol', '--history', '10'])
    expect(founded).toMatchObject({
      name: 'climbers',
      state: 'joined',
      members: [{ name: 'alice', role: 'owner', self: true }],
      settings: { mayAdd: 'admins', history: 10 }
    })
    expect(namesIn(founded, 'invited')).toEqual(['bob', 'carol'])

    expect(await nextInvitation(bob)).toMatchObject({
      type: 'invitation',
      name: 'climbers',
      group: founded?.['id'],
      from: { name: 'alice' },
      role: 'member'
    })
    expect(await acceptInvitation(bob)).toMatchObject({ state: 'joined', name: 'climbers' })
    await acceptInvitation(carol)
    await bob.json('send', ['#climbers', 'who has the rope?', ...until])
    const [heard] = await carol.json('tail', ['#climbers'])
    // Bob is no contact of carol's: he is called what he calls himself.
    expect(heard).toMatchObject({
      text: 'who has the rope?',
      conversation: founded?.['id'],
      conversationKind: 'group',
      conversationName: 'climbers',
      from: { name: 'bob', verified: false, self: false }
    })
    expect(await carol.json('contacts')).toMatchObject([{ name: 'alice' }])
    expect(await carol.json('conversations')).toContainEqual(
      expect.objectContaining({ kind: 'group', name: 'climbers', unread: 1 })
    )
    expect(await carol.json('read', ['#climbers'])).toMatchObject([{ unread: 0 }])
    const [why] = await bob.json('why', [])
    expect(namesIn(why, 'devices')).toEqual(['alice', 'carol'])
    expect((await carol.run(['conversations'])).out).toMatch(/^#climbers .*bob: who has the rope\?$/mu)
    expect((await carol.run(['tail'])).out).toMatch(/ #climbers bob: who has the rope\?\n$/u)
    expect((await carol.run(['tail', '#climbers'])).out).toMatch(/\d bob: who has the rope\?\n$/u)
  })

  test('has roles, a name, settings and an end', async () => {
    const { alice, others } = await climbersWith('bob', 'carol')
    const [bob, carol] = others as [TestHome, TestHome]
    expect(await bob.error('group.rename', ['climbers', 'ropes'])).toMatchObject({ code: 'NOT_ALLOWED' })
    const [promoted] = await alice.json('group.promote', ['climbers', 'bob'])
    expect(promoted?.['members']).toContainEqual(expect.objectContaining({ name: 'bob', role: 'admin' }))
    const [renamed] = await alice.json('group.rename', ['#climbers', '#ropes'])
    expect(renamed).toMatchObject({ name: 'ropes' })
    const set = ['ropes', '--may-add', 'members', '--history', '0']
    expect(await alice.json('group.set', set)).toMatchObject([
      { settings: { mayAdd: 'members', history: 0 } }
    ])
    expect(await alice.error('group.set', ['ropes'])).toMatchObject({ exit: 2, code: 'INVALID_ARGUMENT' })
    await alice.json('send', ['#ropes', 'all up to date?', ...until])
    expect(await bob.json('group.list')).toMatchObject([{ name: 'ropes', settings: { history: 0 } }])

    const [removed] = await alice.json('group.remove', ['ropes', 'carol'])
    expect(namesIn(removed, 'members')).toEqual(['alice', 'bob'])
    expect((await alice.run(['group', 'members', 'ropes'])).out).toMatch(
      /^bob +admin, 1 device, not verified$/mu
    )
    const [demoted] = await alice.json('group.demote', ['ropes', 'bob'])
    expect(demoted?.['members']).toContainEqual(expect.objectContaining({ name: 'bob', role: 'member' }))
    expect(await alice.error('group.demote', ['ropes', 'bob'])).toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(await bob.json('group.leave', ['ropes'])).toMatchObject([{ state: 'left' }])
    expect(await bob.error('send', ['#ropes', 'still there?'])).toMatchObject({ code: 'NOT_A_MEMBER' })
    await expect
      .poll(async () => (await carol.json('group.list'))[0]?.['state'], { timeout: 60_000 })
      .toBe('removed')
  })

  test('is joined by a link, and not by one that was ended', async () => {
    const alice = await homeOf('alice')
    const bob = await homeOf('bob')
    const carol = await homeOf('carol')
    await Promise.all([alice, bob, carol].map(running))
    await alice.json('group.create', ['climbers'])
    const [invite] = await alice.json('group.invite', ['climbers', '--expires', '1h'])
    const link = String(invite?.['link'])
    expect(await bob.json('group.join', ['-', 'alice', '--until', 'ready'], link)).toMatchObject([
      { type: 'contact', name: 'alice', state: 'ready' }
    ])
    await expect
      .poll(async () => (await bob.json('group.list'))[0]?.['state'], { timeout: 60_000 })
      .toBe('joined')
    await alice.json('send', ['#climbers', 'welcome', ...until])
    expect(await bob.json('tail', ['#climbers'])).toMatchObject([{ text: 'welcome' }])
    await alice.json('invites.revoke', [String(invite?.['id'])])
    await carol.json('group.join', [link, 'alice', '--timeout', '1ms'])
    await alice.json('send', ['#climbers', 'just us', ...until])
    const [info] = await alice.json('group.info', ['climbers'])
    expect(namesIn(info, 'members')).toEqual(['alice', 'bob'])
  })

  test('what is wrong is said in a code, and a name alone means no group', async () => {
    const { alice, others } = await aliceKnows('bob')
    const [bob] = others as [TestHome]
    await alice.json('group.create', ['climbers', 'bob'])
    const invitation = await nextInvitation(bob)
    expect(await bob.json('reject', [String(invitation['id'])])).toMatchObject([{ type: 'invitation' }])
    expect(await bob.json('requests')).toEqual([])
    expect(await bob.json('group.list')).toEqual([])
    const codes = await Promise.all([
      alice.error('send', ['#ropes', 'hi']),
      alice.error('send', ['climbers', 'hi']),
      alice.error('group.add', ['climbers', 'dave']),
      alice.error('group.add', ['ropes', 'bob']),
      alice.error('group.remove', ['climbers', 'bob']),
      alice.error('group.promote', ['climbers', 'alice']),
      alice.error('group.create', ['climbers']),
      bob.error('accept', [String(invitation['id'])])
    ])
    expect(codes.map(({ code }) => code)).toEqual([
      'UNKNOWN_GROUP',
      'UNKNOWN_CONTACT',
      'UNKNOWN_CONTACT',
      'UNKNOWN_GROUP',
      'NOT_A_MEMBER',
      'INVALID_ARGUMENT',
      'GROUP_EXISTS',
      'UNKNOWN_REQUEST'
    ])
    const { hint } = await alice.error('send', ['climbers', 'hi'])
    expect(hint).toContain("'#climbers'")
  })

  test('a contact keeps its name when a group takes it', async () => {
    const { alice } = await aliceKnows('bob')
    await alice.json('group.create', ['bob'])
    const [delivery] = await alice.json('send', ['bob', 'for your eyes', ...until])
    const [contact] = await alice.json('contacts')
    expect(delivery?.['conversation']).toBe(contact?.['id'])
    expect(await alice.json('tail', ['#bob'])).toEqual([])
  })
})

describe('a group in the chat', () => {
  test('from the invitation to the end', async () => {
    const { alice, others } = await aliceKnows('bob')
    const [bob] = others as [TestHome]
    const chat = bob.start(['chat', '--plain'])
    const { stdin, stdout } = chat.terminal
    await stdout.until(/You are bob/u)
    await alice.json('group.create', ['climbers', 'bob'])
    await stdout.until(/alice asks you into #climbers \(1 member\): \/accept [0-9a-f]{8}/u)
    const [, id] = /\/accept ([0-9a-f]{8})/u.exec(stdout.text) ?? []
    stdin.write(`/accept ${id}\n`)
    await stdout.until(/you are in #climbers now: 2 members/u)
    stdin.write('#climbers hello all\n')
    await stdout.until(/you: hello all/u)
    await alice.json('send', ['#climbers', 'welcome, bob', ...until])
    await stdout.until(/alice: welcome, bob/u)
    await alice.json('group.promote', ['climbers', 'bob'])
    await stdout.until(/#climbers: you are admin now/u)
    stdin.write('/group rename climbers ropes\n')
    await stdout.until(/#climbers is called #ropes now/u)
    stdin.write('still the open one\n/group members #ropes\n')
    await stdout.until(/you: still the open one/u)
    await stdout.until(/bob +admin, you, 1 device/u)
    stdin.write('/quit\n')
    expect(await chat.ended).toBe(0)
    expect((await alice.json('tail', ['#ropes'])).map(({ text }) => text)).toEqual([
      'hello all',
      'welcome, bob',
      'still the open one'
    ])
  })
})
