/** The control messages of the vectors: one of each kind, from Bob to Alice. */
import {
  idOf,
  type DeviceId,
  type EnvelopeId,
  type EpochId,
  type GroupId,
  type InviteId,
  type OperationId,
  type RequestId
} from '../../src/base/ids.ts'
import type { ControlBody } from '../../src/wire/control.ts'
import { person, seededRandom } from '../../test/core/seal/cast.ts'

const alice = person('alice', 'vectors')
const bob = person('bob', 'vectors')
const bytesOf = (name: string, length: number): Uint8Array => seededRandom(`vectors/${name}`)(length)
const id = <Id extends string>(name: string, length: number): Id => idOf<Id>(bytesOf(name, length))

const group = id<OperationId>('create', 32)
const invitation = id<RequestId>('invitation', 16)
const keyPackage = bytesOf('key package', 40)

/** A report by somebody who is in, and one by somebody who asks to be. */
const reports: readonly ControlBody[] = [
  {
    type: 'report',
    head: { group: id<GroupId>('group', 16), generation: 1, length: 4, epoch: id<EpochId>('epoch', 16) },
    roster: bytesOf('roster digest', 32),
    devices: [
      {
        device: alice.device,
        contiguous: 7,
        hash: bytesOf('entry', 32),
        ranges: [
          [9, 9],
          [12, 14]
        ],
        read: 5
      },
      { device: id<DeviceId>('new', 32), contiguous: 0, hash: new Uint8Array(32), ranges: [], read: 0 }
    ],
    unopened: [id<EnvelopeId>('unopened', 32)],
    answer: true,
    asks: undefined,
    awaits: [id<DeviceId>('not connected', 32)]
  },
  {
    type: 'report',
    head: undefined,
    roster: new Uint8Array(32),
    devices: [],
    unopened: [],
    answer: false,
    asks: keyPackage,
    awaits: []
  }
]

const groups: readonly ControlBody[] = [
  {
    type: 'roster',
    group,
    heads: [id<OperationId>('one head', 32)],
    operations: [bytesOf('operation', 40)],
    keyPackages: [keyPackage],
    answer: true
  },
  { type: 'welcome', welcome: bytesOf('welcome', 40), tree: bytesOf('tree', 40), lamport: 12 },
  {
    type: 'invitation',
    invitation,
    group,
    secret: bytesOf('group secret', 32),
    name: 'hikers',
    role: 'member',
    members: 3,
    through: id<InviteId>('link', 16)
  },
  { type: 'consent', invitation, consent: bytesOf('consent', 40), devices: bob.devices, keyPackage },
  {
    type: 'introductions',
    people: [
      { identity: alice.identity, name: alice.name, presence: alice.presence },
      { identity: bob.identity, name: bob.name, presence: undefined }
    ]
  }
]

/** The hello comes first. */
export const controlBodies: readonly ControlBody[] = [
  {
    type: 'hello',
    from: bob.presence.peer,
    to: alice.presence.peer,
    devices: bob.devices,
    name: bob.name
  },
  ...reports,
  { type: 'presence', presence: bob.presence, secret: bytesOf('presence', 32) },
  ...groups,
  { type: 'part', object: bytesOf('object', 32), index: 1, count: 2, bytes: bytesOf('part', 40) }
]
