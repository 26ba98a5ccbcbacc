/**
 * The epochs of one conversation's MLS group that this device holds, and the head among them.
 *
 * Spec: specs/conversation.md and specs/group-order.md. RFC 9420 leaves it to a server to say which commit of an
 * epoch counts; here all that are justified count, every branch stays usable, and the head rule says on which one
 * to seal.
 * Always true: no commit is taken that its own past does not justify; an
 * epoch that was written to disk is never used with an older ratchet than the one on disk.
 */
import type { DeviceId, EpochId, GroupId, Millis } from '../base/ids.ts'
import { idOf, millis } from '../base/ids.ts'
import { malformed } from '../base/errors.ts'
import { limits, spec } from '../base/limits.ts'
import type { Random } from '../base/random.ts'
import { decodeKeyPackage, Epoch } from '../crypto/mls/index.ts'
import type { CipherSuite, CommitReview, Proposal } from '../crypto/mls/index.ts'
import type { Envelope } from '../wire/envelope.ts'
import type { MessageBody } from '../wire/message-body.ts'
import { decodeEntry } from '../wire/entry.ts'
import { holdsDropped } from './commit-order.ts'
import type { Desired, TreeLeaf } from './commit-order.ts'
import { keysOf } from './held-epoch.ts'
import type { EpochFacts, Held, Mutable, Opened, Processed } from './held-epoch.ts'
import { compareHeads, compareHeld } from './heads.ts'
import type { Head } from './heads.ts'
import { Unjustified, WAITING, whyNot } from './justification.ts'
import type { DesiredAt } from './justification.ts'
import { hearsayCredential, leafAt, leavesOf, ownerOf, sameOwner } from './leaves.ts'
import type { Leaf } from './leaves.ts'
import { fragmentsOf } from './parts.ts'
import { decodeHeldEpoch, encodeHeldEpoch } from './records/held-epoch.ts'
import { openMessage, sealMessage } from './seal/message-seal.ts'
import type { EpochKeys } from './seal/message-seal.ts'
import { isTagged } from './seal/tagged-seal.ts'
import type { Turn } from './turn.ts'

/** Records of epochs as they were made, and of their ratchets as they are. */
export const EPOCHS = 'epochs'
export const RATCHETS = 'ratchets'

/** What a commit does, and the key packages of those whom it takes in. */
export interface CommitChange {
  readonly keyPackages: readonly Uint8Array[]
  readonly removes: readonly TreeLeaf[]
}

/** A commit of ours: its envelopes for the members, and what takes newcomers in. */
export interface CommittedChange {
  readonly envelopes: readonly Uint8Array[]
  readonly welcome: Uint8Array | undefined
  /** The ratchet tree, where the welcome does not have it. */
  readonly tree: Uint8Array | undefined
}

/** The epochs that a device holds of one conversation. */
export class Group {
  readonly #scope: string
  readonly #self: DeviceId
  readonly #random: Random
  readonly #desired: (group: GroupId) => Desired | undefined
  readonly #held = new Map<EpochId, Mutable<Held>>()
  /** The same, the best first. */
  #ranked: readonly Mutable<Held>[] = []

  /** `scope` prefixes the keys of its records: the conversation's id. `desired` is the present roster of a group. */
  constructor(init: {
    scope: string
    self: DeviceId
    random: Random
    desired: (group: GroupId) => Desired | undefined
  }) {
    this.#scope = init.scope
    this.#self = init.self
    this.#random = init.random
    this.#desired = init.desired
  }

  get head(): Head | undefined {
    return this.#head
  }

  /** The facts of the head, for planning what to commit on it. */
  get position(): Pick<EpochFacts, 'author' | 'committed' | 'epoch' | 'group'> | undefined {
    return this.#head
  }

  get epochsHeld(): number {
    return this.#held.size
  }

  holds(epoch: EpochId): boolean {
    return this.#held.has(epoch)
  }

  /** Everybody's leaf in the head, our own included. Empty where there is no head. */
  get leaves(): readonly Leaf[] {
    return this.#head?.leaves ?? []
  }

  /** Whether nobody whom the roster has dropped can read what is sealed now. */
  get clean(): boolean {
    return this.#head?.clean ?? true
  }

  /** Secrets for one purpose, of each epoch held, the best first. */
  exports(label: string): Uint8Array[] {
    return this.#ranked.map(({ mls }) => mls.export(label, '', 32))
  }

  /** Takes in an epoch that was founded, joined or committed, and keeps it. Returns its id. Throws MALFORMED. */
  add(
    turn: Turn,
    mls: Epoch,
    facts: { generation: number; parent: EpochId | undefined; author: DeviceId; fresh: boolean }
  ): EpochId {
    const keys = keysOf(mls)
    if (this.#held.has(keys.id)) return keys.id
    const held = this.#hold(mls, keys, {
      ...facts,
      // The engine counts the commits since the founding: nobody can claim more.
      length: Number(mls.number),
      since: turn.now,
      sealed: 0,
      answered: false,
      committed: false
    })
    this.#saveEpoch(turn, held)
    this.#rank()
    return held.epoch
  }

  #hold(mls: Epoch, keys: EpochKeys, facts: Omit<EpochFacts, 'group' | 'epoch'>): Mutable<Held> {
    const held: Mutable<Held> = {
      ...facts,
      group: idOf<GroupId>(mls.groupId),
      epoch: keys.id,
      mls,
      keys,
      leaves: leavesOf(mls),
      clean: true
    }
    this.#held.set(held.epoch, held)
    return held
  }

  /** Takes back an epoch from its records. */
  restore(facts: Uint8Array, ratchets: Uint8Array | undefined, suite: CipherSuite): void {
    const { epoch, ...rest } = decodeHeldEpoch(facts)
    const mls = Epoch.load(epoch, { suite })
    if (ratchets !== undefined) mls.loadRatchets(ratchets)
    this.#hold(mls, keysOf(mls), rest)
    this.#rank()
  }

  /** The roster has changed: epochs that somebody dropped can read come last. */
  rosterChanged(): void {
    this.#rank()
  }

  /** Seals a log entry on the head. There must be one. */
  seal(
    turn: Turn,
    entry: Uint8Array,
    sequence: number
  ): { envelopes: readonly Uint8Array[]; epoch: EpochId } {
    const head = this.#head!
    const mls = head.mls.seal(entry)
    head.sealed += 1
    if (head.author !== this.#self) head.answered = true
    this.#saveRatchets(turn, head)
    return { envelopes: this.#envelopes(head, 'application', sequence, mls), epoch: head.epoch }
  }

  #envelopes(held: Held, type: MessageBody['type'], sequence: number, mls: Uint8Array): Uint8Array[] {
    const leaf = held.mls.ownLeaf
    const fragments = fragmentsOf(mls)
    return fragments.map((fragment, part) =>
      sealMessage(
        { type, leaf, sequence, part, parts: fragments.length, mls: fragment },
        held.keys,
        this.#random
      )
    )
  }

  /** Whether to renew our keys before the next message: `answering` says that the last word was not ours. */
  updateDue(now: Millis, answering: boolean): boolean {
    const head = this.#head
    if (head === undefined || head.committed || head.author === this.#self) return false
    if (head.fresh) return true
    const large = head.leaves.length > spec.renewOftenMembersMax
    if (large) return head.answered && now - head.since >= spec.epochAgeInGroupsMs
    const aged = now - head.since >= spec.epochAgeBeforeUpdateMs
    return answering && (aged || head.sealed >= spec.epochMessagesBeforeUpdate)
  }

  /**
   * Commits a change of the membership, or new keys of ours only, on the head. `entry` is the log entry of the
   * commit; it is bound to it as authenticated data.
   */
  commit(turn: Turn, entry: Uint8Array, sequence: number, change: CommitChange): CommittedChange {
    const parent = this.#head!
    const proposals: Proposal[] = [
      ...change.removes.map(({ index }): Proposal => ({ type: 'remove', removed: index })),
      ...change.keyPackages.map((bytes): Proposal => ({ type: 'add', keyPackage: decodeKeyPackage(bytes) }))
    ]
    const ratchetTreeInWelcome = parent.leaves.length + change.keyPackages.length <= limits.treeInWelcomeMax
    const { epoch, commit, welcome } = parent.mls.commit({
      authenticatedData: entry,
      // Newcomers need no new path; it would cost half a second and a megabyte in a group of a thousand.
      forcePath: proposals.length === 0,
      proposals,
      ratchetTreeInWelcome,
      validateCredential: hearsayCredential
    })
    parent.committed = true
    this.#saveEpoch(turn, parent)
    const { generation, epoch: id } = parent
    this.add(turn, epoch, { generation, parent: id, author: this.#self, fresh: false })
    return {
      envelopes: this.#envelopes(parent, 'commit', sequence, commit),
      welcome,
      tree: welcome === undefined || ratchetTreeInWelcome ? undefined : epoch.ratchetTree()
    }
  }

  /** Whether an envelope is of one of our epochs. */
  opens(envelope: Envelope): boolean {
    return this.#ranked.some(({ keys }) => isTagged(envelope, 'message', keys.tagKey))
  }

  /** Opens the outer seal with whichever epoch it was made for. Undefined where none is held. */
  open(envelope: Envelope): Opened | undefined {
    for (const held of this.#ranked) {
      const body = openMessage(envelope, held.keys)
      if (body !== undefined)
        return { epoch: held.epoch, body, author: leafAt(held.leaves, body.leaf).device }
    }
    return undefined
  }

  /**
   * Opens the inner seal and consumes its key. A commit that its own past justifies adds its epoch; one whose
   * past we do not know yet is `waiting`, with nothing changed. Throws MALFORMED with nothing changed.
   */
  process(turn: Turn, opened: Opened, desiredAt: DesiredAt): Processed | 'waiting' {
    const held = this.#held.get(opened.epoch)!
    const commit = opened.body.type === 'commit'
    const verdict: { why: string | undefined } = { why: undefined }
    const authorize = (review: CommitReview): boolean => {
      verdict.why = whyNot(held, review, desiredAt)
      return verdict.why === undefined
    }
    let result
    try {
      result = held.mls.process(opened.body.mls, {
        authorize,
        validateCredential: sameOwner,
        standaloneProposals: false
      })
    } catch (cause) {
      if (verdict.why === WAITING) return 'waiting'
      if (verdict.why !== undefined) throw new Unjustified(verdict.why, opened.author)
      throw cause
    }
    const bytes = result.kind === 'application' ? result.data : result.authenticatedData
    if ((result.kind === 'commit') !== commit || result.kind === 'proposal')
      throw malformed('not what it says')
    const entry = decodeEntry(bytes)
    if (result.sender === undefined) throw malformed('a message from outside the group')
    const { device: author, identity } = leafAt(held.leaves, result.sender)
    if (author !== opened.author || entry.device !== author || entry.sequence !== opened.body.sequence)
      throw malformed('an entry under another name or number')
    this.#saveRatchets(turn, held)
    if (opened.author !== held.author && !held.answered) {
      held.answered = true
      this.#saveEpoch(turn, held)
    }
    let equivocated = false
    const adds: DeviceId[] = []
    if (result.kind === 'commit' && result.epoch !== undefined) {
      const { generation, epoch: parent } = held
      const id = this.add(turn, result.epoch, { generation, parent, author, fresh: false })
      // One commit an epoch; a second only where the first had left somebody in who was dropped then.
      const children = [...this.#held.values()].filter(
        each => each.parent === parent && each.author === author && each.clean
      )
      equivocated = children.length > 1 && children.some(({ epoch }) => epoch === id)
      for (const { proposal } of result.proposals)
        if (proposal.type === 'add') adds.push(ownerOf(proposal.keyPackage.leafNode).device)
    }
    return { entry, bytes, identity, equivocated, adds }
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
      const kept = held.leaves.every(({ device }) => devices.has(device))
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
    for (const held of this.#held.values()) {
      const desired = this.#desired(held.group)
      held.clean = desired === undefined || !holdsDropped(held.leaves, desired)
    }
    this.#ranked = [...this.#held.values()].sort(compareHeld)
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
