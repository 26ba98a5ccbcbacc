/**
 * The answer to a contact request: the Welcome into the conversation, or a refusal.
 * Spec: specs/contact.md, section 3. Sealed and opened in core/seal/contact.ts.
 */
import type { DeviceId, Millis, RequestId } from '../base/ids.ts'
import { spec } from '../base/limits.ts'
import { deviceListShape } from './contact-request.ts'
import { presenceShape, type Presence } from './presence.ts'
import {
  bytes,
  bytesBetween,
  codec,
  id,
  oneOf,
  structure,
  text,
  time,
  withRule,
  type Fields
} from './shape.ts'

export interface ContactAnswer {
  readonly request: RequestId
  readonly status: 'accepted' | 'rejected'
  /** The inviter's device list: encoded entries, first to last. */
  readonly devices: readonly Uint8Array[]
  /** Which of them answers. */
  readonly device: DeviceId
  /** The encoded MLS Welcome; empty when rejected. */
  readonly welcome: Uint8Array
  /** The operation that begins the roster of the conversation; empty when rejected. */
  readonly create: Uint8Array
  /** What opens the inviter's presence records. 32 bytes. */
  readonly presenceSecret: Uint8Array
  readonly presence: Presence
  readonly name: string
  readonly sentAt: Millis
  /** By the device key, over `contactAnswerContent` and the hash of the request. 64 bytes. */
  readonly signature: Uint8Array
}

/** An answer before the device signs it. */
export type ContactAnswerContent = Omit<ContactAnswer, 'signature'>

const content: Fields<ContactAnswerContent> = {
  request: id(16),
  status: oneOf({ accepted: 0, rejected: 1 }),
  devices: deviceListShape,
  device: id(32),
  welcome: bytesBetween(0, spec.welcomeMaxBytes),
  create: bytesBetween(0, spec.createMaxBytes),
  presenceSecret: bytes(32),
  presence: presenceShape,
  name: text(spec.nameMaxBytes),
  sentAt: time
}

const wrongWelcome = ({ status, welcome, create }: ContactAnswerContent) =>
  (status === 'accepted') === welcome.length > 0 && welcome.length > 0 === create.length > 0
    ? undefined
    : 'a welcome and a roster come with acceptance and only then'

const name = 'contact answer'
const maxBytes = spec.envelopeBytes.at(-1)!
const whole = codec(
  name,
  maxBytes,
  withRule(structure<ContactAnswer>({ ...content, signature: bytes(64) }), wrongWelcome)
)
const signed = codec(name, maxBytes, withRule(structure<ContactAnswerContent>(content), wrongWelcome))

/** The bytes of an answer. Throws MALFORMED. */
export const encodeContactAnswer = whole.encode

/** The answer of opened bytes, unverified. Throws MALFORMED. */
export const decodeContactAnswer = whole.decode

/** The bytes that the device signs: the answer without its signature. */
export const contactAnswerContent = signed.encode
