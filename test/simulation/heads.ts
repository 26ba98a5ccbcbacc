/**
 * I4 for what nobody sees: two people who have heard everything of each other seal on the same epoch.
 *
 * The epoch is read from the outbox on each disk in the moment after both have pressed Enter, before either can
 * have heard of the other.
 */
import { OUTBOX } from '../../src/core/conversation.ts'
import { decodeOutboxItem } from '../../src/core/records/outbox-item.ts'
import type { Town } from './town.ts'

/** Lets both sides of every friendship say one more thing, and compares what they seal it on. */
export async function checkHeads(town: Town): Promise<void> {
  for (const { inviter, redeemer } of town.friends) {
    if (town.chronicle.isEstranged(inviter, redeemer)) continue
    const pair = [
      [inviter, redeemer],
      [redeemer, inviter]
    ] as const
    const isBusy = pair.some(([at, of]) => outboxOf(town, at, of).length > 0)
    if (isBusy) continue
    const epochs = await Promise.all(
      pair.map(async ([at, of]) => {
        await town.send(at, of, `last words of ${at} to ${of}`)
        // Where the message came with an update, that comes first, on the epoch before.
        return outboxOf(town, at, of)[0]?.epoch
      })
    )
    if (epochs.every(epoch => epoch === epochs[0])) continue
    town.chronicle.broken('I4 convergence', `${inviter} seals on ${epochs[0]}, ${redeemer} on ${epochs[1]}`)
  }
}

function outboxOf(town: Town, at: string, of: string) {
  const conversation = town.chronicle.identityOf(of)
  return town.net
    .machine(at)
    .disk.surviving(OUTBOX)
    .filter(({ key }) => key.startsWith(`${conversation}/`))
    .map(({ value }) => decodeOutboxItem(value))
}
