/** Receipts that others carry: what comes of them. Spec: specs/delivery.md, section 11. */
import type { PeerId } from '../base/ids.ts'
import type { ControlBody } from '../wire/control.ts'
import type { Conversation } from './conversation.ts'
import { followLog, takeReceipt } from './report.ts'
import type { Turn } from './turn.ts'

type Carried = Extract<ControlBody, { type: 'inquiry' | 'receipts' }>

/** Takes in an inquiry, or receipts, that a linked peer brings. Throws MALFORMED. */
export function followReceipts(conversation: Conversation, turn: Turn, peer: PeerId, body: Carried): void {
  const { inquiries, links } = conversation
  if (!links.has(peer)) return
  if (body.type === 'inquiry') {
    const inquiry = inquiries.inquired(conversation, turn, peer, body)
    if (inquiry !== undefined) followLog(conversation, turn, inquiry.author, inquiry)
    return
  }
  for (const receipt of inquiries.received(conversation, turn, body.author, body.receipts))
    takeReceipt(conversation, turn, receipt)
}
