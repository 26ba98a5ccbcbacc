/**
 * Following: what the control messages of proven devices lead to, each in its conversation.
 *
 * Spec: specs/delivery.md, section 2, and specs/group.md.
 */
import { malformed } from '../base/errors.ts'
import type { DeviceId, PeerId } from '../base/ids.ts'
import type { ControlBody } from '../wire/control.ts'
import { followWelcome } from './admit.ts'
import type { Acquaintance, Book } from './book.ts'
import { resealLost } from './compose.ts'
import type { Conversation } from './conversation.ts'
import { followIntroductions, introduce, introduceAnew } from './introductions.ts'
import type { OwnDevices } from './own-devices.ts'
import type { Reach } from './reach.ts'
import { followReceipts } from './receipts.ts'
import { relayReport } from './relay.ts'
import { applyRelayed, applyReport } from './report.ts'
import type { Report } from './report.ts'
import type { Rooms } from './rooms.ts'
import { compareRosters, followRoster } from './roster-sync.ts'
import { groupMoved } from './settling.ts'
import { isSelf } from './speakers.ts'
import type { Place, Proven } from './speakers.ts'
import type { Turn } from './turn.ts'

export class Following {
  readonly #book: Book
  readonly #reach: Reach
  readonly #rooms: Rooms
  readonly #devices: OwnDevices

  constructor(init: { book: Book; reach: Reach; rooms: Rooms; devices: OwnDevices }) {
    this.#book = init.book
    this.#reach = init.reach
    this.#rooms = init.rooms
    this.#devices = init.devices
  }

  /** Takes in what somebody proven says. Throws MALFORMED. */
  follow(turn: Turn, peer: PeerId, proven: Proven, { room, entry }: Place, body: ControlBody): void {
    const conversation = room?.conversation ?? entry!.conversation
    const { device } = proven
    // Who was in a group with us and is not any more says nothing there but what it knows of the roster.
    const { id } = proven.entry.contact.facts
    const isOut =
      room !== undefined && conversation.members !== undefined && !conversation.members.members.has(id)
    if (isOut && body.type !== 'roster') return
    switch (body.type) {
      case 'report': {
        const link = conversation.links.get(peer)
        if (link !== undefined) {
          applyReport(conversation, turn, link, body)
          introduceAnew(this.#book, turn, conversation, link)
        }
        // It thinks that we are in, and by what we know we are not: one of us has something to learn.
        else if (room !== undefined) compareRosters(conversation, turn, peer, body.roster)
        return
      }
      case 'inquiry':
      case 'receipts':
        followReceipts(conversation, turn, peer, body)
        return
      case 'roster':
        if (room !== undefined || conversation.links.has(peer) || isSelf(proven.entry))
          followRoster(conversation, turn, peer, isOut ? { ...body, answer: false } : body)
        return
      case 'welcome':
        this.#welcomed(turn, conversation, device, body)
        return
      case 'presence':
        this.#learnPresence(turn, proven.entry, entry !== undefined, body)
        return
      case 'introductions':
        if (followIntroductions(this.#book, turn, conversation, body.people, this.#reach.presence.peer))
          this.#reach.changed()
        return
      case 'invitation':
        if (entry !== undefined) this.#rooms.receiveInvitation(turn, entry, body)
        return
      case 'consent':
        if (entry !== undefined) this.#rooms.receiveConsent(turn, entry, body)
        return
      case 'grant':
      case 'secrets':
      case 'cards':
      case 'recall':
      case 'history':
        if (room !== undefined) this.#devices.receiveInGroup(turn, peer, body)
        else if (entry === proven.entry) this.#devices.receive(turn, peer, entry, device, body)
        else throw malformed('not here')
        return
      case 'hello':
      case 'part':
        throw malformed('not to be sent in parts')
    }
  }

  /** We are in the group (again): what is sealed for epochs that are gone is sealed anew. */
  #welcomed(
    turn: Turn,
    conversation: Conversation,
    by: DeviceId,
    body: Extract<ControlBody, { type: 'welcome' }>
  ): void {
    const room = this.#book.rooms.get(conversation.id)
    const isNew = room?.facts.consented !== undefined && conversation.group.head === undefined
    if (!followWelcome(conversation, turn, by, body)) return
    if (isNew) this.#devices.joined(turn, room, by)
    resealLost(conversation, turn)
    groupMoved(conversation, turn)
    conversation.oweAll()
  }

  #learnPresence(
    turn: Turn,
    { contact }: Acquaintance,
    direct: boolean,
    { presence, secret }: Extract<ControlBody, { type: 'presence' }>
  ): void {
    if (direct && secret !== undefined && contact.facts.state !== 'self')
      contact.facts.presenceSecret = secret
    const news = contact.learnPresence(turn, presence)
    if (news) this.#reach.changed()
    contact.save(turn)
    if (news) introduce(this.#book, turn, contact.facts.id)
  }

  /** A report of somebody else, which a member passes on because we lack word. */
  passedOn(turn: Turn, peer: PeerId, { room, entry }: Place, device: DeviceId, report: Report): void {
    const conversation = room?.conversation ?? entry!.conversation
    const link = conversation.links.get(peer)
    if (link !== undefined && conversation.members?.has(device) === true)
      applyRelayed(conversation, turn, device, link, report)
  }

  /** Those who lack word of a device are given what it has just reported. */
  relay(turn: Turn, { room, entry }: Place, device: DeviceId, bytes: Uint8Array): void {
    const conversation = room?.conversation ?? entry!.conversation
    if (conversation.members?.has(device) === true) relayReport(conversation, turn, device, bytes)
  }
}
