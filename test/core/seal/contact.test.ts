/** First contact, and everybody who would like to be part of it. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Address } from '../../../src/base/ids.ts'
import { spec } from '../../../src/base/limits.ts'
import {
  isAnswerFor,
  isRequestFor,
  openAnswer,
  openRequest,
  sealAnswer,
  sealRequest,
  signRequest
} from '../../../src/core/seal/contact.ts'
import { requestHash } from '../../../src/core/seal/hashes.ts'
import { signOperation } from '../../../src/core/seal/roster-seal.ts'
import { extendDeviceList, verifyDeviceList } from '../../../src/core/seal/device-list.ts'
import { encodeContactRequest } from '../../../src/wire/contact-request.ts'
import { decodeEnvelope } from '../../../src/wire/envelope.ts'
import type { Presence } from '../../../src/wire/presence.ts'
import { NO_GROUP } from '../../../src/wire/roster-operation.ts'
import { answerOf, firstContact, inviteOf, NOON, person, requestOf, type Person } from './cast.ts'

const refused = expect.objectContaining({ code: 'MALFORMED' })
const { alice, bob, invite, secretKey, request, sealed, opened } = firstContact()
const mallory = person('mallory')
const envelope = decodeEnvelope(sealed.envelope)

/** This person's device list, as long as one may be. */
function fullList({ identity, identitySeed, devices }: Person): readonly Uint8Array[] {
  let list = verifyDeviceList(devices, identity)
  while (list.entries.length < spec.deviceEntriesMax) {
    const device = person(`device ${list.entries.length}`).device
    const next = extendDeviceList(identitySeed, list, { operation: 'add', device }, NOON)
    list = verifyDeviceList([...list.entries, next], identity)
  }
  return list.entries
}

/** Where this person is, at as many and as long addresses as there may be. */
function fullPresence({ presence }: Person): Presence {
  const address = `/${'a'.repeat(spec.addressMaxBytes - 1)}` as Address
  return { ...presence, addresses: Array.from({ length: spec.addressesMax }, () => address) }
}

describe('a contact request', () => {
  test('reaches Alice whole, and both sides then share the key of the answer', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 8 }), seed => {
        const story = firstContact(seed)
        expect(story.opened.request).toEqual(story.request)
        expect(story.opened.devices.identity).toBe(story.bob.identity)
        expect(story.opened.answerKey).toEqual(story.sealed.answerKey)
        expect(story.opened.requestHash).toEqual(story.sealed.requestHash)
        expect(story.opened.requestHash).toEqual(requestHash(encodeContactRequest(story.request)))
      }),
      { numRuns: 10 }
    )
  })

  test('fits with everything at its limit', () => {
    const largest = requestOf(bob, invite, {
      devices: fullList(bob),
      keyPackage: bob.random(spec.keyPackageMaxBytes),
      presence: fullPresence(bob),
      name: 'n'.repeat(spec.nameMaxBytes),
      greeting: 'g'.repeat(spec.greetingMaxBytes)
    })
    const made = sealRequest(largest, invite, bob.random)
    expect(made.envelope.length).toBe(32 * 1024)
    expect(openRequest(decodeEnvelope(made.envelope), invite, secretKey).request).toEqual(largest)
  })

  test('is found by the invite it is for and by no other', () => {
    expect(isRequestFor(envelope, invite.secret)).toBe(true)
    expect(isRequestFor(envelope, inviteOf(alice).invite.secret)).toBe(false)
    expect(isRequestFor({ ...envelope, kind: 'answer' }, invite.secret)).toBe(false)
  })

  test('is opened by nobody but Alice: not with the link alone, not with the invite’s key alone', () => {
    const other = inviteOf(alice)
    expect(() => openRequest(envelope, invite, other.secretKey)).toThrow(refused)
    expect(() => openRequest(envelope, invite, mallory.random(32))).toThrow(refused)
    // Whoever breaks X25519, so holds the key, but never saw the link.
    const withoutLink = { ...invite, secret: mallory.random(32) }
    expect(() => openRequest(envelope, withoutLink, secretKey)).toThrow(refused)
  })

  test('changed anywhere on its way is refused', () => {
    const bits = 8 * sealed.envelope.length
    for (let bit = 0; bit < bits; bit += bit < 1200 ? 1 : 977) {
      const flipped = sealed.envelope.with(bit >> 3, sealed.envelope[bit >> 3]! ^ (1 << (bit & 7)))
      expect(() => openRequest(decodeEnvelope(flipped), invite, secretKey)).toThrow(refused)
    }
  })

  test('under Bob’s name needs Bob’s device: Mallory, who holds the link, can only be Mallory', () => {
    // Bob's list and device, Mallory's signature.
    const forged = signRequest({ ...request }, invite, mallory.deviceSeed)
    const asBob = sealRequest(forged, invite, mallory.random)
    expect(() => openRequest(decodeEnvelope(asBob.envelope), invite, secretKey)).toThrow(refused)
    // Bob's list, Mallory's device.
    const device = requestOf(mallory, invite, { devices: bob.devices })
    const smuggled = sealRequest(device, invite, mallory.random)
    expect(() => openRequest(decodeEnvelope(smuggled.envelope), invite, secretKey)).toThrow(refused)
  })

  test('to Mallory says nothing to Alice: it cannot be passed on as Bob’s request to her', () => {
    // Mallory chooses the id of its own invite, so it chooses Alice's.
    const trap = { ...inviteOf(mallory).invite, id: invite.id }
    const toMallory = requestOf(bob, trap)
    const replayed = sealRequest(toMallory, invite, mallory.random)
    expect(() => openRequest(decodeEnvelope(replayed.envelope), invite, secretKey)).toThrow(refused)
  })

  test('through another invite of Alice is not taken for one through this', () => {
    const other = inviteOf(alice)
    const resealed = sealRequest(request, other.invite, bob.random)
    expect(() => openRequest(decodeEnvelope(resealed.envelope), other.invite, other.secretKey)).toThrow(
      refused
    )
  })

  test('that names another invite than the one it is sealed to is refused', () => {
    const mixed = requestOf(bob, invite, { invite: inviteOf(alice).invite.id })
    const made = sealRequest(mixed, invite, bob.random)
    expect(() => openRequest(decodeEnvelope(made.envelope), invite, secretKey)).toThrow(refused)
  })

  test('from a revoked device, or from the inviter itself, is refused', () => {
    const list = verifyDeviceList(bob.devices, bob.identity)
    const revoke = extendDeviceList(bob.identitySeed, list, { operation: 'revoke', device: bob.device }, NOON)
    const late = sealRequest(
      requestOf(bob, invite, { devices: [...bob.devices, revoke] }),
      invite,
      bob.random
    )
    expect(() => openRequest(decodeEnvelope(late.envelope), invite, secretKey)).toThrow(refused)
    const own = sealRequest(requestOf(alice, invite), invite, alice.random)
    expect(() => openRequest(decodeEnvelope(own.envelope), invite, secretKey)).toThrow(refused)
  })

  test('to an invite whose key is a point of small order is not even sealed', () => {
    expect(() => sealRequest(request, { ...invite, publicKey: new Uint8Array(32) }, bob.random)).toThrow(
      refused
    )
  })

  test('looks different each time it is sealed', () => {
    const again = decodeEnvelope(sealRequest(request, invite, bob.random).envelope)
    expect(again.tag).not.toEqual(envelope.tag)
    expect(again.body.subarray(0, 64)).not.toEqual(envelope.body.subarray(0, 64))
  })
})

describe('the answer', () => {
  const answer = answerOf(alice, opened)
  const answerEnvelope = decodeEnvelope(sealAnswer(answer, opened.answerKey, alice.random))
  const openAsBob = (bytes: Uint8Array) =>
    openAnswer(decodeEnvelope(bytes), sealed.answerKey, alice.identity, sealed.requestHash)

  test('reaches Bob whole', () => {
    expect(isAnswerFor(answerEnvelope, sealed.answerKey)).toBe(true)
    const got = openAnswer(answerEnvelope, sealed.answerKey, alice.identity, sealed.requestHash)
    expect(got.answer).toEqual(answer)
    expect([...got.devices.devices]).toEqual([alice.device])
  })

  test('fits with everything at its limit', () => {
    const largest = answerOf(alice, opened, {
      devices: fullList(alice),
      welcome: alice.random(spec.welcomeMaxBytes),
      create: alice.random(spec.createMaxBytes),
      presence: fullPresence(alice),
      name: 'n'.repeat(spec.nameMaxBytes)
    })
    const made = sealAnswer(largest, opened.answerKey, alice.random)
    expect(made.length).toBe(64 * 1024)
    expect(openAsBob(made).answer).toEqual(largest)
  })

  test('has room for the beginning of a conversation of two people with as many devices as there may be', () => {
    const none = new Uint8Array(0)
    const of = (who: Person) => ({ identity: who.identity, role: 'owner' as const, devices: fullList(who) })
    const create = signOperation(
      {
        group: NO_GROUP,
        author: alice.identity,
        device: alice.device,
        sequence: 1,
        parents: [],
        createdAt: NOON,
        content: {
          type: 'create',
          kind: 'direct',
          nonce: alice.random(16),
          name: '',
          settings: { mayAdd: 'admins', history: 0, disappearAfterMs: undefined },
          members: [
            { ...of(alice), consent: none },
            { ...of(bob), consent: none }
          ]
        }
      },
      alice.deviceSeed
    )
    const got = openAsBob(sealAnswer(answerOf(alice, opened, { create }), opened.answerKey, alice.random))
    expect(got.answer.create).toEqual(create)
  })

  test('may be a refusal, without a welcome and without a roster', () => {
    const none = new Uint8Array(0)
    const no = answerOf(alice, opened, { status: 'rejected', welcome: none, create: none })
    expect(openAsBob(sealAnswer(no, opened.answerKey, alice.random)).answer.status).toBe('rejected')
    expect(() => answerOf(alice, opened, { status: 'rejected' })).toThrow(refused)
    expect(() => answerOf(alice, opened, { welcome: new Uint8Array(0) })).toThrow(refused)
  })

  test('is found and opened by whoever sealed the request and nobody else', () => {
    expect(isAnswerFor(answerEnvelope, mallory.random(32))).toBe(false)
    expect(() => openAnswer(answerEnvelope, mallory.random(32), alice.identity, sealed.requestHash)).toThrow(
      refused
    )
  })

  test('needs Alice’s device: whoever stole the invite’s key, or Bob’s own keys, cannot answer as Alice', () => {
    for (const thief of [mallory, bob]) {
      const own = answerOf(thief, opened)
      expect(() => openAsBob(sealAnswer(own, opened.answerKey, thief.random))).toThrow(refused)
      const stranger = answerOf(thief, opened, { devices: alice.devices })
      expect(() => openAsBob(sealAnswer(stranger, opened.answerKey, thief.random))).toThrow(refused)
      const mixed = answerOf(thief, opened, { devices: alice.devices, device: alice.device })
      expect(() => openAsBob(sealAnswer(mixed, opened.answerKey, thief.random))).toThrow(refused)
    }
  })

  test('to another request is not an answer to this one', () => {
    const other = sealRequest(requestOf(bob, invite), invite, bob.random)
    const toOther = answerOf(alice, openRequest(decodeEnvelope(other.envelope), invite, secretKey))
    expect(() => openAsBob(sealAnswer(toOther, opened.answerKey, alice.random))).toThrow(refused)
  })

  test('changed anywhere on its way is refused', () => {
    const bytes = sealAnswer(answer, opened.answerKey, alice.random)
    for (let bit = 0; bit < 8 * bytes.length; bit += bit < 1000 ? 1 : 211) {
      const flipped = bytes.with(bit >> 3, bytes[bit >> 3]! ^ (1 << (bit & 7)))
      expect(() => openAsBob(flipped)).toThrow(refused)
    }
  })
})
