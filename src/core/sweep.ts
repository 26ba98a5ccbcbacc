/**
 * Sweeping: deleting many records a few at a time, to the end also after a crash.
 *
 * Always true: a sweep is on disk until nothing of it is left; what it deletes nobody can see any more.
 */
import { fromUtf8, toUtf8 } from '../base/bytes.ts'
import { MESSAGE_IDS, MESSAGES } from './conversation.ts'
import { decodeMessageRecord } from './records/message.ts'
import type { Sweep, Turn } from './turn.ts'

export const SWEEPS = 'sweeps'

const keyOf = ({ collection, from }: Sweep): string => `${collection}/${from}`

/** Starts a sweep with the batch. */
export function beginSweep(turn: Turn, sweep: Sweep): void {
  turn.save(SWEEPS, keyOf(sweep), () => fromUtf8(JSON.stringify(sweep)))
  turn.emit({ type: 'sweep', sweep })
}

/** Goes on with a sweep that was under way when the node stopped. */
export function resumeSweep(turn: Turn, record: Uint8Array): void {
  turn.emit({ type: 'sweep', sweep: JSON.parse(toUtf8(record)) as Sweep })
}

/** Deletes what was found, and goes on or ends. */
export function continueSweep(
  turn: Turn,
  sweep: Sweep,
  records: ReadonlyArray<{ readonly key: string; readonly value: Uint8Array }>
): void {
  for (const { key, value } of records) {
    turn.remove(sweep.collection, key)
    if (sweep.collection === MESSAGES) turn.remove(MESSAGE_IDS, decodeMessageRecord(value).id)
  }
  if (records.length === 0) turn.remove(SWEEPS, keyOf(sweep))
  else turn.emit({ type: 'sweep', sweep })
}
