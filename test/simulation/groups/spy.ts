/**
 * Keeps every epoch that any machine ever had, and every envelope that was ever on the wire: what somebody could
 * read who is removed from a group and forgets nothing, though honest devices forget.
 */
import { EPOCHS, RATCHETS } from '../../../src/core/group.ts'
import { epochKeys, openMessage } from '../../../src/core/seal/message-seal.ts'
import { decodeHeldEpoch } from '../../../src/core/records/held-epoch.ts'
import type { Invariant } from '../chronicle.ts'
import { leavesOf } from '../../../src/core/leaves.ts'
import { decodeEntry } from '../../../src/wire/entry.ts'
import { decodeEnvelope } from '../../../src/wire/envelope.ts'
import type { Envelope } from '../../../src/wire/envelope.ts'
import { HearsayError } from 'hearsay'
import { spec } from '../../../src/base/limits.ts'
import { Epoch, MlsError } from 'hearsay/mls'
import type { Change } from '../../../src/ports/store.ts'

/** Of an envelope so much tells it from all others. */
const HEADER_BYTES = 30

interface Stolen {
  readonly facts: Uint8Array
  ratchets: Uint8Array | undefined
}

/** What is known of an epoch from its records. */
interface EpochSeen {
  readonly parent: string | undefined
  readonly group: string
}

export class Spy {
  /** By machine and record key: the first records of an epoch, with the most keys. */
  readonly #stolen = new Map<string, Map<string, Stolen>>()
  readonly #envelopes = new Map<string, Envelope>()
  /** By key: every epoch that anybody had. */
  readonly #epochs = new Map<string, EpochSeen>()
  /** By conversation and machine: the epochs on its disk, and how many commits led to each. */
  readonly #held = new Map<string, Map<string, Map<string, number>>>()
  /** Epochs that were let go of while somebody else had none that was further on. */
  readonly #droppedEarly: Dropped[] = []
  /** The most epochs of one conversation that a machine had on its disk at once. */
  epochsHeldMost = 0
  /** How many times a machine came into a group by a welcome. */
  joins = 0

  /** Those who keep what they like. */
  readonly #unseen: ReadonlySet<string>

  /** `hostile` are those whose epochs are not counted. */
  constructor(hostile: ReadonlySet<string>) {
    this.#unseen = hostile
  }

  /** A machine has asked its disk to write. */
  wrote(name: string, changes: readonly Change[]): void {
    for (const { collection, key, value } of changes) {
      if (collection !== EPOCHS && collection !== RATCHETS) continue
      if (collection === EPOCHS) this.#count(name, key, value)
      if (value === undefined) continue
      const stolen = this.#stolen.get(name) ?? new Map<string, Stolen>()
      this.#stolen.set(name, stolen)
      const known = stolen.get(key)
      if (collection === RATCHETS && known !== undefined) known.ratchets ??= value
      if (collection === EPOCHS && known === undefined) {
        stolen.set(key, { facts: value, ratchets: undefined })
        this.#seen(key, value)
      }
    }
  }

  #count(name: string, key: string, value: Uint8Array | undefined): void {
    const [conversation, epoch] = key.split('/') as [string, string]
    const held = this.#heldBy(conversation).get(name) ?? new Map<string, number>()
    this.#heldBy(conversation).set(name, held)
    if (value !== undefined) held.set(epoch, decodeHeldEpoch(value).length)
    else if (held.delete(epoch)) this.#dropped(name, conversation, epoch)
    if (!this.#unseen.has(name)) this.epochsHeldMost = Math.max(this.epochsHeldMost, held.size)
  }

  #heldBy(conversation: string): Map<string, Map<string, number>> {
    const found = this.#held.get(conversation) ?? new Map<string, Map<string, number>>()
    this.#held.set(conversation, found)
    return found
  }

  /** An epoch may go once everybody is further on, or where there are too many. */
  #dropped(name: string, group: string, epoch: string): void {
    const machines = this.#heldBy(group)
    if ((machines.get(name)?.size ?? 0) > spec.epochsKeptMax) return
    for (const [other, held] of machines) {
      const length = held.get(epoch)
      const isFurther =
        length === undefined ||
        [...held].some(([id, each]) => each > length || (each === length && id < epoch))
      if (other !== name && !isFurther) this.#droppedEarly.push({ name, other, group })
    }
  }

  /** Who let go of an epoch of a group that another machine was still sealing on. */
  droppedEarly(group: string): readonly Dropped[] {
    return this.#droppedEarly.filter(each => each.group === group)
  }

  #seen(key: string, value: Uint8Array): void {
    const { parent, length } = decodeHeldEpoch(value)
    if (parent === undefined && length > 0) this.joins++
    const [group] = key.split('/') as [string]
    if (parent !== undefined || !this.#epochs.has(key)) this.#epochs.set(key, { parent, group })
  }

  /** How many epochs of a group there have been, and on how many two or more commits were made. */
  branches(group: string): { commits: number; forks: number } {
    const children = new Map<string, number>()
    const ours = [...this.#epochs.values()].filter(each => each.group === group)
    for (const { parent } of ours)
      if (parent !== undefined) children.set(parent, (children.get(parent) ?? 0) + 1)
    return { commits: ours.length - 1, forks: [...children.values()].filter(count => count > 1).length }
  }

  /**
   * I7: on no branch that an honest member follows did anybody commit twice in a row without changing the
   * membership, or take a device out that no operation ever took out.
   */
  checkBranches({ honest, group, broken, everOut, deviceOwners, isHostile }: Branches): void {
    const seen = new Set<string>()
    for (const name of honest) {
      const all = new Map([...(this.#stolen.get(name) ?? [])].filter(([key]) => key.startsWith(`${group}/`)))
      for (const [key, { facts }] of all) {
        const { parent, author } = decodeHeldEpoch(facts)
        const before = parent === undefined ? undefined : all.get(`${group}/${parent}`)
        if (before === undefined || seen.has(key)) continue
        seen.add(key)
        const tree = new Set(devicesIn(facts))
        const gone = devicesIn(before.facts).filter(device => !tree.has(device))
        const isSame = gone.length === 0 && tree.size === devicesIn(before.facts).length
        // By whoever keeps the rules that is somebody who was taken out and in again.
        const isAlone = author === decodeHeldEpoch(before.facts).author && isHostile(deviceOwners(author))
        if (isSame && isAlone && !isReadmission(before.facts, facts))
          broken('I7 authorisation', `${name} follows a branch that one device lengthened alone`)
        for (const device of gone) {
          const owner = deviceOwners(device)
          if (owner !== undefined && !everOut(owner))
            broken('I7 authorisation', `${name} follows a commit that took ${owner} out, whom nobody removed`)
        }
      }
    }
  }

  /** Everything on the wire passes here. */
  overhear(bytes: Uint8Array): void {
    const key = Buffer.from(bytes.subarray(0, HEADER_BYTES)).toString('latin1')
    if (this.#envelopes.has(key)) return
    const envelope = decodeEnvelope(bytes)
    if (envelope.kind === 'message') this.#envelopes.set(key, { ...envelope, body: envelope.body.slice() })
  }

  /** Every text that is readable with all that a machine ever had, following every commit that it can. */
  readable(name: string): ReadonlySet<string> {
    const texts = new Set<string>()
    const epochs = [...(this.#stolen.get(name)?.values() ?? [])].map(load)
    const known = new Set(epochs.map(idOf))
    for (const epoch of epochs) {
      const keys = epochKeys((label, length) => epoch.export(label, '', length))
      for (const envelope of this.#envelopes.values()) {
        const body = openMessage(envelope, keys)
        if (body === undefined) continue
        const content = contentOf(epoch, body.mls)
        if (typeof content === 'string') texts.add(content)
        else if (content !== undefined && !known.has(idOf(content))) {
          known.add(idOf(content))
          epochs.push(content)
        }
      }
    }
    return texts
  }
}

/** `name` let go of the epoch that `other` sealed on. */
interface Dropped {
  readonly name: string
  readonly other: string
  readonly group: string
}

/** What a check of branches needs to know of the run. */
export interface Branches {
  readonly honest: readonly string[]
  readonly group: string
  readonly broken: (invariant: Invariant, what: string) => void
  /** Whether anybody ever tried to take somebody out of the group. */
  readonly everOut: (name: string) => boolean
  readonly deviceOwners: (device: string) => string | undefined
  readonly isHostile: (name: string | undefined) => boolean
}

const devicesIn = (facts: Uint8Array): string[] =>
  leavesOf(Epoch.load(decodeHeldEpoch(facts).epoch)).map(({ device }) => device)

/** Whether somebody was taken out and in again by one commit: the same device with another key. */
function isReadmission(before: Uint8Array, after: Uint8Array): boolean {
  const keysOf = (facts: Uint8Array): string[] =>
    Epoch.load(decodeHeldEpoch(facts).epoch)
      .members()
      .map(({ leaf }) => Buffer.from(leaf.encryptionKey).toString('hex'))
  const kept = new Set(keysOf(before))
  // A commit renews its author's key; a second new one is somebody else's.
  return keysOf(after).filter(key => !kept.has(key)).length > 1
}

const idOf = (epoch: Epoch): string => epochKeys((label, length) => epoch.export(label, '', length)).id

function load({ facts, ratchets }: Stolen): Epoch {
  const epoch = Epoch.load(decodeHeldEpoch(facts).epoch)
  if (ratchets !== undefined) epoch.loadRatchets(ratchets)
  return epoch
}

/** What a message says: a text, or the epoch that a commit leads to. Undefined where it cannot be read. */
function contentOf(epoch: Epoch, mls: Uint8Array): string | Epoch | undefined {
  try {
    const result = epoch.process(mls)
    if (result.kind === 'commit') return result.epoch
    if (result.kind !== 'application') return undefined
    const { content } = decodeEntry(result.data)
    return content.type === 'text' ? content.text : undefined
  } catch (cause) {
    // Its own messages, keys that are gone, commits that it is not part of.
    if (cause instanceof MlsError || cause instanceof HearsayError) return undefined
    throw cause
  }
}
