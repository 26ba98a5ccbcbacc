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
  OperationId,
  PeerId,
  RequestId
} from '../../src/base/ids.ts'
import { fromUtf8, toHex } from '../../src/base/bytes.ts'
import { spec } from '../../src/base/limits.ts'
import { decodeConsent, encodeConsent } from '../../src/wire/consent.ts'
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
import {
  decodeControl,
  decodeControlBody,
  encodeControl,
  encodeControlBody,
  type Control,
  type ControlBody
} from '../../src/wire/control.ts'
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
import { decodeOperation, encodeOperation } from '../../src/wire/roster-operation.ts'
import { ownDevicesBody } from './own-devices-arbitraries.ts'
import { consent, operation, role } from './roster-arbitraries.ts'

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
  kind: fc.constantFrom('one-time', 'address', 'device'),
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
const keyPackage = bytesUpTo(600)
const claimedName = text(spec.nameMaxBytes)
const nothing = new Uint8Array(0)

const contactRequest: fc.Arbitrary<ContactRequest> = fc.record({
  request: id<RequestId>(16),
  invite: id<InviteId>(16),
  devices: deviceList,
  device: id<DeviceId>(32),
  keyPackage,
  presenceSecret: bytes(32),
  presence,
  name: text(spec.nameMaxBytes),
  greeting: text(spec.greetingMaxBytes),
  sentAt: time,
  signature: bytes(64)
})

const answerStatus = fc.oneof(
  fc.record({ status: fc.constant('accepted' as const), welcome: bytesUpTo(900), create: bytesUpTo(900) }),
  fc.constant({ status: 'rejected' as const, welcome: nothing, create: nothing })
)

const contactAnswer: fc.Arbitrary<ContactAnswer> = answerStatus.chain(({ status, welcome, create: first }) =>
  fc.record({
    request: id<RequestId>(16),
    status: fc.constant(status),
    devices: deviceList,
    device: id<DeviceId>(32),
    welcome: fc.constant(welcome),
    create: fc.constant(first),
    presenceSecret: bytes(32),
    presence,
    name: text(spec.nameMaxBytes),
    sentAt: time,
    signature: bytes(64)
  })
)

const messageBody: fc.Arbitrary<MessageBody> = fc
  .integer({ min: 1, max: spec.messagePartsMax })
  .chain(parts =>
    fc.record({
      type: fc.constantFrom('application' as const, 'commit' as const),
      leaf: fc.nat(2 ** 31 - 1),
      sequence: integer(),
      part: fc.nat(parts - 1),
      parts: fc.constant(parts),
      mls: bytesUpTo(900)
    })
  )

/** Ids of operations as lists have them: ascending, none twice. */
const operationIds = (minLength: number, maxLength: number): fc.Arbitrary<OperationId[]> =>
  fc.uniqueArray(id<OperationId>(32), { minLength, maxLength }).map(ids => ids.toSorted())

const entryContent: fc.Arbitrary<EntryContent> = fc.oneof(
  fc.record({
    type: fc.constant('text' as const),
    text: text(400),
    replyTo: fc.option(id<MessageId>(32), { nil: undefined })
  }),
  fc.record({
    type: fc.constant('commit' as const),
    parent: id<EpochId>(16),
    operations: operationIds(1, 20)
  })
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
      roster: bytes(32),
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

const report: fc.Arbitrary<ControlBody> = fc.record({
  type: fc.constant('report' as const),
  head: fc.option(
    fc.record({ group: id<GroupId>(16), generation: integer(), length: integer(), epoch: id<EpochId>(16) }),
    { nil: undefined }
  ),
  roster: bytes(32),
  devices: fc.array(deviceReport, { maxLength: 4 }),
  unopened: fc.array(id<EnvelopeId>(32), { maxLength: 4 }),
  answer: fc.boolean(),
  asks: fc.option(keyPackage, { nil: undefined }),
  awaits: fc.array(id<DeviceId>(32), { maxLength: 4 })
})

const invitation: fc.Arbitrary<ControlBody> = fc.record({
  type: fc.constant('invitation' as const),
  invitation: id<RequestId>(16),
  group: id<OperationId>(32),
  secret: bytes(32),
  name: claimedName,
  role,
  members: integer(),
  through: fc.option(id<InviteId>(16), { nil: undefined })
})

const yesOrNo: fc.Arbitrary<ControlBody> = fc
  .oneof(
    fc.record({ consent: bytesUpTo(spec.consentMaxBytes), keyPackage }),
    fc.constant({ consent: nothing, keyPackage: nothing })
  )
  .chain(answer =>
    fc.record({
      type: fc.constant('consent' as const),
      invitation: id<RequestId>(16),
      consent: fc.constant(answer.consent),
      devices: deviceList,
      keyPackage: fc.constant(answer.keyPackage)
    })
  )

const part: fc.Arbitrary<ControlBody> = fc.integer({ min: 2, max: 70 }).chain(count =>
  fc.record({
    type: fc.constant('part' as const),
    object: bytes(32),
    index: fc.nat(count - 1),
    count: fc.constant(count),
    bytes: bytesUpTo(900)
  })
)

const controlBody: fc.Arbitrary<ControlBody> = fc.oneof(
  fc.record({
    type: fc.constant('hello' as const),
    from: peerId,
    to: peerId,
    devices: deviceList,
    name: claimedName
  }),
  report,
  fc.record({
    type: fc.constant('presence' as const),
    presence,
    secret: fc.option(bytes(32), { nil: undefined })
  }),
  fc.record({
    type: fc.constant('roster' as const),
    group: id<OperationId>(32),
    heads: operationIds(0, 4),
    operations: fc.array(bytesUpTo(400), { maxLength: 3 }),
    keyPackages: fc.array(keyPackage, { maxLength: 3 }),
    answer: fc.boolean()
  }),
  fc.record({
    type: fc.constant('welcome' as const),
    welcome: bytesUpTo(900),
    tree: fc.option(bytesUpTo(900), { nil: undefined }),
    lamport: fc.maxSafeInteger().map(value => Math.abs(value) % (spec.lamportMax + 1))
  }),
  invitation,
  yesOrNo,
  fc.record({
    type: fc.constant('introductions' as const),
    people: fc.array(
      fc.record({
        identity: id<IdentityId>(32),
        name: claimedName,
        presence: fc.option(presence, { nil: undefined })
      }),
      { maxLength: 4 }
    )
  }),
  part,
  fc.record({ type: fc.constant('inquiry' as const), inquiry: bytesUpTo(300), hops: fc.nat(64) }),
  fc.record({
    type: fc.constant('receipts' as const),
    author: id<DeviceId>(32),
    receipts: fc.array(bytesUpTo(300), { maxLength: 3 })
  }),
  ownDevicesBody(presence)
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

/** What is joined from parts: on a page it is the body of a control message, so it has no vectors of its own. */
export const joined: Row = row(
  'control body',
  controlBody,
  encodeControlBody,
  decodeControlBody,
  spec.controlMaxBytes
)

/** Every codec of src/wire that is CBOR. */
export const codecs: readonly Row[] = [
  row('device-entry', deviceEntry, encodeDeviceEntry, decodeDeviceEntry, spec.deviceEntryMaxBytes),
  row('credential', credential, encodeCredential, decodeCredential, spec.credentialMaxBytes),
  row('invite', invite, encodeInvite, decodeInvite, spec.inviteMaxBytes),
  row('contact-request', contactRequest, encodeContactRequest, decodeContactRequest),
  row('contact-answer', contactAnswer, encodeContactAnswer, decodeContactAnswer),
  row('message-body', messageBody, encodeMessageBody, decodeMessageBody),
  row('entry', entry, encodeEntry, decodeEntry),
  row('operation', operation, encodeOperation, decodeOperation, spec.operationMaxBytes),
  row('consent', consent, encodeConsent, decodeConsent, spec.consentMaxBytes),
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
