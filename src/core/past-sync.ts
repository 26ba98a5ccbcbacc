/**
 * The past: a new device of ours asks its siblings for what was said before it came, and somebody new in a group
 * asks whoever took it in for the last messages, where the group wants that.
 *
 * Spec: specs/devices.md, section "History". Page by page, the newest first; where it stopped it goes on.
 * Always true: a page is taken in only if it was asked for; what is there already stays as it is; what a member of a
 * group passes on is that member's word, and says so.
 */
import { malformed } from '../base/errors.ts'
import { fromUtf8 } from '../base/bytes.ts'
import type { ConversationId, DeviceId, PeerId } from '../base/ids.ts'
import { limits, spec } from '../base/limits.ts'
import type { History, HistoryPlace, PastMessage, Recall } from '../wire/own-devices.ts'
import type { Book } from './book.ts'
import { MESSAGE_IDS, MESSAGES } from './conversation.ts'
import type { Conversation } from './conversation.ts'
import { messageKey } from './messages.ts'
import { decodeMessageRecord, encodeMessageRecord } from './records/message.ts'
import { BEHIND_MAX, decodeProgress, encodeProgress } from './records/past.ts'
import type { Progress } from './records/past.ts'
import type { StoredRecord } from './restore.ts'
import type { Arrival, Page, Turn } from './turn.ts'

/** Conversations whose past is not here yet. */
export const PAST = 'past'

export class PastSync {
  readonly #book: Book
  readonly #wanted = new Map<ConversationId, Progress>()
  /** Whom we have asked for what, and not been answered. */
  readonly #asked = new Map<ConversationId, { readonly peer: PeerId; readonly until: number }>()
  /** What we walk anew before that was answered. */
  readonly #stale = new Set<ConversationId>()
  /** Who did not have it whole, and when to ask again, in uptime. */
  readonly #put = new Map<ConversationId, PutOff>()
  /** What we are reading for others, by peer. */
  readonly #reading = new Map<PeerId, Set<ConversationId>>()

  constructor(book: Book) {
    this.#book = book
  }

  restore(key: string, record: Uint8Array): void {
    this.#wanted.set(key as ConversationId, decodeProgress(record))
  }

  /** A conversation that began before this device came into it. `from` took us in, where that was not ourselves. */
  want(turn: Turn, id: ConversationId, from?: DeviceId): void {
    if (!this.#wanted.has(id)) this.#save(turn, id, { ...NOTHING, from })
  }

  #save(turn: Turn, id: ConversationId, progress: Progress): void {
    this.#wanted.set(id, progress)
    turn.save(PAST, id, () => encodeProgress(progress))
  }

  #done(turn: Turn, id: ConversationId): void {
    this.#wanted.delete(id)
    turn.remove(PAST, id)
  }

  /** After every batch: asks whoever is there for what we lack, a few conversations at a time. */
  settle(turn: Turn): void {
    for (const conversation of this.#book.conversations())
      if (conversation.behind.size > 0) this.#noteBehind(turn, conversation)
    // A question may be lost with a stream, or come to somebody who does not know the conversation yet.
    for (const [id, { until }] of this.#asked) if (until <= turn.uptime) this.#forgetAsked(id)
    for (const [id, progress] of this.#wanted) {
      if (this.#asked.size >= limits.recallsMax) return
      const conversation = this.#book.conversation(id)
      const isEarly = (this.#put.get(id)?.until ?? 0) > turn.uptime
      if (this.#asked.has(id) || conversation === undefined || isEarly) continue
      const { from, before } = progress
      const peer = from === undefined ? this.#sibling(conversation, progress) : linkOf(conversation, from)
      if (peer === undefined) continue
      this.#asked.set(id, { peer, until: turn.uptime + limits.recallTimeoutMs })
      this.#tell(turn, peer, conversation, { type: 'recall', conversation: id, before })
    }
  }

  /** Somebody gives us its log from a later number on than the first: what is before we have to ask for. */
  #noteBehind(turn: Turn, { id, behind }: Conversation): void {
    const known = this.#wanted.get(id)
    const begun = [...behind].map(([device, through]) => ({ device, through }))
    behind.clear()
    if (this.#book.own.live.size < 2 || known?.from !== undefined) return
    const others = (known?.behind ?? []).filter(({ device }) => !begun.some(each => each.device === device))
    // What has been walked again already was read too early.
    const walk = known?.again === false ? known : { ...NOTHING, again: true }
    this.#save(turn, id, { ...walk, behind: [...others, ...begun].slice(-BEHIND_MAX) })
    if (walk.again && this.#asked.has(id)) this.#stale.add(id)
  }

  /** A sibling to ask: who asks again asks one that has what was said meanwhile. */
  #sibling(conversation: Conversation, { again, behind }: Progress): PeerId | undefined {
    const putOff = this.#put.get(conversation.id)?.off
    const siblings = [...this.#book.siblings].toSorted(
      ([a], [b]) => Number(a === putOff) - Number(b === putOff)
    )
    for (const [peer, sibling] of siblings) {
      const rows = conversation.rows.get(sibling)
      const has = ({ device, through }: Progress['behind'][number]): boolean =>
        device === sibling || (rows?.get(device)?.contiguous ?? Infinity) >= through
      if (!again || (rows !== undefined && behind.every(has))) return peer
    }
    return undefined
  }

  /** When `settle` has something to ask again, in uptime. */
  dueAt(uptime: number): number | undefined {
    const waiting = [...this.#put.values(), ...this.#asked.values()]
    const times = waiting.map(({ until }) => until).filter(until => until > uptime)
    return times.length === 0 ? undefined : Math.min(...times)
  }

  /** A peer is gone: what it was asked somebody else is, or it is when it comes back. */
  gone(peer: PeerId): void {
    for (const [id, asked] of this.#asked) if (asked.peer === peer) this.#forgetAsked(id)
    this.#reading.delete(peer)
  }

  #forgetAsked(id: ConversationId): void {
    this.#asked.delete(id)
    this.#stale.delete(id)
  }

  /** Over what is between our own devices, and to other people over the channel of the group. */
  #tell(turn: Turn, peer: PeerId, conversation: Conversation, body: Recall | History): void {
    const self = this.#book.get(this.#book.own.identity)
    const way = this.#book.siblings.has(peer) ? self?.contact : conversation.with
    const envelopes = way?.control(turn, body) ?? []
    if (envelopes.length > 0) turn.emit({ type: 'transmit', peer, envelopes, messages: undefined })
  }

  /** Somebody asks us: a sibling for anything, a member for as much as its group gives to those who are new. */
  recall(turn: Turn, peer: PeerId, { conversation: id, before }: Recall): void {
    const conversation = this.#book.conversation(id)
    const sibling = this.#book.siblings.has(peer)
    const group = conversation?.links.has(peer) === true ? conversation.members : undefined
    const most = sibling ? spec.historyPageMax : (group?.settings.history ?? 0)
    const reading = this.#reading.get(peer) ?? new Set()
    if (conversation === undefined || most === 0 || reading.has(id) || reading.size >= limits.recallsMax)
      throw malformed('nothing for you')
    this.#reading.set(peer, reading.add(id))
    const page: Page = { conversation: id, peer, before: placeKey(id, before), most, whole: !sibling }
    turn.emit({ type: 'recall', page })
  }

  /** What was asked for has been read: of a group always its newest, so that nobody gets more than those. */
  recalled(turn: Turn, page: Page, records: readonly StoredRecord[]): void {
    const { conversation: id, peer, before, most, whole } = page
    const conversation = this.#book.conversation(id)
    if (this.#reading.get(peer)?.delete(id) !== true || conversation === undefined) return
    const rest = records.filter(({ key }) => before === undefined || key < before)
    const given = rest.slice(0, spec.historyPageMax)
    const ended = whole ? given.length === rest.length : records.length < most
    const messages = given.map(({ value }): PastMessage => {
      const { conversation: _, ...message } = decodeMessageRecord(value)
      return message
    })
    this.#tell(turn, peer, conversation, {
      type: 'history',
      conversation: id,
      before: placeOf(before),
      messages,
      last: given.length === 0 || ended,
      whole: !this.#wanted.has(id)
    })
  }

  /** Takes in a page that we asked for. Throws MALFORMED at any other. */
  receive(turn: Turn, peer: PeerId, history: History): void {
    const { conversation: id, before, messages } = history
    const conversation = this.#book.conversation(id)
    const progress = this.#wanted.get(id)
    if (conversation === undefined || progress === undefined || this.#asked.get(id)?.peer !== peer)
      throw malformed('history that nobody asked for')
    if (this.#stale.delete(id)) {
      this.#asked.delete(id)
      return
    }
    const keys = messages.map(message => placeKey(id, message)!)
    const bound = placeKey(id, progress.before)
    const descends = keys.every((key, index) => key < (keys[index - 1] ?? bound ?? `${id}0`))
    if (placeKey(id, before) !== bound || !descends) throw malformed('another page')
    const via = progress.from === undefined ? undefined : conversation.members?.ownerOf(progress.from)
    turn.emit({ type: 'sift', arrival: { peer, history, via } })
  }

  /** Which messages of a page are new has been looked up: those are kept. */
  sifted(turn: Turn, { peer, history, via }: Arrival, fresh: readonly boolean[]): void {
    const { conversation: id, messages } = history
    const progress = this.#wanted.get(id)
    if (progress === undefined || this.#asked.get(id)?.peer !== peer) return
    this.#asked.delete(id)
    for (const [index, message] of messages.entries())
      if (fresh[index] === true) keep(turn, id, via === undefined ? message : { ...message, via })
    const total = progress.messages + messages.length
    const whole = progress.whole && history.whole
    const complete = history.last || (progress.from !== undefined && total >= spec.groupHistoryMax)
    if (fresh.includes(true))
      turn.announce({
        type: 'history:received',
        conversation: id,
        messages: total,
        complete: complete && whole
      })
    // Read while others spoke: the next time from the newest on.
    if (this.#stale.delete(id)) return
    const isKnown = progress.again && whole && !fresh.includes(true)
    const oldest = messages.at(-1)
    if (!whole && (complete || progress.again)) this.#putOff(turn, id, peer, progress)
    else if (complete || isKnown || oldest === undefined) this.#next(turn, id, progress)
    else {
      const { lamport, device, sequence } = oldest
      this.#save(turn, id, { ...progress, whole, before: { lamport, device, sequence }, messages: total })
    }
  }

  /** Somebody did not have all of it: it is asked again from the newest on, or somebody else is, ever more rarely. */
  #putOff(turn: Turn, id: ConversationId, off: PeerId, { from, again, behind }: Progress): void {
    const delayMs = Math.min(
      2 * (this.#put.get(id)?.delayMs ?? limits.recallAgainMs),
      limits.recallAgainMaxMs
    )
    this.#put.set(id, { off, delayMs, until: turn.uptime + delayMs })
    this.#save(turn, id, { ...NOTHING, from, again, behind })
  }

  /** All of it was here once: done, unless others have spoken while they did not know of us. */
  #next(turn: Turn, id: ConversationId, { again, behind }: Progress): void {
    this.#put.delete(id)
    if (again || behind.length === 0) this.#done(turn, id)
    else this.#save(turn, id, { ...NOTHING, again: true, behind })
  }
}

interface PutOff {
  readonly off: PeerId
  readonly until: number
  readonly delayMs: number
}

const NOTHING: Progress = {
  from: undefined,
  before: undefined,
  messages: 0,
  whole: true,
  again: false,
  behind: []
}

function keep(turn: Turn, conversation: ConversationId, message: PastMessage): void {
  const record = { ...message, conversation }
  const key = messageKey(record)
  turn.save(MESSAGES, key, () => encodeMessageRecord(record))
  turn.save(MESSAGE_IDS, message.id, () => fromUtf8(key))
}

/** The peer at which a device of the conversation is. */
function linkOf({ links }: Conversation, device: DeviceId): PeerId | undefined {
  for (const link of links.values()) if (link.device === device && link.ready) return link.peer
  return undefined
}

const placeKey = (conversation: ConversationId, place: HistoryPlace | undefined): string | undefined =>
  place === undefined ? undefined : messageKey({ conversation, ...place })

function placeOf(key: string | undefined): HistoryPlace | undefined {
  if (key === undefined) return undefined
  const [, lamport, device, sequence] = key.split('/')
  return { lamport: Number(lamport), device: device as DeviceId, sequence: Number(sequence) }
}
