/**
 * What a 'message' envelope holds: one MLS message, and the hints that make lost ones visible.
 * Spec: specs/envelope.md, section 4. Sealed and opened in core/seal/message-seal.ts.
 */
import { spec } from '../base/limits.ts'
import { bytesBetween, codec, integer, oneOf, structure, withRule } from './shape.ts'

export interface MessageBody {
  readonly type: 'application' | 'commit'
  /** The sender's leaf index. A hint: MLS says who it really was. */
  readonly leaf: number
  /** The sender's log sequence. A hint: the entry inside says which it really is. */
  readonly sequence: number
  /** Which part of the MLS message this is, from 0, and of how many: a commit in a large group is larger than an envelope. */
  readonly part: number
  readonly parts: number
  /** The encoded MLS PrivateMessage, or its part. */
  readonly mls: Uint8Array
}

const maxBytes = spec.envelopeBytes.at(-1)!
const whole = codec(
  'message body',
  maxBytes,
  withRule(
    structure<MessageBody>({
      type: oneOf({ application: 0, commit: 1 }),
      leaf: integer(0, 2 ** 32 - 1),
      sequence: integer(),
      part: integer(0, spec.messagePartsMax - 1),
      parts: integer(1, spec.messagePartsMax),
      mls: bytesBetween(1, maxBytes)
    }),
    ({ part, parts }) => (part < parts ? undefined : 'a part beyond the last')
  )
)

/** The bytes of a body. Throws MALFORMED. */
export const encodeMessageBody = whole.encode

/** The body of opened bytes. Throws MALFORMED. */
export const decodeMessageBody = whole.decode
