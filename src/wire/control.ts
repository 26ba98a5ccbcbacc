/**
 * Control messages: what the devices of two contacts, or of a group, tell each other beside the conversation.
 * Who is there, what has arrived, who belongs, where to be found. Spec: specs/delivery.md and specs/group.md.
 * Sealed and opened in core/seal/control-seal.ts.
 */
import type {
  DeviceId,
  EnvelopeId,
  EpochId,
  GroupId,
  IdentityId,
  InviteId,
  OperationId,
  PeerId,
  RequestId
} from '../base/ids.ts'
import { spec } from '../base/limits.ts'
import type { Role } from '../base/model.ts'
import { deviceListShape, keyPackageShape } from './contact-request.ts'
import {
  cardsFields,
  grantFields,
  historyFields,
  recallFields,
  secretsFields,
  type OwnDevicesBody
} from './own-devices.ts'
import { presenceShape, type Presence } from './presence.ts'
import { roleShape } from './roster-operation.ts'
import {
  boolean,
  bytes,
  bytesBetween,
  codec,
  id,
  integer,
  list,
  optional,
  pair,
  peerId,
  record,
  structure,
  text,
  union,
  withRule,
  type Fields
} from './shape.ts'

/** What the reporting device has of another device's log. */
export interface DeviceReport {
  readonly device: DeviceId
  /** All entries up to this sequence are on disk. */
  readonly contiguous: number
  /** Hash of the entry at `contiguous`, 32 bytes; zeros at 0. Two devices that differ here prove equivocation. */
  readonly hash: Uint8Array
  /** What is on disk beyond: first and last sequence, both included; ascending, disjoint. */
  readonly ranges: ReadonlyArray<readonly [from: number, to: number]>
  /** All entries up to this sequence have been read by the person. */
  readonly read: number
}

/** The epoch that a device would seal on. */
export interface Head {
  readonly group: GroupId
  /** When the group was founded, in seconds: grows when two people start over with a new one. */
  readonly generation: number
  /** Commits from the beginning of the group. */
  readonly length: number
  readonly epoch: EpochId
}

/** Where somebody says that a person's device is: a claim, which the hello there proves or not. */
export interface Introduction {
  readonly identity: IdentityId
  /** What the person calls itself. */
  readonly name: string
  /** Undefined where only the name is known. */
  readonly presence: Presence | undefined
}

export type ControlBody =
  /** The sending device uses the peer `from` and means the peer `to`; its identity has this device list and calls itself so. */
  | {
      readonly type: 'hello'
      readonly from: PeerId
      readonly to: PeerId
      readonly devices: readonly Uint8Array[]
      readonly name: string
    }
  | {
      readonly type: 'report'
      /** Undefined for a device that is not in the group yet. */
      readonly head: Head | undefined
      /** The digest of the roster as it has it. 32 bytes; zeros where it has none. */
      readonly roster: Uint8Array
      readonly devices: readonly DeviceReport[]
      /** Envelopes that the reporter cannot open: their authors seal again. */
      readonly unopened: readonly EnvelopeId[]
      /** Asks for a report in return. */
      readonly answer: boolean
      /** A key package of the reporter, which is not in the group or cannot follow it, and asks to be taken in. */
      readonly asks: Uint8Array | undefined
      /** Devices of which the reporter lacks receipts and with which it is not connected: pass on their reports. */
      readonly awaits: readonly DeviceId[]
    }
  /** Where the sender is. Contacts are given the secret of its presence records as well. */
  | { readonly type: 'presence'; readonly presence: Presence; readonly secret: Uint8Array | undefined }
  /** The operations that the sender has, by their heads, and those that it thinks the reader lacks. */
  | {
      readonly type: 'roster'
      readonly group: OperationId
      readonly heads: readonly OperationId[]
      readonly operations: readonly Uint8Array[]
      /** Of devices that are to be taken in. */
      readonly keyPackages: readonly Uint8Array[]
      /** Asks for what the sender lacks. */
      readonly answer: boolean
    }
  /** Takes the reader into the group. */
  | {
      readonly type: 'welcome'
      readonly welcome: Uint8Array
      /** The ratchet tree, where the welcome does not have it. */
      readonly tree: Uint8Array | undefined
      /** The highest lamport number of the conversation: what comes is ordered after it. */
      readonly lamport: number
    }
  /** Asks a contact into a group. `through` is the link that it came by, if it did. */
  | {
      readonly type: 'invitation'
      readonly invitation: RequestId
      readonly group: OperationId
      readonly secret: Uint8Array
      readonly name: string
      readonly role: Role
      readonly members: number
      readonly through: InviteId | undefined
    }
  /** The answer to an invitation; `consent` and key package are empty in a no. */
  | {
      readonly type: 'consent'
      readonly invitation: RequestId
      readonly consent: Uint8Array
      readonly devices: readonly Uint8Array[]
      readonly keyPackage: Uint8Array
    }
  | { readonly type: 'introductions'; readonly people: readonly Introduction[] }
  /** Somebody asks who has its messages; every member passes it on. A signed `Inquiry`. */
  | {
      readonly type: 'inquiry'
      readonly inquiry: Uint8Array
      /** How many have passed it on: the way back leads to ever fewer, and so never in a circle. */
      readonly hops: number
    }
  /** Answers to the inquiry of an author, on their way to it. Signed `Receipt`s. */
  | { readonly type: 'receipts'; readonly author: DeviceId; readonly receipts: readonly Uint8Array[] }
  /** One part of a body that is larger than an envelope. */
  | {
      readonly type: 'part'
      /** Hash of the whole. 32 bytes. */
      readonly object: Uint8Array
      readonly index: number
      readonly count: number
      readonly bytes: Uint8Array
    }
  /** Among the devices of one identity; a page of history also from who takes somebody into a group. */
  | OwnDevicesBody

export interface Control {
  /** Who sends. */
  readonly device: DeviceId
  /** Grows with every control message from this device to these readers, so that no old one is taken for new. */
  readonly counter: number
  readonly body: ControlBody
  /** By the device key, over `controlContent` and which channel it is for. 64 bytes. */
  readonly signature: Uint8Array
}

/** A control message before the device signs it. */
export type ControlContent = Omit<Control, 'signature'>

const deviceReport = withRule(
  record<DeviceReport>({
    device: id(32),
    contiguous: integer(),
    hash: bytes(32),
    ranges: list(pair(integer(1)), { max: spec.reportRangesMax }),
    read: integer()
  }),
  ({ contiguous, hash, ranges }) => {
    if ((contiguous === 0) !== hash.every(byte => byte === 0))
      return 'a hash goes with an entry and only then'
    let end = contiguous
    for (const [from, to] of ranges) {
      if (from <= end || to < from) return 'ranges ascend and are disjoint'
      end = to
    }
    return undefined
  }
)

const PARTS_MAX = Math.ceil(spec.controlMaxBytes / spec.partBytes)

const cases = union<ControlBody>({
  hello: [0, { from: peerId, to: peerId, devices: deviceListShape, name: text(spec.nameMaxBytes) }],
  report: [
    1,
    {
      head: optional(
        record<Head>({ group: id(16), generation: integer(), length: integer(), epoch: id(16) })
      ),
      roster: bytes(32),
      devices: list(deviceReport, { max: spec.reportDevicesMax }),
      unopened: list(id<EnvelopeId>(32), { max: spec.reportNacksMax }),
      answer: boolean,
      asks: optional(keyPackageShape),
      awaits: list(id<DeviceId>(32), { max: spec.reportAwaitsMax })
    }
  ],
  presence: [2, { presence: presenceShape, secret: optional(bytes(32)) }],
  roster: [
    3,
    {
      group: id<OperationId>(32),
      heads: list(id<OperationId>(32), { max: spec.operationsPerMessageMax }),
      operations: list(bytesBetween(1, spec.operationMaxBytes), { max: spec.operationsPerMessageMax }),
      keyPackages: list(keyPackageShape, { max: spec.keyPackagesPerMessageMax }),
      answer: boolean
    }
  ],
  welcome: [
    4,
    {
      welcome: bytesBetween(1, spec.controlMaxBytes),
      tree: optional(bytesBetween(1, spec.controlMaxBytes)),
      lamport: integer(0, spec.lamportMax)
    }
  ],
  invitation: [
    5,
    {
      invitation: id<RequestId>(16),
      group: id<OperationId>(32),
      secret: bytes(32),
      name: text(spec.nameMaxBytes),
      role: roleShape,
      members: integer(),
      through: optional(id<InviteId>(16))
    }
  ],
  consent: [
    6,
    {
      invitation: id<RequestId>(16),
      consent: bytesBetween(0, spec.consentMaxBytes),
      devices: deviceListShape,
      keyPackage: bytesBetween(0, spec.keyPackageMaxBytes)
    }
  ],
  introductions: [
    7,
    {
      people: list(
        record<Introduction>({
          identity: id(32),
          name: text(spec.nameMaxBytes),
          presence: optional(presenceShape)
        }),
        { max: spec.introductionsMax }
      )
    }
  ],
  part: [
    8,
    {
      object: bytes(32),
      index: integer(0, PARTS_MAX - 1),
      count: integer(2, PARTS_MAX),
      bytes: bytesBetween(1, spec.partBytes)
    }
  ],
  grant: [9, grantFields],
  secrets: [10, secretsFields],
  cards: [11, cardsFields],
  recall: [12, recallFields],
  history: [13, historyFields],
  inquiry: [14, { inquiry: bytesBetween(1, spec.inquiryMaxBytes), hops: integer(0, spec.inquiryHopsMax) }],
  receipts: [
    15,
    {
      author: id<DeviceId>(32),
      receipts: list(bytesBetween(1, spec.receiptMaxBytes), { max: spec.receiptsMax })
    }
  ]
})

const bodyShape = withRule(cases, body => {
  if (body.type === 'part' && body.index >= body.count) return 'a part beyond the last'
  if (body.type === 'consent' && (body.consent.length === 0) !== (body.keyPackage.length === 0))
    return 'a yes comes with a key package, a no without'
  return undefined
})

const content: Fields<ControlContent> = { device: id(32), counter: integer(), body: bodyShape }

const name = 'control message'
const maxBytes = spec.envelopeBytes.at(-1)!
const whole = codec(name, maxBytes, structure<Control>({ ...content, signature: bytes(64) }))
const signed = codec(name, maxBytes, structure<ControlContent>(content))
const alone = codec(
  'control body',
  spec.controlMaxBytes,
  structure<{ readonly body: ControlBody }>({ body: bodyShape })
)

/** The bytes of a control message. Throws MALFORMED. */
export const encodeControl = whole.encode

/** The control message of opened bytes, unverified. Throws MALFORMED. */
export const decodeControl = whole.decode

/** The bytes that the device signs: the message without its signature. */
export const controlContent = signed.encode

/** The bytes of a body, to be sent in parts. Throws MALFORMED. */
export const encodeControlBody = (body: ControlBody): Uint8Array => alone.encode({ body })

/** The body of joined parts. Throws MALFORMED. */
export const decodeControlBody = (encoded: Uint8Array): ControlBody => alone.decode(encoded).body
