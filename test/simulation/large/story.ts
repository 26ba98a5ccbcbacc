/**
 * The story of a large group: it is founded, one message reaches all, it falls into two halves that go on by
 * themselves, comes together again, and nothing is lost. Each phase says what it cost.
 */
import { changeGroup, joinGroup, send } from '../../../src/core/commands.ts'
import { networkLimits } from '../../../src/base/limits.ts'
import { Crowd } from './crowd.ts'
import { noCost, threadCpuMs } from './member.ts'
import type { Member } from './member.ts'

/** Newcomers of one operation and one commit. */
const BATCH = 100
/** Streams that a node takes (as many connections has the real network); the founder, to a batch more. */
const STREAMS_MAX = networkLimits.connectionsMax
/** What the founder keeps of them when a batch is in. */
const FOUNDER_STREAMS = 16

export interface Phase {
  readonly name: string
  readonly virtualMs: number
  readonly cpuSeconds: number
  /** CPU milliseconds per device: median, and of whoever had most. */
  readonly cpuMsMedian: number
  readonly cpuMsMost: number
  /** CPU milliseconds of the longest batch of all. */
  readonly longestBatchMs: number
  readonly bytesMedian: number
  readonly bytesMost: number
  readonly recordBytesMedian: number
  readonly heapBytes: number
  readonly wallSeconds: number
}

export class Story {
  readonly crowd: Crowd
  readonly size: number
  readonly phases: Phase[] = []
  readonly #onPhase: (phase: Phase) => void
  /** Every text that somebody has written, and by whom. */
  readonly written: { readonly text: string; readonly author: Member }[] = []
  /** Who is still to be in the group at the end. */
  readonly removed = new Set<Member>()
  #founding = true

  constructor(init: { seed: number; size: number; onPhase?: (phase: Phase) => void }) {
    this.size = init.size
    this.#onPhase = init.onPhase ?? (() => undefined)
    this.crowd = new Crowd(init.seed, member =>
      this.#founding && member.index === 0 ? BATCH + STREAMS_MAX : STREAMS_MAX
    )
  }

  get founder(): Member {
    return this.crowd.members[0]!
  }

  /** Who ought to be in the group. */
  get present(): Member[] {
    return this.crowd.members.filter(member => !this.removed.has(member))
  }

  /** Runs one part of the story and notes what it cost. */
  phase(name: string, run: () => void): Phase {
    const { crowd } = this
    for (const member of crowd.members) member.cost = noCost()
    const [uptime, cpu, wall] = [crowd.uptime, threadCpuMs(), performance.now()]
    run()
    const costs = crowd.members.map(({ cost }) => cost)
    const of = (pick: (cost: (typeof costs)[number]) => number): number[] =>
      costs.map(pick).sort((a, b) => a - b)
    const middle = (values: number[]): number => values[values.length >> 1]!
    const phase: Phase = {
      name,
      virtualMs: crowd.uptime - uptime,
      cpuSeconds: (threadCpuMs() - cpu) / 1000,
      cpuMsMedian: middle(of(cost => cost.cpuMs)),
      cpuMsMost: of(cost => cost.cpuMs).at(-1)!,
      longestBatchMs: of(cost => cost.longestBatchMs).at(-1)!,
      bytesMedian: middle(of(cost => cost.bytesOut)),
      bytesMost: of(cost => cost.bytesOut).at(-1)!,
      recordBytesMedian: middle(of(cost => cost.recordBytes)),
      heapBytes: process.memoryUsage().heapUsed,
      wallSeconds: (performance.now() - wall) / 1000
    }
    this.phases.push(phase)
    this.#onPhase(phase)
    return phase
  }

  /** The founder founds the group, and everybody else comes in by a link, batch by batch. */
  found(): void {
    const { crowd, size } = this
    const founder = crowd.join()
    crowd.act(founder, core => core.rooms.create(core.turn, 'everybody', {}))
    while (crowd.members.length < size) {
      const count = Math.min(BATCH, size - crowd.members.length)
      this.phase(`found: ${crowd.members.length} to ${crowd.members.length + count} members`, () =>
        this.#takeIn(count)
      )
    }
    this.#founding = false
    crowd.prune(founder, FOUNDER_STREAMS)
  }

  #takeIn(count: number): void {
    const { crowd, founder } = this
    crowd.prune(founder, FOUNDER_STREAMS)
    crowd.pass(200)
    const newcomers = Array.from({ length: count }, () => crowd.join())
    const into = { group: founder.room!.facts.id, role: 'member' } as const
    for (const newcomer of newcomers) {
      const { link } = crowd.act(founder, core =>
        core.first.invite(core.turn, {
          reusable: false,
          expiresInMs: undefined,
          addresses: [founder.address],
          into
        })
      )
      crowd.act(newcomer, core => joinGroup(core, { link, name: 'founder' }))
    }
    this.#require(
      crowd.until(() => this.isTogether, 180_000, 500),
      'everybody is in'
    )
  }

  /** Whether everybody stands on one epoch, which has exactly those leaves that it ought to have. */
  get isTogether(): boolean {
    const head = this.founder.room?.conversation.group.head?.epoch
    const { present } = this
    return present.every(({ room, core }) => {
      const group = room?.conversation.group
      return (
        group?.head !== undefined &&
        group.head.epoch === head &&
        group.leaves.length === present.length &&
        room!.conversation.members?.has(core.own.device) === true
      )
    })
  }

  /** Somebody writes. */
  write(author: Member, text: string): void {
    this.written.push({ text, author })
    this.crowd.act(author, core => send(core, author.room!.facts.id, text, undefined))
  }

  /** How many of those who ought to have it have been shown a text. */
  reached(text: string): number {
    return this.present.filter(({ shown }) => shown.some(each => each.text === text)).length
  }

  /** Whether all have been shown everything that anybody wrote. */
  get isAllShown(): boolean {
    const texts = this.written.map(({ text }) => text)
    return this.present.every(({ shown }) => {
      const known = new Set(shown.map(({ text }) => text))
      return texts.every(text => known.has(text))
    })
  }

  /** Whether nobody waits for a receipt any more. */
  get isAcknowledged(): boolean {
    return this.present.every(({ room }) => room!.conversation.outbox.items.size === 0)
  }

  /** Waits until everybody has been shown everything. */
  untilShown(maxMs: number): void {
    this.#require(
      this.crowd.until(() => this.isAllShown, maxMs),
      'everybody has been shown everything'
    )
  }

  untilAcknowledged(maxMs: number): void {
    this.#require(
      this.crowd.until(() => this.isAcknowledged, maxMs),
      'every author knows that all have it'
    )
  }

  untilTogether(maxMs: number): void {
    this.#require(
      this.crowd.until(() => this.isTogether, maxMs),
      'everybody stands on one epoch'
    )
  }

  /** The founder makes somebody an admin, or removes somebody. */
  promote(member: Member): void {
    const identity = member.core.own.identity
    this.crowd.act(this.founder, core =>
      changeGroup(core, 'everybody', { type: 'role', identity, role: 'admin' })
    )
  }

  remove(by: Member, member: Member): void {
    const identity = member.core.own.identity
    this.removed.add(member)
    this.crowd.act(by, core => changeGroup(core, 'everybody', { type: 'remove', identity }))
  }

  /** What a person would call wrong about where everybody has come to; undefined where nothing is. */
  get fault(): string | undefined {
    const first = this.founder
    const order = first.shown.map(({ id }) => id).join()
    for (const { name, shown, room } of this.present) {
      const texts = new Set(shown.map(({ text }) => text))
      if (texts.size !== shown.length) return `${name} was shown a text twice`
      for (const { text } of this.written) if (!texts.has(text)) return `${name} was never shown "${text}"`
      if (room!.conversation.roster!.heads.join() !== first.room!.conversation.roster!.heads.join())
        return `${name} has another roster`
    }
    return order === '' ? 'nobody was shown anything' : undefined
  }

  #require(holds: boolean, what: string): void {
    if (!holds)
      throw new Error(`it never came to be that ${what} (seed ${this.crowd.seed}, ${this.size} members)`)
  }
}

/** The whole of it. Throws where something does not come to be in time. */
export function tell(init: { seed: number; size: number; onPhase?: (phase: Phase) => void }): Story {
  const story = new Story(init)
  const { crowd } = story
  story.found()
  story.phase('rest', () => crowd.pass(60_000))
  story.phase('one message reaches all', () => {
    story.write(story.founder, 'hello everybody')
    story.untilShown(60_000)
  })
  story.phase('its author knows that all have it', () => story.untilAcknowledged(300_000))
  const half = story.size >> 1
  const other = crowd.members[half]!
  story.phase('an admin is made', () => {
    story.promote(other)
    story.untilTogether(60_000)
    crowd.pass(10_000)
  })
  split(story, half, other)
  story.phase('healed: all stand on one epoch', () => {
    crowd.place(() => 0)
    story.untilTogether(600_000)
  })
  story.phase('healed: all have been shown all', () => story.untilShown(600_000))
  story.phase('healed: all authors know', () => story.untilAcknowledged(1_200_000))
  story.phase('rest again', () => crowd.pass(120_000))
  const { fault } = story
  if (fault !== undefined) throw new Error(`${fault} (seed ${init.seed}, ${init.size} members)`)
  return story
}

/** Two halves that cannot reach each other go on: both write, both remove somebody, both renew their keys. */
function split(story: Story, half: number, other: Member): void {
  const { crowd } = story
  const { members } = crowd
  const [here, there] = [members.slice(0, half), members.slice(half)]
  story.phase('split: both halves write and commit', () => {
    crowd.place(({ index }) => (index < half ? 0 : 1))
    crowd.pass(5000)
    story.remove(story.founder, there.at(-1)!)
    story.remove(other, here.at(-1)!)
    crowd.pass(5000)
    for (const [name, side] of [['here', here] as const, ['there', there] as const])
      for (const author of [side[1]!, side[2]!]) {
        story.write(author, `from ${author.name}, ${name}`)
        crowd.pass(2000)
      }
    crowd.pass(30_000)
  })
}
