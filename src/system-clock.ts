/** The clock port over the platform's clocks. */
import { millis } from './base/ids.ts'
import type { Clock } from './ports/clock.ts'

/** Timers of the platform count in 31 bits; what is further away is woken early, which does no harm. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => millis(Date.now()),
  uptime: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(delayMs, TIMEOUT_MAX_MS))
    timer.unref()
    return () => clearTimeout(timer)
  }
}
