/**
 * What really happened to a group in one run, written down from outside: who asked for what, what each screen
 * showed and claimed. The checks that can be made in the moment are made here.
 *
 * Invariant: nothing is judged by a node's own opinion of itself. A claim of one node is held against what
 * another showed or has on its disk, and what was shown against what a person had typed.
 */
import type {
  DeliveryState,
  DeliveryStatus,
  DeviceId,
  HearsayEvent,
  IdentityId,
  Message,
  MessageId
} from 'hearsay'
import { digest } from '../chronicle.ts'
import type { Invariant, Violation } from '../chronicle.ts'

/** One call of `send`. */
export interface GroupSend {
  readonly from: string
  readonly text: string
  readonly startedAt: number
  /** Who was a member for the author when it pressed Enter, itself included. */
  readonly audience: readonly string[]
  /** What its screen had shown by then. */
  readonly knew: readonly string[]
  /** `unknown` when the machine crashed before it answered: the message may exist or not. */
  outcome: 'unknown' | 'accepted' | 'refused'
  id: MessageId | undefined
}

/** What one person's screen has shown, over all restarts. */
export interface GroupScreen {
  readonly shown: string[]
  readonly shownAt: Map<string, number>
  /** What members in bad faith said, in the order shown. */
  readonly lies: string[]
  /** By cursor: what the event said. */
  readonly events: Map<number, string>
  lastCursor: number
  /** When the group was last marked as read; open-ended while that is under way. */
  readUntil: number
}

/** A warning about a member that a node gave. */
export interface Warned {
  readonly at: string
  readonly about: string | undefined
  readonly warning: string
}

/** How far each state is. A failure ends it. */
const RANK: Record<DeliveryState, number> = { queued: 0, sent: 1, held: 2, delivered: 3, read: 4, failed: 5 }

/** The log of one run. */
export class GroupChronicle {
  readonly violations: Violation[] = []
  readonly sends: GroupSend[] = []
  readonly warnings: Warned[] = []
  /** By name: when the group took somebody in, by its own word; what was said before is not for it. */
  readonly cameAt = new Map<string, number[]>()
  readonly #byText = new Map<string, GroupSend>()
  readonly #people = new Map<IdentityId, string>()
  readonly #screens = new Map<string, GroupScreen>()
  readonly #states = new Map<string, DeliveryState>()
  /** By name: when something last left its machine. */
  readonly #transmittedAt = new Map<string, number>()
  readonly #now: () => number
  readonly #isOnDisk: (name: string, text: string) => boolean

  readonly #isHostile: (name: string) => boolean

  /** `isOnDisk` says whether a text would survive a crash of a node in this moment. */
  constructor(init: {
    now: () => number
    isOnDisk: (name: string, text: string) => boolean
    isHostile: (name: string) => boolean
  }) {
    this.#now = init.now
    this.#isHostile = init.isHostile
    this.#isOnDisk = init.isOnDisk
  }

  broken(invariant: Invariant, what: string): void {
    this.violations.push({ invariant, what, atMs: Math.round(this.#now()) })
  }

  named(identity: IdentityId, name: string): void {
    this.#people.set(identity, name)
    if (this.#screens.has(name)) return
    this.#screens.set(name, {
      shown: [],
      shownAt: new Map(),
      lies: [],
      events: new Map(),
      lastCursor: 0,
      readUntil: -1
    })
  }

  nameOf(identity: IdentityId): string | undefined {
    return this.#people.get(identity)
  }

  identityOf(name: string): IdentityId {
    const found = [...this.#people].find(([, known]) => known === name)
    if (found === undefined) throw new RangeError(`nobody here is called ${name}`)
    return found[0]
  }

  screen(name: string): GroupScreen {
    return this.#screens.get(name)!
  }

  send(text: string): GroupSend | undefined {
    return this.#byText.get(text)
  }

  /** A person presses Enter. */
  sending(from: string, text: string, audience: readonly string[]): GroupSend {
    const send: GroupSend = {
      from,
      text,
      startedAt: this.#now(),
      audience,
      knew: [...this.screen(from).shown],
      outcome: 'unknown',
      id: undefined
    }
    this.sends.push(send)
    this.#byText.set(text, send)
    return send
  }

  transmitted(from: string): void {
    this.#transmittedAt.set(from, this.#now())
  }

  /** A node tells of an event. */
  told(name: string, event: HearsayEvent): void {
    if (this.#isHostile(name)) return
    const screen = this.screen(name)
    if (event.cursor <= screen.lastCursor) {
      this.broken(
        'I11 a crash changes nothing',
        `${name} told of event ${event.cursor} after ${screen.lastCursor}`
      )
    }
    screen.lastCursor = event.cursor
    screen.events.set(event.cursor, digest(event))
    switch (event.type) {
      case 'message:received':
      case 'message:sent':
        this.#showed(name, event.message)
        return
      case 'delivery:changed':
        this.#claimed(name, event.delivery)
        return
      case 'group:warned': {
        const about = event.member === undefined ? undefined : this.nameOf(event.member.id)
        this.warnings.push({ at: name, about, warning: event.warning })
        return
      }
      case 'group:added':
        this.cameAt.set(name, [...(this.cameAt.get(name) ?? []), this.#now()])
        return
      default:
    }
  }

  #showed(name: string, message: Message): void {
    const author = this.nameOf(message.from.id)
    const send = this.#byText.get(message.text)
    const where = `${name} showed "${message.text}"`
    if (author !== undefined && this.#isHostile(author)) {
      this.screen(name).lies.push(message.text)
      return
    }
    if (author === undefined || send === undefined || send.from !== author) {
      this.broken('I5 authenticity', `${where}, which ${author ?? 'nobody here'} did not write`)
      return
    }
    if (message.from.self !== (author === name)) {
      this.broken('I5 authenticity', `${where} as if it ${message.from.self ? 'were' : 'were not'} its own`)
    }
    send.id ??= message.id
    if (send.id !== message.id) {
      this.broken('I2 no duplicate is shown', `${where} under two ids: ${send.id} and ${message.id}`)
    }
    const { shown, shownAt } = this.screen(name)
    if (shownAt.has(message.text)) this.broken('I2 no duplicate is shown', `${where} twice`)
    shown.push(message.text)
    shownAt.set(message.text, this.#now())
  }

  #claimed(name: string, { message, devices }: DeliveryStatus): void {
    const send = this.sends.find(({ id, from }) => id === message && from === name)
    // Claimed before `send` answered: the id is not known yet, the next claim will be checked.
    if (send === undefined) return
    for (const { identity, device, state } of devices) this.#claim(name, send, { identity, device, state })
  }

  #claim(
    name: string,
    send: GroupSend,
    { identity, device, state }: { identity: IdentityId; device: DeviceId; state: DeliveryState }
  ): void {
    const key = `${name} ${send.text} ${device}`
    const before = this.#states.get(key)
    this.#states.set(key, state)
    const to = this.nameOf(identity) ?? identity
    const what = `${name} says that "${send.text}" is ${state} at ${to}`
    if (before !== undefined && RANK[state] < RANK[before]) {
      this.broken('I10 honest status', `${what}, after it was ${before}`)
    }
    if (state === 'failed') this.broken('I1 nothing acknowledged is lost', what)
    if (RANK[state] >= RANK.sent && (this.#transmittedAt.get(name) ?? -1) < send.startedAt) {
      this.broken('I10 honest status', `${what}, but nothing has left since it was written`)
    }
    if (RANK[state] < RANK.delivered) return
    if (this.#isHostile(to)) return
    if (!this.#isOnDisk(to, send.text)) {
      this.broken('I10 honest status', `${what}, but it is not on ${to}'s disk`)
      return
    }
    if (state !== 'read') return
    const { shownAt, readUntil } = this.screen(to)
    const at = shownAt.get(send.text)
    if (at === undefined || readUntil < at)
      this.broken('I10 honest status', `${what}, but ${to} has not read it`)
  }
}
