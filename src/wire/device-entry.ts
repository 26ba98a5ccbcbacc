/**
 * One entry of a device list: the identity adds or revokes a device. Entries form a chain by hash.
 * Spec: specs/identity.md, section 3. What makes a chain valid is decided in core/seal/device-list.ts.
 */
import type { DeviceId, IdentityId, Millis } from '../base/ids.ts'
import { spec } from '../base/limits.ts'
import { bytes, codec, id, integer, oneOf, structure, time, withRule, type Fields } from './shape.ts'

export interface DeviceEntry {
  readonly identity: IdentityId
  /** When this chain was started, in whole seconds since 1970. A later chain supersedes all earlier ones. */
  readonly generation: number
  /** Position in the chain, from 1. */
  readonly sequence: number
  /** Hash of the entry before this one, 32 bytes; zeros for the first. */
  readonly previous: Uint8Array
  readonly operation: 'add' | 'revoke'
  readonly device: DeviceId
  readonly createdAt: Millis
  /** The identity's, over `deviceEntryContent`. 64 bytes. */
  readonly signature: Uint8Array
}

/** A device entry before the identity signs it. */
export type DeviceEntryContent = Omit<DeviceEntry, 'signature'>

const content: Fields<DeviceEntryContent> = {
  identity: id(32),
  generation: integer(),
  sequence: integer(1),
  previous: bytes(32),
  operation: oneOf({ add: 0, revoke: 1 }),
  device: id(32),
  createdAt: time
}

/** Whether a link to a predecessor is there exactly where there is a predecessor. */
export const brokenLink = ({ sequence, previous }: { sequence: number; previous: Uint8Array }) =>
  (sequence === 1) === previous.every(byte => byte === 0)
    ? undefined
    : 'the first has no predecessor, all others have one'

const name = 'device entry'
const whole = codec(
  name,
  spec.deviceEntryMaxBytes,
  withRule(structure<DeviceEntry>({ ...content, signature: bytes(64) }), brokenLink)
)
const signed = codec(
  name,
  spec.deviceEntryMaxBytes,
  withRule(structure<DeviceEntryContent>(content), brokenLink)
)

/** The bytes of an entry. Throws MALFORMED. */
export const encodeDeviceEntry = whole.encode

/** The entry of foreign bytes, its signature unverified. Throws MALFORMED. */
export const decodeDeviceEntry = whole.decode

/** The bytes that the identity signs: the entry without its signature. */
export const deviceEntryContent = signed.encode
