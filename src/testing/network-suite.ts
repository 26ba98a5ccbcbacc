/**
 * The acceptance suite of the network port (src/ports/network.ts): what every network must do between two nodes,
 * as stories. Whoever writes a network proves it by running this over it, with any test runner that has
 * `describe` and `test`.
 */
import assert from 'node:assert/strict'
import type { Address, PeerId } from '../base/ids.ts'
import { spec } from '../base/limits.ts'
import type { Network, NetworkEvent } from '../ports/network.ts'
import type { TestRunner } from './store-suite.ts'

/** Two nodes that can reach each other. */
export interface NetworkPlace {
  /** Two networks, not started. The suite starts and stops them. */
  readonly pair: () => Promise<readonly [Network, Network]>
  /** Lets some time pass, real or virtual; the suite calls it until what it waits for is true. */
  readonly settle: () => Promise<void>
  /** An address in this network at which nobody is. */
  readonly nowhere: { readonly peer: PeerId; readonly addresses: readonly Address[] }
}

/** What one node heard, and a way to make it slow. */
class Listener {
  readonly network: Network
  readonly events: NetworkEvent[] = []
  /** While there is one, `received` is not taken in before it resolves. */
  gate: PromiseWithResolvers<void> | undefined

  constructor(network: Network) {
    this.network = network
  }

  readonly take = async (event: NetworkEvent): Promise<void> => {
    this.events.push(event)
    if (event.type === 'received') await this.gate?.promise
  }

  /** Events of a kind, in order. */
  heard<Type extends NetworkEvent['type']>(type: Type): Array<Extract<NetworkEvent, { type: Type }>> {
    return this.events.filter(event => event.type === type) as Array<Extract<NetworkEvent, { type: Type }>>
  }

  get envelopes(): Uint8Array[] {
    return this.heard('received').flatMap(({ envelopes }) => envelopes)
  }

  get isOpen(): boolean {
    return this.events.findLast(({ type }) => type === 'opened' || type === 'closed')?.type === 'opened'
  }
}

interface Stage {
  readonly alice: Listener
  readonly bob: Listener
  readonly place: NetworkPlace
  /** Waits until it is true; fails with the sentence when it does not become so. */
  readonly until: (sentence: string, condition: () => boolean) => Promise<void>
}

type Story = (stage: Stage) => Promise<void>

const WAITS_MAX = 2000

/** An envelope that can be told from others: its number, then noise that depends on it. */
function envelope(number: number, bytes: number = spec.envelopeBytes[0]): Uint8Array {
  const made = Uint8Array.from({ length: bytes }, (_, i) => (number * 31 + i * 7) & 0xff)
  new DataView(made.buffer).setUint32(0, number)
  return made
}

const numberOf = (made: Uint8Array): number => new DataView(made.buffer, made.byteOffset).getUint32(0)
const numbered = (from: number, count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => envelope(from + i))

function dial(from: Listener, to: Listener): void {
  from.network.dial(to.network.peerId, to.network.addresses())
}

async function meet({ alice, bob, until }: Stage): Promise<void> {
  dial(alice, bob)
  await until('both have the stream', () => alice.isOpen && bob.isOpen)
}

const streams: Record<string, Story> = {
  'opens a stream on both sides, and each knows who dialled': async stage => {
    const { alice, bob } = stage
    await meet(stage)
    assert.deepEqual(
      [alice.heard('opened'), bob.heard('opened')].map(all =>
        all.map(({ peer, inbound }) => [peer, inbound])
      ),
      [[[bob.network.peerId, false]], [[alice.network.peerId, true]]]
    )
    assert.deepEqual(
      alice.network
        .status()
        .connections.filter(({ direct }) => direct)
        .map(({ peer }) => peer),
      [bob.network.peerId]
    )
  },

  'carries envelopes of every size, whole and in order, both ways': async stage => {
    const { alice, bob, until } = stage
    await meet(stage)
    const sent = spec.envelopeBytes.map((bytes, i) => envelope(i, bytes))
    await alice.network.send(bob.network.peerId, sent)
    await bob.network.send(alice.network.peerId, sent.toReversed())
    await until('all have arrived', () => [alice, bob].every(one => one.envelopes.length === sent.length))
    assert.deepEqual(bob.envelopes, sent)
    assert.deepEqual(alice.envelopes, sent.toReversed())
  },

  'keeps the order of what is sent without waiting': async stage => {
    const { alice, bob, until } = stage
    await meet(stage)
    const sends = Array.from({ length: 50 }, (_, i) =>
      alice.network.send(bob.network.peerId, numbered(4 * i, 4))
    )
    await Promise.all(sends)
    await until('all 200 have arrived', () => bob.envelopes.length === 200)
    assert.deepEqual(bob.envelopes.map(numberOf), [...Array.from({ length: 200 }).keys()])
  },

  'answers a dial with `opened` where the stream is open already': async stage => {
    const { alice, bob, until } = stage
    await meet(stage)
    dial(alice, bob)
    await until('the second dial is answered', () => alice.heard('opened').length === 2)
    dial(bob, alice)
    await until('the dial of the other side is answered', () => bob.heard('opened').length === 2)
    assert.deepEqual([...alice.heard('closed'), ...bob.heard('closed')], [])
  },

  'agrees on one stream when both dial at once, and loses nothing on it': async stage => {
    const { alice, bob, until } = stage
    dial(alice, bob)
    dial(bob, alice)
    await until('both have the stream', () => alice.isOpen && bob.isOpen)
    await Promise.all([
      alice.network.send(bob.network.peerId, numbered(0, 20)),
      bob.network.send(alice.network.peerId, numbered(100, 20))
    ])
    await until('all have arrived', () => [alice, bob].every(one => one.envelopes.length === 20))
    for (const one of [alice, bob]) {
      assert.equal(one.heard('opened').length - one.heard('closed').length, 1)
      assert.equal(one.isOpen, true)
    }
  },

  'answers a dial to nobody with one `closed`': async ({ alice, place, until }) => {
    alice.network.dial(place.nowhere.peer, place.nowhere.addresses)
    await until('the dial is answered', () => alice.events.length > 0)
    assert.deepEqual(
      alice.events.map(({ type }) => type),
      ['closed']
    )
    await assert.rejects(alice.network.send(place.nowhere.peer, numbered(0, 1)))
  },

  'tells both sides when one hangs up, and sends nothing from then on': async stage => {
    const { alice, bob, until } = stage
    await meet(stage)
    alice.network.hangUp(bob.network.peerId)
    await until('both know', () => !alice.isOpen && !bob.isOpen)
    await assert.rejects(alice.network.send(bob.network.peerId, numbered(0, 1)))
    await assert.rejects(bob.network.send(alice.network.peerId, numbered(0, 1)))
    await meet(stage)
    await bob.network.send(alice.network.peerId, numbered(7, 1))
    await until('the new stream works', () => alice.envelopes.length === 1)
  },

  'tells those who stay when one stops; who stopped hears nothing more': async stage => {
    const { alice, bob, until } = stage
    await meet(stage)
    await bob.network.stop()
    const heard = bob.events.length
    await until('alice knows', () => !alice.isOpen)
    await bob.network.stop()
    assert.equal(bob.events.length, heard)
  },

  'reads on only when the handler has taken in what came before': async stage => {
    const { alice, bob, until } = stage
    await meet(stage)
    const gate = Promise.withResolvers<void>()
    bob.gate = gate
    const large = Array.from({ length: 64 }, (_, i) => envelope(i, 65_536))
    const sent = alice.network.send(bob.network.peerId, large)
    await until('the first have arrived', () => bob.heard('received').length === 1)
    // Something else comes and goes meanwhile: other events are not in the way of it.
    await bob.network.send(alice.network.peerId, numbered(0, 1))
    await until('the other way is free', () => alice.envelopes.length === 1)
    assert.equal(bob.heard('received').length, 1)
    bob.gate = undefined
    gate.resolve()
    await sent
    await until('the rest has arrived', () => bob.envelopes.length === large.length)
    assert.deepEqual(bob.envelopes.map(numberOf), [...large.keys()])
  }
}

const mesh: Record<string, Story> = {
  'gossips between peers that admitted each other, and to nobody before or after': async stage => {
    const { alice, bob, until } = stage
    const topic = 'a-topic-that-nobody-guesses'
    await meet(stage)
    alice.network.subscribe(topic)
    bob.network.subscribe(topic)
    assert.equal(await alice.network.publish(topic, envelope(1)), 0)
    alice.network.admit(bob.network.peerId)
    bob.network.admit(alice.network.peerId)
    let number = 2
    const publish = async (): Promise<number> => alice.network.publish(topic, envelope(number++))
    await untilAsync(stage, 'a message reaches bob', async () => (await publish()) === 1)
    await until('bob has it', () => bob.heard('gossiped').length > 0)
    const [heard] = bob.heard('gossiped')
    assert.deepEqual([heard?.topic, heard?.envelope], [topic, envelope(number - 1)])
    alice.network.dismiss(bob.network.peerId)
    assert.equal(await publish(), 0)
    assert.equal(alice.heard('gossiped').length, 0)
  },

  'never rejects a publication, and counts nobody where nobody is': async ({ alice }) => {
    assert.equal(await alice.network.publish('nobody-is-here', envelope(1)), 0)
  }
}

async function untilAsync(stage: Stage, sentence: string, condition: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < WAITS_MAX; i++) {
    if (await condition()) return
    await stage.place.settle()
  }
  assert.fail(sentence)
}

async function tell(setup: () => Promise<NetworkPlace>, story: Story): Promise<void> {
  const place = await setup()
  const [one, other] = await place.pair()
  const [alice, bob] = [new Listener(one), new Listener(other)]
  const until: Stage['until'] = async (sentence, condition) => {
    for (let i = 0; i < WAITS_MAX; i++) {
      if (condition()) return
      await place.settle()
    }
    const told = [alice, bob].map(({ events }) =>
      events.map(event => (event.type === 'closed' ? `closed (${event.reason})` : event.type)).join(', ')
    )
    assert.fail(`${sentence}; alice heard: ${told[0]}; bob heard: ${told[1]}`)
  }
  try {
    await alice.network.start(alice.take)
    await bob.network.start(bob.take)
    await story({ alice, bob, place, until })
  } finally {
    for (const listener of [alice, bob]) listener.gate?.resolve()
    await alice.network.stop()
    await bob.network.stop()
  }
}

/** Runs every story over networks that `setup` makes, a new place for each. */
export function networkSuite(
  name: string,
  setup: () => Promise<NetworkPlace>,
  { describe, test }: TestRunner
): void {
  describe(name, () => {
    for (const [sentence, story] of Object.entries({ ...streams, ...mesh })) {
      test(sentence, () => tell(setup, story))
    }
  })
}
