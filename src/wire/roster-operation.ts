/**
 * An operation of a roster: one signed statement about who belongs to a conversation, with which role and
 * which devices. Operations name those that their author knew, so a roster is a graph without cycles.
 * Spec: specs/roster.md, section 2. What operations add up to is decided in core/roster.ts.
 */
import type { DeviceId, IdentityId, Millis, OperationId } from '../base/ids.ts'
import { spec } from '../base/limits.ts'
import type { GroupSettings, Role } from '../base/model.ts'
import {
  bytes,
  bytesBetween,
  codec,
  id,
  integer,
  list,
  oneOf,
  optional,
  record,
  structure,
  text,
  time,
  union,
  withRule,
  type Fields
} from './shape.ts'

/** Somebody who is brought in. */
export interface Newcomer {
  readonly identity: IdentityId
  readonly role: Role
  /** The encoded entries of the identity's device list, first to last. */
  readonly devices: readonly Uint8Array[]
  /** The encoded consent; empty in a `create`, whose people have agreed otherwise. */
  readonly consent: Uint8Array
}

/** What an operation says. */
export type OperationContent =
  /** Begins a roster. The first member is the author; a direct one has two members, a group one. */
  | {
      readonly type: 'create'
      readonly kind: 'direct' | 'group'
      /** 16 unpredictable bytes: the same people may begin as often as they like. */
      readonly nonce: Uint8Array
      readonly name: string
      readonly settings: GroupSettings
      readonly members: readonly Newcomer[]
    }
  | { readonly type: 'add'; readonly members: readonly Newcomer[] }
  /** Of oneself: leaving. */
  | { readonly type: 'remove'; readonly identity: IdentityId }
  | { readonly type: 'role'; readonly identity: IdentityId; readonly role: Role }
  | { readonly type: 'rename'; readonly name: string }
  | { readonly type: 'settings'; readonly settings: GroupSettings }
  /** Entries that continue a known list of the author's, or all of a list that supersedes it. */
  | { readonly type: 'devices'; readonly entries: readonly Uint8Array[] }

export interface RosterOperation {
  /** The id of the roster's `create`; zeros in the `create` itself. */
  readonly group: OperationId
  readonly author: IdentityId
  /** The author's device that signs. */
  readonly device: DeviceId
  /** One more than the highest of this device in the operation's past, from 1. */
  readonly sequence: number
  /** The newest operations that the author knew, ascending; none in a `create`. */
  readonly parents: readonly OperationId[]
  /** By the author's clock: a claim, shown and never counted on. */
  readonly createdAt: Millis
  readonly content: OperationContent
  /** The device's, over `operationContent`. 64 bytes. */
  readonly signature: Uint8Array
}

/** An operation before the device signs it. */
export type UnsignedOperation = Omit<RosterOperation, 'signature'>

/** What a `create` names as its group. */
export const NO_GROUP = '0'.repeat(64) as OperationId

const identity = id<IdentityId>(32)
/** A role as a field: the same number wherever it stands. */
export const roleShape = oneOf<Role>({ owner: 0, admin: 1, member: 2 })
const entries = list(bytesBetween(1, spec.deviceEntryMaxBytes), { min: 1, max: spec.deviceEntriesMax })
const groupName = text(spec.nameMaxBytes)
const settings = record<GroupSettings>({
  mayAdd: oneOf({ admins: 0, members: 1 }),
  history: integer(0, spec.groupHistoryMax),
  disappearAfterMs: optional(integer(1))
})
const newcomers = (max: number) =>
  list(
    record<Newcomer>({
      identity,
      role: roleShape,
      devices: entries,
      consent: bytesBetween(0, spec.consentMaxBytes)
    }),
    {
      min: 1,
      max
    }
  )

const fields: Fields<UnsignedOperation> = {
  group: id(32),
  author: identity,
  device: id(32),
  sequence: integer(1),
  parents: list(id<OperationId>(32), { max: spec.operationParentsMax }),
  createdAt: time,
  content: union<OperationContent>({
    create: [
      0,
      {
        kind: oneOf({ direct: 0, group: 1 }),
        nonce: bytes(16),
        name: groupName,
        settings,
        members: newcomers(2)
      }
    ],
    add: [1, { members: newcomers(spec.newcomersMax) }],
    remove: [2, { identity }],
    role: [3, { identity, role: roleShape }],
    rename: [4, { name: groupName }],
    settings: [5, { settings }],
    devices: [6, { entries }]
  })
}

function wrong(operation: UnsignedOperation): string | undefined {
  const { group, parents, content } = operation
  if (parents.some((each, i) => i > 0 && parents[i - 1]! >= each))
    return 'parents ascend and none comes twice'
  const first = content.type === 'create'
  if (first !== (group === NO_GROUP) || first !== (parents.length === 0))
    return 'a create has no group and no parents, all others have both'
  if (content.type === 'create') return wrongCreate(operation, content)
  if (content.type !== 'add') return undefined
  if (content.members.some(member => member.consent.length === 0)) return 'somebody without consent'
  return twice(content.members)
}

function wrongCreate(
  { author, sequence }: UnsignedOperation,
  { kind, members }: Extract<OperationContent, { type: 'create' }>
): string | undefined {
  if (sequence !== 1) return 'a create is the first of its device'
  if (members.length !== (kind === 'direct' ? 2 : 1)) return 'a direct has two members, a new group one'
  if (members[0]!.identity !== author) return 'the first member is the author'
  if (members.some(member => member.role !== 'owner')) return 'who is in a create is an owner'
  if (members.some(member => member.consent.length > 0)) return 'a create has no consents'
  return twice(members)
}

const twice = (members: readonly Newcomer[]): string | undefined =>
  new Set(members.map(member => member.identity)).size === members.length ? undefined : 'somebody twice'

const name = 'operation'
const whole = codec(
  name,
  spec.operationMaxBytes,
  withRule(structure<RosterOperation>({ ...fields, signature: bytes(64) }), wrong)
)

/** The bytes of an operation. Throws MALFORMED. */
export const encodeOperation = whole.encode

/** The operation of foreign bytes, its signature unverified. Throws MALFORMED. */
export const decodeOperation = whole.decode

/** The bytes that the device signs: the operation without its signature. */
export const operationContent = codec(
  name,
  spec.operationMaxBytes,
  withRule(structure<UnsignedOperation>(fields), wrong)
).encode
