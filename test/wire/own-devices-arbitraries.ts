/** What the devices of one identity give each other, at random. */
import * as fc from 'fast-check'
import { fromUtf8, toHex } from '../../src/base/bytes.ts'
import type {
  ConversationId,
  DeviceId,
  GroupId,
  IdentityId,
  MessageId,
  Millis,
  OperationId
} from '../../src/base/ids.ts'
import { spec } from '../../src/base/limits.ts'
import type {
  Card,
  Grant,
  History,
  HistoryPlace,
  OwnDevicesBody,
  Recall,
  Secrets,
  SharedSecret
} from '../../src/wire/own-devices.ts'
import type { Presence } from '../../src/wire/presence.ts'

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length })
const bytesUpTo = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: 1, maxLength })
const id = <Id extends string>(length: number): fc.Arbitrary<Id> => bytes(length).map(raw => toHex(raw) as Id)
const integer = (min = 0): fc.Arbitrary<number> =>
  fc.maxSafeInteger().map(value => Math.max(min, Math.abs(value)))
const time = integer() as fc.Arbitrary<Millis>
const text = (maxBytes: number): fc.Arbitrary<string> =>
  fc
    .string({ unit: 'binary', maxLength: Math.min(maxBytes, 200) })
    .filter(each => fromUtf8(each).length <= maxBytes)
const perhaps = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined })

const sharedSecret: fc.Arbitrary<SharedSecret> = fc.record({ group: id<GroupId>(16), secret: bytes(32) })
const sharedSecrets = fc.array(sharedSecret, { maxLength: spec.sharedSecretsMax })
const deviceList = fc.array(bytesUpTo(spec.deviceEntryMaxBytes), { minLength: 1, maxLength: 3 })

const place: fc.Arbitrary<HistoryPlace> = fc.record({
  lamport: integer(),
  device: id<DeviceId>(32),
  sequence: integer(1)
})

const recall: fc.Arbitrary<Recall> = fc.record({
  type: fc.constant('recall' as const),
  conversation: id<ConversationId>(32),
  before: perhaps(place)
})

const history: fc.Arbitrary<History> = fc.record({
  type: fc.constant('history' as const),
  conversation: id<ConversationId>(32),
  before: perhaps(place),
  messages: fc.array(
    fc.record({
      lamport: integer(),
      device: id<DeviceId>(32),
      sequence: integer(1),
      id: id<MessageId>(32),
      identity: id<IdentityId>(32),
      sentAt: time,
      receivedAt: time,
      text: text(spec.textMaxBytes),
      replyTo: perhaps(id<MessageId>(32)),
      via: perhaps(id<IdentityId>(32))
    }),
    { maxLength: 3 }
  ),
  last: fc.boolean(),
  whole: fc.boolean()
})

const secrets: fc.Arbitrary<Secrets> = fc.record({
  type: fc.constant('secrets' as const),
  entries: fc.integer({ min: 1, max: spec.deviceEntriesMax }),
  presenceSecret: bytes(32),
  channel: sharedSecret
})

/** All of these bodies; `presence` is anybody's. */
export function ownDevicesBody(presence: fc.Arbitrary<Presence>): fc.Arbitrary<OwnDevicesBody> {
  const presences = fc.array(presence, { maxLength: 2 })
  const grant: fc.Arbitrary<Grant> = fc.record({
    type: fc.constant('grant' as const),
    identity: id<IdentityId>(32),
    devices: deviceList,
    name: text(spec.nameMaxBytes),
    presenceSecret: bytes(32),
    channel: sharedSecret,
    presences
  })
  const card: fc.Arbitrary<Card> = fc.oneof(
    fc.record({
      type: fc.constant('contact' as const),
      identity: id<IdentityId>(32),
      version: integer(1),
      standing: fc.constantFrom('requested' as const, 'ready', 'rejected', 'forgotten'),
      name: text(spec.nameMaxBytes),
      verified: fc.boolean(),
      blocked: fc.boolean(),
      addedAt: time,
      presenceSecret: perhaps(bytes(32)),
      channels: sharedSecrets,
      creates: fc.array(bytesUpTo(400), { maxLength: spec.sharedSecretsMax }),
      presences
    }),
    fc.record({
      type: fc.constant('group' as const),
      group: id<OperationId>(32),
      version: integer(1),
      standing: fc.constantFrom('joining' as const, 'joined', 'left', 'removed', 'forgotten'),
      name: text(spec.nameMaxBytes),
      channels: sharedSecrets
    })
  )
  const cards = fc.record({
    type: fc.constant('cards' as const),
    cards: fc.array(card, { minLength: 1, maxLength: 3 })
  })
  return fc.oneof(grant, secrets, cards, recall, history)
}
