import { describe, expect, test } from 'vitest'
import { millis, type DeviceId } from '../../../src/base/ids.ts'
import { spec } from '../../../src/base/limits.ts'
import {
  compareDeviceLists,
  extendDeviceList,
  startDeviceList,
  verifyDeviceList,
  type DeviceList
} from '../../../src/core/seal/device-list.ts'
import { decodeDeviceEntry, deviceEntryContent, encodeDeviceEntry } from '../../../src/wire/device-entry.ts'
import { sign } from '../../../src/crypto/signature.ts'
import { NOON, person, type Person } from './cast.ts'

const alice = person('alice')
const mallory = person('mallory')
const phone = person('phone').device
const laptop = person('laptop').device
const refused = expect.objectContaining({ code: 'MALFORMED' })

const verified = (who: Person, entries: readonly Uint8Array[] = who.devices): DeviceList =>
  verifyDeviceList(entries, who.identity)

/** The list with one more entry, verified. */
function extended(
  list: DeviceList,
  operation: 'add' | 'revoke',
  device: DeviceId,
  seed = alice.identitySeed
): DeviceList {
  const next = extendDeviceList(seed, list, { operation, device }, NOON)
  return verifyDeviceList([...list.entries, next], list.identity)
}

const first = verified(alice)

describe('a device list', () => {
  test('begins with the device that made it, and grows and shrinks by signed entries', () => {
    expect([...first.devices]).toEqual([alice.device])
    const two = extended(first, 'add', phone)
    expect([...two.devices]).toEqual([alice.device, phone])
    const one = extended(two, 'revoke', alice.device)
    expect([...one.devices]).toEqual([phone])
    expect(one.generation).toBe(Math.floor(NOON / 1000))
  })

  test('is believed of the identity that signed it and of no other', () => {
    expect(() => verifyDeviceList(alice.devices, mallory.identity)).toThrow(refused)
    // Mallory puts Alice's name on a list of its own.
    const entry = decodeDeviceEntry(mallory.devices[0]!)
    const content = { ...entry, identity: alice.identity }
    const forged = encodeDeviceEntry({
      ...content,
      signature: sign('deviceEntry', mallory.identitySeed, deviceEntryContent(content))
    })
    expect(() => verifyDeviceList([forged], alice.identity)).toThrow(refused)
  })

  test('without an entry, with one twice, or in another order is refused', () => {
    const [a, b, c] = extended(extended(first, 'add', phone), 'add', laptop).entries as [
      Uint8Array,
      Uint8Array,
      Uint8Array
    ]
    for (const entries of [[], [b], [b, c], [a, c], [a, c, b], [a, a], [a, b, b], [a, b, a]])
      expect(() => verified(alice, entries)).toThrow(refused)
    expect(verified(alice, [a, b]).devices.size).toBe(2)
  })

  test('with a bit flipped anywhere is refused', () => {
    const entry = alice.devices[0]!
    for (let bit = 0; bit < 8 * entry.length; bit++) {
      const flipped = entry.with(bit >> 3, entry[bit >> 3]! ^ (1 << (bit & 7)))
      expect(() => verified(alice, [flipped])).toThrow(refused)
    }
  })

  test('never takes a device twice, back after it was revoked, or away before it came', () => {
    const two = extended(first, 'add', phone)
    expect(() => extended(two, 'add', phone)).toThrow(refused)
    expect(() => extended(two, 'add', alice.device)).toThrow(refused)
    expect(() => extended(two, 'revoke', laptop)).toThrow(refused)
    const without = extended(two, 'revoke', phone)
    expect(() => extended(without, 'add', phone)).toThrow(refused)
    expect(() => extended(without, 'revoke', phone)).toThrow(refused)
  })

  test('is one chain: an entry that follows another history is refused, though its number fits', () => {
    const withPhone = extended(first, 'add', phone)
    const withLaptop = extended(first, 'add', laptop)
    const next = extendDeviceList(
      alice.identitySeed,
      withLaptop,
      { operation: 'revoke', device: alice.device },
      NOON
    )
    expect(verified(alice, [...withLaptop.entries, next]).devices).toEqual(new Set([laptop]))
    expect(() => verified(alice, [...withPhone.entries, next])).toThrow(refused)
  })

  test('does not mix generations', () => {
    const later = startDeviceList(alice.identitySeed, phone, millis(NOON + 5000))
    expect(() => verified(alice, [...first.entries, later])).toThrow(refused)
    const other = extendDeviceList(
      alice.identitySeed,
      { ...first, generation: first.generation + 1 },
      { operation: 'add', device: phone },
      NOON
    )
    expect(() => verified(alice, [...first.entries, other])).toThrow(refused)
  })

  test('has a limit', () => {
    let list = first
    while (list.entries.length < spec.deviceEntriesMax)
      list = extended(list, 'add', person(`d${list.entries.length}`).device)
    expect(() => extended(list, 'add', phone)).toThrow(refused)
  })
})

describe('a contact’s list that comes in', () => {
  test('is the same, an extension, or older than what is known', () => {
    const two = extended(first, 'add', phone)
    const three = extended(two, 'add', laptop)
    expect(compareDeviceLists(two, two)).toBe('same')
    expect(compareDeviceLists(first, three)).toBe('extends')
    expect(compareDeviceLists(three, first)).toBe('older')
  })

  test('of a recovered identity supersedes all that was before', () => {
    const recovered = verified(alice, [startDeviceList(alice.identitySeed, phone, millis(NOON + 60_000))])
    expect(compareDeviceLists(extended(first, 'add', laptop), recovered)).toBe('supersedes')
    expect(compareDeviceLists(recovered, first)).toBe('older')
  })

  test('that contradicts the known one is proof of a forgery, whichever is longer', () => {
    const ours = extended(first, 'add', phone)
    const theirs = extended(first, 'add', laptop)
    expect(compareDeviceLists(ours, theirs)).toBe('forged')
    expect(compareDeviceLists(extended(ours, 'add', laptop), theirs)).toBe('forged')
    expect(compareDeviceLists(ours, extended(theirs, 'revoke', alice.device))).toBe('forged')
    expect(compareDeviceLists(first, verified(mallory))).toBe('forged')
  })

  test('with another first entry of the same second is a forgery too', () => {
    const twin = verified(alice, [startDeviceList(alice.identitySeed, phone, NOON)])
    expect(compareDeviceLists(first, twin)).toBe('forged')
    expect(compareDeviceLists(extended(first, 'add', laptop), extended(twin, 'add', laptop))).toBe('forged')
  })
})
