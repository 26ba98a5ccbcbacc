/**
 * Presence records: presence sealed for contacts, under keys that change every day. Spec: specs/presence.md.
 *
 * Always true: who does not hold the presence secret cannot tell whose a record is, nor that the records of
 * two days are one's, nor where the next one will be; who stores it can still tell that it belongs where it
 * is and which of two is newer. Every holder of the secret can make records, so presence is a hint where to
 * dial and never proof of who answers: that is the hello's.
 */
import { concat, equal, fromHex, toHex } from '../../base/bytes.ts'
import { HearsayError, malformed } from '../../base/errors.ts'
import type { DeviceId, Millis } from '../../base/ids.ts'
import { spec } from '../../base/limits.ts'
import type { Random } from '../../base/random.ts'
import { AEAD_NONCE_BYTES, aeadOpen, aeadSeal } from '../../crypto/aead.ts'
import { hkdf, hmac, labelledHash } from '../../crypto/hash.ts'
import { publicKeyOf, requireSignature, sign } from '../../crypto/signature.ts'
import { encode } from '../../wire/encoding.ts'
import { fitsPadded, padTo, unpadContent } from '../../wire/envelope.ts'
import {
  decodePresence,
  decodePresenceRecord,
  encodePresence,
  encodePresenceRecord,
  presenceRecordContent,
  type Presence,
  type PresenceRecord
} from '../../wire/presence.ts'

/** What every presence is padded to before it is sealed, so that its size tells nothing. */
const PADDED_BYTES = 880

/** The keys of one day. */
export interface DayKeys {
  readonly publicKey: Uint8Array
  readonly signSeed: Uint8Array
  readonly sealKey: Uint8Array
}

/** The number of a day in UTC. Readers try the day before and after too: clocks differ. */
export const presenceDay = (now: Millis): number => Math.floor(now / spec.presenceDayMs)

/** The keys of a day, for those who hold the presence secret. */
export function dayKeys(secret: Uint8Array, day: number): DayKeys {
  const signSeed = hkdf(secret, 'presenceDaySign', 32, encode(day))
  return {
    publicKey: publicKeyOf(signSeed),
    signSeed,
    sealKey: hkdf(secret, 'presenceDaySeal', 32, encode(day))
  }
}

const lookupKeyOf = (publicKey: Uint8Array): Uint8Array => labelledHash('presenceKey', publicKey)

/** Where the record of a day is in the DHT. 32 bytes. */
export const presenceLookupKey = (secret: Uint8Array, day: number): Uint8Array =>
  lookupKeyOf(dayKeys(secret, day).publicKey)

/** The additional data of the seal: which day key, which sequence. */
const sealedFor = ({ publicKey, sequence }: Pick<PresenceRecord, 'publicKey' | 'sequence'>): Uint8Array =>
  concat(publicKey, encode(sequence))

/**
 * The bytes of the record of a day, at most 1 KiB. Addresses that do not fit are left out, the last first, so
 * name the best first.
 */
export function sealPresence(
  presence: Presence,
  secret: Uint8Array,
  day: number,
  random: Random
): Uint8Array {
  const { publicKey, signSeed, sealKey } = dayKeys(secret, day)
  const { sequence } = presence
  const nonce = random(AEAD_NONCE_BYTES)
  const parameters = { key: sealKey, nonce, aad: sealedFor({ publicKey, sequence }) }
  const sealed = concat(nonce, aeadSeal(parameters, padTo(fitted(presence), PADDED_BYTES)))
  const content = { publicKey, sequence, sealed }
  const signature = sign('presence', signSeed, presenceRecordContent(content))
  return encodePresenceRecord({ ...content, signature })
}

/** The longest encoding that fits. */
function fitted(presence: Presence): Uint8Array {
  for (let count = presence.addresses.length; count >= 0; count--) {
    const encoded = encodePresence({ ...presence, addresses: presence.addresses.slice(0, count) })
    if (fitsPadded(encoded, PADDED_BYTES)) return encoded
  }
  throw new HearsayError('INTERNAL')
}

/**
 * What a node that stores records can check, without any secret: that the record belongs under this key, and
 * that the day key signed it. Returns its sequence: of two records, the higher one is newer. Throws MALFORMED.
 */
export function validatePresenceRecord(key: Uint8Array, record: Uint8Array): number {
  return requireRecord(key, record).sequence
}

function requireRecord(key: Uint8Array, bytes: Uint8Array): PresenceRecord {
  const record = decodePresenceRecord(bytes)
  if (!equal(lookupKeyOf(record.publicKey), key)) throw malformed('a record under a key that is not its own')
  requireSignature(
    'its day key',
    record.publicKey,
    'presence',
    record.signature,
    presenceRecordContent(record)
  )
  return record
}

/** The presence in a record of this day. Throws MALFORMED. */
export function openPresence(record: Uint8Array, secret: Uint8Array, day: number): Presence {
  const keys = dayKeys(secret, day)
  const { publicKey, sequence, sealed } = requireRecord(lookupKeyOf(keys.publicKey), record)
  const nonce = sealed.subarray(0, AEAD_NONCE_BYTES)
  if (nonce.length < AEAD_NONCE_BYTES) throw malformed('no room for a nonce')
  const parameters = { key: keys.sealKey, nonce, aad: sealedFor({ publicKey, sequence }) }
  const presence = decodePresence(unpadContent(aeadOpen(parameters, sealed.subarray(AEAD_NONCE_BYTES))))
  if (presence.sequence !== sequence) throw malformed('a presence with another sequence than its record')
  return presence
}

/** The secret under which one device of an identity is found, so that devices do not hide each other's records. */
export const devicePresenceSecret = (secret: Uint8Array, device: DeviceId): Uint8Array =>
  hkdf(secret, 'presenceDevice', 32, fromHex(device))

/** The presence secret under which an inviter is found by those who hold the link, and by nobody else. */
export const inviteRendezvousSecret = (inviteSecret: Uint8Array): Uint8Array =>
  hkdf(inviteSecret, 'inviteRendezvous')

/** The name of two contacts' gossip topic on a day: 64 hexadecimal digits that mean nothing to anybody else. */
export const topicName = (contactSecret: Uint8Array, day: number): string =>
  toHex(hmac(contactSecret, 'topic', encode(day)))
