/** How often something may happen per key, with bounded memory. The oldest keys are forgotten first. */

/** Counts within fixed windows of time, one per key. */
export class RateGate {
  readonly #max: number
  readonly #windowMs: number
  readonly #keysMax: number
  readonly #windows = new Map<string, { since: number; count: number }>()

  constructor(init: { max: number; windowMs: number; keysMax: number }) {
    this.#max = init.max
    this.#windowMs = init.windowMs
    this.#keysMax = init.keysMax
  }

  /** Whether it may happen once more now; counts it if so. */
  allows(key: string, now: number = performance.now()): boolean {
    const window = this.#windows.get(key)
    if (window !== undefined && now - window.since < this.#windowMs) {
      if (window.count >= this.#max) return false
      window.count++
      return true
    }
    this.#windows.delete(key)
    if (this.#windows.size >= this.#keysMax) this.#windows.delete(this.#windows.keys().next().value ?? '')
    this.#windows.set(key, { since: now, count: 1 })
    return true
  }
}

/** A map that forgets what was used least recently. */
export class RecentMap<Key, Value> {
  readonly #max: number
  readonly #map = new Map<Key, Value>()

  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#map.size
  }

  get(key: Key): Value | undefined {
    const value = this.#map.get(key)
    if (value !== undefined) {
      this.#map.delete(key)
      this.#map.set(key, value)
    }
    return value
  }

  set(key: Key, value: Value): void {
    this.#map.delete(key)
    this.#map.set(key, value)
    const [oldest] = this.#map.keys()
    if (this.#map.size > this.#max && oldest !== undefined) this.#map.delete(oldest)
  }

  delete(key: Key): void {
    this.#map.delete(key)
  }

  entries(): IterableIterator<[Key, Value]> {
    return this.#map.entries()
  }
}
