/**
 * What really happened in a run, written down from outside: what was asked of `send`, what each node showed
 * and claimed, what was on the wire. The checks that can be made in the moment are made here.
 *
 * Invariant: nothing is judged by a node's own opinion of itself. A claim of one node is held against what
 * another showed, and what was shown against what a person had typed.
 */
import type { DeliveryState, HearsayEvent, IdentityId, Message, MessageId } from 'hearsay'
import { limits } from '../../src/base/limits.ts'

/** The invariants of docs/testing.md. */
export type Invariant =
  | 'I1 nothing acknowledged is lost'
  | 'I2 no duplicate is shown'
  | 'I3 causal order'
  | 'I4 convergence'
  | 'I5 authenticity'
  | 'I6 confidentiality'
  | 'I7 authorisation'
  | 'I9 bad input changes nothing'
  | 'I10 honest status'
  | 'I11 a crash changes nothing'
  | 'I12 liveness'

/** A promise that was broken. */
export interface Violation {
  readonly invariant: Invariant
  readonly what: string
  readonly atMs: number
}

/** One call of `send`. */
export interface Send {
  readonly from: string
  readonly to: string
  readonly text: string
  readonly startedAt: number
  /** Texts of the conversation that the sender had been shown when it wrote this one. */
  readonly knew: readonly string[]
  /** `unknown` when the machine crashed before it answered: the message may exist or not. */
  outcome: 'unknown' | 'accepted' | 'refused'
  id: MessageId | undefined
}

/** How far each state is. A failure ends it. */
const RANK: Record<DeliveryState, number> = { queued: 0, sent: 1, held: 2, delivered: 3, read: 4, failed: 5 }

/** What one person's screen has shown, over all restarts. */
export interface Screen {
  /** By conversation partner: texts in the order shown. */
  readonly shown: Map<string, string[]>
  /** By text: when it was shown first. */
  readonly shownAt: Map<string, number>
  /** By cursor: what the event said. */
  readonly events: Map<number, string>
  lastCursor: number
}

/** The log of one run. */
export class Chronicle {
  readonly violations: Violation[] = []
  readonly sends: Send[] = []
  readonly #byText = new Map<string, Send>()
  readonly #names = new Map<IdentityId, string>()
  readonly #screens = new Map<string, Screen>()
  readonly #states = new Map<string, DeliveryState>()
  /** By node and partner: calls of markRead, from when to when; open-ended while unanswered. */
  readonly #reads: Array<{ node: string; of: string; until: number }> = []
  /** By sender and recipient: when something last left for them. */
  readonly #transmittedAt = new Map<string, number>()
  /** By sender and recipient: when anything reached them, ascending. */
  readonly #heardAt = new Map<string, number[]>()
  /** Pairs of people between whom delivery is no longer promised: one blocked or forgot the other. */
  readonly #estranged = new Set<string>()
  readonly #now: () => number

  /** Whether a text would survive a crash of a node in this moment. */
  readonly #isOnDisk: (name: string, text: string) => boolean

  constructor(init: { now: () => number; isOnDisk: (name: string, text: string) => boolean }) {
    this.#now = init.now
    this.#isOnDisk = init.isOnDisk
  }

  broken(invariant: Invariant, what: string): void {
    this.violations.push({ invariant, what, atMs: Math.round(this.#now()) })
  }

  named(identity: IdentityId, name: string): void {
    this.#names.set(identity, name)
    if (!this.#screens.has(name)) {
      this.#screens.set(name, { shown: new Map(), shownAt: new Map(), events: new Map(), lastCursor: 0 })
    }
  }

  nameOf(identity: IdentityId): string | undefined {
    return this.#names.get(identity)
  }

  identityOf(name: string): IdentityId {
    const found = [...this.#names].find(([, known]) => known === name)
    if (found === undefined) throw new RangeError(`nobody here is called ${name}`)
    return found[0]
  }

  screen(name: string): Screen {
    return this.#screens.get(name)!
  }

  /** A person presses Enter. */
  sending(from: string, to: string, text: string): Send {
    const knew = [...(this.screen(from).shown.get(to) ?? [])]
    const send: Send = { from, to, text, startedAt: this.#now(), knew, outcome: 'unknown', id: undefined }
    this.sends.push(send)
    this.#byText.set(text, send)
    return send
  }

  reading(node: string, of: string): { done: () => void } {
    const read = { node, of, until: Number.POSITIVE_INFINITY }
    this.#reads.push(read)
    return {
      done: () => {
        read.until = this.#now()
      }
    }
  }

  transmitted(from: string, to: string): void {
    this.#transmittedAt.set(`${from}>${to}`, this.#now())
  }

  /** A node was handed something that another had sent. */
  heard(to: string, from: string): void {
    const moments = this.#heardAt.get(`${from}>${to}`) ?? []
    this.#heardAt.set(`${from}>${to}`, moments)
    moments.push(this.#now())
  }

  estrange(one: string, other: string): void {
    this.#estranged.add(`${one}&${other}`).add(`${other}&${one}`)
  }

  isEstranged(one: string, other: string): boolean {
    return this.#estranged.has(`${one}&${other}`)
  }

  /** What `from` asked to be sent to `to`, oldest first. */
  sent(from: string, to: string): Send[] {
    return this.sends.filter(send => send.from === from && send.to === to)
  }

  /** A node tells of an event. */
  told(name: string, event: HearsayEvent): void {
    const screen = this.screen(name)
    if (event.cursor <= screen.lastCursor) {
      this.broken(
        'I11 a crash changes nothing',
        `${name} told of event ${event.cursor} after ${screen.lastCursor}`
      )
    }
    screen.lastCursor = event.cursor
    screen.events.set(event.cursor, digest(event))
    if (event.type === 'message:received' || event.type === 'message:sent') this.#showed(name, event.message)
    if (event.type === 'delivery:changed') {
      for (const { device, state } of event.delivery.devices) {
        this.#claimed(name, event.delivery.message, device, state)
      }
    }
  }

  #showed(name: string, message: Message): void {
    const partner = this.#names.get(message.conversation as string as IdentityId)
    const author = this.#names.get(message.from.id)
    const send = this.#byText.get(message.text)
    const where = `${name} showed "${message.text}"`
    if (partner === undefined || author === undefined || send === undefined) {
      this.broken('I5 authenticity', `${where}, which nobody here wrote`)
      return
    }
    const isOwn = author === name
    if (send.from !== author || send.to !== (isOwn ? partner : name) || message.from.self !== isOwn) {
      this.broken('I5 authenticity', `${where} as ${author}'s, but ${send.from} wrote it to ${send.to}`)
    }
    send.id ??= message.id
    if (send.id !== message.id) {
      this.broken('I2 no duplicate is shown', `${where} under two ids: ${send.id} and ${message.id}`)
    }
    const screen = this.screen(name)
    const shown = screen.shown.get(partner) ?? []
    screen.shown.set(partner, shown)
    if (screen.shownAt.has(message.text)) this.broken('I2 no duplicate is shown', `${where} twice`)
    if (!this.isEstranged(name, partner)) this.#checkOrder(name, partner, send, new Set(shown))
    shown.push(message.text)
    screen.shownAt.set(message.text, this.#now())
  }

  /** What the author knew, and what it had written before, comes first, unless that has kept it waiting for too long. */
  #checkOrder(name: string, partner: string, send: Send, before: ReadonlySet<string>): void {
    if (this.#now() - send.startedAt >= limits.patienceMs) return
    const missing =
      send.knew.find(text => !before.has(text)) ??
      this.sent(send.from, send.to).find(
        earlier =>
          earlier.outcome === 'accepted' &&
          this.sends.indexOf(earlier) < this.sends.indexOf(send) &&
          !before.has(earlier.text)
      )?.text
    if (missing !== undefined) {
      this.broken('I3 causal order', `${name} showed "${send.text}" with ${partner} before "${missing}"`)
    }
  }

  #claimed(name: string, message: MessageId, device: string, state: DeliveryState): void {
    const key = `${name} ${message} ${device}`
    const before = this.#states.get(key)
    this.#states.set(key, state)
    const send = this.sends.find(({ id, from }) => id === message && from === name)
    // Claimed before `send` answered: the id is not known yet, the next claim will be checked.
    if (send === undefined) return
    const what = `${name} says that "${send.text}" is ${state}`
    if (before !== undefined && RANK[state] < RANK[before]) {
      this.broken('I10 honest status', `${what}, after it was ${before}`)
    }
    if (this.isEstranged(send.from, send.to)) return
    if (state === 'failed') this.broken('I1 nothing acknowledged is lost', what)
    if (RANK[state] >= RANK.sent && (this.#transmittedAt.get(`${name}>${send.to}`) ?? -1) < send.startedAt) {
      this.broken('I10 honest status', `${what}, but nothing has left for ${send.to} since it was written`)
    }
    if (RANK[state] >= RANK.delivered) this.#checkArrived(send, state, what)
  }

  /**
   * It must be on the recipient's disk, shown or waiting for its turn; and it can have got there, and word of it
   * back, only if something came through after it was written and something else after that.
   */
  #checkArrived(send: Send, state: DeliveryState, what: string): void {
    if (!this.#isOnDisk(send.to, send.text)) {
      this.broken('I10 honest status', `${what}, but it is not on ${send.to}'s disk`)
      return
    }
    const arrivedAt = this.#firstHeard(send.from, send.to, send.startedAt)
    const receiptAt = arrivedAt === undefined ? undefined : this.#firstHeard(send.to, send.from, arrivedAt)
    if (receiptAt === undefined) {
      this.broken('I10 honest status', `${what}, but no receipt can have come from ${send.to}`)
      return
    }
    if (state !== 'read') return
    const shownAt = this.screen(send.to).shownAt.get(send.text)
    const isRead = this.#reads.some(
      read => read.node === send.to && read.of === send.from && shownAt !== undefined && read.until >= shownAt
    )
    if (!isRead) this.broken('I10 honest status', `${what}, but ${send.to} has not read it`)
  }

  #firstHeard(from: string, to: string, since: number): number | undefined {
    return this.#heardAt.get(`${from}>${to}`)?.find(at => at >= since)
  }

  /** The last claim about each of a node's messages at a device, as far as it was told. */
  lastClaims(name: string, message: MessageId): DeliveryState[] {
    return [...this.#states]
      .filter(([key]) => key.startsWith(`${name} ${message} `))
      .map(([, state]) => state)
  }
}

/** What of an event must be the same whenever it is told. */
export function digest(event: HearsayEvent): string {
  switch (event.type) {
    case 'message:received':
    case 'message:sent':
      return `${event.type} ${event.message.id}`
    case 'delivery:changed':
      return `${event.type} ${event.delivery.message} ${event.delivery.state}`
    default:
      return event.type
  }
}
