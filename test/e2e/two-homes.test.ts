/**
 * Two homes on one machine, each in its own process, from `init` to messages in both directions, found in one way
 * at a time: through a third node that knows neither, on the local network, and by the addresses of the invite.
 */
import { describe, expect } from 'vitest'
import { isLine } from './contract.ts'
import type { Person, RunningNode } from './person.ts'
import { test, type Story } from './story.ts'
import { system } from './system.ts'

const loopback = ['--listen', '/ip4/127.0.0.1/tcp/0']

/** Bob redeems alice's invite; then each writes to the other, and both read the same conversation. */
async function meetAndTalk(alice: Person, bob: Person, link: string): Promise<void> {
  const added = await bob.one(
    'contact',
    'add',
    'alice',
    link,
    '--greeting',
    'it is me',
    '--until',
    'ready',
    '--timeout',
    '90s'
  )
  expect(added).toMatchObject({ name: 'alice', state: 'ready', verified: false })
  const [known] = await alice.ask('contacts')
  expect(known).toMatchObject({ type: 'contact', name: 'bob', state: 'ready' })
  await talk(alice, bob, ['Did you get this?', 'Every word of it. 🦆'])
  const [numberOfAlice, numberOfBob] = await Promise.all([
    alice.one('verification', 'verify', 'bob'),
    bob.one('verification', 'verify', 'alice')
  ])
  expect(numberOfAlice.safetyNumber).toBe(numberOfBob.safetyNumber)
}

/** Bob asks and alice answers; each line of it is then in both histories, in this order. */
async function talk(
  alice: Person,
  bob: Person,
  [question, answer]: readonly [string, string]
): Promise<void> {
  const until = ['--until', 'delivered', '--timeout', '90s']
  const asked = await bob.one('delivery', 'send', 'alice', question, ...until)
  const [heard] = await alice.ask('tail', 'bob', '--limit', '1')
  expect(heard).toMatchObject({ id: asked.message, text: question, from: { name: 'bob', self: false } })
  const answered = await alice.one('delivery', 'send', 'bob', answer, '--reply-to', asked.message, ...until)
  for (const delivery of [asked, answered]) {
    expect(delivery.state).toBe('delivered')
    expect(delivery.devices.map(({ state }) => state)).toEqual(['delivered'])
  }
  for (const [reader, other, self] of [
    [alice, 'bob', [false, true]],
    [bob, 'alice', [true, false]]
  ] as const) {
    const lines = await reader.ask('tail', other, '--limit', '2')
    expect(lines).toMatchObject([
      { id: asked.message, text: question, from: { self: self[0] }, replyTo: null },
      { id: answered.message, text: answer, from: { self: self[1] }, replyTo: asked.message }
    ])
  }
}

/** Starts a node again until it listens elsewhere: what others know of it leads nowhere. */
async function moved(person: Person, port: number): Promise<RunningNode> {
  for (;;) {
    const node = await person.up()
    if (node.port !== port) return node
    await node.stop()
  }
}

describe('two homes, each in its own process', () => {
  test('find each other through a third node that knows neither of them', async ({ story }) => {
    const carol = story.person('carol', { shape: [...loopback, '--no-mdns'] })
    await carol.init()
    const third = await carol.up()

    const shape = [...loopback, '--no-mdns', '--bootstrap', third.address]
    const [alice, bob] = [story.person('alice', { shape }), story.person('bob', { shape })]
    await Promise.all([alice.init(), bob.init()])
    const before = await alice.up()
    const { link } = await alice.one('invite', 'invite')
    await before.stop()
    // The addresses in the invite are those of a port where nobody listens any more.
    const afterwards = await moved(alice, before.port)
    const first = await bob.up()
    await meetAndTalk(alice, bob, link)

    // Both move at once: neither knows where the other is, and only the presence in the DHT says it.
    await Promise.all([afterwards.stop(), first.stop()])
    await Promise.all([moved(alice, afterwards.port), moved(bob, first.port)])
    await talk(alice, bob, ['Where are you now?', 'Elsewhere.'])
    expect(await carol.ask('contacts')).toEqual([])
    expect(await carol.ask('requests')).toEqual([])
  })

  test('find each other by the addresses in the invite alone', async ({ story }) => {
    const shape = [...loopback, '--no-mdns', '--no-dht']
    const [alice, bob] = [story.person('alice', { shape }), story.person('bob', { shape })]
    await Promise.all([alice.init(), bob.init()])
    await Promise.all([alice.up(), bob.up()])
    const { link } = await alice.one('invite', 'invite')
    await meetAndTalk(alice, bob, link)
  })

  test('find each other on the local network alone', async ({ story, skip }) => {
    const lan = twoMachines(story)
    if (typeof lan === 'string') return skip(`a local network cannot be made here: ${lan}`)
    const [alice, bob] = lan.map(({ name, prefix }) =>
      story.person(name, { prefix, shape: ['--no-dht'] })
    ) as [Person, Person]
    await Promise.all([alice.init(), bob.init()])
    const before = await alice.up()
    const { link } = await alice.one('invite', 'invite')
    await before.stop()
    // The invite says whom to look for, and nothing of where that is now.
    await Promise.all([moved(alice, before.port), bob.up()])
    await meetAndTalk(alice, bob, link)
  })

  test('talk when one of them never stays: each command runs a node for as long as it needs', async ({
    story
  }) => {
    const shape = [...loopback, '--no-mdns', '--no-dht']
    const [alice, bob] = [story.person('alice', { shape }), story.person('bob', { shape })]
    await Promise.all([alice.init(), bob.init()])
    const before = await alice.up()
    const { link } = await alice.one('invite', 'invite')
    await before.stop()
    // Nobody is there to answer. The request waits on bob's disk, and so does the message behind it.
    expect(await bob.one('contact', 'add', 'alice', link)).toMatchObject({ state: 'requested' })
    const { code, lines, error } = await bob.run([
      'send',
      'alice',
      'when you are there',
      '--timeout',
      '100ms'
    ])
    expect({ code, lines, error }).toMatchObject({
      code: 3,
      lines: [{ state: 'queued' }],
      error: { code: 'TIMEOUT' }
    })
    expect(await bob.history('alice')).toMatchObject([{ text: 'when you are there', delivery: 'queued' }])

    alice.shape = ['--listen', `/ip4/127.0.0.1/tcp/${before.port}`, '--no-mdns', '--no-dht']
    await alice.up()
    await bob.one('delivery', 'send', 'alice', 'now you are', '--until', 'delivered', '--timeout', '90s')
    expect(await bob.history('alice')).toMatchObject([{ delivery: 'delivered' }, { delivery: 'delivered' }])
    const heard = (await alice.ask('tail', 'bob')).filter(isLine('message'))
    expect(heard.map(({ text }) => text)).toEqual(['when you are there', 'now you are'])
  })
})

/** Two machines on one cable: network namespaces with a pair of interfaces. Says why not, where it cannot. */
function twoMachines(
  story: Story
): readonly { readonly name: string; readonly prefix: readonly string[] }[] | string {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'it takes root on Linux'
  const ip = (...args: readonly string[]): string => system('ip', ...args)
  const machines = ['alice', 'bob'].map(name => ({ name, space: `hearsay-${process.pid}-${name}` }))
  for (const { space } of machines) {
    const refused = ip('netns', 'add', space)
    if (refused !== '') return refused
    story.atEnd(() => ip('netns', 'del', space))
  }
  const [one, two] = machines.map(({ space }) => space) as [string, string]
  const refusals = [
    ip('-n', one, 'link', 'add', 'lan', 'type', 'veth', 'peer', 'name', 'lan', 'netns', two),
    ...[one, two].flatMap((space, index) => [
      ip('-n', space, 'addr', 'add', `10.77.0.${index + 1}/24`, 'dev', 'lan'),
      ip('-n', space, 'link', 'set', 'lo', 'up'),
      ip('-n', space, 'link', 'set', 'lan', 'up'),
      ip('-n', space, 'route', 'add', '224.0.0.0/4', 'dev', 'lan')
    ])
  ].filter(refused => refused !== '')
  if (refusals.length > 0) return refusals.join('; ')
  return machines.map(({ name, space }) => ({ name, prefix: ['ip', 'netns', 'exec', space] }))
}
