/** The clock port: time, and being called back. Simulations bring their own. */
import type { Millis } from '../base/ids.ts'

export interface Clock {
  /** What the clock on the wall says, in milliseconds since 1970. May jump, may be wrong by years. */
  now(): Millis
  /** Milliseconds since some fixed moment; never jumps and never runs backwards. All waiting is measured by it. */
  uptime(): number
  /** Calls back once after at least `delayMs`; the returned function takes it back. Does not keep the process alive. */
  after(delayMs: number, callback: () => void): () => void
}
