/**
 * The outer seal of messages: what carriers see of an MLS message is an envelope of one of five sizes.
 * Spec: specs/envelope.md, section 4.
 *
 * Always true: the keys come from the exporter of one MLS epoch, so exactly its members find and open the
 * envelope, and a member who was removed finds nothing of the next epoch.
 */
import { idOf, type EpochId } from '../../base/ids.ts'
import { labels } from '../../base/labels.ts'
import type { Random } from '../../base/random.ts'
import type { Envelope } from '../../wire/envelope.ts'
import { decodeMessageBody, encodeMessageBody, type MessageBody } from '../../wire/message-body.ts'
import { openIfTagged, sealTagged, type SealKeys } from './tagged-seal.ts'

const KEY_BYTES = 32
const EPOCH_ID_BYTES = 16

/** The keys of one epoch's envelopes, and the epoch's id. */
export interface EpochKeys extends SealKeys {
  readonly id: EpochId
}

/** The keys of an epoch, from its MLS exporter (RFC 9420 section 8.5). */
export const epochKeys = (exporter: (label: string, length: number) => Uint8Array): EpochKeys => ({
  key: exporter(labels.epochKey, KEY_BYTES),
  tagKey: exporter(labels.epochTag, KEY_BYTES),
  id: idOf(exporter(labels.epochId, EPOCH_ID_BYTES))
})

/** The bytes of the envelope around an MLS message. Throws MESSAGE_TOO_LARGE. */
export const sealMessage = (body: MessageBody, keys: SealKeys, random: Random): Uint8Array =>
  sealTagged('message', encodeMessageBody(body), keys, random)

/** What is in an envelope of this epoch; undefined where it is of another. Throws MALFORMED where it was changed. */
export function openMessage(envelope: Envelope, keys: SealKeys): MessageBody | undefined {
  const content = openIfTagged(envelope, 'message', keys)
  return content === undefined ? undefined : decodeMessageBody(content)
}
