/**
 * Settling: what follows once the group, its roster or what others have has moved. What waited opens, what is not
 * needed any more goes, and the tree is brought to where it ought to be.
 *
 * Spec: specs/group-order.md, section "Forgetting", and specs/delivery.md, section "Outbox".
 */
import { reconcile } from './reconcile.ts'
import { OUTBOX } from './conversation.ts'
import type { Conversation } from './conversation.ts'
import { compareHeads } from './heads.ts'
import type { OutboxItem } from './outbox.ts'
import { retryUnopened } from './receive.ts'
import { sortable } from './turn.ts'
import type { Turn } from './turn.ts'

/** After the group or its roster has moved: what waited for an epoch or for operations may open now. */
export function groupMoved(conversation: Conversation, turn: Turn): void {
  release(conversation, turn)
  retryUnopened(conversation, turn)
  reconcile(conversation, turn)
  forget(conversation, turn)
  conversation.oweAll()
}

/** Lets go of epochs once every device has reported a better head, without a gap in its log before that. */
export function forget(conversation: Conversation, turn: Turn): void {
  const { group, heads, inbox } = conversation
  const devices = conversation.recipients().map(({ device }) => device)
  const reported = devices.map(device => heads.get(device))
  const settled = reported.every(
    (each, i) => each !== undefined && inbox.log(devices[i]!).contiguous >= each.through
  )
  const worst = settled ? reported.map(each => each!.head).sort((a, b) => compareHeads(b, a))[0] : undefined
  group.forget(turn, worst)
}

/** Lets go of what everybody has whom it was for. */
export function release(conversation: Conversation, turn: Turn): void {
  const { outbox, roster } = conversation
  const nobody = outbox.acknowledged.size === 0 && roster?.kind === 'group'
  for (const item of nobody ? outbox.clear() : outbox.release()) released(conversation, turn, item)
}

function released(conversation: Conversation, turn: Turn, item: OutboxItem): void {
  conversation.facts.base = item.hash
  conversation.attempts.delete(item.sequence)
  turn.remove(OUTBOX, `${conversation.id}/${sortable(item.sequence)}`)
}
