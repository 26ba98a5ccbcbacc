/**
 * A circle of people in one group, each with a node of their own in a process of its own: what each of them sees of
 * the group, and waits until all of them see the same.
 */
import { expect, vi } from 'vitest'
import type { LineOf } from './contract.ts'
import type { ControlClient } from './control-client.ts'
import type { Person, RunningNode } from './person.ts'

type Group = LineOf<'group'>

/** What all members must agree on. */
export interface Agreed {
  readonly name: string
  readonly epoch: string | null
  /** `id:role`, in the order of the ids. */
  readonly members: readonly string[]
}

/** One of the circle. */
export class Member {
  readonly name: string
  /** The identity. */
  readonly id: string
  readonly person: Person
  readonly node: RunningNode
  readonly control: ControlClient
  /** The texts that this member has sent. */
  readonly sent: string[] = []

  private constructor(person: Person, id: string, node: RunningNode, control: ControlClient) {
    this.name = person.name
    this.id = id
    this.person = person
    this.node = node
    this.control = control
  }

  static async start(person: Person): Promise<Member> {
    const { fingerprint } = await person.init()
    const node = await person.up()
    return new Member(person, fingerprint, node, await node.control())
  }

  call<Result>(method: string, params: Readonly<Record<string, unknown>> = {}): Promise<Result> {
    return this.control.call(method, params) as Promise<Result>
  }

  /** Becomes a contact of somebody, by an invite of theirs. */
  async meet(other: Member): Promise<void> {
    const { link } = await other.call<LineOf<'invite'>>('invite')
    await this.call('add', { name: other.name, link, until: 'ready', timeout: '90s' })
  }

  /** Says yes to the invitation to a group, once it is there, and waits until taken in. */
  async join(group: string): Promise<void> {
    const { invitation } = await this.node.child.line(
      'group:invited',
      line => line.invitation['group'] === group
    )
    await this.call('accept', { id: invitation.id, until: 'joined', timeout: '120s' })
  }

  group(id: string): Promise<Group> {
    return this.call('group.info', { group: id })
  }

  /** Writes to the group. Resolves once it is on disk. */
  async say(group: string, text: string): Promise<void> {
    await this.call('send', { to: group, text, until: 'queued' })
    this.sent.push(text)
  }

  /** The conversation as this member sees it, oldest first. */
  history(group: string): Promise<LineOf<'message'>[]> {
    return this.call('tail', { to: group, limit: 1000 })
  }
}

const agreedOf = ({ name, epoch, members }: Group): Agreed => ({
  name,
  epoch,
  members: members.map(({ id, role }) => `${id}:${role}`).sort()
})

/** Looks again and again. Every look is a dozen calls, on a machine that has better things to do. */
const INTERVAL_MS = 250

/** Waits until a look no longer throws. Returns how long that took. */
async function settled(look: () => Promise<void>, timeoutMs: number): Promise<number> {
  const startedAt = performance.now()
  await vi.waitFor(look, { timeout: timeoutMs, interval: INTERVAL_MS })
  return Math.round(performance.now() - startedAt)
}

/** Waits until all of them have one name, one roster and one epoch, on which nothing is left to be done. */
export async function untilAgreed(
  circle: readonly Member[],
  group: string,
  timeoutMs: number
): Promise<{ readonly ms: number; readonly agreed: Agreed }> {
  let agreed: Agreed | undefined
  const ms = await settled(async () => {
    const groups = await Promise.all(circle.map(member => member.group(group)))
    const views = groups.map(agreedOf)
    for (const [index, { state, settled: done }] of groups.entries()) {
      expect({ who: circle[index]!.name, state, done }).toEqual({
        who: circle[index]!.name,
        state: 'joined',
        done: true
      })
      expect({ who: circle[index]!.name, ...views[index] }).toEqual({ who: circle[index]!.name, ...views[0] })
    }
    agreed = views[0]
  }, timeoutMs)
  return { ms, agreed: agreed! }
}

/** Waits until all of them have all of these texts. */
export const untilHeard = (
  circle: readonly Member[],
  group: string,
  texts: readonly string[],
  timeoutMs: number
): Promise<number> =>
  settled(async () => {
    for (const member of circle) {
      const heard = new Set((await member.history(group)).map(({ text }) => text))
      expect({ who: member.name, lacks: texts.filter(text => !heard.has(text)) }).toEqual({
        who: member.name,
        lacks: []
      })
    }
  }, timeoutMs)

/** Waits until each of them has heard of everything that it wrote: all of its readers have it. */
export const untilDelivered = (
  circle: readonly Member[],
  group: string,
  timeoutMs: number
): Promise<number> =>
  settled(async () => {
    for (const member of circle) {
      const own = (await member.history(group)).filter(({ from }) => from.self)
      const waiting = own.filter(({ delivery }) => delivery !== 'delivered' && delivery !== 'read')
      expect({ who: member.name, waiting: waiting.map(({ text }) => text) }).toEqual({
        who: member.name,
        waiting: []
      })
    }
  }, timeoutMs)
