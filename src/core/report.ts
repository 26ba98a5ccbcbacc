/**
 * Reports: what this device holds of every log of a conversation, signed. One report is receipt, summary of
 * what is missing, and word of what could not be opened, all at once; the newest replaces all before it.
 *
 * Spec: specs/delivery.md, section "Reports".
 * Always true: a report speaks only of what the batch that it leaves with has put on disk.
 */
import { malformed } from '../base/errors.ts'
import { toHex } from '../base/bytes.ts'
import type { DeviceId, EnvelopeId, MessageId } from '../base/ids.ts'
import { limits, spec } from '../base/limits.ts'
import type { ControlBody, DeviceReport } from '../wire/control.ts'
import type { Receipt } from '../wire/receipt.ts'
import { adoptPast, knowsMore } from './adopt.ts'
import { heardAsking, offerWelcome } from './admit.ts'
import { forgetCarried } from './carry.ts'
import { maySeal, reseal } from './compose.ts'
import type { Conversation, Link } from './conversation.ts'
import { toRanges } from './inbox.ts'
import { acknowledges } from './outbox.ts'
import type { OutboxItem } from './outbox.ts'
import { drain } from './receive.ts'
import { reconcile } from './reconcile.ts'
import { awaited, followAwaits } from './relay.ts'
import { compareRosters } from './roster-sync.ts'
import { envelopeId } from './seal/hashes.ts'
import { forget, release } from './settling.ts'
import type { Turn } from './turn.ts'
import { flush, progressed, transmit } from './transmission.ts'

/** The body of a report. */
export type Report = Extract<ControlBody, { type: 'report' }>

/** Sends the reports that are owed, with the batch. */
export function sendReports(conversation: Conversation, turn: Turn): void {
  if ((reportsDueAt(conversation, turn) ?? Infinity) <= turn.uptime) {
    for (const peer of conversation.links.keys()) conversation.owe(peer)
    conversation.owesAll = false
    conversation.owesAllAt = undefined
  }
  for (const [peer, { answer }] of conversation.reportsDue) {
    const link = conversation.links.get(peer)
    if (link === undefined) continue
    const report = makeReport(conversation, turn, link.device, answer)
    const saying = sayingOf(report)
    // What it was told last is still true: a stream loses nothing.
    if (link.said === saying && !answer && report.unopened.length === 0) continue
    link.said = saying
    conversation.tell(turn, peer, report)
  }
  conversation.reportsDue.clear()
}

/** When `sendReports` has something for everybody, in uptime: with many links not for every little thing. */
export function reportsDueAt(conversation: Conversation, turn: Turn): number | undefined {
  // Without anybody there it waits for whoever comes, not for a time.
  if (!conversation.owesAll || conversation.links.size === 0) return undefined
  if (conversation.links.size <= limits.reportsAtOnceMax) return -Infinity
  conversation.owesAllAt ??= turn.uptime + limits.reportPauseMs
  return conversation.owesAllAt
}

/** All that a report says, to tell whether another says something else. */
function sayingOf({ head, roster, devices, asks, awaits }: Report): string {
  const rows = devices.map(({ device, contiguous, ranges, read }) => [
    device,
    contiguous,
    ranges.join(),
    read
  ])
  return [
    head?.epoch,
    toHex(roster),
    asks === undefined ? '' : toHex(asks.subarray(-16)),
    awaits,
    ...rows
  ].join(' ')
}

const NO_ROSTER = new Uint8Array(32)

/** What we hold, now, for a device. */
export function makeReport(
  conversation: Conversation,
  turn: Turn,
  device: DeviceId,
  answer: boolean
): Report {
  const { ask, group, roster } = conversation
  const head = group.head
  return {
    type: 'report',
    head: head && {
      group: head.group,
      generation: head.generation,
      length: head.length,
      epoch: head.epoch
    },
    roster: roster?.digest() ?? NO_ROSTER,
    devices: [ownRow(conversation, device), ...otherRows(conversation, device)],
    unopened: refused(conversation),
    answer,
    asks: ask?.keyPackage,
    awaits: awaited(conversation, turn)
  }
}

/** From where on we can give a device our log. */
function ownRow({ facts, outbox, self }: Conversation, device: DeviceId): DeviceReport {
  const first = outbox.firstFor(device, facts.sequence)
  const recipient = outbox.acknowledged.get(device)
  const base = recipient !== undefined && recipient.since + 1 === first ? recipient.sinceHash : facts.base
  return {
    device: self,
    contiguous: first - 1,
    hash: first > facts.sequence ? facts.previous : base,
    ranges: first > facts.sequence ? [] : [[first, facts.sequence]],
    read: first - 1
  }
}

/** What we hold of others' logs: of the reader's own first, then of those that have moved last. */
function otherRows({ inbox }: Conversation, device: DeviceId): DeviceReport[] {
  const begun = [...inbox.logs.values()].filter(log => log.contiguous > 0 || log.waiting.size > 0)
  const logs = begun.reverse().slice(0, spec.reportDevicesMax - 2)
  const reader = inbox.logs.get(device)
  if (reader !== undefined && !logs.includes(reader)) logs.push(reader)
  return logs.map(log => ({
    device: log.device,
    contiguous: log.contiguous,
    hash: log.hash,
    ranges: toRanges(log.waiting.keys(), spec.reportRangesMax),
    read: Math.min(log.read, log.contiguous)
  }))
}

/** What could not be opened. The author is told a few times; then it has sealed it again, or never will. */
function refused(conversation: Conversation): EnvelopeId[] {
  const named: EnvelopeId[] = []
  for (const [id, unopened] of conversation.unopened) {
    if (named.length >= spec.reportNacksMax) break
    named.push(id)
    unopened.refusals += 1
    if (unopened.refusals > limits.refusalsMax) conversation.unopened.delete(id)
  }
  return named
}

/** Takes in what a proven device of the conversation reports over a link. */
export function applyReport(conversation: Conversation, turn: Turn, link: Link, report: Report): void {
  const { device } = link
  const ours = report.devices.find(row => row.device === conversation.self)
  // Nobody has written so much: whoever says so wants to bring our numbers to their end.
  if (ours !== undefined && newest(ours) > limits.sequenceAdoptedMax) throw malformed('numbers beyond reason')
  const theirs = report.devices.find(row => row.device === device)
  keepRows(conversation, device, report.devices)
  if (theirs !== undefined) followLog(conversation, turn, device, theirs)
  if (ours !== undefined && knowsMore(conversation, ours)) adoptPast(conversation, turn, link, ours)
  else acknowledge(conversation, turn, device, ours ?? nothing(conversation.self))
  followReading(conversation, turn, device, report.devices)
  const through = theirs === undefined ? 0 : newest(theirs)
  if (report.head !== undefined) conversation.heads.set(device, { head: report.head, through })
  compareRosters(conversation, turn, link.peer, report.roster)
  heardAsking(conversation, turn, device, report.asks, report.head)
  link.roster = report.roster
  offerWelcome(conversation, turn, link)
  forget(conversation, turn)
  forgetCarried(conversation)
  resealRefused(conversation, turn, device, link, report.unopened)
  followAwaits(conversation, turn, link, report.awaits)
  if (report.answer) conversation.owe(link.peer)
  link.ready = true
  link.reportedAt = turn.uptime
  const acknowledged = conversation.outbox.acknowledged.get(device)
  if (acknowledged !== undefined) link.cursor = Math.max(link.cursor, acknowledged.contiguous + 1)
  conversation.save(turn)
  reconcile(conversation, turn)
  flush(conversation, turn, link)
}

/**
 * Takes in what a member with whom we are not linked has reported to somebody else, who passes it on over `link`: its
 * receipts, and what it could not open. The rest is between it and those whom it is linked with.
 */
export function applyRelayed(
  conversation: Conversation,
  turn: Turn,
  device: DeviceId,
  link: Link,
  report: Report
): void {
  const ours = report.devices.find(row => row.device === conversation.self)
  keepRows(conversation, device, report.devices)
  if (report.head !== undefined) {
    const theirs = report.devices.find(row => row.device === device)
    conversation.heads.set(device, { head: report.head, through: theirs === undefined ? 0 : newest(theirs) })
  }
  if (ours !== undefined && !knowsMore(conversation, ours)) acknowledge(conversation, turn, device, ours)
  forget(conversation, turn)
  forgetCarried(conversation)
  resealRefused(conversation, turn, device, link, report.unopened)
  conversation.save(turn)
}

/** A report has no room for every log of a large group: of one that it does not name, what was said last holds. */
function keepRows({ members, rows }: Conversation, device: DeviceId, named: readonly DeviceReport[]): void {
  const kept = new Map(rows.get(device))
  // Of nobody else, or whoever makes up devices could fill our memory.
  for (const row of named) if (members?.has(row.device) !== false) kept.set(row.device, row)
  rows.set(device, kept)
}

/** What our person has read on another device of ours is read here. */
function followReading(
  conversation: Conversation,
  turn: Turn,
  device: DeviceId,
  rows: readonly DeviceReport[]
): void {
  const { inbox, identity, facts } = conversation
  if (conversation.members?.ownerOf(device) !== identity) return
  let moved = false
  for (const row of rows) {
    const log = inbox.logs.get(row.device)
    if (log === undefined || row.read <= log.read) continue
    log.read = Math.min(row.read, log.contiguous)
    moved = true
  }
  const unread = [...inbox.logs.values()].some(({ read, contiguous }) => read < contiguous)
  if (moved && !unread && facts.unread > 0) facts.unread = 0
  if (moved) conversation.with.changed(turn)
}

const nothing = (device: DeviceId): DeviceReport => ({
  device,
  contiguous: 0,
  hash: new Uint8Array(32),
  ranges: [],
  read: 0
})

const newest = ({ contiguous, ranges }: DeviceReport): number => ranges.at(-1)?.[1] ?? contiguous

/** The author's own row says from where on it can give us its log. */
export function followLog(
  conversation: Conversation,
  turn: Turn,
  device: DeviceId,
  row: Pick<DeviceReport, 'contiguous' | 'hash'>
): void {
  const { inbox } = conversation
  if (!inbox.beginAt(device, row.contiguous + 1, row.hash)) return
  conversation.behind.set(device, row.contiguous)
  drain(conversation, turn)
}

/** Takes in a receipt of a device that we are not linked with. One about another past of ours is none. */
export function takeReceipt(conversation: Conversation, turn: Turn, receipt: Receipt): void {
  const { contiguous, hash, ranges, read, device } = receipt
  const row: DeviceReport = {
    device: conversation.self,
    contiguous,
    hash,
    ranges,
    read: Math.min(read, contiguous)
  }
  if (newest(row) > limits.sequenceAdoptedMax || knowsMore(conversation, row)) return
  acknowledge(conversation, turn, device, row)
}

function acknowledge(conversation: Conversation, turn: Turn, device: DeviceId, row: DeviceReport): void {
  const { facts, outbox } = conversation
  const acknowledged = outbox.acknowledged.get(device)
  if (acknowledged === undefined) return
  const before = { ...acknowledged }
  outbox.acknowledge(device, row)
  const link = [...conversation.links.values()].find(each => each.device === device)
  const moved = acknowledged.contiguous > before.contiguous
  if (moved && link !== undefined) progressed(turn, link)
  const delivered: OutboxItem[] = []
  const scanFrom = Math.max(before.contiguous + 1, outbox.first(facts.sequence))
  const scanTo = Math.min(newest(row), facts.sequence)
  for (let sequence = scanFrom; sequence <= scanTo; sequence++) {
    const item = outbox.items.get(sequence)
    if (item === undefined || acknowledges(before, sequence) || !acknowledges(acknowledged, sequence))
      continue
    delivered.push(item)
  }
  release(conversation, turn)
  for (const { message, sequence, visible } of delivered) {
    if (!visible) continue
    watchUnread(conversation, sequence, message)
    if (sequence > acknowledged.read && isTold(conversation, sequence, 'contiguous'))
      announce(conversation, turn, message, sequence)
  }
  for (const [sequence, message] of conversation.unreadThere) {
    if (sequence > acknowledged.read) break
    if (!isTold(conversation, sequence, 'read')) continue
    conversation.unreadThere.delete(sequence)
    announce(conversation, turn, message, sequence)
  }
  if (outbox.advanceSent(facts.sequence)) conversation.save(turn)
}

function watchUnread(conversation: Conversation, sequence: number, message: MessageId): void {
  const { unreadThere } = conversation
  unreadThere.set(sequence, message)
  if (unreadThere.size > limits.unreadWatchedMax) unreadThere.delete(unreadThere.keys().next().value!)
}

/** In a large group a person is told once all have it, and once all have read it, and not each time. */
function isTold({ outbox }: Conversation, sequence: number, what: 'contiguous' | 'read'): boolean {
  const { acknowledged } = outbox
  if (acknowledged.size <= limits.deliveriesToldMax) return true
  for (const each of acknowledged.values())
    if (each.since < sequence && each[what] < sequence && (what === 'read' || !acknowledges(each, sequence)))
      return false
  return true
}

function announce(conversation: Conversation, turn: Turn, message: MessageId, sequence: number): void {
  turn.announce({ type: 'delivery:changed', delivery: conversation.delivery(message, sequence) })
}

/** Seals again what a device could not open, and sends it at once over a link: its own, or that of who passes it on. */
function resealRefused(
  conversation: Conversation,
  turn: Turn,
  device: DeviceId,
  link: Link,
  unopened: readonly EnvelopeId[]
): void {
  if (unopened.length === 0 || !maySeal(conversation)) return
  const head = conversation.group.head?.epoch
  const together = conversation.heads.get(device)?.head.epoch === head
  // What is sealed on our head already will open once the device has come there; before that nothing would help.
  const again = refusedItems(conversation, new Set(unopened))
    .filter(({ epoch }) => together || epoch !== head)
    .map(item => reseal(conversation, turn, item))
  if (again.length > 0) transmit(turn, conversation, link, again)
}

/** The items that these envelopes carry: among those that can be under way. */
function refusedItems({ outbox }: Conversation, refusals: Set<EnvelopeId>): OutboxItem[] {
  const found: OutboxItem[] = []
  let looked = 0
  for (const item of outbox.items.values()) {
    looked += 1
    if (refusals.size === 0 || looked > 2 * limits.windowEnvelopes) break
    if (item.envelopes.some(envelope => refusals.delete(envelopeId(envelope)))) found.push(item)
  }
  return found
}
