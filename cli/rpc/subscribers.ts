/** How far each subscriber of a home has acknowledged the events: `subscribers.json`, replaced in one step. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HearsayError } from 'hearsay'
import { z } from 'zod'
import { limits } from '../limits.ts'
import { writePrivateFile } from '../private-files.ts'

const cursorsSchema = z.record(z.string(), z.int().min(0))

/** The durable cursors of one home. One writer: the node that holds the home. */
export class Subscribers {
  readonly #path: string
  #cursors: Readonly<Record<string, number>> | undefined
  #written: Promise<void> = Promise.resolve()

  constructor(home: string) {
    this.#path = join(home, 'subscribers.json')
  }

  async #read(): Promise<Readonly<Record<string, number>>> {
    try {
      this.#cursors ??= cursorsSchema.parse(JSON.parse(await readFile(this.#path, 'utf8')))
    } catch {
      // There is none yet, or it is damaged: a subscriber then says itself where it was.
      this.#cursors ??= {}
    }
    return this.#cursors
  }

  /** What a subscriber acknowledged last. */
  async cursorOf(name: string): Promise<number | undefined> {
    return (await this.#read())[name]
  }

  /** Resolves once it is on disk. A cursor never goes back. Throws LIMIT_REACHED. */
  async acknowledge(name: string, cursor: number): Promise<number> {
    const cursors = await this.#read()
    const reached = Math.max(cursor, cursors[name] ?? 0)
    const next = { ...cursors, [name]: reached }
    if (Object.keys(next).length > limits.subscribersMax) {
      throw new HearsayError('LIMIT_REACHED', { message: 'There are too many subscribers in this home.' })
    }
    this.#cursors = next
    // One after the other, each with all that is known by then: the last one on disk is the newest.
    this.#written = this.#written
      .catch(() => undefined)
      .then(() => writePrivateFile(this.#path, `${JSON.stringify(this.#cursors)}\n`))
    await this.#written
    return reached
  }
}
