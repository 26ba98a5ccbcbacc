/** Which direct stream counts: both sides agree, whoever dials when, and nobody is told a thing twice. */
import { randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { equal } from '../../src/base/bytes.ts'
import { meet, MEMORY, startNode, TCP, turn, until } from './places.ts'
import type { TestNode } from './places.ts'

const isOpen = (node: TestNode, peer: string): boolean =>
  node.events.findLast(event => (event.type === 'opened' || event.type === 'closed') && event.peer === peer)
    ?.type === 'opened'

const openings = (node: TestNode): string[] =>
  node.events.flatMap(({ type }) => (type === 'opened' || type === 'closed' ? [type] : []))

async function exchange(alice: TestNode, bob: TestNode): Promise<void> {
  const [toBob, toAlice] = [new Uint8Array(randomBytes(512)), new Uint8Array(randomBytes(2048))]
  await Promise.all([alice.network.send(bob.peer, [toBob]), bob.network.send(alice.peer, [toAlice])])
  await until('both have what was sent', () =>
    [bob.envelopes.some(one => equal(one, toBob)), alice.envelopes.some(one => equal(one, toAlice))].every(
      Boolean
    )
  )
}

test('whatever two sides do at the same time, they end with one stream that carries both ways', async () => {
  const limits = { directOpensPerMinuteMax: 10_000, directReplaceMs: 50 }
  await using alice = await startNode(MEMORY, { limits })
  await using bob = await startNode(MEMORY, { limits })
  const [alices, bobs] = [alice.network.addresses(), bob.network.addresses()]
  const act = fc.constantFrom('alice dials', 'bob dials', 'alice hangs up', 'bob hangs up', 'a turn')
  const plays: Record<string, () => void> = {
    'alice dials': () => alice.network.dial(bob.peer, bobs),
    'bob dials': () => bob.network.dial(alice.peer, alices),
    'alice hangs up': () => alice.network.hangUp(bob.peer),
    'bob hangs up': () => bob.network.hangUp(alice.peer)
  }
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 12 }), async acts => {
      for (const name of acts) {
        if (name === 'a turn') await turn()
        else plays[name]!()
      }
      // As the core does: a dial that failed is tried again.
      await until('both have a stream and keep it', async () => {
        for (const name of ['alice dials', 'bob dials']) plays[name]!()
        await until('the dials are answered', () => [alice, bob].every(node => node.events.length > 0))
        for (let i = 0; i < 20; i++) await turn()
        return isOpen(alice, bob.peer) && isOpen(bob, alice.peer)
      })
      await exchange(alice, bob)
    }),
    { numRuns: 15 }
  )
})

test.each([
  ['with no connection yet', false],
  ['over a connection that is there', true]
])('both dial at once %s, many times over: each side hears of one stream', async (_how, connected) => {
  for (let round = 0; round < 12; round++) {
    await using alice = await startNode(MEMORY)
    await using bob = await startNode(MEMORY, connected ? { bootstrap: alice.network.addresses() } : {})
    await until('they are connected', () => !connected || alice.network.status().connections.length === 1)
    alice.network.dial(bob.peer, bob.network.addresses())
    bob.network.dial(alice.peer, alice.network.addresses())
    await until('both have the stream', () => isOpen(alice, bob.peer) && isOpen(bob, alice.peer))
    await exchange(alice, bob)
    expect([openings(alice), openings(bob)], `round ${round}`).toEqual([['opened'], ['opened']])
    await until('one connection is left', () => alice.network.status().connections.length === 1)
  }
})

test('a peer that lost its stream without a word gets a new one, and the old one is over', async () => {
  const networkKey = new Uint8Array(randomBytes(32))
  await using alice = await startNode(TCP, { limits: { directReplaceMs: 50 } })
  await using before = await startNode(TCP, { networkKey })
  await meet(before, alice)
  // The machine comes back with the same key while alice still believes in its old connection.
  await using bob = await startNode(TCP, { networkKey })
  bob.network.dial(alice.peer, alice.network.addresses())
  await until('bob has a stream', () => isOpen(bob, alice.peer))
  await exchange(alice, bob)
  expect(openings(alice)).toEqual(['opened', 'closed', 'opened'])
  expect(openings(bob)).toEqual(['opened'])
  expect(before.envelopes).toEqual([])
})

test('what was written before hanging up arrives', async () => {
  await using alice = await startNode(TCP)
  await using bob = await startNode(TCP)
  await meet(alice, bob)
  const envelopes = Array.from({ length: 40 }, () => new Uint8Array(randomBytes(65_536)))
  await alice.network.send(bob.peer, envelopes)
  alice.network.hangUp(bob.peer)
  await until('bob knows', () => openings(bob).includes('closed'))
  expect(bob.envelopes.length).toBe(40)
  expect(bob.envelopes.every((one, i) => equal(one, envelopes[i]!))).toBe(true)
})

test('a handler that fails ends the stream: what it did not take must be sent again', async () => {
  let failing = true
  await using alice = await startNode(MEMORY)
  await using bob = await startNode(MEMORY, {}, async event => {
    if (event.type === 'received' && failing) throw new Error('the disk is full')
  })
  await meet(alice, bob)
  // Whether the reset comes before or after the transport took it, alice is told.
  await Promise.allSettled([alice.network.send(bob.peer, [new Uint8Array(512)])])
  await until('both know', () => [alice, bob].every(node => openings(node).includes('closed')))
  failing = false
  await until('there is a new stream', () => {
    if (!isOpen(alice, bob.peer)) alice.network.dial(bob.peer, bob.network.addresses())
    return isOpen(alice, bob.peer) && isOpen(bob, alice.peer)
  })
  await exchange(alice, bob)
})
