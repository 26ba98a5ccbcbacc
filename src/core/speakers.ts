/**
 * Speakers: which device may say what beside the conversations, and where.
 *
 * Spec: specs/delivery.md, section 2, and specs/group.md. Always true: a device speaks for the identity on whose list
 * it is, and only where that identity takes part or took part; nobody whom we have blocked speaks at all.
 */
import { HearsayError } from '../base/errors.ts'
import type { DeviceId, IdentityId } from '../base/ids.ts'
import type { Control } from '../wire/control.ts'
import { decodeDeviceEntry } from '../wire/device-entry.ts'
import type { Acquaintance, Book } from './book.ts'
import type { Channels } from './channels.ts'
import { haveMet } from './parting.ts'
import type { Room } from './room.ts'
import { verifyDeviceList } from './seal/device-list.ts'
import type { DeviceList } from './seal/device-list.ts'

/** Ourselves, on another device. */
export const isSelf = ({ contact }: Acquaintance): boolean => contact.facts.state === 'self'

/** Who is at the other end. */
export interface Proven {
  readonly entry: Acquaintance
  readonly device: DeviceId
}

/** Where a control message was sealed: the channel of somebody, or of a group. */
export type Place = { readonly channels: Channels } & (
  | { readonly entry: Acquaintance; readonly room: undefined }
  | { readonly entry: undefined; readonly room: Room }
)

export class Speakers {
  readonly #book: Book

  constructor(book: Book) {
    this.#book = book
  }

  /** Where a session may speak: with a stranger everywhere, with somebody proven where both take part. */
  *places(proven: Proven | undefined): Iterable<Place> {
    for (const entry of this.#peopleOf(proven))
      if (!entry.contact.facts.blocked && entry.contact.channels.isOpen)
        yield { channels: entry.contact.channels, entry, room: undefined }
    for (const room of this.#book.rooms.values())
      if (proven === undefined || this.#shares(room, proven))
        yield { channels: room.channels, entry: undefined, room }
  }

  /** Our own devices take part in every conversation of ours. */
  *#peopleOf(proven: Proven | undefined): Iterable<Acquaintance> {
    if (proven !== undefined) yield proven.entry
    if (proven !== undefined && !isSelf(proven.entry)) return
    for (const entry of this.#book.all()) if (entry !== proven?.entry) yield entry
  }

  #shares({ conversation, facts }: Room, { entry, device }: Proven): boolean {
    const identity = entry.contact.facts.id
    if (isSelf(entry)) return true
    // Whoever asked us in tells us about the group before we have its roster.
    if (facts.consented?.inviter === identity) return true
    return haveMet(conversation, { identity, device }) && !conversation.with.revoked(identity, device)
  }

  /** Whether a device may speak there: one that is known to, or that a hello proves to be of somebody who may. */
  mayAuthor({ entry, room }: Place, { device, body }: Control): boolean {
    if (device === this.#book.own.device) return false
    const list = body.type === 'hello' ? listOf(body.devices) : undefined
    if (list !== undefined && !list.devices.has(device)) return false
    if (entry !== undefined) {
      const { id, list: known } = entry.contact.facts
      if (list !== undefined) return list.identity === id
      return known?.devices.has(device) === true || this.#isOurs(device)
    }
    const { conversation, facts } = room
    const identity = list?.identity ?? conversation.members?.ownerOf(device) ?? this.#identityOf(device)
    if (identity === undefined || this.#book.get(identity)?.contact.facts.blocked === true) return false
    if (this.#isOurs(device)) return true
    const { members } = conversation
    if (members === undefined) return facts.consented?.inviter === identity
    return members.members.has(identity) || haveMet(conversation, { identity, device })
  }

  #isOurs(device: DeviceId): boolean {
    const self = this.#book.get(this.#book.own.identity)?.contact.facts.list
    return self?.devices.has(device) === true
  }

  #identityOf(device: DeviceId): IdentityId | undefined {
    for (const { contact } of this.#book.all())
      if (contact.facts.list?.devices.has(device) === true) return contact.facts.id
    return undefined
  }
}

/** The list in a hello, by whoever it says it is of; undefined where it does not hold. */
export function listOf(entries: readonly Uint8Array[]): DeviceList | undefined {
  try {
    return verifyDeviceList(entries, decodeDeviceEntry(entries[0]!).identity)
  } catch (error) {
    if (error instanceof HearsayError) return undefined
    throw error
  }
}
