/**
 * The events of a node, in order, from any cursor on: those on disk, then those to come.
 *
 * Always true: an event is handed on only after the batch that it belongs to is committed; a reader that falls
 * behind reads from disk and never makes anybody wait.
 */
import { toUtf8 } from './base/bytes.ts'
import { HearsayError } from './base/errors.ts'
import type { Cursor } from './base/ids.ts'
import { limits } from './base/limits.ts'
import type { HearsayEvent } from './base/model.ts'
import { EVENTS, sortable } from './core/turn.ts'
import type { Store } from './ports/store.ts'

export class EventLog {
  readonly #store: Store
  #last: Cursor
  /** The newest events, so that readers who keep up need no disk. */
  #recent: HearsayEvent[] = []
  readonly #listeners = new Set<() => void>()
  #ended = false

  constructor(store: Store, last: Cursor) {
    this.#store = store
    this.#last = last
  }

  /** The cursor of the newest event in a store, 0 where there is none. */
  static async lastCursor(store: Store): Promise<Cursor> {
    const [record] = await store.range(EVENTS, { reverse: true, limit: 1 })
    return (record === undefined ? 0 : (parse(record.value).at(-1)?.cursor ?? 0)) as Cursor
  }

  get last(): Cursor {
    return this.#last
  }

  /** Hands on events that have just been committed. */
  append(events: readonly HearsayEvent[]): void {
    const newest = events.at(-1)
    if (newest === undefined) return
    this.#last = newest.cursor
    this.#recent = [...this.#recent, ...events].slice(-limits.eventsRecentMax)
    this.#notify()
  }

  /** No more will come: every reader ends. */
  end(): void {
    this.#ended = true
    this.#notify()
  }

  /** Every event after a cursor that is still kept, then those to come. Rejects with ABORTED. */
  async *since(cursor: Cursor, signal?: AbortSignal): AsyncGenerator<HearsayEvent> {
    let position = cursor
    for (;;) {
      if (aborted(signal)) return
      const batch = position >= this.#last ? [] : await this.#after(position)
      for (const event of batch) {
        if (aborted(signal)) return
        position = event.cursor
        yield event
      }
      if (batch.length > 0) continue
      if (this.#ended) return
      if (position >= this.#last) await this.#more(signal)
      else position = this.#last
    }
  }

  /** The first event from now on that answers a question. Rejects with ABORTED, or NODE_STOPPED. */
  async find<T>(
    answer: (event: HearsayEvent) => T | undefined,
    from: Cursor,
    signal?: AbortSignal
  ): Promise<T> {
    for await (const event of this.since(from, signal)) {
      const found = answer(event)
      if (found !== undefined) return found
    }
    throw new HearsayError(aborted(signal) ? 'ABORTED' : 'NODE_STOPPED')
  }

  async #after(position: Cursor): Promise<readonly HearsayEvent[]> {
    const first = this.#recent[0]
    if (first !== undefined && first.cursor <= position + 1)
      return this.#recent.slice(position + 1 - first.cursor)
    const [holding] = await this.#store.range(EVENTS, { to: sortable(position + 2), reverse: true, limit: 1 })
    const from = holding?.key ?? sortable(position + 1)
    const records = await this.#store.range(EVENTS, { from, limit: limits.eventRecordsRead })
    return records.flatMap(({ value }) => parse(value)).filter(event => event.cursor > position)
  }

  #more(signal: AbortSignal | undefined): Promise<void> {
    return new Promise(resolve => {
      const done = (): void => {
        this.#listeners.delete(done)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      this.#listeners.add(done)
      signal?.addEventListener('abort', done)
    })
  }

  #notify(): void {
    for (const listener of this.#listeners) listener()
  }
}

const aborted = (signal: AbortSignal | undefined): boolean => signal?.aborted === true

function parse(record: Uint8Array): HearsayEvent[] {
  return JSON.parse(toUtf8(record)) as HearsayEvent[]
}
