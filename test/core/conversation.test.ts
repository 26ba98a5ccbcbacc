import { describe, expect, test } from 'vitest'
import { compareHeads } from '../../src/core/heads.ts'
import { makeReport } from '../../src/core/report.ts'
import { addContact } from '../../src/core/commands.ts'
import { acquainted, collect, connect, deliver, disconnect, NOON, Person, settle } from './people.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** Both hold one head, and nothing waits anywhere. */
function expectAgreement(a: Person, b: Person): void {
  expect(a.with(b).group.head?.epoch).toBe(b.with(a).group.head?.epoch)
  for (const [person, other] of [
    [a, b],
    [b, a]
  ] as const) {
    expect(person.with(other).outbox.items.size).toBe(0)
    expect(person.with(other).ask).toBe(undefined)
  }
}

describe('two people who are connected', () => {
  test('read each other, and know it', () => {
    const { alice, bob } = acquainted(1)
    const message = alice.say(bob, 'lunch?')
    expect(alice.stateOf(bob, message)).toBe('queued')
    settle(alice, bob)
    expect(bob.heard).toEqual(['lunch?'])
    bob.say(alice, 'at noon')
    settle(alice, bob)
    expect(alice.heard).toEqual(['at noon'])
    expectAgreement(alice, bob)
  })

  test('see each message once, however often it arrives', () => {
    const { alice, bob } = acquainted(2)
    alice.say(bob, 'one')
    const letters = collect(alice, bob)
    for (const letter of [...letters, ...letters, ...letters]) deliver(letter)
    settle(alice, bob)
    expect(bob.heard).toEqual(['one'])
  })

  test('see messages in order, whatever the order in which they arrive', () => {
    const { alice, bob } = acquainted(3)
    for (const text of ['1', '2', '3', '4', '5']) alice.say(bob, text)
    for (const letter of collect(alice, bob).reverse())
      deliver({ ...letter, envelopes: letter.envelopes.toReversed() })
    settle(alice, bob)
    expect(bob.heard).toEqual(['1', '2', '3', '4', '5'])
    expectAgreement(alice, bob)
  })

  test('an answer is not shown before what it answers', () => {
    const { alice, bob } = acquainted(4)
    alice.say(bob, 'question')
    const question = collect(alice, bob)
    for (const letter of question) deliver(letter)
    bob.say(alice, 'answer')
    // Bob's receipt is lost; Alice sees the answer, which names her question, and her own log has it.
    settle(alice, bob)
    expect(bob.heard).toEqual(['question'])
    expect(alice.heard).toEqual(['answer'])
    const [answered] = alice.received
    expect(answered?.replyTo).toBeUndefined()
  })
})

describe('when one of them restarts', () => {
  test('before the receipt came, nothing is lost and nothing comes twice', () => {
    const { alice, bob } = acquainted(5)
    alice.say(bob, 'hello')
    for (const letter of collect(alice, bob)) deliver(letter)
    disconnect(alice, bob)
    alice.restart()
    connect(alice, bob)
    settle(alice, bob)
    expect(bob.heard).toEqual(['hello'])
    expectAgreement(alice, bob)
  })

  test('with messages queued, they are delivered in order afterwards', () => {
    const { alice, bob } = acquainted(6)
    disconnect(alice, bob)
    const texts = Array.from({ length: 700 }, (_, i) => `text ${i}`)
    for (const text of texts) alice.say(bob, text)
    alice.restart()
    bob.restart()
    connect(alice, bob)
    settle(alice, bob)
    expect(bob.heard).toEqual(texts)
    expectAgreement(alice, bob)
  })
})

describe('post-compromise updates', () => {
  /** They chat until neither would renew its keys by coming in fresh. */
  function seasoned(seed: number) {
    const { alice, bob } = acquainted(seed)
    bob.say(alice, 'hi')
    settle(alice, bob)
    alice.say(bob, 'hi')
    settle(alice, bob)
    return { alice, bob }
  }

  test('who came in by a welcome renews its keys with its first message', () => {
    const { alice, bob } = acquainted(7)
    const before = alice.with(bob).group.head!.length
    bob.say(alice, 'hello')
    settle(alice, bob)
    expect(alice.with(bob).group.head!.length).toBe(before + 1)
    expectAgreement(alice, bob)
  })

  test('who answers after an hour renews its keys, once, and nobody lengthens the chain alone', () => {
    const { alice, bob } = seasoned(8)
    const before = alice.with(bob).group.head!.length
    bob.say(alice, 'are you there?')
    settle(alice, bob)
    for (const person of [alice, bob]) person.sleep(2 * HOUR)
    settle(alice, bob)
    alice.say(bob, 'now I am')
    alice.say(bob, 'really')
    settle(alice, bob)
    expect(bob.with(alice).group.head!.length).toBe(before + 1)
    alice.sleep(2 * HOUR)
    alice.say(bob, 'still here')
    settle(alice, bob)
    expect(bob.with(alice).group.head!.length).toBe(before + 1)
    expect(bob.heard).toEqual(['hi', 'now I am', 'really', 'still here'])
    expectAgreement(alice, bob)
  })

  test('who began the present epoch never renews alone, so two people cannot part ways', () => {
    const { alice, bob } = seasoned(9)
    for (const person of [alice, bob]) person.sleep(2 * HOUR)
    settle(alice, bob)
    alice.say(bob, 'from alice')
    bob.say(alice, 'from bob')
    const crossed = [...collect(alice, bob), ...collect(bob, alice)]
    for (const letter of crossed) deliver(letter)
    settle(alice, bob)
    expect(bob.heard).toContain('from alice')
    expect(alice.heard).toContain('from bob')
    expectAgreement(alice, bob)
  })

  test('an epoch is let go of once the other side has moved on', () => {
    const { alice, bob } = seasoned(10)
    for (let round = 0; round < 6; round++) {
      for (const [from, to] of [
        [alice, bob],
        [bob, alice]
      ] as const) {
        for (const person of [alice, bob]) person.sleep(2 * HOUR)
        settle(alice, bob)
        from.say(to, `round ${round}`)
        settle(alice, bob)
      }
    }
    expect(alice.with(bob).group.epochsHeld).toBeLessThanOrEqual(2)
    expect(bob.with(alice).group.epochsHeld).toBeLessThanOrEqual(2)
    expectAgreement(alice, bob)
  })
})

describe('what cannot be opened', () => {
  test('is sealed again by its author under the same id, and shown once', () => {
    const { alice, bob } = acquainted(11)
    const before = bob.snapshot()
    alice.say(bob, 'kept')
    settle(alice, bob)
    expect(bob.heard).toEqual(['kept'])
    // Bob's disk is put back to what it was: the key of the next message is as good as gone for old copies.
    disconnect(alice, bob)
    bob.rollBack(before)
    connect(alice, bob)
    settle(alice, bob)
    alice.say(bob, 'next')
    settle(alice, bob)
    expect(bob.heard).toContain('next')
  })

  test('since its epoch is forgotten, is sealed again for one that the reader has', () => {
    const { alice, bob } = acquainted(12)
    bob.say(alice, 'hi')
    settle(alice, bob)
    disconnect(alice, bob)
    bob.say(alice, 'sealed before the night')
    for (const person of [alice, bob]) person.sleep(2 * HOUR)
    alice.say(bob, 'renewed')
    alice.sleep(3 * DAY)
    alice.run(core => core.book.find(bob.id).conversation.group.forget(core.turn, undefined))
    expect(alice.with(bob).group.epochsHeld).toBe(1)
    connect(alice, bob)
    settle(alice, bob)
    expect(alice.heard).toEqual(['hi', 'sealed before the night'])
    expect(bob.heard).toEqual(['renewed'])
    expectAgreement(alice, bob)
  })
})

describe('a device that cannot follow any more', () => {
  test('is taken in again, and talks on', () => {
    const { alice, bob } = acquainted(13)
    bob.say(alice, 'hi')
    settle(alice, bob)
    const old = bob.snapshot()
    for (const person of [alice, bob]) person.sleep(2 * HOUR)
    settle(alice, bob)
    alice.say(bob, 'renewed')
    settle(alice, bob)
    expect(alice.with(bob).group.epochsHeld).toBe(1)
    disconnect(alice, bob)
    bob.rollBack(old)
    connect(alice, bob)
    settle(alice, bob)
    alice.say(bob, 'can you read this?')
    settle(alice, bob)
    for (const person of [alice, bob]) person.sleep(10_000)
    settle(alice, bob)
    expect(bob.heard.at(-1)).toBe('can you read this?')
    expect(alice.with(bob).group.head!.generation).toBe(NOON / 1000)
    bob.say(alice, 'yes')
    settle(alice, bob)
    expect(alice.heard.at(-1)).toBe('yes')
    expectAgreement(alice, bob)
  })
})

describe('an older copy of the disk', () => {
  test('put back: numbers that were used are not used again, and what is said afterwards arrives', () => {
    const { alice, bob } = acquainted(15)
    bob.say(alice, 'hi')
    settle(alice, bob)
    const old = bob.snapshot()
    bob.say(alice, 'forgotten by bob')
    bob.say(alice, 'this too')
    settle(alice, bob)
    disconnect(alice, bob)
    bob.rollBack(old)
    bob.say(alice, 'said in ignorance')
    connect(alice, bob)
    settle(alice, bob)
    for (const person of [alice, bob]) person.sleep(10_000)
    settle(alice, bob)
    bob.say(alice, 'and after')
    settle(alice, bob)
    expect(alice.heard).toEqual(['hi', 'forgotten by bob', 'this too', 'said in ignorance', 'and after'])
    expect(
      bob.events.filter(event => event.type === 'delivery:changed' && event.delivery.state === 'failed')
    ).toHaveLength(1)
    expectAgreement(alice, bob)
  })
})

describe('a contact that lies in its reports', () => {
  /** Bob says that he holds Alice's log up to a number, with some hash. */
  function claim(bob: Person, alice: Person, contiguous: number, hash: Uint8Array): void {
    bob.run(core => {
      const { contact, conversation } = core.book.find(alice.id)
      const report = makeReport(conversation, core.turn, alice.core.own.device, false)
      const devices = report.devices.filter(({ device }) => device !== alice.core.own.device)
      devices.push({ device: alice.core.own.device, contiguous, hash, ranges: [], read: contiguous })
      const envelopes = contact.control(core.turn, { ...report, devices })
      core.turn.emit({ type: 'transmit', peer: alice.peer, envelopes, messages: undefined })
    })
  }

  test('never makes a message look delivered, nor keeps it from being delivered', () => {
    const { alice, bob } = acquainted(16)
    const unheard = alice.say(bob, 'not there yet')
    collect(alice, bob)
    const { sequence } = alice.with(bob).facts
    for (const number of [1, sequence, sequence + 1, sequence + 1000, 2 ** 41, Number.MAX_SAFE_INTEGER]) {
      claim(bob, alice, number, new Uint8Array(32).fill(7))
      for (const letter of collect(bob, alice)) deliver(letter)
      const shown = alice.events.flatMap(event => (event.type === 'delivery:changed' ? [event.delivery] : []))
      expect(shown.filter(({ state }) => state === 'delivered' || state === 'read')).toEqual([])
    }
    expect(alice.with(bob).facts.sequence).toBeLessThan(2 ** 41)
    settle(alice, bob)
    for (const person of [alice, bob]) person.sleep(10_000)
    settle(alice, bob)
    expect(bob.heard).toEqual(['not there yet'])
    expect(unheard).toMatch(/^[0-9a-f]{64}$/)
  })
})

describe('two invites that cross', () => {
  test('make one conversation with one head', () => {
    const alice = new Person('alice', 14)
    const bob = new Person('bob', 514)
    const link = (person: Person): string =>
      person.run(core =>
        core.first.invite(core.turn, { reusable: false, expiresInMs: undefined, addresses: [person.address] })
      ).link
    const [ofAlice, ofBob] = [link(alice), link(bob)]
    alice.run(core => addContact(core, { link: ofBob, name: 'bob', greeting: '' }))
    bob.run(core => addContact(core, { link: ofAlice, name: 'alice', greeting: '' }))
    alice.say(bob, 'written before the answer')
    connect(alice, bob)
    settle(alice, bob)
    expect([...alice.core.book.all()]).toHaveLength(1)
    expect([...bob.core.book.all()]).toHaveLength(1)
    alice.say(bob, 'hello')
    bob.say(alice, 'hello')
    settle(alice, bob)
    expect(bob.heard).toEqual(['written before the answer', 'hello'])
    expect(alice.heard).toEqual(['hello'])
    expectAgreement(alice, bob)
  })
})

describe('the head rule', () => {
  const head = (generation: number, length: number, epoch: string) =>
    ({ group: '00', generation, length, epoch }) as unknown as Parameters<typeof compareHeads>[0]

  test('prefers the later founding, then the longer chain, then the smaller id', () => {
    const order = [head(2, 1, 'bb'), head(1, 9, 'aa'), head(1, 3, 'aa'), head(1, 3, 'ab')]
    expect([...order].reverse().sort(compareHeads)).toEqual(order)
    expect(compareHeads(head(1, 1, 'aa'), head(1, 1, 'aa'))).toBe(0)
  })
})
