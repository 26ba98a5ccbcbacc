/**
 * The machines of one run and the people in front of them: asking a node for something that may crash meanwhile,
 * power cuts, restarts, and everything on the wire.
 */
import { HearsayError } from 'hearsay'
import type { HearsayNode } from 'hearsay'
import type { Machine, NetworkEvent, Observation, SeededRandom, SimulatedTestNetwork } from 'hearsay/testing'
import type { Invariant } from './chronicle.ts'
import type { KeyWatch } from './key-watch.ts'
import { describe } from './outcome.ts'
import type { Outcome } from './outcome.ts'
import { COPIES_PER_MINUTE_MAX } from './promises.ts'

const RETRY_MS = 400
/** Of an envelope so much tells it from all others: its header, nonce included. */
const HEADER_BYTES = 30

/** A moment at which a machine may be set to crash. */
export type Trigger = 'write' | 'transmit' | 'receive'

/** What every run has, whatever people do in it. */
export abstract class Crew {
  readonly net: SimulatedTestNetwork
  readonly keys: KeyWatch
  readonly random: SeededRandom
  /** How many machines have lost power so far. */
  crashes = 0
  /** How many things that people do are under way. */
  busy = 0
  /** Nothing that happens from now on counts. */
  isOver = false
  /** Crashes that wait for their moment. */
  readonly armed: Array<{ node: string; when: Trigger; downMs: number }> = []
  /** By name: what waits for an answer from the process that runs now. */
  readonly #interrupts = new Map<string, Set<() => void>>()
  /** By way and envelope: when it was sent in the last minute. */
  readonly #copies = new Map<string, number[]>()

  constructor(net: SimulatedTestNetwork, keys: KeyWatch, random: SeededRandom) {
    this.net = net
    this.keys = keys
    this.random = random
    keys.onReuse = owner => this.broken('I6 confidentiality', `${owner} sealed two texts with one key`)
    net.internet.observer = observation => this.#overhear(observation)
  }

  /** Writes down that a promise was broken. */
  abstract broken(invariant: Invariant, what: string): void

  /** Whether a promise was broken. */
  abstract get isBroken(): boolean

  /** A machine has started: begins to write down what its node tells. */
  protected abstract watch(machine: Machine): void

  /** Something was on the wire. */
  protected abstract overheard(observation: Observation): void

  /** Readies the machines for what is to come. */
  protected attend(machine: Machine, fsyncMaxMs: number): void {
    machine.disk.health.fsyncMaxMs = fsyncMaxMs
    machine.onBug = cause => this.bug(machine.name, cause)
    machine.disk.onRefuse = () => this.keys.refused(machine.name)
    this.watch(machine)
  }

  /** A node has asked its disk to write: what to call if that survives. */
  protected wrote(name: string): () => void {
    this.trip(name, 'write', 5)
    return this.keys.wrote(name)
  }

  /** Lets something go on by itself; whatever goes wrong in it is on record, unless the run is over. */
  spawn(task: Promise<unknown>): void {
    this.busy++
    const end = (): void => {
      this.busy--
    }
    task.then(end, (cause: unknown) => {
      end()
      if (!this.isOver) this.broken('I9 bad input changes nothing', describe(cause))
    })
  }

  /** A node has met a bug of its own. A disk that refuses is none. */
  bug(name: string, cause: unknown): void {
    if (this.isOver || (cause instanceof HearsayError && cause.code.startsWith('STORE_'))) return
    this.broken('I9 bad input changes nothing', `${name} met a bug: ${describe(cause)}`)
  }

  /** Asks a person's node for something. A machine that is down, or crashes meanwhile, gives no answer. */
  async attempt<Value>(name: string, ask: (node: HearsayNode) => Promise<Value>): Promise<Outcome<Value>> {
    const node = this.net.machine(name).running
    return node === undefined ? { type: 'crashed' } : await this.#unlessCrashed(name, ask(node))
  }

  /** Asks until there is an answer: again after a crash, and again while the disk refuses. */
  async insist<Value>(
    name: string,
    ask: (node: HearsayNode) => Promise<Value>,
    untilMs: number = Number.POSITIVE_INFINITY
  ): Promise<Value | undefined> {
    while (!this.isOver && this.net.time.now < untilMs) {
      const outcome = await this.attempt(name, ask)
      if (outcome.type === 'done') return outcome.value
      if (outcome.type === 'refused' && !outcome.error.code.startsWith('STORE_')) return undefined
      await this.net.advance(RETRY_MS)
    }
    return undefined
  }

  /** Power fails, and comes back after a while. */
  crash(name: string, downMs: number): void {
    const machine = this.net.machine(name)
    if (!machine.isOn || this.isOver) return
    this.crashes++
    machine.crash()
    this.#interrupt(name)
    this.net.time.after(downMs, `${name} power`, () => this.spawn(this.boot(name)))
  }

  /** Starts a machine, and again while the disk refuses it; a crash meanwhile starts it by itself. */
  async boot(name: string): Promise<void> {
    const machine = this.net.machine(name)
    while (!machine.isOn && !this.isOver) {
      const outcome = await this.#unlessCrashed(name, machine.boot())
      if (outcome.type === 'done') this.watch(machine)
      if (outcome.type !== 'refused') return
      await this.net.advance(RETRY_MS)
    }
  }

  /** Stops a node in an orderly way and starts it again. */
  async restart(name: string): Promise<void> {
    const machine = this.net.machine(name)
    if (machine.running === undefined) return
    await this.#unlessCrashed(name, machine.shutDown())
    this.#interrupt(name)
    await this.boot(name)
  }

  /** Crashes a machine whose crash was set to happen at this. */
  protected trip(name: string, when: Trigger, withinMs: number): void {
    const index = this.armed.findIndex(armed => armed.node === name && armed.when === when)
    if (index < 0) return
    const [armed] = this.armed.splice(index, 1)
    const delay = this.random.float() * withinMs
    this.net.time.after(delay, `${name} trips`, () => this.crash(name, armed!.downMs))
  }

  /** An error that Hearsay meant is a refusal; anything else is a bug. */
  protected refusal<Value>(name: string, cause: unknown): Outcome<Value> {
    if (cause instanceof HearsayError && cause.code !== 'INTERNAL') return { type: 'refused', error: cause }
    if (!this.isOver) this.broken('I9 bad input changes nothing', `${name}: ${describe(cause)}`)
    return { type: 'crashed' }
  }

  /** Whose machine has this peer id. */
  protected hostOf(peer: string): string | undefined {
    return this.net.machines.find(({ peerId }) => peerId === peer)?.name
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
        (cause: unknown) => settle(this.refusal(name, cause))
      )
    })
  }

  #interrupt(name: string): void {
    const interrupts = this.#interruptsOf(name)
    for (const interrupt of interrupts) interrupt()
    interrupts.clear()
  }

  #interruptsOf(name: string): Set<() => void> {
    const found = this.#interrupts.get(name) ?? new Set()
    this.#interrupts.set(name, found)
    return found
  }

  #overhear(observation: Observation): void {
    this.overheard(observation)
    switch (observation.type) {
      case 'sent': {
        const { host } = observation.from
        const to = this.hostOf(observation.peer)
        if (to !== undefined)
          for (const envelope of observation.envelopes) this.#count(`${host} to ${to}`, envelope)
        this.trip(host, 'transmit', 0)
        return
      }
      case 'told':
        this.#told(observation.to.host, observation.event)
        return
      case 'handler-failed':
        this.broken(
          'I9 bad input changes nothing',
          `${observation.at.host}'s runtime failed at an event: ${describe(observation.cause)}`
        )
        return
      case 'published':
      case 'dialled':
    }
  }

  #told(name: string, event: NetworkEvent): void {
    if (event.type === 'received' && this.hostOf(event.peer) !== undefined) this.trip(name, 'receive', 8)
  }

  /** A retry without back-off shows in how often one envelope is sent. */
  #count(way: string, envelope: Uint8Array): void {
    const key = `${way} ${Buffer.from(envelope.subarray(0, HEADER_BYTES)).toString('latin1')}`
    const moments = (this.#copies.get(key) ?? []).filter(at => at > this.net.time.now - 60_000)
    this.#copies.set(key, [...moments, this.net.time.now])
    if (moments.length >= COPIES_PER_MINUTE_MAX) {
      this.broken('I12 liveness', `${way}: one envelope ${moments.length + 1} times in a minute`)
    }
  }
}
