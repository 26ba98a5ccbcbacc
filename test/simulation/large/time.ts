/** Virtual time: what is due, in the order in which it is due. */

/** The time of a step. */
export interface Time {
  /** Milliseconds since 1970. */
  readonly now: number
  readonly uptime: number
}

/** Things by when they are due; what is due at the same time comes in the order in which it was put in. */
export class Agenda<T> {
  readonly #heap: { readonly at: number; readonly order: number; readonly what: T }[] = []
  #order = 0

  get nextAt(): number | undefined {
    return this.#heap[0]?.at
  }

  add(at: number, what: T): void {
    const heap = this.#heap
    heap.push({ at, order: this.#order++, what })
    for (let i = heap.length - 1; i > 0;) {
      const parent = (i - 1) >> 1
      if (!this.#before(i, parent)) break
      this.#swap(i, parent)
      i = parent
    }
  }

  /** Takes out everything that is due at the time of the next. */
  takeNext(): T[] {
    const due: T[] = []
    for (const at = this.nextAt; this.#heap.length > 0 && this.nextAt === at;) due.push(this.#pop())
    return due
  }

  #pop(): T {
    const heap = this.#heap
    const { what } = heap[0]!
    const last = heap.pop()!
    if (heap.length > 0) {
      heap[0] = last
      for (let i = 0; ;) {
        let least = i
        for (const child of [2 * i + 1, 2 * i + 2])
          if (child < heap.length && this.#before(child, least)) least = child
        if (least === i) break
        this.#swap(i, least)
        i = least
      }
    }
    return what
  }

  #before(a: number, b: number): boolean {
    const [x, y] = [this.#heap[a]!, this.#heap[b]!]
    return x.at !== y.at ? x.at < y.at : x.order < y.order
  }

  #swap(a: number, b: number): void {
    const heap = this.#heap
    const kept = heap[a]!
    heap[a] = heap[b]!
    heap[b] = kept
  }
}
