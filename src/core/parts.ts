/**
 * Joining what came in parts: control messages and commits that are larger than an envelope.
 *
 * Spec: specs/delivery.md, section "Parts". Always true: what is joined has the size and the hash that its
 * first part named; at most one body waits per stream.
 */
import { concat, equal } from '../base/bytes.ts'
import { malformed } from '../base/errors.ts'
import type { EpochId } from '../base/ids.ts'
import { spec } from '../base/limits.ts'
import { labelledHash } from '../crypto/hash.ts'
import { decodeControlBody } from '../wire/control.ts'
import type { ControlBody } from '../wire/control.ts'

type Part = Extract<ControlBody, { type: 'part' }>

/** The body that is coming over one stream. Parts come in order: a stream keeps it. */
export class Parts {
  #object: Uint8Array | undefined
  #received: Uint8Array[] = []

  /** Takes in a part. Returns the body once it is whole. Throws MALFORMED. */
  take({ object, index, count, bytes }: Part): ControlBody | undefined {
    if (index === 0) {
      this.#object = object
      this.#received = []
    }
    if (this.#object === undefined || !equal(this.#object, object) || index !== this.#received.length)
      throw malformed('a part out of order')
    this.#received.push(bytes)
    if (index + 1 < count) return undefined
    const whole = concat(...this.#received)
    this.#object = undefined
    this.#received = []
    if (!equal(labelledHash('controlObject', whole), object)) throw malformed('parts of something else')
    const body = decodeControlBody(whole)
    if (body.type === 'part') throw malformed('parts in a part')
    return body
  }
}

/** Which MLS message a part is of. */
export interface Fragmented {
  readonly epoch: EpochId
  readonly leaf: number
  readonly sequence: number
  readonly parts: number
}

/** Parts of MLS messages, by epoch, leaf and number: they may come in any order, over any path. */
export class Fragments {
  readonly #waiting = new Map<string, (Uint8Array | undefined)[]>()

  /** Takes in a part. Returns the whole where all are there; they stay until `drop`, since it may have to wait. */
  take(of: Fragmented, part: number, bytes: Uint8Array): Uint8Array | undefined {
    if (of.parts === 1) return bytes
    const name = nameOf(of)
    const received = this.#waiting.get(name) ?? Array.from<Uint8Array | undefined>({ length: of.parts })
    received[part] = Uint8Array.from(bytes)
    this.#waiting.delete(name)
    this.#waiting.set(name, received)
    while (this.#waiting.size > FRAGMENTED_MAX) this.#waiting.delete(this.#waiting.keys().next().value!)
    return received.includes(undefined) ? undefined : concat(...(received as Uint8Array[]))
  }

  /** Lets go of the parts of what was opened. */
  drop(of: Fragmented): void {
    this.#waiting.delete(nameOf(of))
  }

  /** Of how many messages there are parts. */
  get size(): number {
    return this.#waiting.size
  }
}

const nameOf = ({ epoch, leaf, sequence, parts }: Fragmented): string =>
  [epoch, leaf, sequence, parts].join('/')

/** Commits that may be coming in parts at one time, per conversation. */
const FRAGMENTED_MAX = 8

/** An MLS message as the parts that fit into envelopes. */
export function fragmentsOf(mls: Uint8Array): Uint8Array[] {
  const count = Math.max(1, Math.ceil(mls.length / spec.partBytes))
  return Array.from({ length: count }, (_, part) =>
    mls.subarray(part * spec.partBytes, (part + 1) * spec.partBytes)
  )
}
