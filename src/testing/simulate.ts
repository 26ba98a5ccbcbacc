/**
 * `simulate`: a network of real nodes over simulated clocks, disks and wires.
 *
 * The nodes are what `createNode` makes, with their real cryptography; only the four ports beneath them are
 * models. Invariant: the same options give the same run, down to every byte on the wire; `trace` proves it.
 */
import type { Contact, HearsayNode } from '../api.ts'
import type { openNode } from '../node.ts'
import { Machine } from './machine.ts'
import { SimulatedInternet } from './internet.ts'
import { seededRandom } from './random.ts'
import { VirtualTime } from './time.ts'
import type { NodeReference, TestNetwork } from './test-network.ts'
import { validatePresenceRecord } from '../core/seal/presence-record.ts'
import type { CipherSuite } from '../crypto/mls/index.ts'
import type { Weather } from './weather.ts'

const SETTLE_WITHIN_MS = 30 * 60_000
/** How often `settle` looks. */
const SETTLE_LOOK_MS = 50

/** The people of every story; beyond them nodes are numbered. */
const PEOPLE = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi', 'ivan', 'judy'] as const

/** What to simulate. Everything but the number of nodes has a default: a fine day. */
export interface SimulateInit extends Partial<Weather> {
  /** How many nodes, or their names. */
  readonly nodes: number | readonly string[]
  /** Machines that stay off until somebody switches them on: `machine(name).boot()`, or `link` for a new device. */
  readonly off?: readonly string[]
  /** Everything random comes from it; 1 by default. */
  readonly seed?: number
  /** Nodes find each other by mDNS, as on one LAN; false by default. */
  readonly mdns?: boolean
  /** Clocks are wrong by up to so much either way, or by so much for each name; 0 by default. */
  readonly skewMs?: number | Readonly<Record<string, number>>
  /** How likely a write fails with an I/O error; 0 by default. */
  readonly diskErrors?: number
  /** Which MLS cipher suite conversations have; 1 (X25519) by default, because it is fast. */
  readonly suite?: number
  /** Puts something between each node, by name, and its cipher suite: to watch how keys are used. */
  readonly wrapSuite?: (owner: string, suite: CipherSuite) => CipherSuite
  /** By name: what starts somebody's node, where that is not this package: for members in bad faith. */
  readonly openNode?: Readonly<Record<string, typeof openNode>>
  /** Called with every event as it runs. */
  readonly transcript?: (atMs: number, label: string) => void
}

/** A test network in virtual time. */
export interface SimulatedTestNetwork extends TestNetwork {
  readonly time: VirtualTime
  readonly internet: SimulatedInternet
  readonly machines: readonly Machine[]
  /** A fingerprint of everything that has happened: equal for equal runs. */
  readonly trace: string
  /** The machine of a person or a node, running or not. Throws a RangeError where there is none. */
  machine(node: NodeReference): Machine
  /** Lets virtual time pass. Takes as long as what happens in it. */
  advance(ms: number): Promise<void>
  /** Resolves once the condition holds, which is asked between events. */
  until(condition: () => boolean): Promise<void>
}

/** Starts a simulated network. Time runs by itself until it is disposed of. */
export async function simulate(init: SimulateInit): Promise<SimulatedTestNetwork> {
  const network = new Simulation(init)
  try {
    const on = network.machines.filter(({ name }) => init.off?.includes(name) !== true)
    await Promise.all(on.map(machine => machine.boot()))
  } catch (cause) {
    await network[Symbol.asyncDispose]()
    throw cause
  }
  return network
}

/** The names of that many people. */
export function peopleOf(nodes: number | readonly string[]): readonly string[] {
  if (typeof nodes !== 'number') return nodes
  return Array.from({ length: nodes }, (_, index) => PEOPLE[index] ?? `node${index + 1}`)
}

class Simulation implements SimulatedTestNetwork {
  readonly seed: number
  readonly time = new VirtualTime()
  readonly internet: SimulatedInternet
  readonly machines: readonly Machine[]

  constructor(init: SimulateInit) {
    this.seed = init.seed ?? 1
    const random = seededRandom(this.seed)
    this.time.observe = init.transcript
    this.internet = new SimulatedInternet({
      time: this.time,
      random,
      validateRecord: validatePresenceRecord,
      weather: weatherOf(init),
      mdns: init.mdns ?? false
    })
    const skew = init.skewMs ?? 0
    this.machines = peopleOf(init.nodes).map(name => {
      const own = random.fork(name)
      return new Machine({
        name,
        time: this.time,
        internet: this.internet,
        random: own,
        skewMs: typeof skew === 'number' ? own.fork('skew').between(-skew, skew) : (skew[name] ?? 0),
        disk: { failure: init.diskErrors ?? 0 },
        ...(init.suite === undefined ? {} : { suite: init.suite }),
        ...(init.openNode?.[name] === undefined ? {} : { openNode: init.openNode[name] }),
        ...(init.wrapSuite === undefined ? {} : { wrapSuite: init.wrapSuite })
      })
    })
    this.time.start()
  }

  get nodes(): readonly HearsayNode[] {
    return this.machines.flatMap(machine => machine.running ?? [])
  }

  get trace(): string {
    return this.time.trace
  }

  machine(node: NodeReference): Machine {
    const found = this.machines.find(({ name, running }) => name === node || running === node)
    if (found === undefined) {
      throw new RangeError(
        typeof node === 'string' ? `nobody here is called ${node}` : 'this node is not running here any more'
      )
    }
    return found
  }

  node(name: string): HearsayNode {
    const { running } = this.machine(name)
    if (running === undefined) throw new RangeError(`${name} is not running`)
    return running
  }

  async contacts(): Promise<void> {
    for (const [index, one] of this.machines.entries()) {
      for (const other of this.machines.slice(index + 1)) {
        const inviter = this.node(one.name)
        const redeemer = this.node(other.name)
        const { link } = await inviter.contacts.invite()
        await redeemer.contacts.add(link, { name: one.name })
        await redeemer.contacts.ready(one.name)
        await this.#nameAtInviter(inviter, redeemer, other.name)
      }
    }
  }

  async contact(at: NodeReference, of: NodeReference): Promise<Contact> {
    const target = this.machine(of)
    const { identity } = this.node(target.name)
    return await this.node(this.machine(at).name).contacts.get(identity.id)
  }

  offline(node: NodeReference): void {
    this.internet.setOnline(this.machine(node).name, false)
  }

  online(node: NodeReference): void {
    this.internet.setOnline(this.machine(node).name, true)
  }

  partition(
    one: readonly NodeReference[],
    other?: readonly NodeReference[],
    options: { oneWay?: boolean } = {}
  ): void {
    const names = one.map(node => this.machine(node).name)
    const others =
      other?.map(node => this.machine(node).name) ??
      this.machines.map(({ name }) => name).filter(name => !names.includes(name))
    this.internet.reachability.cut(names, others, options)
  }

  heal(): void {
    this.internet.reachability.heal()
  }

  crash(node: NodeReference): void {
    this.machine(node).crash()
  }

  async restart(node: NodeReference): Promise<HearsayNode> {
    const machine = this.machine(node)
    if (machine.running !== undefined) await machine.shutDown()
    return await machine.boot()
  }

  async settle(options: { withinMs?: number } = {}): Promise<void> {
    const within = options.withinMs ?? SETTLE_WITHIN_MS
    const deadline = this.time.now + within
    while (this.nodes.some(node => node.status().outbox.messages > 0)) {
      if (this.time.now >= deadline) {
        throw new Error(`seed=${this.seed}: messages still wait after ${within} ms of virtual time`)
      }
      await this.advance(SETTLE_LOOK_MS)
    }
  }

  async advance(ms: number): Promise<void> {
    await this.time.advance(ms)
  }

  async until(condition: () => boolean): Promise<void> {
    await this.time.until(condition)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.machines.map(machine => machine.shutDown()))
    this.time.stop()
  }

  /** Whoever made the invite learns of the contact by its own name; here it is called what everybody calls it. */
  async #nameAtInviter(inviter: HearsayNode, redeemer: HearsayNode, name: string): Promise<void> {
    const contact = await inviter.contacts.ready(redeemer.identity.id)
    if (contact.name !== name) await inviter.contacts.rename(contact, name)
  }
}

function weatherOf(init: SimulateInit): Partial<Weather> {
  const { minDelayMs, maxDelayMs, tail, loss, duplicate, reset } = init
  return Object.fromEntries(
    Object.entries({ minDelayMs, maxDelayMs, tail, loss, duplicate, reset }).filter(
      ([, value]) => value !== undefined
    )
  )
}
