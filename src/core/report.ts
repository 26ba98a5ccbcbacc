/**
 * Reports: what this device holds of every log of a conversation, signed. One report is receipt, summary of
 * what is missing, and word of what could not be opened, all at once; the newest replaces all before it.
 *
 * Spec: specs/delivery.md, section "Reports".
 * Always true: a report speaks only of what the batch that it leaves with has put on disk.
 */
import { malformed } from '../base/errors.ts'
import type { DeviceId, EnvelopeId, MessageId } from '../base/ids.ts'
import { limits, spec } from '../base/limits.ts'
import type { ControlBody, DeviceReport } from '../wire/control.ts'
import { adoptPast, knowsMore } from './adopt.ts'
import { reseal } from './compose.ts'
import { OUTBOX } from './conversation.ts'
import type { Conversation, Link } from './conversation.ts'
import { compareHeads } from './heads.ts'
import { toRanges } from './inbox.ts'
import { acknowledges } from './outbox.ts'
import type { OutboxItem } from './outbox.ts'
import { drain, retryUnopened } from './receive.ts'
import { refound } from './regroup.ts'
import { envelopeId } from './seal/hashes.ts'
import { sortable } from './turn.ts'
import type { Turn } from './turn.ts'
import { flush, progressed, transmit } from './transmission.ts'

/** The body of a report. */
export type Report = Extract<ControlBody, { type: 'report' }>

/** Sends the reports that are owed, with the batch. */
export function sendReports(conversation: Conversation, turn: Turn): void {
  for (const [peer, { answer }] of conversation.reportsDue) {
    if (!conversation.links.has(peer) || conversation.group.head === undefined) continue
    const envelope = conversation.with.control(turn, makeReport(conversation, answer))
    if (envelope !== undefined)
      turn.emit({ type: 'transmit', peer, envelopes: [envelope], messages: undefined })
  }
  conversation.reportsDue.clear()
}

/** What we hold, now. There must be a head. */
export function makeReport(conversation: Conversation, answer: boolean): Report {
  const { facts, inbox, outbox, self } = conversation
  const { group, generation, length, epoch } = conversation.group.head!
  const first = outbox.first(facts.sequence)
  const own: DeviceReport = {
    device: self,
    contiguous: first - 1,
    hash: first > facts.sequence ? facts.previous : facts.base,
    ranges: first > facts.sequence ? [] : [[first, facts.sequence]],
    read: first - 1
  }
  const others = [...inbox.logs.values()].slice(0, spec.reportDevicesMax - 1).map(log => ({
    device: log.device,
    contiguous: log.contiguous,
    hash: log.hash,
    ranges: toRanges(log.waiting.keys(), spec.reportRangesMax),
    read: Math.min(log.read, log.contiguous)
  }))
  return {
    type: 'report',
    head: { group, generation, length, epoch },
    devices: [own, ...others],
    unopened: refused(conversation),
    answer,
    stuck: conversation.stuck
  }
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

/** Takes in what a proven device of the contact reports over a link. */
export function applyReport(conversation: Conversation, turn: Turn, link: Link, report: Report): void {
  const { device } = link
  const ours = report.devices.find(row => row.device === conversation.self)
  // Nobody has written so much: whoever says so wants to bring our numbers to their end.
  if (ours !== undefined && newest(ours) > limits.sequenceAdoptedMax) throw malformed('numbers beyond reason')
  const theirs = report.devices.find(row => row.device === device)
  if (theirs !== undefined) followLog(conversation, turn, device, theirs)
  if (ours !== undefined && knowsMore(conversation, ours)) adoptPast(conversation, turn, link, ours)
  else acknowledge(conversation, turn, device, ours ?? nothing(conversation.self))
  const through = theirs === undefined ? 0 : newest(theirs)
  conversation.heads.set(device, { head: report.head, through })
  if (report.head.generation >= (conversation.facts.regroup?.generation ?? Infinity))
    conversation.facts.regroup = undefined
  compareWithHead(conversation, device)
  forget(conversation, turn)
  if (report.stuck) refound(conversation, turn, device, report.head)
  resealRefused(conversation, turn, link, report.unopened)
  if (report.answer) conversation.owe(link.peer)
  link.ready = true
  link.cursor = Math.max(
    link.cursor,
    conversation.outbox.recipient(device, conversation.facts.sequence).contiguous + 1
  )
  conversation.save(turn)
  flush(conversation, turn, link)
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
function followLog(conversation: Conversation, turn: Turn, device: DeviceId, row: DeviceReport): void {
  const { inbox } = conversation
  if (inbox.beginAt(device, row.contiguous + 1, row.hash)) drain(conversation, turn)
}

/** Whether the other side stands on an epoch that we ought to follow, have the log for, and cannot reach. */
function compareWithHead(conversation: Conversation, device: DeviceId): void {
  const { group, inbox } = conversation
  const { head, through } = conversation.heads.get(device)!
  // What its author has sealed again and we still cannot open was sealed for an epoch beyond our reach.
  const refusedTwice = [...conversation.unopened.values()].some(({ refusals }) => refusals > 1)
  const current = inbox.log(device).contiguous >= through || refusedTwice
  const better = group.head !== undefined && compareHeads(head, group.head) < 0
  const stuck = current && better && !group.holds(head.epoch)
  if (stuck && !conversation.stuck) conversation.oweAll()
  conversation.stuck = stuck
}

/** Lets go of epochs once every device has reported a better head, without a gap in its log before that. */
export function forget(conversation: Conversation, turn: Turn): void {
  const { group, heads, inbox } = conversation
  const devices = conversation.with.devices()
  const reported = devices.map(device => heads.get(device))
  const settled = reported.every(
    (each, i) => each !== undefined && inbox.log(devices[i]!).contiguous >= each.through
  )
  const worst = settled ? reported.map(each => each!.head).sort((a, b) => compareHeads(b, a))[0] : undefined
  group.forget(turn, worst)
}

function acknowledge(conversation: Conversation, turn: Turn, device: DeviceId, row: DeviceReport): void {
  const { facts, outbox } = conversation
  const acknowledged = outbox.recipient(device, facts.sequence)
  const before = { ...acknowledged }
  outbox.acknowledge(device, row, facts.sequence)
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
  for (const item of outbox.release()) released(conversation, turn, item)
  for (const { message, sequence, visible } of delivered) {
    if (!visible) continue
    watchUnread(conversation, sequence, message)
    if (sequence > acknowledged.read) announce(conversation, turn, message, sequence)
  }
  for (const [sequence, message] of conversation.unreadThere) {
    if (sequence > acknowledged.read) break
    conversation.unreadThere.delete(sequence)
    announce(conversation, turn, message, sequence)
  }
  if (outbox.advanceSent(facts.sequence)) conversation.save(turn)
}

function released(conversation: Conversation, turn: Turn, item: OutboxItem): void {
  conversation.facts.base = item.hash
  conversation.attempts.delete(item.sequence)
  turn.remove(OUTBOX, `${conversation.id}/${sortable(item.sequence)}`)
}

function watchUnread(conversation: Conversation, sequence: number, message: MessageId): void {
  const { unreadThere } = conversation
  unreadThere.set(sequence, message)
  if (unreadThere.size > limits.unreadWatchedMax) unreadThere.delete(unreadThere.keys().next().value!)
}

function announce(conversation: Conversation, turn: Turn, message: MessageId, sequence: number): void {
  turn.announce({ type: 'delivery:changed', delivery: conversation.delivery(message, sequence) })
}

/** Seals again what the other side could not open, and sends it at once. */
function resealRefused(
  conversation: Conversation,
  turn: Turn,
  link: Link,
  unopened: readonly EnvelopeId[]
): void {
  if (unopened.length === 0 || conversation.group.head === undefined) return
  const again = refusedItems(conversation, new Set(unopened)).map(item => reseal(conversation, turn, item))
  if (again.length > 0) transmit(turn, conversation, link, again)
}

/** The items that these envelopes carry: among those that can be under way. */
function refusedItems({ outbox }: Conversation, refusals: Set<EnvelopeId>): OutboxItem[] {
  const found: OutboxItem[] = []
  let looked = 0
  for (const item of outbox.items.values()) {
    looked += 1
    if (refusals.size === 0 || looked > 2 * limits.windowEnvelopes) break
    if (item.envelope !== undefined && refusals.delete(envelopeId(item.envelope))) found.push(item)
  }
  return found
}

/** After the group has moved: what waited for an epoch may open now. */
export function groupMoved(conversation: Conversation, turn: Turn): void {
  retryUnopened(conversation, turn)
  forget(conversation, turn)
  conversation.oweAll()
}
