/** Operations of a roster, and consents, at random. */
import * as fc from 'fast-check'
import { fromUtf8, toHex } from '../../src/base/bytes.ts'
import type { DeviceId, IdentityId, Millis, OperationId } from '../../src/base/ids.ts'
import { spec } from '../../src/base/limits.ts'
import type { GroupSettings, Role } from '../../src/base/model.ts'
import type { Consent } from '../../src/wire/consent.ts'
import {
  NO_GROUP,
  type Newcomer,
  type OperationContent,
  type RosterOperation
} from '../../src/wire/roster-operation.ts'

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length })
const bytesUpTo = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: 1, maxLength })
const id = <Id extends string>(length: number): fc.Arbitrary<Id> => bytes(length).map(raw => toHex(raw) as Id)
const time = fc.maxSafeInteger().map(value => Math.abs(value) as Millis)
const groupName = fc
  .string({ unit: 'binary', maxLength: spec.nameMaxBytes })
  .filter(each => fromUtf8(each).length <= spec.nameMaxBytes)
const deviceList = fc.array(bytesUpTo(spec.deviceEntryMaxBytes), { minLength: 1, maxLength: 4 })

/** A consent that nobody has signed. */
export const consent: fc.Arbitrary<Consent> = fc.record({
  group: id<OperationId>(32),
  identity: id<IdentityId>(32),
  device: id<DeviceId>(32),
  invitation: bytes(16),
  createdAt: time,
  signature: bytes(64)
})

const newcomers = (
  roles: fc.Arbitrary<Role>,
  consents: fc.Arbitrary<Uint8Array>,
  length: { minLength: number; maxLength: number }
): fc.Arbitrary<Newcomer[]> =>
  fc.uniqueArray(
    fc.record({ identity: id<IdentityId>(32), role: roles, devices: deviceList, consent: consents }),
    {
      ...length,
      selector: ({ identity }) => identity
    }
  )

const groupSettings: fc.Arbitrary<GroupSettings> = fc.record({
  mayAdd: fc.constantFrom('admins', 'members'),
  history: fc.nat(spec.groupHistoryMax),
  disappearAfterMs: fc.option(fc.integer({ min: 1 }), { nil: undefined })
})

const create: fc.Arbitrary<OperationContent & { type: 'create' }> = fc
  .constantFrom('direct' as const, 'group' as const)
  .chain(kind => {
    const count = kind === 'direct' ? 2 : 1
    return fc.record({
      type: fc.constant('create' as const),
      kind: fc.constant(kind),
      nonce: bytes(16),
      name: groupName,
      settings: groupSettings,
      members: newcomers(fc.constant('owner'), fc.constant(new Uint8Array(0)), {
        minLength: count,
        maxLength: count
      })
    })
  })

/** A role. */
export const role = fc.constantFrom<Role>('owner', 'admin', 'member')

const laterOperation: fc.Arbitrary<OperationContent> = fc.oneof(
  fc.record({
    type: fc.constant('add' as const),
    members: newcomers(role, bytesUpTo(spec.consentMaxBytes), { minLength: 1, maxLength: 3 })
  }),
  fc.record({ type: fc.constant('remove' as const), identity: id<IdentityId>(32) }),
  fc.record({ type: fc.constant('role' as const), identity: id<IdentityId>(32), role }),
  fc.record({ type: fc.constant('rename' as const), name: groupName }),
  fc.record({ type: fc.constant('settings' as const), settings: groupSettings }),
  fc.record({ type: fc.constant('devices' as const), entries: deviceList })
)

const signedBy = { device: id<DeviceId>(32), createdAt: time, signature: bytes(64) }
/** An operation that nobody has signed, of every kind. */
export const operation: fc.Arbitrary<RosterOperation> = fc.oneof(
  create.chain(content =>
    fc.record({
      ...signedBy,
      group: fc.constant(NO_GROUP),
      author: fc.constant(content.members[0]!.identity),
      sequence: fc.constant(1),
      parents: fc.constant([]),
      content: fc.constant(content)
    })
  ),
  fc.record({
    ...signedBy,
    group: id<OperationId>(32).filter(each => each !== NO_GROUP),
    author: id<IdentityId>(32),
    sequence: fc.integer({ min: 1 }),
    parents: fc
      .uniqueArray(id<OperationId>(32), { minLength: 1, maxLength: spec.operationParentsMax })
      .map(parents => parents.toSorted()),
    content: laterOperation
  })
)
