/** Alice, Bob and the others, made from a seed: the same seed gives the same people, keys and envelopes. */
import { fromUtf8 } from '../../../src/base/bytes.ts'
import {
  idOf,
  millis,
  type Address,
  type DeviceId,
  type IdentityId,
  type Millis,
  type PeerId,
  type RequestId
} from '../../../src/base/ids.ts'
import type { Random } from '../../../src/base/random.ts'
import { createHash } from 'node:crypto'
import {
  openRequest,
  sealRequest,
  signAnswer,
  signRequest,
  type OpenedRequest
} from '../../../src/core/seal/contact.ts'
import { startDeviceList } from '../../../src/core/seal/device-list.ts'
import { makeInvite, openInviteLink } from '../../../src/core/seal/invite.ts'
import { publicKeyOf } from '../../../src/crypto/signature.ts'
import type { ContactAnswer } from '../../../src/wire/contact-answer.ts'
import type { ContactRequest } from '../../../src/wire/contact-request.ts'
import { decodeEnvelope } from '../../../src/wire/envelope.ts'
import { formatInvite, type Invite } from '../../../src/wire/invite.ts'
import type { Presence } from '../../../src/wire/presence.ts'

/** Noon of 22 November 2026, UTC: when every story here begins. */
export const NOON: Millis = millis(Date.UTC(2026, 10, 22, 12))

/** Bytes that follow from the seed: SHA-256 in counter mode. */
export function seededRandom(seed: string): Random {
  let counter = 0
  return length => {
    const blocks: number[] = []
    while (blocks.length < length) {
      blocks.push(
        ...createHash('sha256')
          .update(fromUtf8(`${seed}/${counter}`))
          .digest()
      )
      counter += 1
    }
    return Uint8Array.from(blocks.slice(0, length))
  }
}

/** A person with one device. */
export interface Person {
  readonly name: string
  readonly random: Random
  readonly identitySeed: Uint8Array
  readonly identity: IdentityId
  readonly deviceSeed: Uint8Array
  readonly device: DeviceId
  /** The device list: one entry. */
  readonly devices: readonly Uint8Array[]
  readonly presence: Presence
}

/** A person of this name. The same name and seed give the same person. */
export function person(name: string, seed = 'hearsay'): Person {
  const random = seededRandom(`${seed}/${name}`)
  const identitySeed = random(32)
  const deviceSeed = random(32)
  const device = idOf<DeviceId>(publicKeyOf(deviceSeed))
  return {
    name,
    random,
    identitySeed,
    identity: idOf<IdentityId>(publicKeyOf(identitySeed)),
    deviceSeed,
    device,
    devices: [startDeviceList(identitySeed, device, NOON)],
    presence: {
      peer: `12D3KooW${name}` as PeerId,
      addresses: [`/ip4/192.0.2.1/tcp/4001/p2p/12D3KooW${name}` as Address],
      sequence: 7,
      updatedAt: NOON,
      capabilities: 0
    }
  }
}

/** An invite of this person, as whoever was given the link has it, and the key that stays at home. */
export function inviteOf(
  inviter: Person,
  kind: Invite['kind'] = 'one-time'
): { invite: Invite; secretKey: Uint8Array; link: string } {
  const expiresAt = kind === 'one-time' ? millis(NOON + 7 * 86_400_000) : undefined
  const { identitySeed, presence, random } = inviter
  const made = makeInvite({ identitySeed, kind, expiresAt, addresses: presence.addresses, random })
  const link = formatInvite(made.invite)
  return { invite: openInviteLink(link, NOON), secretKey: made.secretKey, link }
}

/** A request by this person, signed. What is in `changes` it says otherwise. */
export const requestOf = (
  requester: Person,
  invite: Invite,
  changes: Partial<ContactRequest> = {}
): ContactRequest =>
  signRequest(
    {
      request: idOf<RequestId>(requester.random(16)),
      invite: invite.id,
      devices: requester.devices,
      device: requester.device,
      keyPackage: requester.random(300),
      presenceSecret: requester.random(32),
      presence: requester.presence,
      name: requester.name,
      greeting: `Hello, this is ${requester.name}.`,
      sentAt: NOON,
      ...changes
    },
    invite,
    requester.deviceSeed
  )

/** This person's word to a request, signed. */
export const answerOf = (
  inviter: Person,
  { request, requestHash }: OpenedRequest,
  changes: Partial<ContactAnswer> = {}
): ContactAnswer =>
  signAnswer(
    {
      request: request.request,
      status: 'accepted',
      devices: inviter.devices,
      device: inviter.device,
      welcome: inviter.random(500),
      create: inviter.random(400),
      presenceSecret: inviter.random(32),
      presence: inviter.presence,
      name: inviter.name,
      sentAt: NOON,
      ...changes
    },
    requestHash,
    inviter.deviceSeed
  )

/** Alice invites, Bob asks, Alice opens. */
export function firstContact(seed?: string) {
  const alice = person('alice', seed)
  const bob = person('bob', seed)
  const { invite, secretKey, link } = inviteOf(alice)
  const request = requestOf(bob, invite)
  const sealed = sealRequest(request, invite, bob.random)
  const opened = openRequest(decodeEnvelope(sealed.envelope), invite, secretKey)
  return { alice, bob, invite, secretKey, link, request, sealed, opened }
}
