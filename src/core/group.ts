/**
 * The epochs of one conversation's MLS group that this device holds, and the head among them.
 *
 * Spec: specs/conversation.md, sections "Head", "Commits" and "Forgetting". RFC 9420 leaves it to a server to
 * say which commit of an epoch counts; here both count, both branches stay usable, and the head rule says on
 * which one to seal.
 * Always true: at most one commit of ours per epoch; no commit of a device on top of its own; an epoch that
 * was written to disk is never used with an older ratchet than the one on disk.
 */
import { equal } from '../base/bytes.ts'
import type { DeviceId, EpochId, GroupId, IdentityId, Millis } from '../base/ids.ts'
import { idOf, millis } from '../base/ids.ts'
import { malformed } from '../base/errors.ts'
import { spec } from '../base/limits.ts'
import type { Random } from '../base/random.ts'
import { Epoch } from '../crypto/mls/index.ts'
import type { CipherSuite, ValidateCredential } from '../crypto/mls/index.ts'
import type { Envelope } from '../wire/envelope.ts'
import type { MessageBody } from '../wire/message-body.ts'
import { decodeEntry } from '../wire/entry.ts'
import type { Entry } from '../wire/entry.ts'
import { verifyCredential } from './seal/credential.ts'
import { epochKeys, openMessage, sealMessage } from './seal/message-seal.ts'
import type { EpochKeys } from './seal/message-seal.ts'
import { compareHeads } from './heads.ts'
import type { Head } from './heads.ts'
import { decodeHeldEpoch, encodeHeldEpoch } from './records/held-epoch.ts'
import type { Turn } from './turn.ts'

/** Records of epochs as they were made, and of their ratchets as they are. */
export const EPOCHS = 'epochs'
export const RATCHETS = 'ratchets'

/** What is remembered of an epoch besides its keys. */
export interface EpochFacts extends Head {
  /** The epoch that its commit was made on; none for a founding or a join. */
  readonly parent: EpochId | undefined
  /** Whose commit began it. */
  readonly author: DeviceId
  readonly since: Millis
  /** Messages sealed on it by us. */
  readonly sealed: number
  /** Whether anybody but its author has spoken on it. */
  readonly answered: boolean
  /** Whether our one commit on it was made. */
  readonly committed: boolean
  /** Whether we came in by its welcome and have not renewed our keys since. */
  readonly fresh: boolean
}

interface Held extends EpochFacts {
  readonly sealed: number
  readonly mls: Epoch
  readonly keys: EpochKeys
  /** Whose leaf each is: credentials are verified once an epoch. */
  readonly owners: Map<number, LeafOwner>
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

/** A message envelope that one of our epochs opened. Its contents are still sealed by MLS. */
export interface Opened {
  readonly epoch: EpochId
  readonly body: MessageBody
  readonly author: DeviceId
}

/** The exporter lengths and labels of an epoch are in core/seal; this is the identity of a leaf. */
export interface LeafOwner {
  readonly identity: IdentityId
  readonly device: DeviceId
}

/** Whom a leaf belongs to, by its credential. Throws MALFORMED. */
function leafOwner(mls: Epoch, leaf: number): LeafOwner {
  const member = mls.members().find(({ index }) => index === leaf)
  if (member === undefined) throw malformed('a message of no member')
  const { credential, signatureKey } = member.leaf
  if (credential.type !== 'basic') throw malformed('a leaf without a Hearsay credential')
  return verifyCredential(credential.identity, signatureKey)
}

function ownerIn({ mls, owners }: Held, leaf: number): LeafOwner {
  let owner = owners.get(leaf)
  if (owner === undefined) {
    owner = leafOwner(mls, leaf)
    owners.set(leaf, owner)
  }
  return owner
}

const keysOf = (mls: Epoch): EpochKeys => epochKeys((label, length) => mls.export(label, '', length))

/** The epochs that a device holds of one conversation. */
export class Group {
  readonly #scope: string
  readonly #self: DeviceId
  readonly #random: Random
  readonly #held = new Map<EpochId, Mutable<Held>>()
  /** The same, the best first. */
  #ranked: readonly Mutable<Held>[] = []

  /** `scope` prefixes the keys of its records: the conversation's id. */
  constructor(init: { scope: string; self: DeviceId; random: Random }) {
    this.#scope = init.scope
    this.#self = init.self
    this.#random = init.random
  }

  get head(): Head | undefined {
    return this.#head
  }

  get epochsHeld(): number {
    return this.#held.size
  }

  holds(epoch: EpochId): boolean {
    return this.#held.has(epoch)
  }

  /** The MLS members of the head, by device. Empty where there is no head. */
  members(): LeafOwner[] {
    const mls = this.#head?.mls
    return mls === undefined ? [] : mls.members().map(({ index }) => leafOwner(mls, index))
  }

  /** Takes in an epoch that was founded or joined, and keeps it. Returns its id. */
  add(
    turn: Turn,
    mls: Epoch,
    facts: {
      generation: number
      length: number
      parent: EpochId | undefined
      author: DeviceId
      fresh: boolean
    }
  ): EpochId {
    const keys = keysOf(mls)
    const held: Mutable<Held> = {
      ...facts,
      group: idOf<GroupId>(mls.groupId),
      epoch: keys.id,
      since: turn.now,
      sealed: 0,
      answered: false,
      committed: false,
      mls,
      keys,
      owners: new Map()
    }
    if (this.#held.has(held.epoch)) return held.epoch
    this.#held.set(held.epoch, held)
    this.#saveEpoch(turn, held)
    this.#rank()
    return held.epoch
  }

  /** Takes back an epoch from its records. */
  restore(facts: Uint8Array, ratchets: Uint8Array | undefined, suite: CipherSuite): void {
    const { epoch, ...rest } = decodeHeldEpoch(facts)
    const mls = Epoch.load(epoch, { suite })
    if (ratchets !== undefined) mls.loadRatchets(ratchets)
    const keys = keysOf(mls)
    this.#held.set(keys.id, {
      ...rest,
      group: idOf<GroupId>(mls.groupId),
      epoch: keys.id,
      mls,
      keys,
      owners: new Map()
    })
    this.#rank()
  }

  /** Seals a log entry on the head. There must be one. */
  seal(turn: Turn, entry: Uint8Array, sequence: number): { envelope: Uint8Array; epoch: EpochId } {
    const head = this.#head!
    const mls = head.mls.seal(entry)
    head.sealed += 1
    if (head.author !== this.#self) head.answered = true
    this.#saveRatchets(turn, head)
    const body: MessageBody = { type: 'application', leaf: head.mls.ownLeaf, sequence, mls }
    return { envelope: sealMessage(body, head.keys, this.#random), epoch: head.epoch }
  }

  /** Whether to renew our keys before the next message: `answering` says that the last word was not ours. */
  updateDue(now: Millis, answering: boolean): boolean {
    const head = this.#head
    if (head === undefined || head.committed || head.author === this.#self) return false
    if (head.fresh) return true
    const aged = now - head.since >= spec.epochAgeBeforeUpdateMs
    return answering && (aged || head.sealed >= spec.epochMessagesBeforeUpdate)
  }

  /**
   * Commits new keys of ours on the head. `entry` is the log entry of the commit; it is bound to it as
   * authenticated data. Returns the envelope, which the holders of the parent can open.
   */
  commit(turn: Turn, entry: Uint8Array, sequence: number): Uint8Array {
    const parent = this.#head!
    const { epoch, commit } = parent.mls.commit({ authenticatedData: entry, forcePath: true })
    parent.committed = true
    this.#saveEpoch(turn, parent)
    const { generation, length, epoch: id } = parent
    this.add(turn, epoch, { generation, length: length + 1, parent: id, author: this.#self, fresh: false })
    const body: MessageBody = { type: 'commit', leaf: parent.mls.ownLeaf, sequence, mls: commit }
    return sealMessage(body, parent.keys, this.#random)
  }

  /** Opens the outer seal with whichever epoch it was made for. Undefined where none is held. */
  open(envelope: Envelope): Opened | undefined {
    for (const held of this.#ranked) {
      const body = openMessage(envelope, held.keys)
      if (body !== undefined) return { epoch: held.epoch, body, author: ownerIn(held, body.leaf).device }
    }
    return undefined
  }

  /**
   * Opens the inner seal and consumes its key. A commit that follows the rules adds its epoch. Returns the log
   * entry and its bytes. Throws MALFORMED with nothing changed.
   */
  process(turn: Turn, opened: Opened): { entry: Entry; bytes: Uint8Array } {
    const held = this.#held.get(opened.epoch)!
    const commit = opened.body.type === 'commit'
    if (commit && held.author === opened.author) throw malformed('a commit on top of its author’s own')
    const result = held.mls.process(opened.body.mls, {
      authorize: ({ proposals }) => proposals.length === 0,
      validateCredential: sameOwner
    })
    const bytes = result.kind === 'application' ? result.data : result.authenticatedData
    if ((result.kind === 'commit') !== commit || result.kind === 'proposal')
      throw malformed('not what it says')
    const entry = decodeEntry(bytes)
    if (result.sender === undefined) throw malformed('a message from outside the group')
    const author = ownerIn(held, result.sender).device
    if (author !== opened.author || entry.device !== author || entry.sequence !== opened.body.sequence)
      throw malformed('an entry under another name or number')
    this.#saveRatchets(turn, held)
    if (opened.author !== held.author && !held.answered) {
      held.answered = true
      this.#saveEpoch(turn, held)
    }
    if (result.kind === 'commit' && result.epoch !== undefined) {
      const { generation, length, epoch: parent } = held
      this.add(turn, result.epoch, { generation, length: length + 1, parent, author, fresh: false })
    }
    return { entry, bytes }
  }

  /**
   * Lets go of epochs that nobody needs any more: those worse than what every other device has reported as its
   * head without a gap (`reported`), and in any case the oldest beyond the limits of number and age.
   */
  forget(turn: Turn, reported: Head | undefined): void {
    const head = this.#head
    if (head === undefined) return
    for (const [rank, held] of this.#ranked.entries()) {
      if (held === head) continue
      const passed =
        reported !== undefined && this.#held.has(reported.epoch) && compareHeads(reported, held) < 0
      const old = turn.now - (this.#successor(held) ?? millis(turn.now)) > spec.epochKeptMaxMs
      if (passed || old || rank > spec.epochsKeptMax) this.#drop(turn, held)
    }
  }

  /** Lets go of every epoch in which somebody else than these devices has a leaf. */
  retain(turn: Turn, devices: ReadonlySet<DeviceId>): void {
    for (const held of this.#held.values()) {
      const kept = held.mls.members().every(({ index }) => devices.has(ownerIn(held, index).device))
      if (!kept) this.#drop(turn, held)
    }
  }

  /** When an epoch stopped being anybody's head, as far as we know: its age counts from then. */
  #successor(held: Held): Millis | undefined {
    const children = [...this.#held.values()].filter(({ parent }) => parent === held.epoch)
    return children.length === 0 ? this.#head?.since : millis(Math.min(...children.map(({ since }) => since)))
  }

  #drop(turn: Turn, held: Held): void {
    this.#held.delete(held.epoch)
    this.#rank()
    held.mls.zeroize()
    turn.remove(EPOCHS, this.#key(held))
    turn.remove(RATCHETS, this.#key(held))
  }

  get #head(): Mutable<Held> | undefined {
    return this.#ranked[0]
  }

  #rank(): void {
    this.#ranked = [...this.#held.values()].sort(compareHeads)
  }

  #key(held: Held): string {
    return `${this.#scope}/${held.epoch}`
  }

  #saveEpoch(turn: Turn, held: Held): void {
    turn.save(EPOCHS, this.#key(held), () => encodeHeldEpoch({ ...held, epoch: held.mls.save() }))
    this.#saveRatchets(turn, held)
  }

  #saveRatchets(turn: Turn, held: Held): void {
    turn.save(RATCHETS, this.#key(held), () => held.mls.saveRatchets())
  }
}

/** A commit may renew its author's keys, never its author. */
const sameOwner: ValidateCredential = (credential, signatureKey, previous) =>
  previous?.credential.type === 'basic' &&
  credential.type === 'basic' &&
  equal(previous.credential.identity, credential.identity) &&
  equal(previous.signatureKey, signatureKey)
