/**
 * The runtime: the one loop of a node. Inputs and commands are stepped through the core in batches; what a
 * batch changed is committed in one transaction; only then do its effects leave and its promises settle.
 *
 * Always true: persist before you send, store before you acknowledge. Where a commit fails, the core is built
 * anew from what the store has, so that memory is never ahead of the disk.
 */
import { HearsayError } from './base/errors.ts'
import type { Cursor, PeerId } from './base/ids.ts'
import { limits } from './base/limits.ts'

import type { Random } from './base/random.ts'
import { Core, RESTORED } from './core/core.ts'
import type { Input } from './core/core.ts'
import type { Records, StoredRecord } from './core/restore.ts'
import { decodeSelf } from './core/records/self.ts'
import { own, SELF, SELF_KEY } from './core/self.ts'
import type { Own } from './core/self.ts'
import { Turn } from './core/turn.ts'
import type { Outcome } from './core/turn.ts'
import type { CipherSuite } from './crypto/mls/index.ts'
import { EventLog } from './event-log.ts'
import { Errands } from './errands.ts'
import { readSelf } from './home-owner.ts'
import { isFull, Jobs } from './jobs.ts'
import type { Batch, Job } from './jobs.ts'
import type { Clock } from './ports/clock.ts'
import type { Network, NetworkEvent } from './ports/network.ts'
import type { Store } from './ports/store.ts'

/** The ports and choices that a node is made of. */
export interface RuntimeInit {
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly suite: CipherSuite
  /** Makes the network once it is known who we are; undefined for a node that stays offline. */
  readonly network: ((own: Own) => Promise<Network>) | undefined
  readonly create: 'if-missing' | 'must-be-new' | 'never'
  readonly name?: string | undefined
  readonly phrase?: string | undefined
  /** Whether the identity is made for the moment, by a machine that waits to be linked. */
  readonly provisional?: boolean | undefined
  /** Told of bugs: failures that are nobody's input. */
  readonly onBug: (error: unknown) => void
}

export class Runtime {
  readonly #init: RuntimeInit
  #own: Own
  readonly events: EventLog
  #core: Core
  readonly #network: Network | undefined
  readonly #errands: Errands
  readonly #jobs: Jobs
  #working: Promise<void> | undefined
  /** Batches that were stepped and are not on disk. */
  #uncommitted = 0
  /** The commit that is under way. */
  #writing: Promise<void> | undefined
  /** Why the last commit failed, until what was stepped after it is discarded. */
  #refused: HearsayError | undefined
  #cancelWake: (() => void) | undefined
  readonly #open = new Set<PeerId>()
  /** The network says so once; a core that is built anew has to hear it again. */
  #dhtReady = false
  /** Ends the rest after a failed commit before its time; undefined while the node does not rest. */
  #resting: (() => void) | undefined
  #restMs: number = limits.restFirstMs
  #stopping: Promise<void> | undefined

  private constructor(
    init: RuntimeInit,
    self: Own,
    core: Core,
    events: EventLog,
    network: Network | undefined
  ) {
    this.#init = init
    this.#own = self
    this.#core = core
    this.events = events
    this.#network = network
    const feed = (input: Input): Promise<void> => this.feed(input)
    this.#jobs = new Jobs({ clock: init.clock, feed })
    this.#errands = new Errands({
      network,
      store: init.store,
      clock: init.clock,
      feed,
      notice: input => this.#notice(input)
    })
  }

  /** Reads the store, or makes a new identity in it. Throws NOT_INITIALISED, ALREADY_INITIALISED, INVALID_PHRASE. */
  static async open(init: RuntimeInit): Promise<Runtime> {
    const self = await readSelf(init)
    const last = await EventLog.lastCursor(init.store)
    const events = new EventLog(init.store, last)
    const restored = await buildCore(init, self, last)
    const runtime = new Runtime(init, self, restored, events, await init.network?.(self))
    try {
      await runtime.#startNetwork()
      await runtime.execute(core => core.step({ type: 'tick' }))
    } catch (error) {
      await runtime.stop()
      throw error
    }
    return runtime
  }

  /** Who we are, as the last commit has it. */
  get own(): Own {
    return this.#own
  }

  get network(): Network | undefined {
    return this.#network
  }

  /** Runs a command. Settles once what it changed is on disk. */
  execute<T>(command: (core: Core) => T): Promise<T> {
    return this.#enqueue('command', command)
  }

  #enqueue<T>(kind: 'command' | 'input', run: (core: Core) => T): Promise<T> {
    if (this.#stopping !== undefined) return Promise.reject(new HearsayError('NODE_STOPPED'))
    const done = this.#jobs.add(kind, run)
    this.#working ??= this.#work()
    return done
  }

  /** Whether a batch was stepped that is not on disk yet: what `peek` shows is ahead of it. */
  get committing(): boolean {
    return this.#uncommitted > 0
  }

  /** Looks at the present state, at once. */
  peek<T>(question: (core: Core) => T): T {
    this.#setTime()
    return question(this.#core)
  }

  /**
   * Steps an input. Settles once it is taken in and on disk; never rejects for what the input did. While the
   * node rests it hears nothing of the network.
   */
  feed(input: Input): Promise<void> {
    // A dial that a command has led to is answered also then, or its peer would never be dialled again.
    if (this.#resting !== undefined && input.type !== 'closed') {
      if (input.type === 'opened') this.#network?.hangUp(input.peer)
      return Promise.resolve()
    }
    return this.#enqueue('input', core => core.step(input)).catch((error: unknown) => {
      if (!(error instanceof HearsayError)) this.#init.onBug(error)
    })
  }

  #notice(input: Input): void {
    if (this.#resting === undefined && this.#stopping === undefined) this.#jobs.notice(input)
  }

  /** Lets what is under way be committed, then stops everything. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#shutDown()
    return this.#stopping
  }

  async #shutDown(): Promise<void> {
    this.#cancelWake?.()
    this.#jobs.dropNotices()
    this.#resting?.()
    await this.#working
    await this.#errands.settled()
    this.#errands.stop()
    await this.#network?.stop()
    this.events.end()
    await this.#init.store.close()
  }

  async #startNetwork(): Promise<void> {
    const network = this.#network
    if (network === undefined) return
    await network.start(event => this.#heard(event))
    await this.feed({ type: 'moved', peer: network.peerId, addresses: network.addresses() })
  }

  async #heard(event: NetworkEvent): Promise<void> {
    switch (event.type) {
      case 'opened':
        this.#open.add(event.peer)
        break
      case 'closed':
        this.#open.delete(event.peer)
        break
      case 'dht-ready':
        this.#dhtReady = true
        break
      case 'moved':
        return this.feed({
          type: 'moved',
          peer: this.#network!.peerId,
          addresses: event.addresses
        })
      default:
    }
    return this.feed(event)
  }

  /**
   * Steps whatever comes into one batch while the batch before it is on its way to the disk; then it is its
   * turn. So the disk and the ciphers work at the same time, and what comes together is committed together.
   */
  async #work(): Promise<void> {
    // The commands that come with this one, in the same turn of the event loop, share its transaction.
    await Promise.resolve()
    let open: Batch | undefined
    for (;;) {
      if (this.#refused !== undefined) {
        this.#discard(open, this.#refused)
        open = undefined
        this.#refused = undefined
      }
      open = this.#step(open)
      if (this.#writing !== undefined) {
        await (open !== undefined && isFull(open)
          ? this.#writing
          : Promise.race([this.#writing, this.#jobs.arrival()]))
      } else if (open !== undefined) {
        this.#writing = this.#commit(open).then(() => {
          this.#writing = undefined
        })
        open = undefined
      } else break
    }
    this.#working = undefined
    this.#wakeLater()
  }

  /** Runs what waits through the core, as far as a batch goes. What it changes is in memory only. */
  #step(open: Batch | undefined): Batch | undefined {
    if (this.#jobs.isEmpty) return open
    this.#jobs.takeNotices()
    const batch = open ?? { jobs: [], settle: [], bug: undefined }
    if (open === undefined) this.#uncommitted += 1
    while (!isFull(batch)) {
      const job = this.#jobs.next(batch)
      if (job === undefined) break
      batch.jobs.push(job)
      try {
        batch.settle.push(this.#run(job))
      } catch (error) {
        batch.bug = { error }
      }
    }
    return batch
  }

  /** Commits a batch and carries out what it led to; where that fails, tells why and begins anew. */
  async #commit({ jobs, settle, bug }: Batch): Promise<void> {
    let outcome: Outcome
    try {
      if (bug !== undefined) throw bug.error
      outcome = this.#core.take()
      if (outcome.changes.length > 0) await this.#init.store.write(outcome.changes)
    } catch (error) {
      // What a codec refuses here we made ourselves: that is no more our caller's fault than any other bug.
      const isRefused = error instanceof HearsayError && error.code !== 'MALFORMED'
      if (!isRefused) this.#init.onBug(error)
      const reason = isRefused ? error : new HearsayError('INTERNAL', { cause: error })
      await this.#rebuild()
      this.#uncommitted -= 1
      for (const job of jobs) job.reject(reason)
      this.#rest()
      this.#refused = reason
      return
    }
    this.#uncommitted -= 1
    if (outcome.changes.length > 0) this.#recovered()
    this.events.append(outcome.events)
    this.#errands.run(outcome.effects)
    for (const each of settle) each()
  }

  /** A batch that was stepped by a core that is gone: nothing of it ever happened. */
  #discard(batch: Batch | undefined, reason: HearsayError): void {
    if (batch === undefined) return
    this.#uncommitted -= 1
    for (const job of batch.jobs) job.reject(reason)
  }

  /** Runs one job; what it returns or throws on purpose is told after the commit. A bug ends the batch. */
  #run({ run, resolve, reject }: Job): () => void {
    this.#setTime()
    try {
      const value = run(this.#core)
      return () => resolve(value as never)
    } catch (error) {
      if (!(error instanceof HearsayError)) throw error
      return () => reject(error)
    }
  }

  /** Goes back to what the store has. Streams are closed: both ends begin again from their reports. */
  async #rebuild(): Promise<void> {
    for (const peer of this.#open) this.#network?.hangUp(peer)
    try {
      // Our device list and secrets may have moved with what was not written.
      const record = await this.#init.store.get(SELF, SELF_KEY)
      if (record !== undefined) this.#own = own(decodeSelf(record))
      this.#core = await buildCore(this.#init, this.#own, this.events.last)
    } catch (error) {
      // The store cannot be read either: the next command will find out, this one has its reason already.
      this.#init.onBug(error)
    }
  }

  /**
   * After a commit that failed: no network for a while, and longer each time, since a disk that is full now is
   * full in a moment, and reading everything anew for every envelope would help nobody. Commands are tried.
   */
  #rest(): void {
    this.#resting?.()
    if (this.#stopping !== undefined) return
    const cancel = this.#init.clock.after(this.#restMs, () => this.#resume())
    this.#restMs = Math.min(this.#restMs * 2, limits.restMaxMs)
    this.#resting = () => {
      cancel()
      this.#resting = undefined
    }
  }

  /** A commit went through: the disk is well. */
  #recovered(): void {
    this.#restMs = limits.restFirstMs
    if (this.#resting !== undefined) this.#resume()
  }

  /** Takes part in the network again, from what the store has. */
  #resume(): void {
    this.#resting?.()
    const network = this.#network
    if (network === undefined || this.#stopping !== undefined) return
    void this.feed({ type: 'moved', peer: network.peerId, addresses: network.addresses() })
    if (this.#dhtReady) void this.feed({ type: 'dht-ready' })
    void this.feed({ type: 'tick' })
  }

  #setTime(): void {
    const { clock } = this.#init
    this.#core.at(clock.now(), clock.uptime())
  }

  #wakeLater(): void {
    this.#cancelWake?.()
    this.#cancelWake = undefined
    const dueAt = this.#core.dueAt()
    if (dueAt === undefined || this.#network === undefined || this.#stopping !== undefined) return
    if (this.#resting !== undefined) return
    const delayMs = Math.max(limits.wakeMinMs, dueAt - this.#init.clock.uptime())
    this.#cancelWake = this.#init.clock.after(delayMs, () => void this.feed({ type: 'tick' }))
  }
}

async function buildCore(init: RuntimeInit, self: Own, cursor: Cursor): Promise<Core> {
  const read = await Promise.all(
    RESTORED.map(async (collection): Promise<[string, readonly StoredRecord[]]> => [
      collection,
      await init.store.range(collection)
    ])
  )
  const turn = new Turn({ now: init.clock.now(), uptime: init.clock.uptime(), cursor })
  const records: Records = Object.fromEntries(read)
  const { random, suite } = init
  return new Core({ own: self, turn, random, suite, records })
}
