/**
 * Transmission: moves the outbox of a conversation over its links and, where that does not get through, by
 * gossip.
 *
 * Spec: specs/delivery.md, section "Sending".
 * Always true: at most a window of unacknowledged entries is under way to a device; whatever is not
 * acknowledged in time is sent again, ever more rarely while nothing changes.
 */
import type { DeviceId, PeerId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { carry, carryDueAt } from './carry.ts'
import type { Conversation, Link } from './conversation.ts'
import { saveItem } from './compose.ts'
import { acknowledges } from './outbox.ts'
import type { OutboxItem } from './outbox.ts'
import { drain } from './receive.ts'
import { reconcile, reconcileDueAt } from './reconcile.ts'
import { tickRelay } from './relay.ts'
import type { Carried, Turn } from './turn.ts'

/** A device of the conversation has proven itself at the other end of a stream: reports are exchanged first. */
export function addLink(conversation: Conversation, peer: PeerId, device: DeviceId): Link {
  const link: Link = {
    peer,
    device,
    ready: false,
    roster: undefined,
    awaits: new Set(),
    relayed: new Map(),
    introduced: undefined,
    reportedAt: -Infinity,
    askedAt: undefined,
    said: undefined,
    cursor: 0,
    resendAt: undefined,
    resendDelayMs: limits.resendFirstMs,
    adopted: false
  }
  conversation.links.set(peer, link)
  conversation.owe(peer, true)
  return link
}

export function removeLink(conversation: Conversation, peer: PeerId): void {
  conversation.links.delete(peer)
  conversation.reportsDue.delete(peer)
}

/** Sends what may be sent: to every linked device that has told us what it lacks. */
export function flushAll(conversation: Conversation, turn: Turn): void {
  for (const link of conversation.links.values()) if (link.ready) flush(conversation, turn, link)
  if (conversation.outbox.items.size > 0) conversation.gossipAt ??= turn.uptime + limits.gossipAfterMs
}

/** Sends over one link the entries from its cursor on, as far as the window goes. */
export function flush(conversation: Conversation, turn: Turn, link: Link): void {
  const { facts, outbox } = conversation
  const acknowledged = outbox.acknowledged.get(link.device)
  if (acknowledged === undefined) return
  const end = Math.min(facts.sequence, acknowledged.contiguous + limits.windowEnvelopes)
  const items: OutboxItem[] = []
  for (; link.cursor <= end; link.cursor++) {
    const item = outbox.items.get(link.cursor)
    if (item === undefined || acknowledges(acknowledged, link.cursor)) continue
    if (item.envelopes.length === 0) break
    items.push(item)
  }
  if (items.length > 0) transmit(turn, conversation, link, items)
  if (acknowledged.contiguous >= link.cursor - 1) link.resendAt = undefined
  else link.resendAt ??= turn.uptime + link.resendDelayMs
}

/** Hands entries to a link, whatever its cursor. */
export function transmit(
  turn: Turn,
  conversation: Conversation,
  link: Link,
  items: readonly OutboxItem[]
): void {
  const messages: Carried = {
    conversation: conversation.id,
    device: link.device,
    sequences: items.map(({ sequence }) => sequence)
  }
  turn.emit({
    type: 'transmit',
    peer: link.peer,
    envelopes: items.flatMap(({ envelopes }) => envelopes),
    messages
  })
}

/** The receipts of a device moved on: what is in flight is not late any more. */
export function progressed(turn: Turn, link: Link): void {
  link.resendDelayMs = limits.resendFirstMs
  link.resendAt = turn.uptime + link.resendDelayMs
}

/** A transport has taken entries, or has not (`outcome` says why). */
export function transmitted(
  conversation: Conversation,
  turn: Turn,
  { sequences }: Carried,
  path: 'direct' | 'gossip',
  outcome: string,
  taken: boolean
): void {
  const { facts, outbox } = conversation
  for (const sequence of sequences) {
    const item = outbox.items.get(sequence)
    if (item === undefined) continue
    conversation.attempted(sequence, { at: turn.now, path, outcome })
    if (!taken || item.sent) continue
    const before = conversation.delivery(item.message, sequence).state
    outbox.items.set(sequence, { ...item, sent: true })
    if (outbox.sentThrough + 1 !== sequence) saveItem(conversation, turn, sequence)
    else outbox.sentThrough = sequence
    const delivery = conversation.delivery(item.message, sequence)
    if (item.visible && delivery.state !== before) turn.announce({ type: 'delivery:changed', delivery })
  }
  if (taken) {
    outbox.advanceSent(facts.sequence)
    conversation.save(turn)
  }
}

/** Sends again what is overdue, and tries gossip for what the direct path has not got through. */
export function tickTransmission(conversation: Conversation, turn: Turn): void {
  for (const link of conversation.links.values()) {
    if (link.resendAt === undefined || link.resendAt > turn.uptime) continue
    const acknowledged = conversation.outbox.acknowledged.get(link.device)
    link.resendDelayMs = Math.min(link.resendDelayMs * 2, limits.resendMaxMs)
    link.resendAt = turn.uptime + link.resendDelayMs
    if (acknowledged !== undefined) link.cursor = acknowledged.contiguous + 1
    conversation.owe(link.peer, true)
    flush(conversation, turn, link)
  }
  gossip(conversation, turn)
  carry(conversation, turn)
  tickRelay(conversation, turn)
  if (conversation.patienceAt !== undefined && conversation.patienceAt <= turn.uptime)
    drain(conversation, turn)
  reconcile(conversation, turn)
}

/** When `tickTransmission` has something to do next, in uptime. */
export function transmissionDueAt(conversation: Conversation): number | undefined {
  const times = [conversation.patienceAt, reconcileDueAt(conversation)]
  for (const { resendAt } of conversation.links.values()) times.push(resendAt)
  if (conversation.links.size > 0)
    times.push(
      conversation.gossipAt,
      carryDueAt(conversation),
      conversation.relay.askAt,
      conversation.owesAllAt,
      conversation.inquiries.dueAt
    )
  const due = times.filter(time => time !== undefined)
  return due.length === 0 ? undefined : Math.min(...due)
}

/** Publishes, once each, what has waited too long; only proven members are in the mesh that carries it. */
function gossip(conversation: Conversation, turn: Turn): void {
  const { outbox, with: correspondent } = conversation
  if (conversation.gossipAt === undefined || conversation.gossipAt > turn.uptime) return
  conversation.gossipAt = undefined
  const topic = correspondent.topics(turn).at(-1)
  if (topic === undefined || conversation.links.size === 0) return
  let published = 0
  for (const item of outbox.items.values()) {
    if (item.sequence <= conversation.gossipedThrough || item.envelopes.length === 0) continue
    if (published >= limits.gossipBatchMax) {
      conversation.gossipAt = turn.uptime + limits.gossipAfterMs
      break
    }
    const messages: Carried = { conversation: conversation.id, device: undefined, sequences: [item.sequence] }
    for (const envelope of item.envelopes) turn.emit({ type: 'publish', topic, envelope, messages })
    conversation.gossipedThrough = item.sequence
    published += 1
  }
}
