/**
 * Inquiries: how an author learns that those have its messages with whom it is not linked.
 *
 * Spec: specs/delivery.md, section 11. What is not acknowledged in time is asked for by an inquiry that goes from
 * member to member; each remembers who brought it first, and gives that one its own receipt and those that others
 * give it. The next inquiry goes other ways where there are any, so that nobody who keeps receipts back is on the
 * way for long; and it is asked ever more rarely while nothing changes.
 * Always true: a receipt counts only for the device that signed it; at most `limits.inquiriesMax` authors' inquiries
 * are remembered, and of each device the receipts of one round.
 */
import { equal, toHex } from '../base/bytes.ts'
import type { DeviceId, PeerId } from '../base/ids.ts'
import { limits, spec } from '../base/limits.ts'
import { malformed } from '../base/errors.ts'
import type { ControlBody } from '../wire/control.ts'
import { decodeInquiry, decodeReceipt } from '../wire/receipt.ts'
import type { Inquiry, Receipt } from '../wire/receipt.ts'
import type { Conversation } from './conversation.ts'
import { toRanges } from './inbox.ts'
import { acknowledges } from './outbox.ts'
import { makeInquiry, makeReceipt, requireInquiry, requireReceipt } from './seal/receipt-seal.ts'
import type { Own } from './self.ts'
import type { Turn } from './turn.ts'

/** The newest inquiry of one author, and what was answered. */
interface Heard {
  readonly inquiry: Inquiry
  /** How far who brought it first is from the author. Only such as are no further are given receipts. */
  readonly hops: number
  /** When it came, in uptime, and the rounds before it: what is played back is not passed on again. */
  readonly at: number
  readonly past: readonly string[]
  /** Who brought it, and who is given the receipts. */
  via: PeerId
  /** Who was given those of the round before. */
  readonly before: PeerId | undefined
  /** What each device has said, ourselves among them. */
  readonly receipts: Map<DeviceId, Uint8Array>
  /** Of these, what is still to be given on. */
  readonly due: Set<DeviceId>
  /** What we have said last of the author's log. */
  said: string | undefined
}

/** The inquiries of one conversation: our own, and others'. */
export class Inquiries {
  readonly #heard = new Map<DeviceId, Heard>()
  /** When to ask, in uptime; undefined while nothing is owed to us. */
  #askAt: number | undefined
  #delayMs: number = limits.inquireFirstMs
  /** How many had not acknowledged at the last inquiry, and our newest number then. */
  #asked: { readonly lacking: number; readonly sequence: number } | undefined
  /** When receipts are given on, in uptime. */
  #giveAt: number | undefined
  /** Authors of whose log we have more than before this batch. */
  readonly #moved = new Set<DeviceId>()

  /** When `tick` has something to do, in uptime. */
  get dueAt(): number | undefined {
    const times = [this.#askAt, this.#giveAt].filter(at => at !== undefined)
    return times.length === 0 ? undefined : Math.min(...times)
  }

  /** We have more of somebody's log: whoever asked for it is told with the batch. */
  moved(author: DeviceId): void {
    if (this.#heard.has(author)) this.#moved.add(author)
  }

  /** After each batch: what was asked for and has come is told, and there may be something to ask for. */
  settle(conversation: Conversation, turn: Turn, own: Own): void {
    for (const author of this.#moved) {
      const heard = this.#heard.get(author)
      if (heard !== undefined) this.#answer(conversation, turn, own, heard)
    }
    this.#moved.clear()
    this.#watch(conversation, turn)
  }

  #watch({ outbox, facts }: Conversation, turn: Turn): void {
    // Among few each is linked with most others, and those pass on what it reports.
    if (outbox.items.size === 0 || outbox.acknowledged.size <= limits.inquireAboveDevices) {
      this.#askAt = undefined
      this.#asked = undefined
      return
    }
    if (this.#askAt !== undefined && this.#asked?.sequence === facts.sequence) return
    if (this.#asked === undefined || this.#asked.sequence < facts.sequence) {
      this.#delayMs = limits.inquireFirstMs
      this.#asked = { lacking: Infinity, sequence: facts.sequence }
      this.#askAt = Math.min(this.#askAt ?? Infinity, turn.uptime + this.#delayMs)
    }
  }

  tick(conversation: Conversation, turn: Turn, own: Own): void {
    if (this.#giveAt !== undefined && this.#giveAt <= turn.uptime) this.#give(conversation, turn)
    if (this.#askAt !== undefined && this.#askAt <= turn.uptime) this.#ask(conversation, turn, own)
  }

  #ask(conversation: Conversation, turn: Turn, own: Own): void {
    const { facts, links, roster, self } = conversation
    this.#askAt = undefined
    if (roster === undefined || conversation.outbox.items.size === 0) return
    const lacking = lackingDevices(conversation)
    const progress = lacking.length < (this.#asked?.lacking ?? 0)
    this.#delayMs = progress ? limits.inquireFirstMs : Math.min(this.#delayMs * 2, limits.inquireMaxMs)
    this.#asked = { lacking: lacking.length, sequence: facts.sequence }
    this.#askAt = turn.uptime + this.#delayMs
    if (lacking.length === 0 || links.size === 0) return
    const first = conversation.outbox.first(facts.sequence)
    const inquiry = makeInquiry(
      {
        group: roster.id,
        author: self,
        round: toHex(conversation.random(16)),
        contiguous: first - 1,
        hash: facts.base,
        devices: lacking.length > spec.inquiredMax ? undefined : lacking
      },
      own.deviceSeed
    )
    for (const peer of links.keys()) conversation.tell(turn, peer, { type: 'inquiry', inquiry, hops: 0 })
  }

  /** Takes in an inquiry of whoever it is, from a linked peer. Returns it where it is new. Throws MALFORMED. */
  inquired(
    conversation: Conversation,
    turn: Turn,
    peer: PeerId,
    { inquiry: bytes, hops }: Extract<ControlBody, { type: 'inquiry' }>
  ): Inquiry | undefined {
    const inquiry = decodeInquiry(bytes)
    const { author, round, group } = inquiry
    const { members, roster, self } = conversation
    if (author === self || roster?.id !== group || members?.has(author) !== true) return undefined
    const known = this.#heard.get(author)
    if (round === known?.inquiry.round && hops <= known.hops) this.#otherWay(turn, known, peer)
    const rounds = known === undefined ? [] : [...known.past, known.inquiry.round]
    const early = known !== undefined && turn.uptime - known.at < limits.inquiryPauseMs
    if (early || rounds.includes(round)) return undefined
    requireInquiry(inquiry)
    const heard: Heard = {
      inquiry,
      hops,
      at: turn.uptime,
      past: rounds.slice(-limits.inquiryRoundsKept),
      via: peer,
      before: known?.via,
      receipts: new Map(),
      due: new Set(),
      said: undefined
    }
    this.#heard.delete(author)
    this.#heard.set(author, heard)
    if (this.#heard.size > limits.inquiriesMax) this.#heard.delete(this.#heard.keys().next().value!)
    for (const other of conversation.links.keys())
      if (other !== peer && hops < spec.inquiryHopsMax)
        conversation.tell(turn, other, { type: 'inquiry', inquiry: bytes, hops: hops + 1 })
    this.#moved.add(author)
    return inquiry
  }

  /** The same inquiry by another peer: taken as the way back where the first is the one of the last time. */
  #otherWay(turn: Turn, heard: Heard, peer: PeerId): void {
    if (heard.via !== heard.before || peer === heard.via) return
    heard.via = peer
    for (const device of heard.receipts.keys()) heard.due.add(device)
    this.#giveSoon(turn)
  }

  #answer({ inbox, self, links }: Conversation, turn: Turn, own: Own, heard: Heard): void {
    const { author, group, round, devices } = heard.inquiry
    const asked = devices === undefined || devices.includes(self)
    // Whom we are linked with we tell in a report.
    const linked = [...links.values()].some(({ device }) => device === author)
    const log = inbox.logs.get(author)
    if (!asked || linked || log === undefined) return
    const { contiguous, hash } = log
    const ranges = toRanges(log.waiting.keys(), spec.receiptRangesMax)
    const read = Math.min(log.read, contiguous)
    const saying = `${contiguous} ${ranges.join()} ${read}`
    if (heard.said === saying) return
    heard.said = saying
    const content = { group, author, device: self, round, contiguous, hash, ranges, read }
    heard.receipts.set(self, makeReceipt(content, own.deviceSeed))
    heard.due.add(self)
    this.#giveSoon(turn)
  }

  #giveSoon(turn: Turn): void {
    this.#giveAt ??= turn.uptime + limits.receiptDelayMs
  }

  /** Gives on what has come together. */
  #give(conversation: Conversation, turn: Turn): void {
    this.#giveAt = undefined
    for (const [author, { via, due, receipts }] of this.#heard) {
      const all = [...due].map(device => receipts.get(device)!)
      due.clear()
      for (let from = 0; from < all.length; from += spec.receiptsMax)
        if (conversation.links.has(via))
          conversation.tell(turn, via, {
            type: 'receipts',
            author,
            receipts: all.slice(from, from + spec.receiptsMax)
          })
    }
  }

  /**
   * Takes in receipts: for ourselves, those that their devices have signed, which are returned; for others, to be
   * given on unread. Throws MALFORMED.
   */
  received(
    { self, members, roster }: Conversation,
    turn: Turn,
    author: DeviceId,
    receipts: readonly Uint8Array[]
  ): Receipt[] {
    const heard = this.#heard.get(author)
    const ours: Receipt[] = []
    for (const bytes of receipts) {
      const receipt = decodeReceipt(bytes)
      const { device } = receipt
      if (receipt.author !== author || receipt.group !== roster?.id) throw malformed('a receipt elsewhere')
      if (members?.has(device) !== true || device === self) continue
      if (author === self) {
        requireReceipt(receipt)
        ours.push(receipt)
      } else if (heard !== undefined && receipt.round === heard.inquiry.round) {
        const known = heard.receipts.get(device)
        if (known !== undefined && equal(known, bytes)) continue
        heard.receipts.set(device, bytes)
        heard.due.add(device)
        this.#giveSoon(turn)
      }
    }
    return ours
  }
}

/** Devices with whom we are not linked and who have not acknowledged all that waits for them. */
function lackingDevices({ links, outbox, facts }: Conversation): DeviceId[] {
  const linked = new Set([...links.values()].map(({ device }) => device))
  const sequences = [...outbox.items.keys()].filter(sequence => sequence <= facts.sequence)
  return [...outbox.acknowledged.values()]
    .filter(
      each =>
        !linked.has(each.device) &&
        sequences.some(sequence => sequence > each.since && !acknowledges(each, sequence))
    )
    .map(({ device }) => device)
}
