/** People who make operations, alone or at once, and the rosters that others make of them. */
import { toHex } from '../../src/base/bytes.ts'
import { decodeDeviceEntry } from '../../src/wire/device-entry.ts'
import { idOf, millis, type DeviceId, type IdentityId, type OperationId } from '../../src/base/ids.ts'
import type { GroupSettings, Role } from '../../src/base/model.ts'
import { Roster } from '../../src/core/roster.ts'
import {
  extendDeviceList,
  startDeviceList,
  verifyDeviceList,
  type DeviceList
} from '../../src/core/seal/device-list.ts'
import { deviceEntryHash } from '../../src/core/seal/hashes.ts'
import { makeConsent, operationId, signOperation } from '../../src/core/seal/roster-seal.ts'
import { publicKeyOf } from '../../src/crypto/signature.ts'
import {
  decodeOperation,
  NO_GROUP,
  type Newcomer,
  type OperationContent,
  type RosterOperation
} from '../../src/wire/roster-operation.ts'
import { NOON, person, seededRandom } from './seal/cast.ts'

export interface Device {
  readonly id: DeviceId
  readonly seed: Uint8Array
}

/** A person whose devices come and go. */
export class Player {
  readonly identity: IdentityId
  readonly identitySeed: Uint8Array
  readonly phone: Device
  readonly laptop: Device
  /** Its list with the phone alone. */
  readonly first: DeviceList

  constructor(name: string) {
    const made = person(name)
    this.identity = made.identity
    this.identitySeed = made.identitySeed
    this.phone = { id: made.device, seed: made.deviceSeed }
    const seed = seededRandom(`laptop/${name}`)(32)
    this.laptop = { id: idOf<DeviceId>(publicKeyOf(seed)), seed }
    this.first = verifyDeviceList(made.devices, this.identity)
  }

  /** The list with one more entry. */
  extended(list: DeviceList, operation: 'add' | 'revoke', device: Device): DeviceList {
    const entry = extendDeviceList(this.identitySeed, list, { operation, device: device.id }, NOON)
    return verifyDeviceList([...list.entries, entry], this.identity)
  }

  /** A list begun anew, with this device. */
  recovered(device: Device, seconds = 60): DeviceList {
    const entry = startDeviceList(this.identitySeed, device.id, millis(NOON + seconds * 1000))
    return verifyDeviceList([entry], this.identity)
  }
}

const players = new Map<string, Player>()

/** The person of this name, always the same. */
export function player(name: string): Player {
  const known = players.get(name) ?? new Player(name)
  players.set(name, known)
  return known
}

/** An operation as a story has it. */
export interface Told {
  readonly id: OperationId
  readonly bytes: Uint8Array
  readonly operation: RosterOperation
  /** Everything before it, by id. */
  readonly past: ReadonlySet<OperationId>
}

export const quiet: GroupSettings = { mayAdd: 'admins', history: 0, disappearAfterMs: undefined }

/** Operations of one roster, made by anybody on top of anything. */
export class Story {
  readonly told = new Map<OperationId, Told>()
  readonly id: OperationId
  #invitations = 0

  constructor(founder: Player, changes: { settings?: GroupSettings; other?: Player; name?: string } = {}) {
    const { settings = quiet, other, name = 'hikers' } = changes
    const member = (who: Player): Newcomer => ({
      identity: who.identity,
      role: 'owner',
      devices: who.first.entries,
      consent: new Uint8Array(0)
    })
    const members = other === undefined ? [member(founder)] : [member(founder), member(other)]
    const content: OperationContent = {
      type: 'create',
      kind: other === undefined ? 'group' : 'direct',
      nonce: seededRandom(`nonce/${name}`)(16),
      name,
      settings,
      members
    }
    this.id = this.#tell(founder, content, { parents: [], device: founder.phone }).id
  }

  /** The operations that no other one names. */
  heads(ids: Iterable<OperationId> = this.told.keys()): OperationId[] {
    const all = [...new Set(ids)]
    const before = new Set(all.flatMap(id => [...this.told.get(id)!.past]))
    return all.filter(id => !before.has(id)).toSorted()
  }

  /** These operations and all before them, in the order they were made. */
  closure(ids: readonly OperationId[]): OperationId[] {
    const wanted = new Set(ids.flatMap(id => [id, ...this.told.get(id)!.past]))
    return [...this.told.keys()].filter(id => wanted.has(id))
  }

  /** Makes an operation that counts or does not. */
  does(
    author: Player,
    content: OperationContent,
    {
      parents = this.heads(),
      device = author.phone
    }: { parents?: readonly OperationId[]; device?: Device } = {}
  ): OperationId {
    return this.#tell(author, content, {
      parents: parents.length > 1 ? this.heads(parents) : parents,
      device
    }).id
  }

  adds(
    author: Player,
    who: Player | Newcomer,
    parents?: readonly OperationId[],
    role: Role = 'member'
  ): OperationId {
    const newcomer = who instanceof Player ? this.newcomer(who, role) : who
    return this.does(author, { type: 'add', members: [newcomer] }, parents && { parents })
  }

  removes(author: Player, who: Player, parents?: readonly OperationId[]): OperationId {
    return this.does(author, { type: 'remove', identity: who.identity }, parents && { parents })
  }

  gives(author: Player, who: Player, role: Role, parents?: readonly OperationId[]): OperationId {
    return this.does(author, { type: 'role', identity: who.identity, role }, parents && { parents })
  }

  /** Somebody who agrees to be brought in, once. */
  newcomer(who: Player, role: Role = 'member', list: DeviceList = who.first): Newcomer {
    return this.newcomerBy(who, who.phone, list, role)
  }

  /** The same, by one of its devices. */
  newcomerBy(who: Player, device: Device, list: DeviceList, role: Role = 'member'): Newcomer {
    this.#invitations += 1
    const invitation = seededRandom(`invitation/${this.#invitations}`)(16)
    const consent = makeConsent(
      { group: this.id, identity: who.identity, device: device.id, invitation, createdAt: NOON },
      device.seed
    )
    return { identity: who.identity, role, devices: list.entries, consent }
  }

  bytes(id: OperationId): Uint8Array {
    return this.told.get(id)!.bytes
  }

  /** What somebody has who was given these operations, in this order. */
  roster(ids: Iterable<OperationId> = this.told.keys()): Roster {
    const roster = Roster.begin(this.bytes(this.id))
    for (const id of ids) if (id !== this.id) roster.add(this.bytes(id))
    return roster
  }

  /** The list that a `devices` operation makes of what it continues, first to last. */
  wholeList(id: OperationId): readonly Uint8Array[] {
    const { operation, past } = this.told.get(id)!
    const { content, author } = operation
    if (content.type !== 'devices') throw new Error('not a devices operation')
    const { sequence, previous } = decodeDeviceEntry(content.entries[0]!)
    if (sequence === 1) return content.entries
    for (const each of past) {
      const earlier = this.told.get(each)!.operation
      const lists =
        earlier.content.type === 'devices'
          ? earlier.author === author
            ? [this.wholeList(each)]
            : []
          : earlier.content.type === 'create' || earlier.content.type === 'add'
            ? earlier.content.members
                .filter(member => member.identity === author)
                .map(member => member.devices)
            : []
      for (const list of lists)
        if (list.length >= sequence - 1 && this.headOf(list.slice(0, sequence - 1)) === toHex(previous))
          return [...list.slice(0, sequence - 1), ...content.entries]
    }
    throw new Error('continues nothing')
  }

  /** The hash of the last entry of a list. */
  headOf(entries: readonly Uint8Array[]): string {
    return toHex(deviceEntryHash(entries.at(-1)!))
  }

  /** Takes an operation back that everybody would refuse. */
  untell(id: OperationId): void {
    this.told.delete(id)
  }

  #tell(
    author: Player,
    content: OperationContent,
    { parents, device }: { parents: readonly OperationId[]; device: Device }
  ): Told {
    const past = new Set(parents.flatMap(id => [id, ...this.told.get(id)!.past]))
    const own = [...past].map(id => this.told.get(id)!.operation).filter(each => each.device === device.id)
    const bytes = signOperation(
      {
        group: content.type === 'create' ? NO_GROUP : this.id,
        author: author.identity,
        device: device.id,
        sequence: own.reduce((most, each) => Math.max(most, each.sequence), 0) + 1,
        parents,
        createdAt: NOON,
        content
      },
      device.seed
    )
    const told = { id: operationId(bytes), bytes, operation: decodeOperation(bytes), past }
    this.told.set(told.id, told)
    return told
  }
}

/** What a roster says, comparable. */
export const viewOf = (members: NonNullable<ReturnType<Roster['at']>>) => ({
  name: members.name,
  settings: members.settings,
  members: [...members.members.values()].map(({ identity, role, devices }) => ({
    identity,
    role,
    devices: [...devices].toSorted()
  }))
})

/** The names of who is in, the most senior first. */
export const whoIsIn = (roster: Roster): string[] =>
  [...roster.current.members.keys()].map(
    identity => [...players].find(([, each]) => each.identity === identity)?.[0] ?? identity
  )
