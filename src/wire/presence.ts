/**
 * Presence: what a contact needs to reach a device, and the record that carries it sealed through the DHT.
 * Spec: specs/presence.md. Sealed and opened in core/seal/presence-record.ts.
 */
import type { Address, Millis, PeerId } from '../base/ids.ts'
import { spec } from '../base/limits.ts'
import {
  address,
  bytes,
  bytesBetween,
  codec,
  integer,
  list,
  peerId,
  structure,
  time,
  type Fields
} from './shape.ts'

export interface Presence {
  readonly peer: PeerId
  readonly addresses: readonly Address[]
  /** Grows with every change; the highest is the newest. */
  readonly sequence: number
  readonly updatedAt: Millis
  /** A set of bits, 32 of them. Readers ignore those that they do not know. */
  readonly capabilities: number
}

/** What is stored in the DHT under the hash of `publicKey`. */
export interface PresenceRecord {
  /** The Ed25519 key of one day, 32 bytes. */
  readonly publicKey: Uint8Array
  /** That of the presence inside, so that who stores the record can tell which one is newer. */
  readonly sequence: number
  /** Nonce and AES-256-GCM of the padded presence. */
  readonly sealed: Uint8Array
  /** By the day key, over `presenceRecordContent`. 64 bytes. */
  readonly signature: Uint8Array
}

/** A record before the day key signs it. */
export type PresenceRecordContent = Omit<PresenceRecord, 'signature'>

/** A presence as a field of other structures. */
export const presenceShape = structure<Presence>({
  peer: peerId,
  addresses: list(address, { max: spec.addressesMax }),
  sequence: integer(),
  updatedAt: time,
  capabilities: integer(0, 2 ** 32 - 1)
})

const PRESENCE_MAX_BYTES = 4096
const plain = codec('presence', PRESENCE_MAX_BYTES, presenceShape)

/** The bytes of a presence. Throws MALFORMED. */
export const encodePresence = plain.encode

/** The presence of opened bytes. Throws MALFORMED. */
export const decodePresence = plain.decode

const content: Fields<PresenceRecordContent> = {
  publicKey: bytes(32),
  sequence: integer(),
  sealed: bytesBetween(1, spec.presenceRecordMaxBytes)
}

const name = 'presence record'
const whole = codec(
  name,
  spec.presenceRecordMaxBytes,
  structure<PresenceRecord>({ ...content, signature: bytes(64) })
)
const signed = codec(name, spec.presenceRecordMaxBytes, structure<PresenceRecordContent>(content))

/** The bytes of a record. Throws MALFORMED. */
export const encodePresenceRecord = whole.encode

/** The record of foreign bytes, its signature unverified. Throws MALFORMED. */
export const decodePresenceRecord = whole.decode

/** The bytes that the day key signs: the record without its signature. */
export const presenceRecordContent = signed.encode
