/**
 * A simulated node's clock: the `Clock` port over virtual time, wrong by as much as a test wishes.
 *
 * Invariant: what the clock on the wall says and how long a timer takes are independent, as in real machines:
 * a jump of the wall clock neither fires nor delays a timer. After `halt` no timer ever calls back.
 */
import { millis } from '../base/ids.ts'
import type { Millis } from '../base/ids.ts'
import type { Clock } from '../ports/clock.ts'
import type { VirtualTime } from './time.ts'

/** What the clocks say when a simulation begins: 1 January 2026, 00:00 UTC. */
export const SIMULATION_BEGINS: Millis = millis(Date.UTC(2026, 0, 1))

/** A clock that can be set wrong, and that stops with its machine. */
export interface SimulatedClock extends Clock {
  /** Moves the wall clock by so much. Timers do not notice. */
  jump(ms: number): void
  /** What `jump` has added up to, with the skew that it began with. */
  readonly skewMs: number
  /** The machine has crashed: nothing calls back any more. */
  halt(): void
}

/** The clock of one node; `owner` names it in the trace. */
export function simulatedClock(time: VirtualTime, owner: string, skewMs = 0): SimulatedClock {
  let skew = skewMs
  let halted = false
  const beganAt = time.now
  return {
    now: () => millis(SIMULATION_BEGINS + Math.floor(time.now) + skew),
    // Counts from when this process began, as on real machines: whoever keeps it across a restart errs.
    uptime: () => time.now - beganAt,
    after(delayMs, callback) {
      return time.after(Math.max(0, delayMs), `${owner} timer`, () => {
        if (!halted) callback()
      })
    },
    jump(ms) {
      skew += ms
    },
    get skewMs() {
      return skew
    },
    halt() {
      halted = true
    }
  }
}
