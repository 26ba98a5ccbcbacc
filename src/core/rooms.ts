/**
 * Groups: founding one, asking people in, saying yes or no, and what an admin does.
 *
 * Spec: specs/group.md. Nobody becomes a member without having said so: an invitation goes over the direct channel,
 * and the yes, signed, becomes part of the operation that takes its author in.
 * Always true: an invitation and its answer are sent again whenever the two meet, until they are of no use.
 */
import { fromHex } from '../base/bytes.ts'
import { HearsayError, malformed } from '../base/errors.ts'
import { idOf } from '../base/ids.ts'
import type {
  ConversationId,
  DeviceId,
  IdentityId,
  InviteId,
  Millis,
  OperationId,
  RequestId
} from '../base/ids.ts'
import { limits, spec } from '../base/limits.ts'
import type { GroupInvitation, GroupSettings, Role } from '../base/model.ts'
import { decodeKeyPackage } from '../crypto/mls/index.ts'
import type { ControlBody } from '../wire/control.ts'
import { NO_GROUP } from '../wire/roster-operation.ts'
import type { Newcomer } from '../wire/roster-operation.ts'
import { generationOf } from './admit.ts'
import type { Acquaintance, Book } from './book.ts'
import { noChannels } from './channels.ts'
import { ownerOf } from './leaves.ts'
import { checkName, claimedName, foldName } from './names.ts'
import { decodeInvitation, encodeInvitation } from './records/invitation.ts'
import type { GroupLink } from './records/invite.ts'
import { roomChannel } from './room.ts'
import type { Invited, Room, RoomFacts } from './room.ts'
import { beginRoster, issue } from './roster-sync.ts'
import { verifyDeviceList } from './seal/device-list.ts'
import { makeConsent, operationId, signOperation, verifyConsent } from './seal/roster-seal.ts'
import type { Turn } from './turn.ts'

/** Invitations into groups that wait for a person. */
export const INVITATIONS = 'invitations'

type InvitationBody = Extract<ControlBody, { type: 'invitation' }>
type ConsentBody = Extract<ControlBody, { type: 'consent' }>

/** An invitation that waits for our word. */
export interface WaitingInvitation extends Omit<InvitationBody, 'type'> {
  readonly from: IdentityId
  readonly receivedAt: Millis
}

/** Somebody who has said yes and is about to be taken in. In memory only: until then it says so again. */
interface Agreed {
  readonly room: Room
  readonly device: DeviceId
  readonly keyPackage: Uint8Array
  readonly member: Newcomer
}

const DEFAULTS: GroupSettings = { mayAdd: 'admins', history: 0, disappearAfterMs: undefined }

export class Rooms {
  readonly #book: Book
  readonly #waiting = new Map<RequestId, WaitingInvitation>()
  readonly #agreed = new Map<Invited, Agreed>()
  /** When people were last taken in, in uptime. */
  #tookInAt = -Infinity

  constructor(book: Book) {
    this.#book = book
  }

  restore(record: Uint8Array): void {
    const invitation = decodeInvitation(record)
    this.#waiting.set(invitation.invitation, invitation)
  }

  /** Founds a group of ourselves. Throws NAME_INVALID, GROUP_EXISTS, LIMIT_REACHED. */
  create(turn: Turn, text: string, settings: Partial<GroupSettings>): Room {
    const { own, packages, random, rooms } = this.#book
    const name = this.#freeName(text)
    if (rooms.size >= limits.groupsMax) throw new HearsayError('LIMIT_REACHED')
    const create = signOperation(
      {
        group: NO_GROUP,
        author: own.identity,
        device: own.device,
        sequence: 1,
        parents: [],
        createdAt: turn.now,
        content: {
          type: 'create',
          kind: 'group',
          nonce: random(16),
          name,
          settings: { ...DEFAULTS, ...settings },
          members: [
            { identity: own.identity, role: 'owner', devices: own.devices, consent: new Uint8Array() }
          ]
        }
      },
      own.deviceSeed
    )
    const id = operationId(create) as string as ConversationId
    const room = this.#begin(turn, id, name, random(32), 'joined')
    beginRoster(room.conversation, turn, create)
    const mls = packages.begin(turn, fromHex(id.slice(0, 32)))
    room.conversation.group.add(turn, mls, {
      generation: generationOf(turn.now),
      parent: undefined,
      author: own.device,
      fresh: false
    })
    room.conversation.save(turn)
    room.changed(turn)
    turn.announce({ type: 'group:added', group: room.view() })
    return room
  }

  #begin(turn: Turn, id: ConversationId, name: string, secret: Uint8Array, state: RoomFacts['state']): Room {
    const room = this.#book.addRoom({ ...noChannels(), id, name, state, invited: [], consented: undefined })
    room.channels.add(turn, roomChannel(id, secret))
    room.conversation.save(turn)
    return room
  }

  /** Which group is meant: by id, by name, or by a part of either that fits only one. Throws UNKNOWN_GROUP, AMBIGUOUS_GROUP. */
  find(reference: string): Room {
    const wanted = foldName(reference.trim().replace(/^#/u, ''))
    const all = [...this.#book.rooms.values()]
    const exact = all.filter(room => room.facts.id === wanted || foldName(room.name) === wanted)
    if (exact.length === 1) return exact[0]!
    const fits = (room: Room): boolean =>
      wanted !== '' && (room.facts.id.startsWith(wanted) || foldName(room.name).startsWith(wanted))
    const partial = exact.length > 1 ? exact : all.filter(fits)
    if (partial.length === 1) return partial[0]!
    if (partial.length === 0)
      throw new HearsayError('UNKNOWN_GROUP', { message: `There is no group called "${reference}".` })
    const names = partial.slice(0, 10).map(({ facts, name }) => `#${name} (${facts.id.slice(0, 8)})`)
    throw new HearsayError('AMBIGUOUS_GROUP', {
      message: `Several groups fit "${reference}": ${names.join(', ')}.`
    })
  }

  #freeName(text: string): string {
    const name = checkName(text)
    for (const room of this.#book.rooms.values())
      if (foldName(room.name) === foldName(name))
        throw new HearsayError('GROUP_EXISTS', { message: `There is already a group called "${name}".` })
    return name
  }

  /** Asks a contact in. Throws NOT_ALLOWED, ALREADY_MEMBER, GROUP_FULL, CONTACT_NOT_READY. */
  invite(turn: Turn, room: Room, { contact }: Acquaintance, role: Role, through?: InviteId): void {
    const { own, random } = this.#book
    const { members } = room.conversation
    const ours = members?.members.get(own.identity)
    if (members === undefined || ours === undefined) throw new HearsayError('NOT_A_MEMBER')
    if (members.members.has(contact.facts.id)) throw new HearsayError('ALREADY_MEMBER')
    if (!contact.channels.isOpen) throw new HearsayError('CONTACT_NOT_READY')
    const mayAdd = ours.role !== 'member' || members.settings.mayAdd === 'members'
    if (!mayAdd || (role !== 'member' && ours.role !== 'owner')) throw new HearsayError('NOT_ALLOWED')
    if (members.members.size >= spec.groupMembersMax) throw new HearsayError('GROUP_FULL')
    const invited: Invited = {
      invitation: idOf<RequestId>(random(16)),
      identity: contact.facts.id,
      role,
      at: turn.now,
      through
    }
    const others = room.facts.invited.filter(({ identity }) => identity !== contact.facts.id)
    room.facts.invited = [...others, invited].slice(-limits.invitationsWaitingMax)
    room.save(turn)
    this.#sendInvitation(turn, room, contact, invited)
    room.changed(turn)
  }

  #sendInvitation(turn: Turn, room: Room, contact: Acquaintance['contact'], invited: Invited): void {
    const body: InvitationBody = {
      type: 'invitation',
      invitation: invited.invitation,
      group: room.facts.id as string as OperationId,
      secret: room.facts.channels.at(-1)!.secret,
      name: room.name,
      role: invited.role,
      members: room.conversation.members?.members.size ?? 0,
      through: invited.through
    }
    tell(turn, contact, body)
  }

  /** A contact is there: what it was asked and has not answered, and what we have answered it, is said again. */
  met(turn: Turn, { contact }: Acquaintance): void {
    for (const room of this.#book.rooms.values()) {
      for (const invited of room.facts.invited)
        if (invited.identity === contact.facts.id) this.#sendInvitation(turn, room, contact, invited)
      if (room.facts.consented?.inviter === contact.facts.id) this.#sendConsent(turn, room, contact)
    }
  }

  /** Somebody has come by a link into a group: it is asked in, and has said yes already. */
  cameBy(turn: Turn, entry: Acquaintance, { group, role }: GroupLink, through: InviteId): void {
    const room = this.#book.rooms.get(group)
    if (room?.conversation.members?.members.has(entry.contact.facts.id) !== false) return
    this.invite(turn, room, entry, role, through)
  }

  listInvitations(): GroupInvitation[] {
    // Another of our devices may have said yes.
    const isOpen = ({ group }: WaitingInvitation): boolean => {
      const state = this.#book.rooms.get(group as string as ConversationId)?.facts.state
      return state === undefined || state === 'left' || state === 'removed'
    }
    return [...this.#waiting.values()].filter(isOpen).map(viewInvitation)
  }

  hasInvitation(id: RequestId): boolean {
    return this.#waiting.has(id)
  }

  /** A contact asks us into a group. */
  receiveInvitation(turn: Turn, entry: Acquaintance, body: InvitationBody): void {
    const { contact } = entry
    const known = this.#book.rooms.get(body.group as string as ConversationId)
    if (known !== undefined && known.facts.state !== 'left' && known.facts.state !== 'removed') {
      if (known.facts.state === 'joining') this.#sendConsent(turn, known, contact)
      return
    }
    if (this.#waiting.has(body.invitation)) return
    if (this.#waiting.size >= limits.invitationsWaitingMax) throw malformed('too many invitations wait')
    const { type: _, ...rest } = body
    const waiting: WaitingInvitation = {
      ...rest,
      name: claimedName(body.name) || body.group.slice(0, 8),
      from: contact.facts.id,
      receivedAt: turn.now
    }
    for (const [id, earlier] of this.#waiting)
      if (earlier.group === body.group && earlier.from === contact.facts.id) this.#end(turn, id)
    this.#waiting.set(waiting.invitation, waiting)
    turn.save(INVITATIONS, waiting.invitation, () => encodeInvitation(waiting))
    if (body.through !== undefined && contact.facts.joining.includes(body.through))
      this.accept(turn, waiting.invitation)
    else turn.announce({ type: 'group:invited', invitation: viewInvitation(waiting) })
  }

  /** Says yes. Throws UNKNOWN_REQUEST. */
  accept(turn: Turn, id: RequestId): Room {
    const { own, packages, rooms } = this.#book
    const { group, secret, name, from, invitation } = this.#waitingFor(id)
    this.#end(turn, id)
    const conversation = group as string as ConversationId
    const room = rooms.get(conversation) ?? this.#begin(turn, conversation, name, secret, 'joining')
    room.channels.add(turn, roomChannel(conversation, secret))
    room.facts.state = 'joining'
    const consent = makeConsent(
      {
        group,
        identity: own.identity,
        device: own.device,
        invitation: fromHex(invitation),
        createdAt: turn.now
      },
      own.deviceSeed
    )
    room.facts.consented = { invitation, inviter: from, consent, keyPackage: packages.make(turn) }
    room.save(turn)
    this.#book.membershipMoved = true
    const inviter = this.#book.get(from)
    if (inviter !== undefined) this.#sendConsent(turn, room, inviter.contact)
    room.changed(turn)
    return room
  }

  #sendConsent(turn: Turn, { facts }: Room, contact: Acquaintance['contact']): void {
    if (facts.consented === undefined) return
    const { invitation, consent, keyPackage } = facts.consented
    tell(turn, contact, { type: 'consent', invitation, consent, devices: this.#book.own.devices, keyPackage })
  }

  /** Says no. Throws UNKNOWN_REQUEST. */
  decline(turn: Turn, id: RequestId): GroupInvitation {
    const waiting = this.#waitingFor(id)
    this.#end(turn, id)
    const inviter = this.#book.get(waiting.from)
    const none = new Uint8Array()
    const { invitation } = waiting
    if (inviter !== undefined)
      tell(turn, inviter.contact, {
        type: 'consent',
        invitation,
        consent: none,
        devices: this.#book.own.devices,
        keyPackage: none
      })
    return viewInvitation(waiting)
  }

  /** Somebody whom we have asked answers: a yes makes them a member. Throws MALFORMED. */
  receiveConsent(turn: Turn, { contact }: Acquaintance, body: ConsentBody): void {
    for (const room of this.#book.rooms.values()) {
      const invited = room.facts.invited.find(
        ({ invitation, identity }) => invitation === body.invitation && identity === contact.facts.id
      )
      if (invited === undefined) continue
      if (body.consent.length > 0) {
        this.#agreed.set(invited, agreedBy(room, invited, body))
        return
      }
      room.facts.invited = room.facts.invited.filter(each => each !== invited)
      room.save(turn)
      room.changed(turn)
      return
    }
  }

  /**
   * Takes in who has said yes: the first at once, and those who say so within a moment after it together, since
   * an operation and a commit for each would cost every member of a large group the same again and again.
   */
  settle(turn: Turn): void {
    const due = this.dueAt()
    if (due === undefined || due > turn.uptime) return
    const [{ room }] = [...this.#agreed.values()] as [Agreed]
    const together = [...this.#agreed].filter(([, agreed]) => agreed.room === room)
    const newcomers = together.slice(0, limits.addsPerCommitMax)
    for (const [invited] of newcomers) this.#agreed.delete(invited)
    this.#tookInAt = turn.uptime
    this.#takeIn(
      turn,
      room,
      newcomers.map(([, agreed]) => agreed)
    )
    const answered = new Set(newcomers.map(([invited]) => invited))
    room.facts.invited = room.facts.invited.filter(each => !answered.has(each))
    room.save(turn)
    room.changed(turn)
  }

  /** When `settle` has something to do, in uptime. */
  dueAt(): number | undefined {
    return this.#agreed.size === 0 ? undefined : this.#tookInAt + limits.addPauseMs
  }

  #takeIn(turn: Turn, { conversation }: Room, newcomers: readonly Agreed[]): void {
    const present = conversation.members?.members
    const absent = newcomers.filter(({ member }) => present?.has(member.identity) === false)
    const room = Math.max(0, spec.groupMembersMax - (present?.size ?? 0))
    const fitting = absent.slice(0, room)
    if (fitting.length === 0) return
    for (const { device, keyPackage } of fitting) conversation.keyPackages.set(device, keyPackage)
    try {
      issue(conversation, turn, this.#book.own, { type: 'add', members: fitting.map(({ member }) => member) })
    } catch (error) {
      // We may not any more: somebody has taken the right from us since we asked.
      if (!(error instanceof HearsayError)) throw error
    }
  }

  #waitingFor(id: RequestId): WaitingInvitation {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) throw new HearsayError('UNKNOWN_REQUEST')
    return waiting
  }

  #end(turn: Turn, id: RequestId): void {
    this.#waiting.delete(id)
    turn.remove(INVITATIONS, id)
  }
}

/** Somebody's yes, verified. Throws MALFORMED. */
function agreedBy(room: Room, { identity, role }: Invited, body: ConsentBody): Agreed {
  const { consent, devices, keyPackage } = body
  const list = verifyDeviceList(devices, identity)
  verifyConsent(consent, room.facts.id as string as OperationId, list)
  const { device } = ownerOf(decodeKeyPackage(keyPackage).leafNode)
  if (!list.devices.has(device)) throw malformed('somebody else’s key package')
  return { room, device, keyPackage, member: { identity, role, devices: list.entries, consent } }
}

function tell(turn: Turn, contact: Acquaintance['contact'], body: ControlBody): void {
  for (const peer of contact.online) {
    const envelopes = contact.control(turn, body)
    if (envelopes.length > 0) turn.emit({ type: 'transmit', peer, envelopes, messages: undefined })
  }
}

const viewInvitation = (waiting: WaitingInvitation): GroupInvitation => ({
  id: waiting.invitation,
  group: waiting.group as string as ConversationId,
  name: waiting.name,
  from: waiting.from,
  members: waiting.members,
  role: waiting.role,
  receivedAt: waiting.receivedAt
})
