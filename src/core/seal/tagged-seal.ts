/**
 * The seal of envelopes between those who share keys already: AES-256-GCM, found by a tag.
 * Spec: specs/envelope.md, section 3.
 *
 * Always true: the header is authenticated with the body. Two envelopes of one conversation have nothing in
 * common that somebody without the tag key could see: the tag is a MAC of the nonce, which never repeats.
 */
import { equal } from '../../base/bytes.ts'
import { malformed } from '../../base/errors.ts'
import type { Random } from '../../base/random.ts'
import { AEAD_NONCE_BYTES, AEAD_TAG_BYTES, aeadOpen, aeadSeal } from '../../crypto/aead.ts'
import { hmac } from '../../crypto/hash.ts'
import {
  encodeEnvelope,
  envelopeHeader,
  padContent,
  unpadContent,
  type Envelope
} from '../../wire/envelope.ts'

const TAG_BYTES = 16

/** Two secrets of 32 bytes: one seals, one finds. */
export interface SealKeys {
  readonly key: Uint8Array
  readonly tagKey: Uint8Array
}

/** The tag of an envelope with this nonce, for those who hold the tag key. */
export const envelopeTag = (tagKey: Uint8Array, nonce: Uint8Array): Uint8Array =>
  hmac(tagKey, 'envelopeTag', nonce).subarray(0, TAG_BYTES)

/** Whether an envelope of this kind was tagged under this key. Says nothing about its body. */
export const isTagged = (envelope: Envelope, kind: Envelope['kind'], tagKey: Uint8Array): boolean =>
  envelope.kind === kind && equal(envelope.tag, envelopeTag(tagKey, envelope.nonce))

/** The bytes of an envelope around content. Throws MESSAGE_TOO_LARGE. */
export function sealTagged(
  kind: Envelope['kind'],
  content: Uint8Array,
  { key, tagKey }: SealKeys,
  random: Random
): Uint8Array {
  const nonce = random(AEAD_NONCE_BYTES)
  const header = { kind, tag: envelopeTag(tagKey, nonce), nonce }
  const padded = padContent(content, AEAD_TAG_BYTES)
  return encodeEnvelope({ ...header, body: aeadSeal({ key, nonce, aad: envelopeHeader(header) }, padded) })
}

/**
 * The content of an envelope under these keys; undefined where it was tagged for others. Throws MALFORMED where
 * it was changed on the way.
 */
export function openIfTagged(
  envelope: Envelope,
  kind: Envelope['kind'],
  { key, tagKey }: SealKeys
): Uint8Array | undefined {
  if (!isTagged(envelope, kind, tagKey)) return undefined
  const { nonce, body } = envelope
  return unpadContent(aeadOpen({ key, nonce, aad: envelopeHeader(envelope) }, body))
}

/** The same, for an envelope that has been found to be for these keys. Throws MALFORMED where it is not. */
export function openTagged(envelope: Envelope, kind: Envelope['kind'], keys: SealKeys): Uint8Array {
  const content = openIfTagged(envelope, kind, keys)
  if (content === undefined) throw malformed('not tagged for these keys')
  return content
}
