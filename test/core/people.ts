/**
 * People whose nodes are cores alone: no clock, no disk and no network but what a test does by hand. The test
 * is the network: it decides which envelope arrives, when, how often and in which order.
 */
import { cipherSuite } from '../../src/crypto/mls/index.ts'
import { Core } from '../../src/core/core.ts'
import type { Input } from '../../src/core/core.ts'
import type { Conversation } from '../../src/core/conversation.ts'
import { addContact, send } from '../../src/core/commands.ts'
import { MESSAGE_IDS, MESSAGES } from '../../src/core/conversation.ts'
import { messageKey } from '../../src/core/messages.ts'
import { becomeDevice, GRANT, GRANT_KEY } from '../../src/core/own-devices.ts'
import { PRESENCE } from '../../src/core/reach.ts'
import { decodeSelf } from '../../src/core/records/self.ts'
import { makeSelf, own, SELF, SELF_KEY } from '../../src/core/self.ts'
import type { Own } from '../../src/core/self.ts'
import { Turn } from '../../src/core/turn.ts'
import type { Arrival, Effect, Page } from '../../src/core/turn.ts'
import { millis } from '../../src/base/ids.ts'
import type { Address, MessageId, PeerId } from '../../src/base/ids.ts'
import type { DeliveryState, HearsayEvent, Message } from '../../src/base/model.ts'
import { seededRandom } from '../../src/testing/random.ts'

const MLS_128_X25519 = 1

/** Noon of a day far from midnight, so that stories do not change with the day. */
export const NOON = 1_790_000_000_000

/** One person: a core, the records it has written, and what it wants done. */
export class Person {
  readonly name: string
  readonly peer: PeerId
  readonly records = new Map<string, Map<string, Uint8Array>>()
  events: HearsayEvent[] = []
  effects: Effect[] = []
  core: Core
  now = NOON
  uptime = 0
  #generation = 0
  #own: Own
  readonly #seed: number

  constructor(
    name: string,
    seed: number,
    init: { phrase?: string; now?: number; offline?: boolean; provisional?: boolean } = {}
  ) {
    this.name = name
    this.#seed = seed
    this.now = init.now ?? NOON
    this.peer = `12D3Koo${name}${seed}` as PeerId
    const turn = new Turn({ now: millis(this.now), uptime: 0, cursor: 0 })
    this.#own = makeSelf(turn, this.#random(), {
      name,
      phrase: init.phrase,
      provisional: init.provisional
    })
    this.#write(turn)
    this.core = this.#open()
    if (init.offline !== true) this.goOnline()
  }

  goOnline(): void {
    this.step({ type: 'moved', peer: this.peer, addresses: [this.address] })
  }

  get address(): Address {
    return `/ip4/192.0.2.1/tcp/4001/p2p/${this.peer}` as Address
  }

  #random() {
    return seededRandom(this.#seed * 1000 + this.#generation++).bytes
  }

  #open(): Core {
    const random = this.#random()
    const suite = cipherSuite(MLS_128_X25519, { random })
    const turn = new Turn({
      now: millis(this.now),
      uptime: this.uptime,
      cursor: this.events.at(-1)?.cursor ?? 0
    })
    const records = Object.fromEntries(
      [...this.records].map(([collection, rows]) => [
        collection,
        [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => ({ key, value }))
      ])
    )
    return new Core({ own: this.#own, turn, random, suite, records })
  }

  #write(turn: Turn): void {
    const { changes } = turn.take()
    this.#keep(changes)
  }

  #keep(changes: readonly { collection: string; key: string; value: Uint8Array | undefined }[]): void {
    for (const { collection, key, value } of changes) {
      const rows = this.records.get(collection) ?? new Map<string, Uint8Array>()
      this.records.set(collection, rows)
      if (value === undefined) rows.delete(key)
      else rows.set(key, value)
    }
  }

  /** Steps the core and commits what it changed. */
  run<T>(command: (core: Core) => T): T {
    this.core.at(millis(this.now), this.uptime)
    const result = command(this.core)
    const { changes, effects, events } = this.core.take()
    this.#keep(changes)
    this.events.push(...events)
    for (const effect of effects)
      if (effect.type === 'recall') this.#recall(effect.page)
      else if (effect.type === 'sift') this.#sift(effect.arrival)
      else this.effects.push(effect)
    return result
  }

  #sift(arrival: Arrival): void {
    const { conversation, messages } = arrival.history
    const fresh = messages.map(
      message =>
        this.records.get(MESSAGES)?.has(messageKey({ conversation, ...message })) !== true &&
        this.records.get(MESSAGE_IDS)?.has(message.id) !== true
    )
    this.step({ type: 'sifted', arrival, fresh })
  }

  /** Answers at once what the core wants to read of its messages. */
  #recall(page: Page): void {
    const rows = [...(this.records.get(MESSAGES) ?? [])]
    const records = rows
      .map(([key, value]) => ({ key, value }))
      .filter(
        ({ key }) => key.startsWith(`${page.conversation}/`) && (page.whole || key < (page.before ?? '~'))
      )
      .toSorted((a, b) => (a.key < b.key ? 1 : -1))
      .slice(0, page.most)
    this.step({ type: 'recalled', page, records })
  }

  step(input: Input): void {
    this.run(core => core.step(input))
  }

  /** The process dies and comes back with what is on disk; streams and effects are gone. */
  restart(): void {
    this.effects = []
    this.#own = own(decodeSelf(this.records.get(SELF)!.get(SELF_KEY)!))
    this.core = this.#open()
    this.step({ type: 'moved', peer: this.peer, addresses: [this.address] })
  }

  /** A machine that was given its grant starts again as the device that it has become. */
  becomeDevice(): void {
    const grant = this.records.get(GRANT)?.get(GRANT_KEY)
    if (grant === undefined) throw new Error(`${this.name} was granted nothing`)
    for (const [collection, rows] of this.records) if (collection !== PRESENCE) rows.clear()
    const turn = new Turn({ now: millis(this.now), uptime: this.uptime, cursor: 0 })
    becomeDevice(turn, this.#own, grant)
    this.#write(turn)
    this.restart()
  }

  /** A copy of everything on disk, to go back to. */
  snapshot(): Map<string, Map<string, Uint8Array>> {
    return new Map([...this.records].map(([collection, rows]) => [collection, new Map(rows)]))
  }

  /** Somebody puts an older copy of the disk back. */
  rollBack(snapshot: Map<string, Map<string, Uint8Array>>): void {
    this.records.clear()
    for (const [collection, rows] of snapshot) this.records.set(collection, new Map(rows))
    this.restart()
  }

  sleep(ms: number): void {
    this.now += ms
    this.uptime += ms
    this.step({ type: 'tick' })
  }

  with(other: Person): Conversation {
    return this.core.book.find(other.id).conversation
  }

  get id(): string {
    return this.core.own.identity
  }

  say(to: Person, text: string): MessageId {
    return this.run(core => send(core, this.with(to).id, text, undefined)).message
  }

  /** How far a message of ours is. */
  stateOf(to: Person, message: MessageId): DeliveryState {
    const shown = this.events.flatMap(event =>
      event.type === 'message:sent' && event.message.id === message ? [event] : []
    )
    const sequence = this.sequences.get(message)
    if (shown.length === 0 || sequence === undefined) throw new Error('no such message')
    return this.with(to).delivery(message, sequence).state
  }

  get sequences(): Map<MessageId, number> {
    const found = new Map<MessageId, number>()
    for (const { conversation } of this.core.book.all())
      for (const { message, sequence } of conversation.outbox.items.values()) found.set(message, sequence)
    return found
  }

  /** Texts shown, in the order in which they were. */
  get heard(): string[] {
    return this.received.map(({ text }) => text)
  }

  get received(): Message[] {
    return this.events.flatMap(event => (event.type === 'message:received' ? [event.message] : []))
  }
}

/** Envelopes on their way from one person to another. */
export interface Letter {
  readonly from: Person
  readonly to: Person
  readonly envelopes: readonly Uint8Array[]
}

/** Takes what a person wants to transmit to another, and tells it that the transport has taken it. */
export function collect(from: Person, to: Person): Letter[] {
  const letters: Letter[] = []
  const rest: Effect[] = []
  for (const effect of from.effects) {
    if (effect.type === 'transmit' && effect.peer === to.peer)
      letters.push({ from, to, envelopes: effect.envelopes })
    else rest.push(effect)
  }
  const carried = from.effects.flatMap(effect =>
    effect.type === 'transmit' && effect.peer === to.peer && effect.messages !== undefined
      ? [effect.messages]
      : []
  )
  from.effects = rest
  for (const messages of carried)
    from.step({ type: 'transmitted', messages, path: 'direct', taken: true, outcome: 'written' })
  return letters
}

export function deliver({ from, to, envelopes }: Letter): void {
  to.step({ type: 'received', peer: from.peer, envelopes })
}

/** Carries everything back and forth until nobody has anything to say. */
export function settle(a: Person, b: Person): void {
  for (let round = 0; round < 200; round++) {
    const letters = [...collect(a, b), ...collect(b, a)]
    if (letters.length === 0) return
    for (const letter of letters) deliver(letter)
  }
  throw new Error('they never stop talking')
}

export function connect(a: Person, b: Person): void {
  a.step({ type: 'opened', peer: b.peer })
  b.step({ type: 'opened', peer: a.peer })
}

export function disconnect(a: Person, b: Person): void {
  a.effects = []
  b.effects = []
  a.step({ type: 'closed', peer: b.peer })
  b.step({ type: 'closed', peer: a.peer })
}

/** Two people who have become contacts through an invite, connected, with nothing under way. */
export function acquainted(seed: number): { alice: Person; bob: Person } {
  const alice = new Person('alice', seed)
  const bob = new Person('bob', seed + 500)
  const { link } = alice.run(core =>
    core.first.invite(core.turn, { reusable: false, expiresInMs: undefined, addresses: [alice.address] })
  )
  bob.run(core => addContact(core, { link, name: 'alice', greeting: 'hi' }))
  connect(alice, bob)
  settle(alice, bob)
  return { alice, bob }
}
