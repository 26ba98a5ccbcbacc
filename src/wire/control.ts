/**
 * Control messages: what the devices of two contacts tell each other beside the conversation. Who is there,
 * what has arrived, where to be found. Spec: specs/delivery.md. Sealed and opened in core/seal/control-seal.ts.
 */
import type { DeviceId, EnvelopeId, EpochId, GroupId, PeerId } from '../base/ids.ts'
import { spec } from '../base/limits.ts'
import { keyPackageShape } from './contact-request.ts'
import { presenceShape, type Presence } from './presence.ts'
import {
  boolean,
  bytes,
  bytesBetween,
  codec,
  id,
  integer,
  list,
  pair,
  peerId,
  record,
  structure,
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
  /** Of the group: grows when the two start over with a new one. */
  readonly generation: number
  /** Commits from the beginning of the group. */
  readonly length: number
  readonly epoch: EpochId
}

export type ControlBody =
  /** The sending device uses the peer `from` and means the peer `to`. */
  | { readonly type: 'hello'; readonly from: PeerId; readonly to: PeerId }
  | {
      readonly type: 'report'
      readonly head: Head
      readonly devices: readonly DeviceReport[]
      /** Envelopes that the reporter cannot open: their authors seal again. */
      readonly unopened: readonly EnvelopeId[]
      /** Asks for a report in return. */
      readonly answer: boolean
      /** The reporter cannot follow the other's head and asks to be added again. */
      readonly stuck: boolean
    }
  | { readonly type: 'presence'; readonly presence: Presence; readonly secret: Uint8Array }
  | { readonly type: 'key-packages'; readonly keyPackages: readonly Uint8Array[] }
  /** A new group instead of `replaces`. */
  | {
      readonly type: 'regroup'
      readonly generation: number
      readonly welcome: Uint8Array
      readonly replaces: GroupId
    }

export interface Control {
  /** Who sends. */
  readonly device: DeviceId
  /** Grows with every control message from this device to this contact, so that no old one is taken for new. */
  readonly counter: number
  readonly body: ControlBody
  /** By the device key, over `controlContent` and which contact it is for. 64 bytes. */
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

const content: Fields<ControlContent> = {
  device: id(32),
  counter: integer(),
  body: union<ControlBody>({
    hello: [0, { from: peerId, to: peerId }],
    report: [
      1,
      {
        head: record<Head>({ group: id(16), generation: integer(), length: integer(), epoch: id(16) }),
        devices: list(deviceReport, { max: spec.reportDevicesMax }),
        unopened: list(id<EnvelopeId>(32), { max: spec.reportNacksMax }),
        answer: boolean,
        stuck: boolean
      }
    ],
    presence: [2, { presence: presenceShape, secret: bytes(32) }],
    'key-packages': [3, { keyPackages: list(keyPackageShape, { min: 1, max: spec.keyPackagesMax }) }],
    regroup: [
      4,
      { generation: integer(), welcome: bytesBetween(1, spec.welcomeMaxBytes), replaces: id<GroupId>(16) }
    ]
  })
}

const name = 'control message'
const maxBytes = spec.envelopeBytes.at(-1)!
const whole = codec(name, maxBytes, structure<Control>({ ...content, signature: bytes(64) }))
const signed = codec(name, maxBytes, structure<ControlContent>(content))

/** The bytes of a control message. Throws MALFORMED. */
export const encodeControl = whole.encode

/** The control message of opened bytes, unverified. Throws MALFORMED. */
export const decodeControl = whole.decode

/** The bytes that the device signs: the message without its signature. */
export const controlContent = signed.encode
