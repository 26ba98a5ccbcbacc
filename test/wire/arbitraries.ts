/** Every structure of the wire at random, and all codecs in one table. */
import * as fc from 'fast-check'
import type {
  Address,
  DeviceId,
  EnvelopeId,
  EpochId,
  GroupId,
  IdentityId,
  InviteId,
  MessageId,
  Millis,
  PeerId,
  RequestId
} from '../../src/base/ids.ts'
import { fromUtf8, toHex } from '../../src/base/bytes.ts'
import { spec } from '../../src/base/limits.ts'
import {
  decodeContactAnswer,
  encodeContactAnswer,
  type ContactAnswer
} from '../../src/wire/contact-answer.ts'
import {
  decodeContactRequest,
  encodeContactRequest,
  type ContactRequest
} from '../../src/wire/contact-request.ts'
import { decodeControl, encodeControl, type Control, type ControlBody } from '../../src/wire/control.ts'
import { decodeCredential, encodeCredential, type Credential } from '../../src/wire/credential.ts'
import { decodeDeviceEntry, encodeDeviceEntry, type DeviceEntry } from '../../src/wire/device-entry.ts'
import { decodeEntry, encodeEntry, type Entry, type EntryContent } from '../../src/wire/entry.ts'
import { decodeInvite, encodeInvite, type Invite } from '../../src/wire/invite.ts'
import { decodeMessageBody, encodeMessageBody, type MessageBody } from '../../src/wire/message-body.ts'
import {
  decodePresence,
  decodePresenceRecord,
  encodePresence,
  encodePresenceRecord,
  type Presence,
  type PresenceRecord
} from '../../src/wire/presence.ts'

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length })
const bytesUpTo = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: 1, maxLength })
const id = <Id extends string>(length: number): fc.Arbitrary<Id> => bytes(length).map(raw => toHex(raw) as Id)
const integer = (min = 0): fc.Arbitrary<number> =>
  fc.oneof(
    fc.integer({ min, max: 300 }),
    fc.maxSafeInteger().map(value => Math.max(min, Math.abs(value)))
  )
const time = integer() as fc.Arbitrary<Millis>
const text = (maxBytes: number): fc.Arbitrary<string> =>
  fc.string({ unit: 'binary', maxLength: maxBytes }).filter(each => fromUtf8(each).length <= maxBytes)
const word = (max: number): fc.Arbitrary<string> =>
  fc.stringMatching(/^[!-.0-~]+$/, { maxLength: max }).filter(each => each.length > 0 && each.length <= max)
const peerId = word(spec.peerIdMaxBytes) as fc.Arbitrary<PeerId>
const addresses = fc.array(
  word(60).map(each => `/ip4/${each}` as Address),
  { maxLength: spec.addressesMax }
)
const notZeros = (length: number): fc.Arbitrary<Uint8Array> =>
  bytes(length).map(raw => (raw.every(byte => byte === 0) ? raw.fill(1) : raw))
const link: fc.Arbitrary<{ sequence: number; previous: Uint8Array }> = fc.oneof(
  fc.constant({ sequence: 1, previous: new Uint8Array(32) }),
  fc.record({ sequence: integer(2), previous: notZeros(32) })
)

export const deviceEntry: fc.Arbitrary<DeviceEntry> = link.chain(({ sequence, previous }) =>
  fc.record({
    identity: id<IdentityId>(32),
    generation: integer(),
    sequence: fc.constant(sequence),
    previous: fc.constant(previous),
    operation: fc.constantFrom('add', 'revoke'),
    device: id<DeviceId>(32),
    createdAt: time,
    signature: bytes(64)
  })
)

const credential: fc.Arbitrary<Credential> = fc.record({ entry: bytesUpTo(256), certificate: bytes(64) })

const invite: fc.Arbitrary<Invite> = fc.record({
  kind: fc.constantFrom('one-time', 'address'),
  id: id<InviteId>(16),
  identity: id<IdentityId>(32),
  publicKey: bytes(32),
  secret: bytes(32),
  expiresAt: fc.option(time, { nil: undefined }),
  addresses,
  signature: bytes(64)
})

export const presence: fc.Arbitrary<Presence> = fc.record({
  peer: peerId,
  addresses,
  sequence: integer(),
  updatedAt: time,
  capabilities: fc.nat(2 ** 31 - 1)
})

const presenceRecord: fc.Arbitrary<PresenceRecord> = fc.record({
  publicKey: bytes(32),
  sequence: integer(),
  sealed: bytesUpTo(800),
  signature: bytes(64)
})

const deviceList = fc.array(bytesUpTo(spec.deviceEntryMaxBytes), { minLength: 1, maxLength: 4 })
const keyPackages = fc.array(bytesUpTo(600), { minLength: 1, maxLength: spec.keyPackagesMax })

const contactRequest: fc.Arbitrary<ContactRequest> = fc.record({
  request: id<RequestId>(16),
  invite: id<InviteId>(16),
  devices: deviceList,
  device: id<DeviceId>(32),
  keyPackages,
  presenceSecret: bytes(32),
  presence,
  name: text(spec.nameMaxBytes),
  greeting: text(spec.greetingMaxBytes),
  sentAt: time,
  signature: bytes(64)
})

const answerStatus = fc.oneof(
  fc.record({ status: fc.constant('accepted' as const), welcome: bytesUpTo(900) }),
  fc.constant({ status: 'rejected' as const, welcome: new Uint8Array(0) })
)

const contactAnswer: fc.Arbitrary<ContactAnswer> = answerStatus.chain(({ status, welcome }) =>
  fc.record({
    request: id<RequestId>(16),
    status: fc.constant(status),
    devices: deviceList,
    device: id<DeviceId>(32),
    welcome: fc.constant(welcome),
    keyPackages: fc.oneof(keyPackages, fc.constant([])),
    presenceSecret: bytes(32),
    presence,
    name: text(spec.nameMaxBytes),
    sentAt: time,
    signature: bytes(64)
  })
)

const messageBody: fc.Arbitrary<MessageBody> = fc.record({
  type: fc.constantFrom('application', 'commit'),
  leaf: fc.nat(2 ** 31 - 1),
  sequence: integer(),
  mls: bytesUpTo(900)
})

const entryContent: fc.Arbitrary<EntryContent> = fc.oneof(
  fc.record({
    type: fc.constant('text' as const),
    text: text(400),
    replyTo: fc.option(id<MessageId>(32), { nil: undefined })
  }),
  fc.record({ type: fc.constant('commit' as const), parent: id<EpochId>(16) })
)

const entry: fc.Arbitrary<Entry> = link
  .chain(({ sequence, previous }) =>
    fc.record({
      device: id<DeviceId>(32),
      sequence: fc.constant(sequence),
      previous: fc.constant(previous),
      parents: fc
        .uniqueArray(fc.record({ device: id<DeviceId>(32), sequence: integer(1), hash: bytes(32) }), {
          maxLength: spec.entryParentsMax,
          selector: ({ device }) => device
        })
        .map(parents => parents.sort((a, b) => (a.device < b.device ? -1 : 1))),
      lamport: integer(),
      sentAt: time,
      content: entryContent
    })
  )
  .filter(({ device, parents }) => parents.every(parent => parent.device !== device))

const deviceReport = fc
  .tuple(fc.nat(1000), fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.nat(9)), { maxLength: 6 }))
  .chain(([contiguous, steps]) => {
    let end = contiguous
    const ranges = steps.map(([gap, more]): readonly [number, number] => {
      const from = end + gap
      end = from + more
      return [from, end]
    })
    return fc.record({
      device: id<DeviceId>(32),
      contiguous: fc.constant(contiguous),
      hash: contiguous === 0 ? fc.constant(new Uint8Array(32)) : notZeros(32),
      ranges: fc.constant(ranges),
      read: integer()
    })
  })

const controlBody: fc.Arbitrary<ControlBody> = fc.oneof(
  fc.record({ type: fc.constant('hello' as const), from: peerId, to: peerId }),
  fc.record({
    type: fc.constant('report' as const),
    head: fc.record({
      group: id<GroupId>(16),
      generation: integer(),
      length: integer(),
      epoch: id<EpochId>(16)
    }),
    devices: fc.array(deviceReport, { maxLength: 4 }),
    unopened: fc.array(id<EnvelopeId>(32), { maxLength: 4 }),
    answer: fc.boolean(),
    stuck: fc.boolean()
  }),
  fc.record({ type: fc.constant('presence' as const), presence, secret: bytes(32) }),
  fc.record({ type: fc.constant('key-packages' as const), keyPackages }),
  fc.record({
    type: fc.constant('regroup' as const),
    generation: integer(),
    welcome: bytesUpTo(900),
    replaces: id<GroupId>(16)
  })
)

const control: fc.Arbitrary<Control> = fc.record({
  device: id<DeviceId>(32),
  counter: integer(),
  body: controlBody,
  signature: bytes(64)
})

/** One structure: values at random and both directions. */
export interface Row<T = unknown> {
  readonly name: string
  readonly values: fc.Arbitrary<T>
  readonly encode: (value: T) => Uint8Array
  readonly decode: (bytes: Uint8Array) => T
  readonly maxBytes: number
}

const row = <T>(
  name: string,
  values: fc.Arbitrary<T>,
  encode: (value: T) => Uint8Array,
  decode: (bytes: Uint8Array) => T,
  maxBytes: number = spec.envelopeBytes.at(-1)!
): Row => ({ name, values, encode, decode, maxBytes }) as unknown as Row

/** Every codec of src/wire that is CBOR. */
export const codecs: readonly Row[] = [
  row('device-entry', deviceEntry, encodeDeviceEntry, decodeDeviceEntry, spec.deviceEntryMaxBytes),
  row('credential', credential, encodeCredential, decodeCredential, spec.credentialMaxBytes),
  row('invite', invite, encodeInvite, decodeInvite, spec.inviteMaxBytes),
  row('contact-request', contactRequest, encodeContactRequest, decodeContactRequest),
  row('contact-answer', contactAnswer, encodeContactAnswer, decodeContactAnswer),
  row('message-body', messageBody, encodeMessageBody, decodeMessageBody),
  row('entry', entry, encodeEntry, decodeEntry),
  row('control', control, encodeControl, decodeControl),
  row('presence', presence, encodePresence, decodePresence, 4096),
  row(
    'presence-record',
    presenceRecord,
    encodePresenceRecord,
    decodePresenceRecord,
    spec.presenceRecordMaxBytes
  )
]
