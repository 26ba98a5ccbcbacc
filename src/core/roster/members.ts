/**
 * What a set of operations comes to: who belongs to a conversation, with which role and which devices.
 * Spec: specs/roster.md, section 7.
 */
import type { DeviceId, IdentityId } from '../../base/ids.ts'
import { spec } from '../../base/limits.ts'
import type { GroupSettings, Role } from '../../base/model.ts'
import type { DeviceList } from '../seal/device-list.ts'
import { HearsayError } from '../../base/errors.ts'
import { append, type Node } from './history.ts'
import { claimsOf, devicesOf } from './lists.ts'
import { compareRanks, roleOf, type Rank } from './standing.ts'
import { latest, type Ruling, type Verdict } from './verdict.ts'

/** Somebody who belongs to a conversation. */
export interface Member {
  readonly identity: IdentityId
  readonly role: Role
  /** 0 for the most senior; nobody is as senior as another. */
  readonly seniority: number
  /** The devices that speak for it. */
  readonly devices: ReadonlySet<DeviceId>
  /** The verified list that they are from. May have devices that were revoked on a list that lost. */
  readonly list: DeviceList
}

/** Who belongs to a conversation by some set of operations. */
export class Members {
  readonly kind: 'direct' | 'group'
  readonly name: string
  readonly settings: GroupSettings
  /** The most senior first. */
  readonly members: ReadonlyMap<IdentityId, Member>
  readonly #owners: ReadonlyMap<DeviceId, IdentityId>

  constructor(
    init: Pick<Members, 'kind' | 'name' | 'settings' | 'members'>,
    owners: ReadonlyMap<DeviceId, IdentityId>
  ) {
    this.kind = init.kind
    this.name = init.name
    this.settings = init.settings
    this.members = init.members
    this.#owners = owners
  }

  /** The same people under another name or other settings. */
  with(changes: Partial<Pick<Members, 'name' | 'settings'>>): Members {
    const { kind, name, settings, members } = this
    return new Members({ kind, name, settings, members, ...changes }, this.#owners)
  }

  /** Whose device this is. */
  ownerOf(device: DeviceId): IdentityId | undefined {
    return this.#owners.get(device)
  }

  /** Whether this is a member's device. */
  has(device: DeviceId): boolean {
    return this.#owners.has(device)
  }

  /** Whether this is that member's device: what a credential says, and somebody else's list cannot change. */
  holds(identity: IdentityId, device: DeviceId): boolean {
    return this.members.get(identity)?.devices.has(device) ?? false
  }

  /** The devices of all members, those of the most senior first. */
  devices(): DeviceId[] {
    return [...this.#owners.keys()]
  }
}

/** A member as the operations have it, before it is numbered. */
interface Place {
  readonly identity: IdentityId
  /** By its best standing; where none is left, by the operation that brought it in. */
  readonly rank: Rank
  /** Undefined where no standing is left. */
  readonly role: Role | undefined
}

/** What these operations come to as they were judged. */
export function membersOf(nodes: readonly Node[], verdict: Verdict): Members {
  const create = nodes[0]!.operation.content
  if (create.type !== 'create') throw new HearsayError('INTERNAL')
  const claims = claimsOf(nodes)
  const members = new Map<IdentityId, Member>()
  for (const { identity, role = 'member' } of placesOf(nodes, verdict).slice(0, spec.groupMembersMax)) {
    const { list, devices } = devicesOf(claims.get(identity)!.map(claim => claim.list))!
    members.set(identity, { identity, role, seniority: members.size, devices, list })
  }
  let { name, settings } = create
  for (const type of ['rename', 'settings'] as const) {
    const content = latestOf(nodes, verdict, type)?.node.operation.content
    if (content === undefined) continue
    if (content.type === 'rename') name = content.name
    if (content.type === 'settings') settings = content.settings
  }
  return new Members({ kind: create.kind, name, settings, members }, ownersOf(nodes, members))
}

function placesOf(nodes: readonly Node[], verdict: Verdict): Place[] {
  const places = new Map<IdentityId, Place>()
  for (const node of nodes) {
    const { content } = node.operation
    if ((content.type !== 'create' && content.type !== 'add') || verdict.isVoid(node)) continue
    for (const [position, { identity }] of content.members.entries()) {
      const known = places.get(identity)
      if (known?.role !== undefined || !verdict.staysIn(node, position)) continue
      const best = verdict.best(identity)
      const rank = best ?? { level: 0, standing: { identity, level: 0, node, position } }
      if (known === undefined || compareRanks(rank, known.rank) < 0)
        places.set(identity, { identity, rank, role: best && roleOf(best.level) })
    }
  }
  return [...places.values()].toSorted((a, b) => compareRanks(a.rank, b.rank))
}

function latestOf(nodes: readonly Node[], verdict: Verdict, type: 'rename' | 'settings'): Ruling | undefined {
  const counting = nodes.flatMap(node => {
    const rank = node.operation.content.type === type ? verdict.rankOf(node) : undefined
    return rank === undefined ? [] : [{ node, rank }]
  })
  return latest(counting)
}

/**
 * Whose each device is. A list proves that an identity wants a device, not that the device agrees: where two
 * lists have one, it is theirs for whom it has signed; among those, the more senior member's.
 */
function ownersOf(
  nodes: readonly Node[],
  members: ReadonlyMap<IdentityId, Member>
): ReadonlyMap<DeviceId, IdentityId> {
  const wanting = new Map<DeviceId, IdentityId[]>()
  for (const { identity, devices } of members.values())
    for (const device of devices) append(wanting, device, identity)
  const contested = [...wanting].filter(([, identities]) => identities.length > 1)
  if (contested.length > 0) {
    const signed = new Set<string>()
    for (const { operation, consents } of nodes) {
      signed.add(`${operation.device}/${operation.author}`)
      for (const { device, identity } of consents) signed.add(`${device}/${identity}`)
    }
    for (const [device, identities] of contested) {
      const agreed = identities.find(identity => signed.has(`${device}/${identity}`))
      if (agreed !== undefined) wanting.set(device, [agreed])
    }
  }
  return new Map([...wanting].map(([device, [first]]) => [device, first!]))
}
