/**
 * A model of the DHT: slow, forgetful, and out of reach now and then.
 *
 * Each key has a few holders that answer independently: some have lost the record, some still hold an older
 * one. Records are refused when they are not valid and when a holder has a newer one, as the rules of
 * specs/presence.md demand of every honest holder.
 */
import { toHex } from '../base/bytes.ts'
import { HearsayError } from '../base/errors.ts'
import type { SeededRandom } from './random.ts'
import type { VirtualTime } from './time.ts'
import { DHT_HOST } from './weather.ts'
import type { Host, Reachability } from './weather.ts'

const HOLDERS = 4
const REQUEST_MIN_MS = 100
const REQUEST_MAX_MS = 3000
const TIMEOUT_MS = 10_000
const RECORD_LIFETIME_MS = 48 * 3600 * 1000
/** How likely one holder fails one request even on a good day: nodes of a DHT come and go. */
const CHURN = 0.15

/** Tells how new a valid record is; throws for every other. */
export type ValidateRecord = (key: Uint8Array, record: Uint8Array) => number

interface Held {
  readonly record: Uint8Array
  readonly sequence: number
  readonly storedAt: number
}

/** The DHT that all nodes of a simulation share. */
export class SimulatedDht {
  readonly #time: VirtualTime
  readonly #random: SeededRandom
  readonly #reachability: Reachability
  readonly #validate: ValidateRecord
  /** By key: what each holder has. */
  readonly #holders = new Map<string, Array<Held | undefined>>()

  constructor(init: {
    time: VirtualTime
    random: SeededRandom
    reachability: Reachability
    validateRecord: ValidateRecord
  }) {
    this.#time = init.time
    this.#random = init.random
    this.#reachability = init.reachability
    this.#validate = init.validateRecord
  }

  /** How many keys have a record. */
  get records(): number {
    return this.#holders.size
  }

  /** Stores a record at the holders that answer; resolves to how many took it. Rejects when none did. */
  async put(from: Host, key: Uint8Array, record: Uint8Array, signal: AbortSignal): Promise<number> {
    const sequence = this.#validate(key, record)
    await this.#request(from, signal)
    const holders = this.#holders.get(toHex(key)) ?? Array.from<Held | undefined>({ length: HOLDERS })
    let taken = 0
    for (const [index, held] of holders.entries()) {
      if (this.#random.chance(CHURN)) continue
      if (held !== undefined && held.sequence > sequence) continue
      holders[index] = { record: record.slice(), sequence, storedAt: this.#time.now }
      taken++
    }
    if (taken === 0) throw new HearsayError('NETWORK_FAILED', { message: 'No node took the record.' })
    this.#holders.set(toHex(key), holders)
    return taken
  }

  /** What the holders that answer have, in the order of their answers. */
  async *lookup(from: Host, key: Uint8Array, signal: AbortSignal): AsyncIterable<Uint8Array> {
    try {
      await this.#request(from, signal)
    } catch {
      return
    }
    for (const held of this.#holders.get(toHex(key)) ?? []) {
      if (held === undefined || this.#random.chance(CHURN)) continue
      if (this.#time.now - held.storedAt > RECORD_LIFETIME_MS) continue
      if (signal.aborted) return
      yield held.record.slice()
    }
  }

  /** One way there and back; rejects when either is cut, after a time-out, or when the caller gives up. */
  async #request(from: Host, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw new HearsayError('ABORTED')
    const isReachable = (): boolean =>
      this.#reachability.reaches(from, DHT_HOST) && this.#reachability.reaches(DHT_HOST, from)
    const takes = isReachable() ? this.#random.between(REQUEST_MIN_MS, REQUEST_MAX_MS) : TIMEOUT_MS
    await new Promise<void>((resolve, reject) => {
      const cancel = this.#time.after(takes, `${from} dht`, () => {
        if (isReachable()) resolve()
        else reject(new HearsayError('NETWORK_FAILED', { message: 'The DHT did not answer.' }))
      })
      signal.addEventListener('abort', () => {
        cancel()
        reject(new HearsayError('ABORTED'))
      })
    })
  }
}
