/**
 * First contact: the request to whoever made an invite, and the answer. Spec: specs/contact.md.
 *
 * Always true: a request that opens was made by a live device of the identity that its device list names, for
 * this invite of this inviter, by somebody who held the link; an answer that opens was made by a live device
 * of the inviter for exactly this request. Holding the keys of one side never lets anybody speak as the other.
 */
import { concat, fromHex, fromUtf8 } from '../../base/bytes.ts'
import { malformed } from '../../base/errors.ts'
import type { DeviceId, IdentityId } from '../../base/ids.ts'
import { labels } from '../../base/labels.ts'
import type { Random } from '../../base/random.ts'
import { AEAD_NONCE_BYTES, AEAD_TAG_BYTES } from '../../crypto/aead.ts'
import { framed, hkdf } from '../../crypto/hash.ts'
import { hpke } from '../../crypto/hpke.ts'
import { remembering } from '../../crypto/hpke/keys.ts'
import { requireSignature, sign } from '../../crypto/signature.ts'
import {
  contactAnswerContent,
  decodeContactAnswer,
  encodeContactAnswer,
  type ContactAnswer,
  type ContactAnswerContent
} from '../../wire/contact-answer.ts'
import {
  contactRequestContent,
  decodeContactRequest,
  encodeContactRequest,
  type ContactRequest,
  type ContactRequestContent
} from '../../wire/contact-request.ts'
import { decodeDeviceEntry } from '../../wire/device-entry.ts'
import {
  encodeEnvelope,
  envelopeHeader,
  padContent,
  unpadContent,
  type Envelope
} from '../../wire/envelope.ts'
import type { Invite } from '../../wire/invite.ts'
import { verifyDeviceList, type DeviceList } from './device-list.ts'
import { requestHash } from './hashes.ts'
import { inviteSuite } from './invite-suite.ts'
import { envelopeTag, isTagged, openTagged, sealTagged, type SealKeys } from './tagged-seal.ts'

const ENC_BYTES = 32
const ANSWER_KEY_BYTES = 32

/** What both sides have of a request once it was sealed or opened. */
export interface SharedRequest {
  /** What seals and opens the answer. 32 bytes. */
  readonly answerKey: Uint8Array
  /** What the answer is bound to. 32 bytes. */
  readonly requestHash: Uint8Array
}

/** The parts under the device's signature: whom the request is for, and the request. */
const requestParts = (request: ContactRequestContent, { identity, publicKey }: Invite): Uint8Array[] => [
  fromHex(identity),
  publicKey,
  contactRequestContent(request)
]

/** A request signed by the requester's device. `content.device` must be the device of the seed. */
export const signRequest = (
  content: ContactRequestContent,
  invite: Invite,
  deviceSeed: Uint8Array
): ContactRequest => ({
  ...content,
  signature: sign('request', deviceSeed, ...requestParts(content, invite))
})

/** What HPKE binds the seal to besides the keys: which invite, whose. */
const requestInfo = ({ id, identity, publicKey }: Invite): Uint8Array =>
  framed('inviteSeal', fromHex(id), fromHex(identity), publicKey)

/** The secret of the link as HPKE's pre-shared key: the request stays sealed even where X25519 does not. */
const linkSecret = ({ id, secret }: Invite): { id: Uint8Array; secret: Uint8Array } => ({
  id: fromHex(id),
  secret
})

/** Remembered with the secret: a stranger's request is held against every open invite. */
const requestTagKey = remembering((inviteSecret: Uint8Array) => hkdf(inviteSecret, 'inviteTag'))

const exportAnswerKey = (context: { export(label: Uint8Array, length: number): Uint8Array }): Uint8Array =>
  context.export(fromUtf8(labels.answerKey), ANSWER_KEY_BYTES)

/** Seals a signed request to an invite. Throws MESSAGE_TOO_LARGE, or MALFORMED at an invite without a good key. */
export function sealRequest(
  request: ContactRequest,
  invite: Invite,
  random: Random
): SharedRequest & { readonly envelope: Uint8Array } {
  const nonce = random(AEAD_NONCE_BYTES)
  const header = { kind: 'request', tag: envelopeTag(requestTagKey(invite.secret), nonce), nonce } as const
  const context = hpke(inviteSuite, { random }).setupSender(
    invite.publicKey,
    requestInfo(invite),
    linkSecret(invite)
  )
  const encoded = encodeContactRequest(request)
  const padded = padContent(encoded, ENC_BYTES + AEAD_TAG_BYTES)
  const body = concat(context.enc, context.seal(envelopeHeader(header), padded))
  return {
    envelope: encodeEnvelope({ ...header, body }),
    answerKey: exportAnswerKey(context),
    requestHash: requestHash(encoded)
  }
}

/** Whether an envelope is a request through the invite with this secret. Says nothing about who made it. */
export const isRequestFor = (envelope: Envelope, inviteSecret: Uint8Array): boolean =>
  isTagged(envelope, 'request', requestTagKey(inviteSecret))

/** A request that was opened and verified, and the device list that came with it. */
export interface OpenedRequest extends SharedRequest {
  readonly request: ContactRequest
  readonly devices: DeviceList
}

/**
 * Opens and verifies a request through one of our invites. Whether the invite is still good and whether the
 * key packages are that device's, the caller decides. Throws MALFORMED.
 */
export function openRequest(envelope: Envelope, invite: Invite, inviteSecretKey: Uint8Array): OpenedRequest {
  if (!isRequestFor(envelope, invite.secret)) throw malformed('not a request through this invite')
  const context = hpke(inviteSuite).setupReceiver(
    inviteSecretKey,
    envelope.body.subarray(0, ENC_BYTES),
    requestInfo(invite),
    linkSecret(invite)
  )
  const encoded = unpadContent(context.open(envelopeHeader(envelope), envelope.body.subarray(ENC_BYTES)))
  const request = decodeContactRequest(encoded)
  if (request.invite !== invite.id) throw malformed('a request for another invite')
  // Who asks is what the request claims; the chain below proves it or throws.
  const { identity } = decodeDeviceEntry(request.devices[0]!)
  if (identity === invite.identity) throw malformed('a request from the inviter itself')
  const devices = verifyDeviceList(request.devices, identity)
  requireLiveDevice(devices, request.device)
  requireSignature(
    `device ${request.device}`,
    fromHex(request.device),
    'request',
    request.signature,
    ...requestParts(request, invite)
  )
  return { request, devices, answerKey: exportAnswerKey(context), requestHash: requestHash(encoded) }
}

/** An answer signed by the inviter's device, to the request with this hash. */
export const signAnswer = (
  content: ContactAnswerContent,
  hash: Uint8Array,
  deviceSeed: Uint8Array
): ContactAnswer => ({
  ...content,
  signature: sign('answer', deviceSeed, hash, contactAnswerContent(content))
})

const answerKeys = (answerKey: Uint8Array): SealKeys => ({
  key: hkdf(answerKey, 'answerSeal'),
  tagKey: hkdf(answerKey, 'answerTag')
})

/** Seals a signed answer: only whoever sealed the request can find or open it. Throws MESSAGE_TOO_LARGE. */
export const sealAnswer = (answer: ContactAnswer, answerKey: Uint8Array, random: Random): Uint8Array =>
  sealTagged('answer', encodeContactAnswer(answer), answerKeys(answerKey), random)

/** Whether an envelope is the answer under this key. Says nothing about who made it. */
export const isAnswerFor = (envelope: Envelope, answerKey: Uint8Array): boolean =>
  isTagged(envelope, 'answer', answerKeys(answerKey).tagKey)

/** An answer that was opened and verified, and the device list that came with it. */
export interface OpenedAnswer {
  readonly answer: ContactAnswer
  readonly devices: DeviceList
}

/**
 * Opens an answer and verifies that a live device of `expectedIdentity`, whose invite it was, gave it to the
 * request with this hash. Throws MALFORMED.
 */
export function openAnswer(
  envelope: Envelope,
  answerKey: Uint8Array,
  expectedIdentity: IdentityId,
  hash: Uint8Array
): OpenedAnswer {
  const answer = decodeContactAnswer(openTagged(envelope, 'answer', answerKeys(answerKey)))
  const devices = verifyDeviceList(answer.devices, expectedIdentity)
  requireLiveDevice(devices, answer.device)
  requireSignature(
    `device ${answer.device}`,
    fromHex(answer.device),
    'answer',
    answer.signature,
    hash,
    contactAnswerContent(answer)
  )
  return { answer, devices }
}

function requireLiveDevice({ devices }: DeviceList, device: DeviceId): void {
  if (!devices.has(device)) throw malformed('a device that is not on its list')
}
