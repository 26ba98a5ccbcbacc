/**
 * A group as this device has it: its conversation, the secret that its members share, and who was asked in.
 *
 * Spec: specs/group.md. Who belongs is the roster's business and who can read is MLS's; here is what is left.
 */
import type {
  ConversationId,
  DeviceId,
  GroupId,
  IdentityId,
  InviteId,
  Millis,
  RequestId
} from '../base/ids.ts'
import { labels } from '../base/labels.ts'
import type { DeliveryState, Group as GroupView, GroupMember, Message, Role } from '../base/model.ts'
import type { Random } from '../base/random.ts'
import { XWING_SUITE } from '../crypto/mls/index.ts'
import type { CipherSuite } from '../crypto/mls/index.ts'
import type { ControlBody } from '../wire/control.ts'
import { decodeOperation } from '../wire/roster-operation.ts'
import { Channels } from './channels.ts'
import type { Channel, ChannelFacts } from './channels.ts'
import type { Contact } from './contact.ts'
import { isSettled } from './commit-order.ts'
import { Conversation } from './conversation.ts'
import type { Correspondents, Warning } from './conversation.ts'
import type { KeyPackages } from './key-packages.ts'
import { encodeRoom } from './records/room.ts'
import type { MessageRecord } from './records/message.ts'
import { presenceDay, topicName } from './seal/presence-record.ts'
import type { Own } from './self.ts'
import type { Turn } from './turn.ts'

export const ROOMS = 'rooms'

/** Somebody whom we have asked in and who has not answered. */
export interface Invited {
  readonly invitation: RequestId
  readonly identity: IdentityId
  readonly role: Role
  readonly at: Millis
  /** The link that it came by. */
  readonly through: InviteId | undefined
}

/** What we have said yes with, until we are in. */
export interface Consented {
  readonly invitation: RequestId
  readonly inviter: IdentityId
  readonly consent: Uint8Array
  readonly keyPackage: Uint8Array
}

/** What lasts of a group besides its conversation and roster. */
export interface RoomFacts extends ChannelFacts {
  readonly id: ConversationId
  /** What it is called before we know its roster. */
  name: string
  state: GroupView['state']
  invited: readonly Invited[]
  consented: Consented | undefined
}

/** What a room needs to know of people. */
export interface People {
  get(identity: IdentityId): { readonly contact: Contact } | undefined
}

export class Room implements Correspondents {
  readonly isDirect = false
  readonly facts: RoomFacts
  readonly channels: Channels
  readonly conversation: Conversation
  readonly #own: Own
  readonly #people: People
  readonly #changed: (turn: Turn, room: Room) => void
  readonly #suite: string
  /** Warnings that were given, so that each is given once. */
  readonly #warned = new Set<string>()
  #topics: { readonly of: string; readonly names: readonly string[] } | undefined

  constructor(
    facts: RoomFacts,
    init: {
      own: Own
      random: Random
      packages: KeyPackages
      people: People
      suite: string
      changed: (turn: Turn, room: Room) => void
    }
  ) {
    const { own, random, packages } = init
    this.facts = facts
    this.#own = own
    this.#people = init.people
    this.#changed = init.changed
    this.#suite = init.suite
    this.channels = new Channels({ facts, key: facts.id, own, random, save: turn => this.save(turn) })
    this.conversation = new Conversation({
      id: facts.id,
      identity: own.identity,
      self: own.device,
      with: this,
      packages,
      random
    })
  }

  /** Writes the group's record with the batch. */
  save(turn: Turn): void {
    turn.save(ROOMS, this.facts.id, () => encodeRoom(this.facts))
  }

  get name(): string {
    return this.conversation.members?.name ?? this.facts.name
  }

  view(): GroupView {
    const { group, members } = this.conversation
    const all = [...(members?.members.values() ?? [])]
    return {
      id: this.facts.id,
      name: this.name,
      state: this.facts.state,
      epoch: group.head?.epoch,
      settled: members !== undefined && group.head !== undefined && isSettled(group.leaves, members),
      members: all.map(({ identity }) => this.member(identity)!),
      invited: this.facts.invited.map(({ identity }) => identity),
      settings: members?.settings ?? { mayAdd: 'admins', history: 0, disappearAfterMs: undefined },
      suite: this.#suite
    }
  }

  /** Whether the last word about us in this group was our own. */
  get leftOfItself(): boolean {
    const { roster } = this.conversation
    for (const bytes of roster?.operations().reverse() ?? []) {
      const { content, author } = decodeOperation(bytes)
      if (content.type === 'remove' && content.identity === this.#own.identity)
        return author === this.#own.identity
    }
    return false
  }

  /** A member as people see it; undefined for somebody who is none. */
  member(identity: IdentityId): GroupMember | undefined {
    const member = this.conversation.members?.members.get(identity)
    if (member === undefined) return undefined
    const { name, verified, self } = this.#person(identity)
    return { id: identity, name, role: member.role, devices: [...member.devices], verified, self }
  }

  #person(identity: IdentityId): { name: string; verified: boolean; self: boolean } {
    if (identity === this.#own.identity) return { name: this.#own.name, verified: true, self: true }
    const facts = this.#people.get(identity)?.contact.facts
    return { name: facts?.name ?? identity.slice(0, 16), verified: facts?.verified ?? false, self: false }
  }

  control(turn: Turn, body: ControlBody): readonly Uint8Array[] {
    return this.channels.seal(turn, body)
  }

  describe(record: MessageRecord, delivery: DeliveryState | undefined): Message {
    const { conversation, identity, text, sentAt, receivedAt, replyTo, via } = record
    const from = { id: identity, ...this.#person(identity) }
    return { id: record.id, conversation, from, text, sentAt, receivedAt, replyTo, via, delivery }
  }

  warn(turn: Turn, device: DeviceId | undefined, warning: Warning): void {
    const key = `${warning} ${device ?? ''}`
    if (this.#warned.has(key)) return
    this.#warned.add(key)
    const owner = device === undefined ? undefined : this.conversation.members?.ownerOf(device)
    const member = owner === undefined ? undefined : this.member(owner)
    turn.announce({ type: 'group:warned', group: this.view(), member, device, warning })
  }

  revoked(identity: IdentityId, device: DeviceId): boolean {
    const list = this.#people.get(identity)?.contact.facts.list
    return list !== undefined && !list.devices.has(device)
  }

  changed(turn: Turn): void {
    this.#changed(turn, this)
  }

  /** The topics of today: one of each epoch held, so that who was removed does not know the next. */
  topics(turn: Turn): readonly string[] {
    const { group } = this.conversation
    const day = presenceDay(turn.now)
    const of = `${day} ${group.head?.epoch} ${group.epochsHeld}`
    if (this.#topics?.of !== of) {
      const secrets = group.exports(labels.epochTopic).reverse()
      this.#topics = { of, names: secrets.map(secret => topicName(secret, day)) }
    }
    return this.#topics.names
  }
}

/** The channel of a group: its secret comes with the invitation. */
export const roomChannel = (id: ConversationId, secret: Uint8Array): Channel => ({
  group: id.slice(0, 32) as GroupId,
  secret
})

const SUITE_NAMES: ReadonlyMap<number, string> = new Map([
  [1, 'MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519'],
  [XWING_SUITE, 'MLS_256_XWING_AES256GCM_SHA512_Ed25519']
])

/** What a cipher suite is called (RFC 9420 section 17.1; X-Wing has no registered name yet). */
export const suiteName = ({ id }: CipherSuite): string => SUITE_NAMES.get(id) ?? `MLS suite ${id}`
