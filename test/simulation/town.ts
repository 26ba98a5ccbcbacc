/**
 * The people of one run and their machines: what they do, and do again when a machine failed them, with
 * everything written down in the chronicle.
 */
import { HearsayError } from 'hearsay'
import type { HearsayEvent, HearsayNode, RequestId } from 'hearsay'
import { seededRandom } from 'hearsay/testing'
import type { Machine, NetworkEvent, Observation, SeededRandom, SimulatedTestNetwork } from 'hearsay/testing'
import { Chronicle } from './chronicle.ts'
import type { KeyWatch } from './key-watch.ts'
import { Mallory } from './mallory.ts'
import { CHAOS_MS } from './plan.ts'
import type { Plan, Step } from './plan.ts'
import { describe } from './outcome.ts'
import type { Outcome } from './outcome.ts'
import { COPIES_PER_MINUTE_MAX } from './promises.ts'

const RETRY_MS = 400
/** Nothing expires within this time. */
const EXPIRY_MS = 24 * 3_600_000
/** Long enough for messages to arrive on most days. */
const CROSSING_MS = 3000
/** An epoch of that age is renewed with the next answer (specs/conversation.md, section "Updates"). */
const AGED_MS = 61 * 60_000
/** An epoch that was left so long ago is forgotten (section "Forgetting"). */
const FORGOTTEN_MS = 2 * 24 * 3_600_000

export class Town {
  readonly plan: Plan
  readonly net: SimulatedTestNetwork
  readonly chronicle: Chronicle
  readonly mallory: Mallory
  readonly keys: KeyWatch
  readonly random: SeededRandom
  /** Both sides of every friendship that must come to be. */
  readonly friends: Array<{ readonly inviter: string; readonly redeemer: string }> = []
  /** By dialler and peer: moments of dials, for the watch on retries. */
  readonly dials = new Map<string, number[]>()
  convergedAfterMs = 0
  /** How many machines have lost power so far. */
  crashes = 0
  /** By name: what waits for an answer from the process that runs now. */
  readonly #interrupts = new Map<string, Set<() => void>>()
  /** By way and envelope: when it was sent in the last minute. */
  readonly #copies = new Map<string, number[]>()
  /** Crashes that wait for their moment. */
  readonly armed: Array<{ node: string; when: 'write' | 'transmit' | 'receive'; downMs: number }> = []
  /** By name: how many meetings are under way. */
  readonly #meeting = new Map<string, number>()
  /** How many things that people do are under way. */
  busy = 0
  /** Nothing that happens from now on counts. */
  isOver = false

  constructor(plan: Plan, net: SimulatedTestNetwork, keys: KeyWatch) {
    this.plan = plan
    this.net = net
    this.random = seededRandom(plan.seed, 'run')
    this.chronicle = new Chronicle({
      now: () => net.time.now,
      isOnDisk: (name, text) => net.machine(name).disk.holds(Buffer.from(text))
    })
    this.keys = keys
    keys.onReuse = owner => {
      this.chronicle.broken('I6 confidentiality', `${owner} sealed two texts with one key`)
    }
    this.mallory = new Mallory(net.internet, this.random)
    net.internet.observer = observation => this.#overhear(observation)
  }

  get isBroken(): boolean {
    return this.chronicle.violations.length > 0
  }

  /** Begins to write down what happens at every node. */
  async begin(): Promise<void> {
    for (const machine of this.net.machines) {
      machine.disk.health.fsyncMaxMs = this.plan.fsyncMaxMs
      machine.onBug = cause => this.bug(machine.name, cause)
      machine.disk.onWrite = () => {
        this.#trip(machine.name, 'write', 5)
        return this.keys.wrote(machine.name)
      }
      machine.disk.onRefuse = () => this.keys.refused(machine.name)
      this.chronicle.named(this.net.node(machine.name).identity.id, machine.name)
      this.#watch(machine)
    }
    await this.mallory.start()
  }

  /** Lets something go on by itself; whatever goes wrong in it is on record, unless the run is over. */
  spawn(task: Promise<unknown>): void {
    this.busy++
    const end = (): void => {
      this.busy--
    }
    task.then(end, (cause: unknown) => {
      end()
      if (!this.isOver) this.chronicle.broken('I9 bad input changes nothing', describe(cause))
    })
  }

  /** A node has met a bug of its own. A disk that refuses is none. */
  bug(name: string, cause: unknown): void {
    if (this.isOver || (cause instanceof HearsayError && cause.code.startsWith('STORE_'))) return
    this.chronicle.broken('I9 bad input changes nothing', `${name} met a bug: ${describe(cause)}`)
  }

  /** Asks a person's node for something. A machine that is down, or crashes meanwhile, gives no answer. */
  async attempt<Value>(name: string, ask: (node: HearsayNode) => Promise<Value>): Promise<Outcome<Value>> {
    const node = this.net.machine(name).running
    return node === undefined ? { type: 'crashed' } : await this.#unlessCrashed(name, ask(node))
  }

  async #unlessCrashed<Value>(name: string, work: Promise<Value>): Promise<Outcome<Value>> {
    const interrupts = this.#interruptsOf(name)
    return await new Promise<Outcome<Value>>(resolve => {
      const settle = (outcome: Outcome<Value>): void => {
        interrupts.delete(interrupt)
        resolve(outcome)
      }
      const interrupt = (): void => settle({ type: 'crashed' })
      interrupts.add(interrupt)
      work.then(
        value => settle({ type: 'done', value }),
        (cause: unknown) => settle(this.#refusal(name, cause))
      )
    })
  }

  /** Power fails, and comes back after a while. */
  crash(name: string, downMs: number): void {
    const machine = this.net.machine(name)
    if (!machine.isOn || this.isOver) return
    this.crashes++
    machine.crash()
    const interrupts = this.#interruptsOf(name)
    for (const interrupt of interrupts) interrupt()
    interrupts.clear()
    this.net.time.after(downMs, `${name} power`, () => this.spawn(this.boot(name)))
  }

  /** Starts a machine, and again while the disk refuses it; a crash meanwhile starts it by itself. */
  async boot(name: string): Promise<void> {
    const machine = this.net.machine(name)
    while (!machine.isOn && !this.isOver) {
      const outcome = await this.#unlessCrashed(name, machine.boot())
      if (outcome.type === 'done') this.#watch(machine)
      if (outcome.type !== 'refused') return
      await this.net.advance(RETRY_MS)
    }
  }

  async send(from: string, to: string, text: string): Promise<void> {
    const contact = this.#identityOf(to)
    const known = await this.attempt(from, async node => await node.direct(contact))
    if (known.type !== 'done' || this.isOver) return
    const send = this.chronicle.sending(from, to, text)
    const outcome = await this.attempt(from, async () => await known.value.send(text))
    if (outcome.type === 'refused') send.outcome = 'refused'
    if (outcome.type !== 'done') return
    send.outcome = 'accepted'
    if (send.id !== undefined && send.id !== outcome.value.message) {
      this.chronicle.broken('I2 no duplicate is shown', `"${text}" has two ids`)
    }
    send.id = outcome.value.message
  }

  /** A clock goes wrong. By days only once everybody has met: invites and key packages do expire. */
  async jump(name: string, byMs: number): Promise<void> {
    if (Math.abs(byMs) < EXPIRY_MS || (await this.#hasMet(name))) this.net.machine(name).jumpClock(byMs)
  }

  async #hasMet(name: string): Promise<boolean> {
    if ((this.#meeting.get(name) ?? 0) > 0) return false
    for (const { inviter, redeemer } of this.friends) {
      if (inviter !== name && redeemer !== name) continue
      for (const [at, of] of [
        [inviter, redeemer],
        [redeemer, inviter]
      ] as const) {
        const contact = await this.attempt(at, async node => await node.contacts.get(this.#identityOf(of)))
        if (contact.type !== 'done' || contact.value.state !== 'ready') return false
      }
    }
    return true
  }

  /** Messages cross, so that both sides have to answer; an hour later both do, at once, with new keys. */
  async collide(one: string, other: string, name: string): Promise<void> {
    const both = async (round: string): Promise<unknown> =>
      await Promise.all([
        this.send(one, other, `${name} ${round} of ${one} to ${other}`),
        this.send(other, one, `${name} ${round} of ${other} to ${one}`)
      ])
    await both('greeting')
    await this.net.advance(CROSSING_MS)
    for (const person of [one, other]) this.net.machine(person).jumpClock(AGED_MS)
    await both('answer')
  }

  /** What one wrote while offline was sealed on an epoch that the other has forgotten, days later by its clock. */
  async outdate(one: string, other: string, name: string): Promise<void> {
    await this.send(one, other, `${name} question of ${one} to ${other}`)
    await this.net.advance(CROSSING_MS)
    this.net.offline(one)
    await this.send(one, other, `${name} afterthought of ${one} to ${other}`)
    this.net.machine(other).jumpClock(AGED_MS)
    await this.send(other, one, `${name} answer of ${other} to ${one}`)
    this.net.machine(other).jumpClock(FORGOTTEN_MS)
    await this.net.advance(CROSSING_MS)
    this.net.online(one)
  }

  async read(name: string, of: string): Promise<void> {
    const reading = this.chronicle.reading(name, of)
    await this.attempt(name, async node => await (await node.direct(this.#identityOf(of))).markRead())
    // After a crash nobody can tell whether it was on disk: the claim may be made as long as the crash lasts.
    reading.done()
  }

  async quarrel(step: Extract<Step, { type: 'block' | 'forget' }>): Promise<void> {
    const of = this.#identityOf(step.of)
    const known = await this.attempt(step.node, async node => await node.contacts.get(of))
    if (known.type !== 'done') return
    this.chronicle.estrange(step.node, step.of)
    if (step.type === 'forget') {
      await this.attempt(step.node, async node => await node.contacts.forget(of))
      return
    }
    await this.attempt(step.node, async node => await node.contacts.block(of))
    await this.net.advance(step.forMs)
    await this.attempt(step.node, async node => await node.contacts.unblock(of))
  }

  /** Two people meet as people do: they try again until it works, and do not lose the link. */
  async befriend(one: string, other: string, reusable: boolean): Promise<void> {
    const meeting = [one, other]
    for (const name of meeting) this.#meeting.set(name, (this.#meeting.get(name) ?? 0) + 1)
    const isAdded = await this.#meet(one, other, reusable)
    if (isAdded) this.friends.push({ inviter: one, redeemer: other })
    for (const name of meeting) this.#meeting.set(name, this.#meeting.get(name)! - 1)
  }

  async #meet(one: string, other: string, reusable: boolean): Promise<boolean> {
    const link = await this.#insist(one, async node => (await node.contacts.invite({ reusable })).link)
    if (link === undefined) return false
    await this.net.advance(this.random.integer(2000))
    const inviter = this.#identityOf(one)
    const add = async (node: HearsayNode): Promise<boolean> => {
      const known = (await node.contacts.list()).some(({ id }) => id === inviter)
      if (!known) await node.contacts.add(link, { name: one, greeting: `${other} greets ${one}` })
      return true
    }
    // Whoever holds a link comes back to it when all is well again.
    return (await this.#insist(other, add, Number.POSITIVE_INFINITY)) === true
  }

  /** Asks until there is an answer: again after a crash, and again while the disk refuses. */
  async #insist<Value>(
    name: string,
    ask: (node: HearsayNode) => Promise<Value>,
    untilMs: number = CHAOS_MS
  ): Promise<Value | undefined> {
    while (!this.isOver && this.net.time.now < untilMs) {
      const outcome = await this.attempt(name, ask)
      if (outcome.type === 'done') return outcome.value
      if (outcome.type === 'refused' && !outcome.error.code.startsWith('STORE_')) return undefined
      await this.net.advance(RETRY_MS)
    }
    return undefined
  }

  async restart(name: string): Promise<void> {
    const machine = this.net.machine(name)
    if (machine.running === undefined) return
    const interrupts = this.#interruptsOf(name)
    await this.#unlessCrashed(name, machine.shutDown())
    for (const interrupt of interrupts) interrupt()
    interrupts.clear()
    await this.boot(name)
  }

  /** Writes down all that a node tells, from where its last process left off; accepts who asks. */
  #watch(machine: Machine): void {
    const node = machine.running
    if (node === undefined) return
    const since = this.chronicle.screen(machine.name).lastCursor
    const listen = async (): Promise<void> => {
      for await (const event of node.events({ since: since as HearsayEvent['cursor'] })) {
        if (machine.running !== node || this.isOver) return
        this.chronicle.told(machine.name, event)
        if (event.type === 'contact:requested') this.spawn(this.#accept(machine.name, event.request.id))
      }
    }
    listen().catch((cause: unknown) => this.#refusal(machine.name, cause))
  }

  async #accept(name: string, request: RequestId): Promise<void> {
    const accept = async (node: HearsayNode): Promise<boolean> => {
      const isOpen = (await node.contacts.requests()).some(({ id }) => id === request)
      if (isOpen) await node.contacts.accept(request)
      return isOpen
    }
    await this.#insist(name, accept, Number.POSITIVE_INFINITY)
  }

  /** Everything on the wire: for the attacker, for triggers, and for the watch on honesty and retries. */
  #overhear(observation: Observation): void {
    switch (observation.type) {
      case 'sent': {
        const from = observation.from.host
        const to = this.#hostOf(observation.peer)
        this.mallory.overhear(observation.from, observation.envelopes)
        if (to !== undefined) {
          this.chronicle.transmitted(from, to)
          for (const envelope of observation.envelopes) this.#count(`${from} to ${to}`, envelope)
        }
        this.#trip(from, 'transmit', 0)
        return
      }
      case 'published':
        for (const name of this.plan.nodes) this.chronicle.transmitted(observation.from.host, name)
        return
      case 'dialled': {
        const way = `${observation.from.host}>${this.#hostOf(observation.peer) ?? 'mallory'}`
        const moments = this.dials.get(way) ?? []
        this.dials.set(way, moments)
        moments.push(this.net.time.now)
        return
      }
      case 'told':
        this.#told(observation.to.host, observation.event)
        return
      case 'handler-failed':
        this.chronicle.broken(
          'I9 bad input changes nothing',
          `${observation.at.host}'s runtime failed at an event: ${describe(observation.cause)}`
        )
    }
  }

  /** A retry without back-off shows in how often one envelope is sent. */
  #count(way: string, envelope: Uint8Array): void {
    const key = `${way} ${Buffer.from(envelope.subarray(0, 30)).toString('latin1')}`
    const moments = (this.#copies.get(key) ?? []).filter(at => at > this.net.time.now - 60_000)
    this.#copies.set(key, [...moments, this.net.time.now])
    if (moments.length >= COPIES_PER_MINUTE_MAX) {
      this.chronicle.broken('I12 liveness', `${way}: one envelope ${moments.length + 1} times in a minute`)
    }
  }

  #told(name: string, event: NetworkEvent): void {
    if (event.type === 'received') {
      const from = this.#hostOf(event.peer)
      if (from !== undefined) this.chronicle.heard(name, from)
      this.#trip(name, 'receive', 8)
    }
    // Gossip does not say who it is from: it may be from anybody.
    if (event.type === 'gossiped') for (const from of this.plan.nodes) this.chronicle.heard(name, from)
  }

  /** Crashes a machine whose crash was set to happen at this. */
  #trip(name: string, when: 'write' | 'transmit' | 'receive', withinMs: number): void {
    const index = this.armed.findIndex(armed => armed.node === name && armed.when === when)
    if (index < 0) return
    const [armed] = this.armed.splice(index, 1)
    const delay = this.random.float() * withinMs
    this.net.time.after(delay, `${name} trips`, () => this.crash(name, armed!.downMs))
  }

  /** An error that Hearsay meant is a refusal; anything else is a bug. */
  #refusal<Value>(name: string, cause: unknown): Outcome<Value> {
    if (cause instanceof HearsayError && cause.code !== 'INTERNAL') return { type: 'refused', error: cause }
    if (!this.isOver) this.chronicle.broken('I9 bad input changes nothing', `${name}: ${describe(cause)}`)
    return { type: 'crashed' }
  }

  #identityOf(name: string): string {
    return this.chronicle.identityOf(name)
  }

  #hostOf(peer: string): string | undefined {
    return this.net.machines.find(({ peerId }) => peerId === peer)?.name
  }

  #interruptsOf(name: string): Set<() => void> {
    const found = this.#interrupts.get(name) ?? new Set()
    this.#interrupts.set(name, found)
    return found
  }
}
