/** The record of ourselves: specs/store.md. Its seeds never leave the store. */
import type { IdentityId } from '../../base/ids.ts'
import { spec } from '../../base/limits.ts'
import { boolean, bytes, codec, id, integer, optional, structure, text, time } from '../../wire/shape.ts'
import { deviceListShape } from '../../wire/contact-request.ts'
import type { Self } from '../self.ts'

const record = codec(
  'own record',
  spec.envelopeBytes.at(-1)!,
  structure<Self>({
    entropy: optional(bytes(32)),
    identity: id<IdentityId>(32),
    name: text(spec.nameMaxBytes),
    deviceSeed: bytes(32),
    networkSeed: bytes(32),
    presenceSecret: bytes(32),
    formerPresenceSecret: optional(bytes(32)),
    secretsSince: integer(),
    devices: deviceListShape,
    createdAt: time,
    provisional: boolean
  })
)

export const encodeSelf = record.encode
export const decodeSelf = record.decode
