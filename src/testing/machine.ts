/**
 * One simulated computer: a disk and a host that last, and a process on it that may die at any moment.
 *
 * Invariant: a process that has crashed is heard of no more. Its timers do not fire, its writes do not settle,
 * its network is silent; only what its disk had made durable is there at the next start.
 */
import type { HearsayNode } from '../api.ts'
import type { PeerId } from '../base/ids.ts'
import { cipherSuite } from '../crypto/mls/index.ts'
import type { CipherSuite } from '../crypto/mls/index.ts'
import { openLinkedNode } from '../link-node.ts'
import { openNode } from '../node.ts'
import type { RuntimeInit } from '../runtime.ts'
import { simulatedClock } from './clock.ts'
import type { SimulatedClock } from './clock.ts'
import { SimulatedDisk } from './disk.ts'
import type { DiskHealth } from './disk.ts'
import type { SimulatedInternet } from './internet.ts'
import type { SimulatedNetwork } from './network.ts'
import { peerIdFrom } from './peer-id.ts'
import type { SeededRandom } from './random.ts'
import type { VirtualTime } from './time.ts'

/** MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519 (RFC 9420 section 17.1): the fastest, since a test is no secret. */
const MLS_128_X25519 = 1

/** What a process is given, and what ends with it. */
interface Process {
  readonly clock: SimulatedClock
  network: SimulatedNetwork
  node: HearsayNode | undefined
}

/** A computer that one person's node runs on. */
export class Machine {
  readonly name: string
  readonly disk: SimulatedDisk
  readonly peerId: PeerId
  readonly #time: VirtualTime
  readonly #internet: SimulatedInternet
  readonly #random: SeededRandom
  /** Told when the node has met a bug of its own, which production would log. */
  onBug: ((cause: unknown) => void) | undefined
  readonly #suite: number
  readonly #wrapSuite: (owner: string, suite: CipherSuite) => CipherSuite
  readonly #openNode: typeof openNode
  #process: Process | undefined
  #boots = 0
  #skewMs: number

  constructor(init: {
    name: string
    time: VirtualTime
    internet: SimulatedInternet
    random: SeededRandom
    skewMs?: number
    disk?: Partial<DiskHealth>
    suite?: number
    wrapSuite?: (owner: string, suite: CipherSuite) => CipherSuite
    /** What starts the node; that of this package by default. */
    openNode?: typeof openNode
  }) {
    this.name = init.name
    this.#time = init.time
    this.#internet = init.internet
    this.#random = init.random
    this.#skewMs = init.skewMs ?? 0
    this.#suite = init.suite ?? MLS_128_X25519
    this.#wrapSuite = init.wrapSuite ?? ((_, suite) => suite)
    this.#openNode = init.openNode ?? openNode
    this.peerId = peerIdFrom(init.random.fork('peer').bytes)
    this.disk = new SimulatedDisk({
      time: init.time,
      random: init.random.fork('disk'),
      name: init.name,
      ...(init.disk === undefined ? {} : { health: init.disk })
    })
  }

  /** The node, while it runs. */
  get running(): HearsayNode | undefined {
    return this.#process?.node
  }

  /** Whether a process runs, though it may still be starting. */
  get isOn(): boolean {
    return this.#process !== undefined
  }

  /** The running process's access to the network. */
  get network(): SimulatedNetwork | undefined {
    return this.#process?.network
  }

  /** How many times this machine has been started. */
  get boots(): number {
    return this.#boots
  }

  /** Starts a process; resolves with its node. Never settles when the machine crashes first. */
  boot(): Promise<HearsayNode> {
    return this.#start(this.#openNode)
  }

  /** Starts a process that waits to be linked; resolves with its node once it is. `onLink` is told the link. */
  link(onLink: (link: string) => void): Promise<HearsayNode> {
    return this.#start(init => openLinkedNode({ ...init, onLink }))
  }

  async #start(open: (init: RuntimeInit) => Promise<HearsayNode>): Promise<HearsayNode> {
    if (this.#process !== undefined) throw new Error(`${this.name} is already on`)
    const boot = ++this.#boots
    this.#time.note(`${this.name} boots`)
    const own = this.#random.fork(`boot ${boot}`)
    const process: Process = {
      clock: simulatedClock(this.#time, this.name, this.#skewMs),
      network: this.#internet.attach(this.name, this.peerId),
      node: undefined
    }
    this.#process = process
    try {
      const node = await open({
        store: this.disk.open(),
        clock: process.clock,
        random: own.bytes,
        suite: this.#wrapSuite(this.name, cipherSuite(this.#suite, { random: own.bytes })),
        network: async () => {
          // A machine that was linked starts its network a second time.
          if (process.network.ended) process.network = this.#internet.attach(this.name, this.peerId)
          return process.network
        },
        create: 'if-missing',
        name: this.name,
        onBug: cause => this.onBug?.(cause)
      })
      process.node = node
      return node
    } catch (cause) {
      if (this.#process === process) this.crash()
      throw cause
    }
  }

  /** The machine loses power in this moment. */
  crash(): void {
    if (this.#process === undefined) return
    this.#time.note(`${this.name} crashes`)
    this.#process.clock.halt()
    this.#process.network.crash()
    this.disk.crash()
    this.#process = undefined
  }

  /** Stops the node in an orderly way. */
  async shutDown(): Promise<void> {
    const process = this.#process
    if (process === undefined) return
    await process.node?.stop()
    process.clock.halt()
    if (this.#process === process) this.#process = undefined
  }

  /** How wrong the wall clock is. */
  get skewMs(): number {
    return this.#skewMs
  }

  /** Moves the wall clock, now and for later processes. */
  jumpClock(ms: number): void {
    this.#skewMs += ms
    this.#process?.clock.jump(ms)
  }
}
