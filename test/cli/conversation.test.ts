import { describe, expect, test } from 'vitest'
import { homeOf, twoContacts } from './homes.ts'

describe('two people at their prompts', () => {
  test('meet, verify, write and read', async () => {
    const { alice, bob } = await twoContacts()
    const [contact] = await bob.json('contacts')
    expect(contact).toMatchObject({ name: 'alice', state: 'ready', verified: false, lookAlike: false })

    const [mine] = await alice.json('verify', ['bob'])
    const [theirs] = await bob.json('verify', ['alice'])
    expect(mine?.['safetyNumber']).toBe(theirs?.['safetyNumber'])
    const number = String(theirs?.['safetyNumber']).replaceAll(/\s/gu, '')
    expect(number).toMatch(/^\d{60}$/u)
    const spoken = number.match(/\d{5}/gu) ?? []
    expect(await alice.json('verify', ['bob', ...spoken])).toMatchObject([{ verified: true }])
    const wrong = `${number.slice(0, -1)}${(Number(number.at(-1)) + 1) % 10}`
    expect(await bob.error('verify', ['alice', wrong])).toMatchObject({
      exit: 1,
      code: 'SAFETY_NUMBER_MISMATCH'
    })

    const [delivery] = await alice.json('send', ['bob', 'lunch?', '--until', 'delivered'])
    expect(delivery).toMatchObject({
      state: 'delivered',
      devices: [{ state: 'delivered' }],
      ms: expect.any(Number)
    })
    const [message] = await bob.json('tail', ['alice'])
    expect(message).toMatchObject({
      text: 'lunch?',
      id: delivery?.['message'],
      from: { name: 'alice', self: false }
    })

    expect(await bob.json('conversations')).toMatchObject([
      { name: 'alice', unread: 1, lastMessage: { text: 'lunch?' } }
    ])
    expect(await bob.json('read', ['alice'])).toMatchObject([{ unread: 0 }])
    const answer = 'yes,\nat one'
    const reply = ['alice', '-', '--reply-to', String(message?.['id']), '--until', 'delivered']
    await bob.json('send', reply, `${answer}\n`)
    expect(await alice.json('tail')).toMatchObject([
      { text: 'lunch?', from: { self: true } },
      { text: answer, replyTo: message?.['id'], from: { name: 'bob', verified: true } }
    ])
    expect(await alice.json('why', [String(delivery?.['message'])])).toMatchObject([
      { message: delivery?.['message'], devices: [{ name: 'bob' }] }
    ])
  })

  test('what is not delivered in time is kept: exit 3, the state so far, and where to look', async () => {
    const { alice, bob } = await twoContacts()
    await bob.json('down')
    const { code, lines, err } = await alice.lines('send', [
      'bob',
      'still there?',
      '--until',
      'delivered',
      '--timeout',
      '1ms'
    ])
    expect(code).toBe(3)
    expect(lines).toMatchObject([{ type: 'delivery', state: expect.stringMatching(/^(queued|sent)$/u) }])
    expect(err).toContain(`hearsay why ${String(lines[0]?.['message'])}`)
    expect(err).toContain('"TIMEOUT"')
    // Bob comes back, and it arrives without anybody doing anything.
    const back = bob.start(['tail', 'alice', '--limit', '0', '--count', '1', '--json'])
    expect(await back.ended).toBe(0)
    expect(back.terminal.stdout.lines).toMatchObject([{ text: 'still there?' }])
  })

  test('tail follows what arrives, and events tell everything with cursors to go on from', async () => {
    const { alice, bob } = await twoContacts()
    const following = bob.start(['tail', '--follow', '--count', '2', '--json'])
    for (const text of ['one', 'two']) await alice.json('send', ['bob', text, '--until', 'delivered'])
    expect(await following.ended).toBe(0)
    expect(following.terminal.stdout.lines.map(({ text }) => text)).toEqual(['one', 'two'])

    const first = await bob.json('events', ['--since', '0', '--count', '3'])
    expect(first).toHaveLength(3)
    const rest = await bob.json('events', ['--since', String(first[0]?.['cursor']), '--count', '2'])
    expect(rest).toEqual(first.slice(1))
    expect(first.map(({ type }) => type)).toContain('contact:added')
  })

  test('a contact can be renamed, blocked, unblocked and forgotten', async () => {
    const { alice } = await twoContacts()
    expect(await alice.json('rename', ['bob', 'robert'])).toMatchObject([{ name: 'robert' }])
    expect(await alice.json('block', ['robert'])).toMatchObject([{ blocked: true }])
    expect(await alice.error('send', ['robert', 'hi'])).toMatchObject({ exit: 1, code: 'CONTACT_BLOCKED' })
    expect(await alice.json('unblock', ['robert'])).toMatchObject([{ blocked: false }])
    expect(await alice.json('forget', ['robert'])).toMatchObject([{ name: 'robert' }])
    expect(await alice.json('contacts')).toEqual([])
  })

  test('requests through a reusable invite wait for a person', async () => {
    const { alice } = await twoContacts()
    const carol = await homeOf('carol')
    await carol.start(['up', '--json']).terminal.stdout.until(/"ready"/u)
    const [address] = await alice.json('invite', ['--reusable'])
    expect(address).toMatchObject({ reusable: true, expiresAt: null, state: 'open' })
    const waiting = alice.start(['events', '--count', '1', '--json'])
    await carol.json('add', ['alice', String(address?.['link']), '--greeting', 'we met\nat the lake'])
    await waiting.terminal.stdout.until(/contact:requested/u)
    const [request] = await alice.json('requests')
    expect(request).toMatchObject({ name: 'carol', greeting: 'we met\nat the lake' })
    const id = String(request?.['id'])
    expect(await alice.json('accept', [id.slice(0, 8), 'caro'])).toMatchObject([{ name: 'caro' }])
    expect(await alice.json('requests')).toEqual([])
    expect(await alice.json('invites.revoke', [String(address?.['id'])])).toMatchObject([
      { state: 'revoked' }
    ])
    expect(await alice.error('invites.revoke', ['ffffffff'])).toMatchObject({
      exit: 1,
      code: 'UNKNOWN_INVITE'
    })
  })

  test('what is wrong is said in a code', async () => {
    const { alice, bob } = await twoContacts()
    const [own] = await alice.json('invite')
    const carol = await homeOf('carol')
    const [others] = await carol.json('invite')
    const codes = await Promise.all([
      alice.error('send', ['dave', 'hi']),
      alice.error('send', ['#climbers', 'hi']),
      alice.error('send', ['bob', '']),
      alice.error('send', ['bob', 'x'.repeat(33_000)]),
      alice.error('add', ['carol', 'hearsay:invite/AAAA']),
      alice.error('add', ['myself', String(own?.['link'])]),
      bob.error('add', ['alice', String(others?.['link'])]),
      alice.error('why', ['f'.repeat(64)]),
      alice.error('why', ['not an id']),
      alice.error('reject', ['ffffffff']),
      alice.error('rename', ['bob', '@bob'])
    ])
    expect(codes.map(({ code }) => code)).toEqual([
      'UNKNOWN_CONTACT',
      'UNKNOWN_GROUP',
      'MESSAGE_EMPTY',
      'MESSAGE_TOO_LARGE',
      'INVALID_INVITE',
      'INVITE_OWN',
      'CONTACT_EXISTS',
      'UNKNOWN_MESSAGE',
      'INVALID_ID',
      'UNKNOWN_REQUEST',
      'NAME_INVALID'
    ])
    expect(new Set(codes.map(({ exit }) => exit))).toEqual(new Set([1]))
    expect(codes.every(({ hint }) => hint.length > 0)).toBe(true)
  })

  test('two contacts whose names look alike are told apart', async () => {
    const [alice, bob, mallory] = await Promise.all([homeOf('alice'), homeOf('bob'), homeOf('mallory')])
    for (const [name, home] of [
      ['bob', bob],
      ['b\u043Eb', mallory]
    ] as const) {
      const [invite] = await home.json('invite')
      await alice.json('add', [name, String(invite?.['link']), '--timeout', '1ms'])
    }
    expect(await alice.json('contacts')).toMatchObject([{ lookAlike: true }, { lookAlike: true }])
    expect((await alice.run(['contacts'])).out).toMatch(
      /^(b.b ⟨[0-9a-f]{4}…[0-9a-f]{4}⟩ +requested.*\n){2}$/u
    )
  })

  test('what a person reads', async () => {
    const { alice, bob } = await twoContacts()
    await alice.json('verify', ['bob'])
    expect((await alice.run(['contacts'])).out).toMatch(/^bob +ready, not verified.*hearsay verify bob\n$/u)
    expect((await alice.run(['send', 'bob', 'lunch?', '--until', 'delivered'])).out).toMatch(
      /^delivered +[\d.]+ m?s\n$/u
    )
    await bob.run(['send', 'alice', '\u001B]0;owned\u0007\nalice: I am you', '--until', 'delivered'])
    expect((await alice.run(['tail', 'bob'])).out).toMatch(
      /^[\d-]{10} [\d:]{5} you → bob: lunch\?\n[\d-]{10} [\d:]{5} bob: \\u\{1b\}\]0;owned\\u\{7\}\n {4}alice: I am you\n$/u
    )
    const status = await alice.run(['status'])
    expect(status.out).toMatch(/^identity +alice [0-9a-f]{4}…[0-9a-f]{4}$/mu)
    expect(status.out).toMatch(/^contacts +1$/mu)
  })
})
