import { describe, expect, test } from 'vitest'
import { makeCredential, verifyCredential } from '../../../src/core/seal/credential.ts'
import { extendDeviceList, verifyDeviceList } from '../../../src/core/seal/device-list.ts'
import { sign } from '../../../src/crypto/signature.ts'
import { decodeDeviceEntry, deviceEntryContent, encodeDeviceEntry } from '../../../src/wire/device-entry.ts'
import { decodeCredential, encodeCredential } from '../../../src/wire/credential.ts'
import { NOON, person, seededRandom } from './cast.ts'

const alice = person('alice')
const mallory = person('mallory')
const leafKey = seededRandom('leaf')(32)
const entry = alice.devices[0]!
const credential = makeCredential(alice.deviceSeed, entry, leafKey)
const refused = expect.objectContaining({ code: 'MALFORMED' })

describe('a credential', () => {
  test('says whose leaf it is, without looking anything up', () => {
    expect(verifyCredential(credential, leafKey)).toEqual({
      identity: alice.identity,
      device: alice.device,
      generation: Math.floor(NOON / 1000)
    })
  })

  test('is worth nothing with another leaf key: Mallory cannot join as Alice with what Alice showed', () => {
    expect(() => verifyCredential(credential, seededRandom('mallory’s leaf')(32))).toThrow(refused)
    expect(() => verifyCredential(credential, leafKey.subarray(1))).toThrow(refused)
  })

  test('needs the device’s own key: neither another device nor the identity’s key will do', () => {
    for (const seed of [mallory.deviceSeed, alice.identitySeed])
      expect(() => verifyCredential(makeCredential(seed, entry, leafKey), leafKey)).toThrow(refused)
  })

  test('needs the identity’s signature: the entry of another person proves another person', () => {
    const { certificate } = decodeCredential(credential)
    const swapped = encodeCredential({ entry: mallory.devices[0]!, certificate })
    expect(() => verifyCredential(swapped, leafKey)).toThrow(refused)
    // Mallory adds its own device to Alice, in an entry that Alice never signed.
    const content = { ...decodeDeviceEntry(entry), device: mallory.device }
    const signature = sign('deviceEntry', mallory.identitySeed, deviceEntryContent(content))
    const forged = makeCredential(mallory.deviceSeed, encodeDeviceEntry({ ...content, signature }), leafKey)
    expect(() => verifyCredential(forged, leafKey)).toThrow(refused)
  })

  test('cannot be made from the entry that revokes the device', () => {
    const list = verifyDeviceList(alice.devices, alice.identity)
    const revoked = extendDeviceList(
      alice.identitySeed,
      list,
      { operation: 'revoke', device: alice.device },
      NOON
    )
    expect(() => verifyCredential(makeCredential(alice.deviceSeed, revoked, leafKey), leafKey)).toThrow(
      refused
    )
  })

  test('with a bit flipped anywhere is refused', () => {
    for (let bit = 0; bit < 8 * credential.length; bit++) {
      const flipped = credential.with(bit >> 3, credential[bit >> 3]! ^ (1 << (bit & 7)))
      expect(() => verifyCredential(flipped, leafKey)).toThrow(refused)
    }
  })
})
