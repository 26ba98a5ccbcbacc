/**
 * The secrets under which the devices of a contact, of a group, or of ourselves, tell each other things beside
 * the conversation.
 *
 * Spec: specs/delivery.md, section 2. Always true: every control message that we seal has a counter of its own,
 * also after a crash; a message is taken once, and only from a device that may speak there.
 */
import type { DeviceId, GroupId } from '../base/ids.ts'
import { limits, spec } from '../base/limits.ts'
import type { Random } from '../base/random.ts'
import { labelledHash } from '../crypto/hash.ts'
import { encodeControlBody } from '../wire/control.ts'
import type { Control, ControlBody } from '../wire/control.ts'
import type { Envelope } from '../wire/envelope.ts'
import { encodeCounters } from './records/counters.ts'
import { controlKeys, openControl, sealControl } from './seal/control-seal.ts'
import type { SealKeys } from './seal/tagged-seal.ts'
import type { Own } from './self.ts'
import type { Turn } from './turn.ts'

/** Kept apart from the contacts and groups, since it changes with every report. */
export const COUNTERS = 'counters'

/** A shared secret, by the group whose beginning it comes from. */
export interface Channel {
  readonly group: GroupId
  readonly secret: Uint8Array
}

/** A device on a channel. */
export type CounterKey = `${GroupId}/${DeviceId}`

/** What lasts of the channels with a contact or a group. */
export interface ChannelFacts {
  /** Newest last; we seal under the last, and open under all. */
  channels: readonly Channel[]
  /** Control counters up to here may have been used. */
  counterReserved: number
  /** The highest counter that each device has used, by channel: who begins anew counts anew. */
  readonly counters: Map<CounterKey, number>
}

/** Nothing shared yet. */
export const noChannels = (): ChannelFacts => ({ channels: [], counterReserved: 0, counters: new Map() })

export class Channels {
  readonly #facts: ChannelFacts
  readonly #key: string
  readonly #own: Own
  readonly #random: Random
  readonly #save: (turn: Turn) => void
  readonly #keys = new Map<GroupId, SealKeys>()
  #counter: number

  /** `key` names the record of the counters; `save` writes that of whoever has the facts. */
  constructor(init: {
    facts: ChannelFacts
    key: string
    own: Own
    random: Random
    save: (turn: Turn) => void
  }) {
    this.#facts = init.facts
    this.#key = init.key
    this.#own = init.own
    this.#random = init.random
    this.#save = init.save
    this.#counter = init.facts.counterReserved
  }

  get isOpen(): boolean {
    return this.#facts.channels.length > 0
  }

  /** Begins to share a secret. */
  add(turn: Turn, channel: Channel): void {
    const facts = this.#facts
    const others = facts.channels.filter(({ group }) => group !== channel.group)
    facts.channels = [...others, channel].slice(-limits.channelsPerContactMax)
    for (const key of facts.counters.keys())
      if (!facts.channels.some(({ group }) => key.startsWith(group))) facts.counters.delete(key)
    this.#save(turn)
  }

  /** Forgets them all: nothing is sealed or opened any more. */
  clear(turn: Turn): void {
    this.#facts.channels = []
    this.#keys.clear()
    this.#save(turn)
  }

  /** A control message under every secret, the newest first: for a device that may not have the newest. */
  sealUnderAll(turn: Turn, body: ControlBody): readonly Uint8Array[] {
    return this.#facts.channels.toReversed().flatMap(channel => this.#sealUnder(turn, channel, body))
  }

  /** The envelopes of a control message: several where it is too large for one, none where nothing is shared yet. */
  seal(turn: Turn, body: ControlBody): readonly Uint8Array[] {
    const channel = this.#facts.channels.at(-1)
    return channel === undefined ? [] : this.#sealUnder(turn, channel, body)
  }

  #sealUnder(turn: Turn, channel: Channel, body: ControlBody): readonly Uint8Array[] {
    const encoded = encodeControlBody(body)
    const bodies = encoded.length <= spec.partBytes ? [body] : partsOf(encoded)
    return bodies.map(each => this.#sealOne(turn, channel, each))
  }

  #sealOne(turn: Turn, channel: Channel, body: ControlBody): Uint8Array {
    this.#counter += 1
    if (this.#counter > this.#facts.counterReserved) {
      this.#facts.counterReserved = this.#counter + limits.countersReserved
      this.#save(turn)
    }
    const { deviceSeed, device } = this.#own
    const keys = this.#keysOf(channel)
    return sealControl({ deviceSeed, device, counter: this.#counter, body, keys, random: this.#random })
  }

  /**
   * A control message that is newer than all before, from a device that `mayAuthor`; undefined where it is under
   * none of these secrets. Throws MALFORMED.
   */
  open(
    turn: Turn,
    envelope: Envelope,
    mayAuthor: (control: Control) => boolean
  ): Control | 'old' | undefined {
    const { channels, counters } = this.#facts
    for (const channel of channels) {
      const control = openControl(envelope, this.#keysOf(channel), mayAuthor)
      if (control === undefined) continue
      const key: CounterKey = `${channel.group}/${control.device}`
      if (control.counter <= (counters.get(key) ?? 0)) return 'old'
      counters.set(key, control.counter)
      turn.save(COUNTERS, this.#key, () => encodeCounters(counters))
      return control
    }
    return undefined
  }

  #keysOf({ group, secret }: Channel): SealKeys {
    let keys = this.#keys.get(group)
    if (keys === undefined) {
      keys = controlKeys(secret)
      this.#keys.set(group, keys)
    }
    return keys
  }
}

function partsOf(encoded: Uint8Array): ControlBody[] {
  const object = labelledHash('controlObject', encoded)
  const count = Math.ceil(encoded.length / spec.partBytes)
  return Array.from({ length: count }, (_, index) => {
    const bytes = encoded.subarray(index * spec.partBytes, (index + 1) * spec.partBytes)
    return { type: 'part', object, index, count, bytes }
  })
}
