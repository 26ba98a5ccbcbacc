/**
 * Virtual time: one heap of events, keyed by (time, sequence), for a whole simulated network.
 *
 * Invariant: an event begins only after everything that the one before it set off in this process has come to
 * rest. Events run in callbacks of `setImmediate`, and Node empties the microtask queue between two of those,
 * so promise chains of any length are finished first. Nothing here reads a real clock: six hours pass in the
 * time that their events take, and the same inputs give the same order of everything.
 *
 * Time runs by itself once `start` was called, so that `await` on a simulated node works as in production.
 * Code that awaits something real meanwhile (a file, a socket) gives that determinism up.
 */
import { hash64 } from './random.ts'

/** Takes an event back; doing so twice, or too late, is fine. */
export type Cancel = () => void

/** Callbacks queued per turn of the event loop: each turn costs a system call, so they share it. */
const TURNS_QUEUED = 64
/** Where virtual time stops, so that waiting for what never comes ends: about a year. */
const END_OF_TIME_MS = 31_500_000_000

interface Event {
  readonly at: number
  readonly sequence: number
  readonly label: string
  callback: (() => void) | undefined
}

interface Wait {
  readonly condition: () => boolean
  readonly resolve: () => void
  readonly reject: (cause: Error) => void
}

/** The time of one simulated network, in milliseconds since it began. */
export class VirtualTime {
  #now = 0
  #sequence = 0
  #executed = 0
  #running = false
  #queued = 0
  #digest = 0
  #ended: Error | undefined
  readonly #heap: Event[] = []
  #waits: Wait[] = []
  /** Set to hear of every event as it runs: a transcript for people. */
  observe: ((at: number, label: string) => void) | undefined

  /** Milliseconds since the simulation began. */
  get now(): number {
    return this.#now
  }

  /** How many events have run. */
  get executed(): number {
    return this.#executed
  }

  /** A fingerprint of everything that has happened, in order: equal for equal runs. */
  get trace(): string {
    return this.#digest.toString(16).padStart(13, '0')
  }

  /** Adds to the fingerprint, and to the transcript, something that happened outside of an event's label. */
  note(label: string): void {
    const [high, low] = hash64(label, this.#digest % 2 ** 32)
    this.#digest = (high & 0xfffff) * 2 ** 32 + low
    this.observe?.(this.#now, label)
  }

  /** Runs the callback `delayMs` from now, after everything that is due before or was asked for earlier. */
  after(delayMs: number, label: string, callback: () => void): Cancel {
    if (!(delayMs >= 0)) throw new RangeError(`${label}: a delay is not negative, and this is ${delayMs}`)
    const event: Event = { at: this.#now + delayMs, sequence: this.#sequence++, label, callback }
    push(this.#heap, event)
    this.#turnSoon()
    return () => {
      event.callback = undefined
    }
  }

  /** Lets time run by itself from now on. */
  start(): void {
    this.#running = true
    this.#turnSoon()
  }

  /** Stops time for good: no event runs any more, and whoever waits is told so. */
  stop(reason = 'the simulation was stopped'): void {
    this.#ended ??= new Error(reason)
    this.#heap.length = 0
    for (const wait of this.#waits) wait.reject(this.#ended)
    this.#waits = []
  }

  /**
   * Resolves once the condition holds, which is asked between events. Rejects when time ends first, or when
   * nothing is left that could still happen.
   */
  async until(condition: () => boolean): Promise<void> {
    if (this.#ended !== undefined) throw this.#ended
    await new Promise<void>((resolve, reject) => {
      this.#waits.push({ condition, resolve, reject })
      this.#turnSoon()
    })
  }

  /** Lets `ms` milliseconds pass. */
  async advance(ms: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      if (this.#ended !== undefined) reject(this.#ended)
      this.#waits.push({ condition: () => false, resolve, reject })
      const wait = this.#waits.at(-1)
      this.after(ms, 'advanced', () => {
        this.#waits = this.#waits.filter(other => other !== wait)
        resolve()
      })
    })
  }

  #turnSoon(): void {
    if (!this.#running && this.#waits.length === 0) return
    while (this.#queued < TURNS_QUEUED) {
      this.#queued++
      setImmediate(this.#turn)
    }
  }

  readonly #turn = (): void => {
    this.#queued--
    if (this.#ended !== undefined) return
    if (this.#waits.length > 0 && this.#settleWaits()) {
      // Whoever waited reacts first: the next event runs a turn later.
      this.#turnSoon()
      return
    }
    if (!this.#running && this.#waits.length === 0) return
    let event = pop(this.#heap)
    while (event !== undefined && event.callback === undefined) event = pop(this.#heap)
    if (event?.callback === undefined) {
      this.#starve()
      return
    }
    this.#turnSoon()
    if (event.at > END_OF_TIME_MS) {
      this.stop('virtual time ran out: what the test waits for never happens')
      return
    }
    this.#now = event.at
    this.#executed++
    this.note(`${event.at} ${event.label}`)
    event.callback()
  }

  /** Resolves the waits whose condition has come true; tells whether there were any. */
  #settleWaits(): boolean {
    const met = this.#waits.filter(wait => wait.condition())
    if (met.length === 0) return false
    this.#waits = this.#waits.filter(wait => !met.includes(wait))
    for (const wait of met) wait.resolve()
    return true
  }

  /** With no event left nothing can come true any more. Turns already queued drain first, then waits fail. */
  #starve(): void {
    if (this.#queued > 0 || this.#waits.length === 0) return
    const cause = new Error('nothing is left to happen, and what the test waits for has not')
    for (const wait of this.#waits) wait.reject(cause)
    this.#waits = []
  }
}

const before = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.sequence < b.sequence)

/** Binary heap, smallest first. */
function push(heap: Event[], event: Event): void {
  let index = heap.length
  heap.push(event)
  while (index > 0) {
    const parent = (index - 1) >> 1
    if (!before(event, heap[parent]!)) break
    heap[index] = heap[parent]!
    index = parent
  }
  heap[index] = event
}

function pop(heap: Event[]): Event | undefined {
  const first = heap[0]
  const last = heap.pop()
  if (first === undefined || last === undefined || heap.length === 0) return first
  let index = 0
  for (;;) {
    let child = 2 * index + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
    if (!before(heap[child]!, last)) break
    heap[index] = heap[child]!
    index = child
  }
  heap[index] = last
  return first
}
