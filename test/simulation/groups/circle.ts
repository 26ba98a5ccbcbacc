/**
 * The people of one group and their machines: what they do, and do again when a machine failed them, with
 * everything written down in the chronicle and everything on the wire and the disks kept for the spy.
 */
import type { ConversationId, Group, HearsayEvent, HearsayNode, RequestId } from 'hearsay'
import { seededRandom } from 'hearsay/testing'
import type { Machine, Observation, SimulatedTestNetwork } from 'hearsay/testing'
import type { Invariant } from '../chronicle.ts'
import { Crew } from '../crew.ts'
import type { Outcome } from '../outcome.ts'
import type { KeyWatch } from '../key-watch.ts'
import { GroupChronicle } from './chronicle.ts'
import type { GroupPlan, GroupStep } from './plan.ts'
import { Spy } from './spy.ts'

const LOOK_MS = 100
const FOUNDED_WITHIN_MS = 120_000

/** One run of a group under way. */
export class Circle extends Crew {
  readonly plan: GroupPlan
  readonly chronicle: GroupChronicle
  readonly spy: Spy
  /** How many changes of the roster were accepted. */
  changes = 0
  /** How much time has passed for everybody besides that of the run. */
  agedMs = 0
  #group: ConversationId | undefined
  #mayDecline = false

  constructor(plan: GroupPlan, net: SimulatedTestNetwork, keys: KeyWatch) {
    super(net, keys, seededRandom(plan.seed, 'group run'))
    this.plan = plan
    this.chronicle = new GroupChronicle({
      now: () => net.time.now,
      isHostile: name => this.isHostile(name),
      isOnDisk: (name, text) => net.machine(name).disk.holds(Buffer.from(text))
    })
    this.spy = new Spy(new Set(plan.nodes.filter(name => this.isHostile(name))))
  }

  get isBroken(): boolean {
    return this.chronicle.violations.length > 0
  }

  broken(invariant: Invariant, what: string): void {
    this.chronicle.broken(invariant, what)
  }

  /** Who was ever asked out, and whose each device is. */
  readonly asked = {
    everOut: (name: string): boolean => this.#everOut.has(name),
    isHostile: (name: string | undefined): boolean => name !== undefined && this.isHostile(name),
    deviceOwners: (device: string): string | undefined => this.#owners.get(device)
  }
  readonly #everOut = new Set<string>()
  readonly #owners = new Map<string, string>()

  isHostile(name: string): boolean {
    return name === this.plan.hostile?.name
  }

  /** Who keeps the rules. */
  get honest(): readonly string[] {
    return this.plan.nodes.filter(name => !this.isHostile(name))
  }

  /** The group that the run is about. */
  get group(): ConversationId {
    return this.#group!
  }

  /** A fine day: everybody meets the founder, some meet each other, and the first members come in. */
  async begin(): Promise<void> {
    const { nodes, founding, admins, acquainted, fsyncMaxMs } = this.plan
    const founder = founding[0]!
    for (const machine of this.net.machines) {
      this.chronicle.named(this.net.node(machine.name).identity.id, machine.name)
      machine.disk.onWrite = changes => {
        const survived = this.wrote(machine.name)
        // What the disk refuses was never there.
        return () => {
          this.spy.wrote(machine.name, changes)
          survived()
        }
      }
      this.attend(machine, fsyncMaxMs)
    }
    const pairs = [
      ...nodes.filter(name => name !== founder).map(name => [founder, name] as const),
      ...acquainted
    ]
    for (const pair of pairs) await this.#meet(...pair)
    const members = founding.slice(1).map(name => this.chronicle.identityOf(name))
    const group = await this.net.node(founder).groups.create('climbers', { members })
    this.#group = group.id
    await this.#allJoined(founding)
    await this.#learnDevices()
    for (const name of admins)
      await this.net.node(founder).groups.setRole(group.id, this.chronicle.identityOf(name), 'admin')
    this.#mayDecline = true
  }

  async #learnDevices(): Promise<void> {
    for (const { id, devices } of (await this.view(this.plan.founding[0]!))?.members ?? [])
      for (const device of devices) this.#owners.set(device, this.nameOf(id))
  }

  async #meet(one: string, other: string): Promise<void> {
    const { link } = await this.net.node(one).contacts.invite()
    await this.net.node(other).contacts.add(link, { name: one })
    await this.net.node(other).contacts.ready(this.chronicle.identityOf(one))
    await this.net.node(one).contacts.ready(this.chronicle.identityOf(other))
  }

  async #allJoined(names: readonly string[]): Promise<void> {
    const from = this.net.time.now
    while (this.net.time.now - from < FOUNDED_WITHIN_MS) {
      const views = await Promise.all(names.map(name => this.view(name)))
      if (views.every(view => view?.settled === true && view.members.length === names.length)) return
      await this.net.advance(LOOK_MS)
    }
    this.broken('I12 liveness', `a group of ${names.length} did not come together on a fine day`)
  }

  /** What a node says of the group; undefined where it does not know it, or does not run. */
  async view(name: string): Promise<Group | undefined> {
    const node = this.net.machine(name).running
    return (await node?.groups.list())?.find(({ id }) => id === this.group)
  }

  async send(from: string, text: string): Promise<void> {
    const known = await this.attempt(from, async node => ({
      audience: (await node.groups.get(this.group)).members.map(({ id }) => this.nameOf(id)),
      conversation: await node.groups.conversation(this.group)
    }))
    if (known.type !== 'done' || this.isOver) return
    const send = this.chronicle.sending(from, text, known.value.audience)
    const outcome = await this.attempt(from, async () => await known.value.conversation.send(text))
    if (outcome.type === 'refused') send.outcome = 'refused'
    if (outcome.type !== 'done') return
    send.outcome = 'accepted'
    if (send.id !== undefined && send.id !== outcome.value.message) {
      this.broken('I2 no duplicate is shown', `"${text}" has two ids`)
    }
    send.id = outcome.value.message
  }

  async read(name: string): Promise<void> {
    const screen = this.chronicle.screen(name)
    screen.readUntil = Number.POSITIVE_INFINITY
    const done = await this.attempt(name, async node => {
      await (await node.groups.conversation(this.group)).markRead()
    })
    // After a crash nobody can tell whether it was on disk: the claim may be made ever after.
    if (done.type !== 'crashed') screen.readUntil = this.net.time.now
  }

  /** Somebody changes the roster, if it may. */
  async change(
    step: Extract<GroupStep, { type: 'add' | 'remove' | 'role' | 'rename' | 'configure' | 'leave' }>
  ): Promise<void> {
    const author = step.type === 'leave' ? step.who : step.by
    const done = await this.attempt(author, async ({ groups }) => {
      switch (step.type) {
        case 'add':
          return await groups.add(this.group, this.chronicle.identityOf(step.who))
        case 'remove':
          return await groups.remove(this.group, this.chronicle.identityOf(step.who))
        case 'role':
          return await groups.setRole(this.group, this.chronicle.identityOf(step.who), step.role)
        case 'rename':
          return await groups.rename(this.group, step.name)
        case 'configure':
          return await groups.configure(this.group, { mayAdd: step.mayAdd })
        case 'leave':
          return await groups.leave(this.group)
      }
    })
    // What its machine crashed over may count.
    if (done.type !== 'refused' && (step.type === 'remove' || step.type === 'leave'))
      this.#everOut.add(step.who)
    if (done.type === 'done') this.changes++
  }

  /** Time passes for everybody while nothing happens. */
  age(byMs: number): void {
    this.agedMs += byMs
    for (const machine of this.net.machines) machine.jumpClock(byMs)
  }

  nameOf(identity: Group['members'][number]['id']): string {
    return this.chronicle.nameOf(identity) ?? identity
  }

  /** Writes down all that a node tells, from where its last process left off; says yes to most invitations. */
  protected watch(machine: Machine): void {
    const node = machine.running
    if (node === undefined) return
    const since = this.chronicle.screen(machine.name).lastCursor
    const listen = async (): Promise<void> => {
      for await (const event of node.events({ since: since as HearsayEvent['cursor'] })) {
        if (machine.running !== node || this.isOver) return
        this.chronicle.told(machine.name, event)
        if (event.type === 'group:invited') this.spawn(this.#answer(machine.name, event.invitation.id))
      }
    }
    listen().catch((cause: unknown) => this.refusal(machine.name, cause))
  }

  async #answer(name: string, invitation: RequestId): Promise<void> {
    const declines = this.#mayDecline && this.random.chance(0.1)
    await this.insist(name, async ({ groups }: HearsayNode) => {
      const isOpen = (await groups.invitations()).some(({ id }) => id === invitation)
      if (isOpen && declines) await groups.decline(invitation)
      else if (isOpen) await groups.accept(invitation)
      return true
    })
  }

  /** What goes wrong at a node in bad faith is its own business. */
  protected override refusal<Value>(name: string, cause: unknown): Outcome<Value> {
    return this.isHostile(name) ? { type: 'crashed' } : super.refusal(name, cause)
  }

  override bug(name: string, cause: unknown): void {
    if (!this.isHostile(name)) super.bug(name, cause)
  }

  protected overheard(observation: Observation): void {
    if (observation.type === 'sent') {
      this.chronicle.transmitted(observation.from.host)
      for (const envelope of observation.envelopes) this.spy.overhear(envelope)
    }
    if (observation.type === 'published') {
      this.chronicle.transmitted(observation.from.host)
      this.spy.overhear(observation.envelope)
    }
  }
}
