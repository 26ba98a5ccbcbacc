import { describe, expect, test } from 'vitest'
import { HearsayError } from '../../src/base/errors.ts'
import type { Address } from '../../src/base/ids.ts'
import {
  acceptRequest,
  addContact,
  block,
  forgetContact,
  rejectRequest,
  rename,
  safetyNumberWith,
  verify
} from '../../src/core/commands.ts'
import { recoveryPhrase } from '../../src/core/self.ts'
import { acquainted, collect, connect, deliver, disconnect, Person, settle } from './people.ts'

const DAY = 86_400_000

function invite(person: Person, options: { reusable?: boolean; expiresInMs?: number } = {}) {
  return person.run(core =>
    core.first.invite(core.turn, {
      reusable: options.reusable ?? false,
      expiresInMs: options.expiresInMs,
      addresses: [person.address]
    })
  )
}

const add = (person: Person, link: string, name = 'alice') =>
  person.run(core => addContact(core, { link, name, greeting: 'it is me' }))

const stateAt = (person: Person, other: Person) =>
  [...person.core.book.all()].find(({ contact }) => contact.facts.id === other.id)?.contact.facts.state

const codeOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (error instanceof HearsayError) return error.code
    throw error
  }
  return 'nothing was thrown'
}

describe('a one-time invite', () => {
  test('makes two people contacts who can talk at once', () => {
    const { alice, bob } = acquainted(21)
    expect(stateAt(alice, bob)).toBe('ready')
    expect(stateAt(bob, alice)).toBe('ready')
    expect(alice.core.first.answers.size).toBe(0)
    alice.say(bob, 'welcome')
    settle(alice, bob)
    expect(bob.heard).toEqual(['welcome'])
  })

  test('makes them contacts once and right, whoever loses power at whatever point', () => {
    for (const victim of ['alice', 'bob', 'both'] as const) {
      for (let lettersBefore = 0; lettersBefore < 8; lettersBefore++) {
        const alice = new Person('alice', 2200 + lettersBefore)
        const bob = new Person('bob', 2700 + lettersBefore)
        const { link } = invite(alice)
        add(bob, link)
        bob.say(alice, 'sent before the answer')
        connect(alice, bob)
        for (let carried = 0; carried < lettersBefore;) {
          const [letter, ...lost] = [...collect(bob, alice), ...collect(alice, bob)]
          if (letter === undefined) break
          deliver(letter)
          carried += 1 + lost.length
          for (const each of lost) deliver(each)
        }
        disconnect(alice, bob)
        if (victim !== 'bob') alice.restart()
        if (victim !== 'alice') bob.restart()
        connect(alice, bob)
        settle(alice, bob)
        const story = `${victim} after ${lettersBefore} letters`
        expect([stateAt(alice, bob), stateAt(bob, alice)], story).toEqual(['ready', 'ready'])
        expect(alice.heard, story).toEqual(['sent before the answer'])
        expect([...alice.core.first.outgoing, ...bob.core.first.outgoing], story).toEqual([])
        expect(alice.core.first.answers.size, story).toBe(0)
        expect(
          alice.events.filter(({ type }) => type === 'invite:used'),
          story
        ).toHaveLength(1)
        alice.say(bob, 'and back')
        settle(alice, bob)
        expect(bob.heard, story).toEqual(['and back'])
      }
    }
  })

  test('serves one person: whoever comes second is told so', () => {
    const alice = new Person('alice', 23)
    const bob = new Person('bob', 24)
    const carol = new Person('carol', 25)
    const { link } = invite(alice)
    add(bob, link)
    add(carol, link)
    connect(alice, bob)
    settle(alice, bob)
    connect(alice, carol)
    settle(alice, carol)
    expect(stateAt(bob, alice)).toBe('ready')
    expect(stateAt(carol, alice)).toBe('rejected')
    expect(alice.core.book.size).toBe(1)
  })

  test('is of no use once it is revoked or expired, and its own maker cannot redeem it', () => {
    const alice = new Person('alice', 26)
    const bob = new Person('bob', 27)
    const { link, id } = invite(alice)
    expect(codeOf(() => add(alice, link))).toBe('INVITE_OWN')
    alice.run(core => core.first.revoke(core.turn, id))
    add(bob, link)
    connect(alice, bob)
    settle(alice, bob)
    expect(stateAt(bob, alice)).toBe('rejected')
    const short = invite(alice, { expiresInMs: DAY })
    bob.sleep(2 * DAY)
    expect(codeOf(() => add(bob, short.link))).toBe('INVITE_EXPIRED')
    expect(codeOf(() => add(bob, `${link.slice(0, -6)}AAAAAA`))).toBe('INVALID_INVITE')
  })

  test('whose maker’s clock is ahead is refused by the maker, not by a crash', () => {
    const alice = new Person('alice', 28)
    const bob = new Person('bob', 29)
    const { link } = invite(alice, { expiresInMs: DAY })
    alice.sleep(3650 * DAY)
    add(bob, link)
    connect(alice, bob)
    settle(alice, bob)
    expect(stateAt(bob, alice)).toBe('rejected')
  })
})

describe('an address', () => {
  test('makes nobody a contact without a person’s word', () => {
    const alice = new Person('alice', 30)
    const bob = new Person('bob', 31)
    const { link } = invite(alice, { reusable: true })
    add(bob, link)
    connect(alice, bob)
    settle(alice, bob)
    expect(stateAt(alice, bob)).toBeUndefined()
    const [request] = alice.core.first.listWaiting()
    expect(request).toMatchObject({ name: 'bob', greeting: 'it is me', from: bob.id })
    alice.restart()
    disconnect(alice, bob)
    connect(alice, bob)
    settle(alice, bob)
    expect(alice.core.first.listWaiting()).toHaveLength(1)
    alice.run(core => acceptRequest(core, request!.id, 'bobby'))
    settle(alice, bob)
    expect([stateAt(alice, bob), stateAt(bob, alice)]).toEqual(['ready', 'ready'])
    bob.say(alice, 'thanks')
    settle(alice, bob)
    expect(alice.received[0]?.from.name).toBe('bobby')
  })

  test('stays good for others, and a no is a no', () => {
    const alice = new Person('alice', 32)
    const { link } = invite(alice, { reusable: true })
    const people = [new Person('bob', 33), new Person('carol', 34)]
    for (const person of people) {
      add(person, link)
      connect(alice, person)
      settle(alice, person)
    }
    const [first, second] = alice.core.first.listWaiting()
    alice.run(core => rejectRequest(core, first!.id))
    alice.run(core => acceptRequest(core, second!.id, undefined))
    for (const person of people) settle(alice, person)
    expect(people.map(person => stateAt(person, alice))).toEqual(['rejected', 'ready'])
    expect(codeOf(() => alice.run(core => rejectRequest(core, first!.id)))).toBe('UNKNOWN_REQUEST')
  })

  test('takes no flood: one peer may ask ten times an hour', () => {
    const alice = new Person('alice', 35)
    const mallory = new Person('mallory', 36)
    const { link } = invite(alice, { reusable: true })
    connect(alice, mallory)
    settle(alice, mallory)
    for (let i = 0; i < 15; i++) {
      add(mallory, link)
      settle(alice, mallory)
      mallory.run(core => forgetContact(core, alice.id))
      disconnect(alice, mallory)
      connect(alice, mallory)
    }
    expect(alice.core.first.listWaiting().length).toBe(10)
  })
})

describe('a contact', () => {
  test('has a safety number that both sides see, and is verified by comparing it', () => {
    const { alice, bob } = acquainted(40)
    const number = alice.run(core => safetyNumberWith(core, 'bob'))
    expect(bob.run(core => safetyNumberWith(core, 'alice'))).toBe(number)
    expect(
      codeOf(() =>
        alice.run(core =>
          verify(
            core,
            'bob',
            number.replace(/^./, digit => String((Number(digit) + 1) % 10))
          )
        )
      )
    ).toBe('SAFETY_NUMBER_MISMATCH')
    expect(alice.run(core => verify(core, 'bob', number)).verified).toBe(true)
    alice.restart()
    expect(alice.core.book.find('bob').contact.facts.verified).toBe(true)
  })

  test('who is blocked is not heard, and is told nothing', () => {
    const { alice, bob } = acquainted(41)
    alice.run(core => block(core, 'bob'))
    disconnect(alice, bob)
    connect(alice, bob)
    settle(alice, bob)
    const message = bob.say(alice, 'hello?')
    settle(alice, bob)
    expect(alice.heard).toEqual([])
    expect(bob.stateOf(alice, message)).toBe('queued')
    expect(codeOf(() => alice.say(bob, 'no'))).toBe('CONTACT_BLOCKED')
  })

  test('keeps its name to itself: no two contacts can be mixed up by name', () => {
    const { alice, bob } = acquainted(42)
    const carol = new Person('carol', 43)
    const { link } = invite(alice)
    carol.run(core => addContact(core, { link, name: 'alice', greeting: '' }))
    connect(alice, carol)
    settle(alice, carol)
    expect(codeOf(() => alice.run(core => rename(core, 'carol', 'BOB')))).toBe('CONTACT_EXISTS')
    expect(codeOf(() => alice.run(core => rename(core, 'carol', '--help')))).toBe('NAME_INVALID')
    expect(alice.core.book.find(bob.id).contact.facts.name).toBe('bob')
  })

  test('that is forgotten is gone from the disk, and can come back through a new invite', () => {
    const { alice, bob } = acquainted(44)
    alice.say(bob, 'a secret')
    settle(alice, bob)
    alice.run(core => forgetContact(core, 'bob'))
    disconnect(alice, bob)
    const left = [...alice.records].filter(([collection]) =>
      ['contacts', 'conversations', 'epochs', 'ratchets'].includes(collection)
    )
    expect(left.map(([, rows]) => rows.size)).toEqual([0, 0, 0, 0])
    const { link } = invite(alice)
    bob.run(core => addContact(core, { link, name: 'alice', greeting: '' }))
    connect(alice, bob)
    settle(alice, bob)
    alice.say(bob, 'hello again')
    settle(alice, bob)
    expect(bob.heard).toContain('hello again')
  })

  test('who comes back with the recovery phrase is the same person on another device, loudly', () => {
    const { alice, bob } = acquainted(45)
    alice.say(bob, 'before')
    settle(alice, bob)
    disconnect(alice, bob)
    alice.say(bob, 'written to the lost device')
    const phrase = recoveryPhrase(bob.core.own)
    const again = new Person('bob', 1545, { phrase, now: bob.now + DAY })
    expect(again.id).toBe(bob.id)
    const { link } = invite(alice)
    again.run(core => addContact(core, { link, name: 'alice', greeting: 'lost my laptop' }))
    connect(alice, again)
    settle(alice, again)
    for (const person of [alice, again]) person.sleep(10_000)
    settle(alice, again)
    expect(
      alice.events.some(event => event.type === 'contact:warned' && event.warning === 'device-changed')
    ).toBe(true)
    alice.say(again, 'welcome back')
    settle(alice, again)
    expect(again.heard).toEqual(['written to the lost device', 'welcome back'])
    again.say(alice, 'thanks')
    settle(alice, again)
    expect(alice.heard.at(-1)).toBe('thanks')
  })
})

test('an invite can be redeemed before the node has ever been on the network', () => {
  const alice = new Person('alice', 60)
  const bob = new Person('bob', 61, { offline: true })
  const { link } = invite(alice)
  add(bob, link)
  bob.goOnline()
  connect(alice, bob)
  settle(alice, bob)
  expect([stateAt(alice, bob), stateAt(bob, alice)]).toEqual(['ready', 'ready'])
})

test('clocks that are ten years apart, either way, do not keep people apart', () => {
  for (const [seed, years] of [
    [70, 10],
    [71, -10]
  ] as const) {
    const alice = new Person('alice', seed)
    const bob = new Person('bob', seed + 5, { now: alice.now + years * 365 * DAY })
    const { link } = invite(alice, { reusable: true })
    add(bob, link)
    connect(alice, bob)
    settle(alice, bob)
    alice.run(core => acceptRequest(core, core.first.listWaiting()[0]!.id, undefined))
    settle(alice, bob)
    alice.say(bob, 'what year is it?')
    bob.say(alice, 'you tell me')
    settle(alice, bob)
    expect(bob.heard).toEqual(['what year is it?'])
    expect(alice.heard).toEqual(['you tell me'])
  }
})

test('an invite made before the first address is known leads to a neighbour all the same', () => {
  const alice = new Person('alice', 80)
  const bob = new Person('bob', 81)
  const { link } = alice.run(core =>
    core.first.invite(core.turn, {
      reusable: false,
      expiresInMs: undefined,
      addresses: [`/p2p/${alice.peer}` as Address]
    })
  )
  add(bob, link)
  bob.step({ type: 'closed', peer: alice.peer })
  bob.effects = []
  bob.step({ type: 'discovered', peer: alice.peer, addresses: [alice.address] })
  expect(bob.effects).toContainEqual({ type: 'dial', peer: alice.peer, addresses: [alice.address] })
})
