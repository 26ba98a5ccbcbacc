/**
 * The seal of control messages on a channel: of two contacts, of a group, of one identity's devices.
 * Spec: specs/delivery.md, section 2.
 *
 * Always true: what opens was signed by a device that the caller lets speak, on this channel. So a
 * contact cannot play our own words back to us, nor pass what one contact said on to another.
 */
import { fromHex } from '../../base/bytes.ts'
import { malformed } from '../../base/errors.ts'
import type { DeviceId } from '../../base/ids.ts'
import type { Random } from '../../base/random.ts'
import { hkdf, labelledHash } from '../../crypto/hash.ts'
import { requireSignature, sign } from '../../crypto/signature.ts'
import {
  controlContent,
  decodeControl,
  encodeControl,
  type Control,
  type ControlBody
} from '../../wire/control.ts'
import type { Envelope } from '../../wire/envelope.ts'
import { openIfTagged, sealTagged, type SealKeys } from './tagged-seal.ts'

/** The keys of a channel's control messages, from the secret that is shared there. */
export const controlKeys = (secret: Uint8Array): SealKeys => ({
  key: hkdf(secret, 'controlKey'),
  tagKey: hkdf(secret, 'controlTag')
})

/** What ties a signature to one channel without naming anybody on it. */
const binding = ({ tagKey }: SealKeys): Uint8Array => labelledHash('controlBinding', tagKey)

/** The bytes of the envelope around a control message that the device of the seed signs. Throws MESSAGE_TOO_LARGE. */
export function sealControl(init: {
  readonly deviceSeed: Uint8Array
  readonly device: DeviceId
  readonly counter: number
  readonly body: ControlBody
  readonly keys: SealKeys
  readonly random: Random
}): Uint8Array {
  const { deviceSeed, device, counter, body, keys, random } = init
  const content = { device, counter, body }
  const signature = sign('control', deviceSeed, binding(keys), controlContent(content))
  return sealTagged('control', encodeControl({ ...content, signature }), keys, random)
}

/**
 * The control message in an envelope under these keys, from a device that `mayAuthor` says yes to; undefined where the
 * envelope is not under these keys. That its counter is new, the caller checks. Throws MALFORMED.
 */
export function openControl(
  envelope: Envelope,
  keys: SealKeys,
  mayAuthor: (control: Control) => boolean
): Control | undefined {
  const content = openIfTagged(envelope, 'control', keys)
  if (content === undefined) return undefined
  const control = decodeControl(content)
  if (!mayAuthor(control)) throw malformed('a control message from a device that may not')
  requireSignature(
    `device ${control.device}`,
    fromHex(control.device),
    'control',
    control.signature,
    binding(keys),
    controlContent(control)
  )
  return control
}
