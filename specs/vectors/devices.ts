/** What the devices of one identity tell each other, for the vectors: one of each kind. */
import { idOf } from '../../src/base/ids.ts'
import type { DeviceId, GroupId, MessageId, OperationId } from '../../src/base/ids.ts'
import type { HistoryPlace, OwnDevicesBody, SharedSecret } from '../../src/wire/own-devices.ts'
import { NOON, person, seededRandom } from '../../test/core/seal/cast.ts'

const alice = person('alice', 'vectors')
const bob = person('bob', 'vectors')
const bytesOf = (name: string, length: number): Uint8Array => seededRandom(`vectors/devices/${name}`)(length)
const secretOf = (name: string): SharedSecret => ({
  group: idOf<GroupId>(bytesOf(`${name} id`, 16)),
  secret: bytesOf(`${name} secret`, 32)
})

const before: HistoryPlace = { lamport: 40, device: bob.device, sequence: 7 }
const group = idOf<OperationId>(bytesOf('group', 32))

export const deviceBodies: readonly OwnDevicesBody[] = [
  {
    type: 'grant',
    identity: alice.identity,
    devices: alice.devices,
    name: alice.name,
    presenceSecret: bytesOf('presence', 32),
    channel: secretOf('own'),
    presences: [alice.presence]
  },
  { type: 'secrets', entries: 3, presenceSecret: bytesOf('later presence', 32), channel: secretOf('later') },
  {
    type: 'cards',
    cards: [
      {
        type: 'contact',
        identity: bob.identity,
        version: 2,
        standing: 'ready',
        name: 'bob from work',
        verified: true,
        blocked: false,
        addedAt: NOON,
        presenceSecret: bytesOf('presence of bob', 32),
        channels: [secretOf('bob')],
        creates: [bytesOf('create', 40)],
        presences: [bob.presence]
      },
      { type: 'group', group, version: 1, standing: 'joined', name: 'hikers', channels: [secretOf('hikers')] }
    ]
  },
  { type: 'recall', conversation: idOf(bytesOf('group', 32)), before },
  {
    type: 'history',
    conversation: idOf(bytesOf('group', 32)),
    before,
    messages: [
      {
        lamport: 39,
        device: idOf<DeviceId>(bytesOf('device', 32)),
        sequence: 12,
        id: idOf<MessageId>(bytesOf('message', 32)),
        identity: bob.identity,
        sentAt: NOON,
        receivedAt: NOON,
        text: 'Who has the rope?',
        replyTo: undefined,
        via: bob.identity
      }
    ],
    last: false,
    whole: true
  }
]
