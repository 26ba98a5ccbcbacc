/**
 * Going on from a past of our own that we do not have: an older copy of our disk was put back, or we forgot
 * the contact and met again, and the other side knows more of our log than we do.
 *
 * Spec: specs/delivery.md, section "Lost past". Numbers that were used are never used again: what waits in the
 * outbox is written anew behind what the other side holds, under new message ids.
 * Always true: no message that waited is lost; none is called delivered because another once had its number.
 */
import { equal } from '../base/bytes.ts'
import type { DeviceReport } from '../wire/control.ts'
import { decodeEntry } from '../wire/entry.ts'
import { composeText } from './compose.ts'
import { MESSAGE_IDS, MESSAGES, OUTBOX } from './conversation.ts'
import type { Conversation, Link } from './conversation.ts'
import { messageKey } from './messages.ts'
import type { OutboxItem } from './outbox.ts'
import { sortable } from './turn.ts'
import type { Turn } from './turn.ts'

const newest = ({ contiguous, ranges }: DeviceReport): number => ranges.at(-1)?.[1] ?? contiguous

/** Whether a device holds entries under our name that we do not know. */
export function knowsMore({ facts, outbox }: Conversation, row: DeviceReport): boolean {
  if (newest(row) > facts.sequence) return true
  const named = row.contiguous === facts.sequence ? facts.previous : outbox.items.get(row.contiguous)?.hash
  return row.contiguous > 0 && named !== undefined && !equal(named, row.hash)
}

/**
 * Takes the device's word for where our log ends, once a session: a contact that lies about it makes us seal
 * our own waiting messages again, and no more.
 */
export function adoptPast(conversation: Conversation, turn: Turn, link: Link, row: DeviceReport): void {
  if (link.adopted) return
  link.adopted = true
  const { facts, outbox } = conversation
  const waiting = [...outbox.items.values()]
  const end = Math.max(newest(row), facts.sequence)
  for (const item of waiting) withdraw(conversation, turn, item)
  facts.sequence = end
  facts.previous = row.contiguous > 0 ? row.hash : facts.previous
  facts.base = facts.previous
  outbox.sentThrough = end
  for (const acknowledged of outbox.acknowledged.values()) {
    acknowledged.contiguous = end
    acknowledged.ranges = []
  }
  conversation.unreadThere.clear()
  for (const { entry } of waiting) {
    const { content } = decodeEntry(entry)
    if (content.type === 'text') composeText(conversation, turn, content.text, content.replyTo)
  }
  conversation.save(turn)
}

/** Takes back a message that will be written anew. */
function withdraw(conversation: Conversation, turn: Turn, item: OutboxItem): void {
  const { id, outbox } = conversation
  outbox.items.delete(item.sequence)
  turn.remove(OUTBOX, `${id}/${sortable(item.sequence)}`)
  if (!item.visible) return
  const { device, sequence, lamport } = decodeEntry(item.entry)
  turn.remove(MESSAGES, messageKey({ conversation: id, lamport, device, sequence }))
  turn.remove(MESSAGE_IDS, item.message)
  const devices = conversation.recipients().map(each => ({ ...each, state: 'failed' as const }))
  turn.announce({
    type: 'delivery:changed',
    delivery: { message: item.message, conversation: id, state: 'failed', devices }
  })
}
