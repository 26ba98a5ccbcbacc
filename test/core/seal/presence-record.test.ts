import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concat, toHex } from '../../../src/base/bytes.ts'
import { millis, type Address, type DeviceId } from '../../../src/base/ids.ts'
import { spec } from '../../../src/base/limits.ts'
import {
  dayKeys,
  devicePresenceSecret,
  inviteRendezvousSecret,
  openPresence,
  presenceDay,
  presenceLookupKey,
  sealPresence,
  topicName,
  validatePresenceRecord
} from '../../../src/core/seal/presence-record.ts'
import { aeadSeal } from '../../../src/crypto/aead.ts'
import { sign } from '../../../src/crypto/signature.ts'
import {
  decodePresenceRecord,
  encodePresence,
  encodePresenceRecord,
  presenceRecordContent
} from '../../../src/wire/presence.ts'
import { encode } from '../../../src/wire/encoding.ts'
import { padTo } from '../../../src/wire/envelope.ts'
import { presence as presences } from '../../wire/arbitraries.ts'
import { NOON, person, seededRandom } from './cast.ts'

const alice = person('alice')
const random = seededRandom('nonces')
const secret = seededRandom('Alice’s presence secret')(32)
const day = presenceDay(NOON)
const key = presenceLookupKey(secret, day)
const record = sealPresence(alice.presence, secret, day, random)
const refused = expect.objectContaining({ code: 'MALFORMED' })

describe('a presence record', () => {
  test('tells those who hold the secret where to dial, in at most 1 KiB', () => {
    fc.assert(
      fc.property(presences, presence => {
        const sealed = sealPresence(presence, secret, day, random)
        expect(sealed.length).toBeLessThanOrEqual(spec.presenceRecordMaxBytes)
        const opened = openPresence(sealed, secret, day)
        expect({ ...opened, addresses: [] }).toEqual({ ...presence, addresses: [] })
        expect(presence.addresses.slice(0, opened.addresses.length)).toEqual(opened.addresses)
        expect(validatePresenceRecord(key, sealed)).toBe(presence.sequence)
      }),
      { numRuns: 50 }
    )
  })

  test('keeps the first addresses where there are more than fit, and its size says nothing of them', () => {
    const long = Array.from({ length: 8 }, (_, i) => `/dns4/${String(i).repeat(200)}` as Address)
    const few = sealPresence({ ...alice.presence, addresses: [] }, secret, day, random)
    const many = sealPresence({ ...alice.presence, addresses: long }, secret, day, random)
    expect(many.length).toBe(few.length)
    expect(openPresence(many, secret, day).addresses).toEqual(long.slice(0, 4))
  })

  test('belongs under its own key and no other', () => {
    expect(validatePresenceRecord(key, record)).toBe(7)
    expect(() => validatePresenceRecord(presenceLookupKey(secret, day + 1), record)).toThrow(refused)
    expect(() => validatePresenceRecord(new Uint8Array(32), record)).toThrow(refused)
    expect(() => validatePresenceRecord(new Uint8Array(0), record)).toThrow(refused)
  })

  test('has nothing in common with that of the next day, so nobody can follow it', () => {
    const tomorrow = dayKeys(secret, day + 1)
    const today = dayKeys(secret, day)
    expect(tomorrow.publicKey).not.toEqual(today.publicKey)
    expect(tomorrow.sealKey).not.toEqual(today.sealKey)
    expect(toHex(presenceLookupKey(secret, day + 1))).not.toBe(toHex(key))
    expect(() => openPresence(record, secret, day + 1)).toThrow(refused)
  })

  test('cannot be opened, or made, without the secret', () => {
    const other = seededRandom('Mallory guesses')(32)
    expect(() => openPresence(record, other, day)).toThrow(refused)
    const forged = sealPresence(alice.presence, other, day, random)
    expect(() => validatePresenceRecord(key, forged)).toThrow(refused)
    expect(() => openPresence(forged, secret, day)).toThrow(refused)
  })

  test('changed anywhere is refused by those who store it, so a node cannot make it look newer', () => {
    for (let bit = 0; bit < 8 * record.length; bit++) {
      const flipped = record.with(bit >> 3, record[bit >> 3]! ^ (1 << (bit & 7)))
      expect(() => validatePresenceRecord(key, flipped)).toThrow(refused)
    }
  })

  test('whose sequence inside is another, or whose seal is cut short, is refused when opened', () => {
    const { signSeed } = dayKeys(secret, day)
    const good = decodePresenceRecord(record)
    for (const change of [
      { sequence: 8 },
      { sealed: good.sealed.subarray(0, 11) },
      { sealed: good.sealed.subarray(0, 40) },
      { sealed: concat(good.sealed, Uint8Array.of(0)) }
    ]) {
      const content = { ...good, ...change }
      const signature = sign('presence', signSeed, presenceRecordContent(content))
      const signed = encodePresenceRecord({ ...content, signature })
      expect(validatePresenceRecord(key, signed)).toBe(content.sequence)
      expect(() => openPresence(signed, secret, day)).toThrow(refused)
    }
  })
})

test('a record that says it is newer than the presence inside is refused, though a contact made it', () => {
  const { publicKey, signSeed, sealKey } = dayKeys(secret, day)
  const nonce = random(12)
  const make = (sequence: number): Uint8Array => {
    const aad = concat(publicKey, encode(sequence))
    const padded = padTo(encodePresence(alice.presence), 880)
    const content = {
      publicKey,
      sequence,
      sealed: concat(nonce, aeadSeal({ key: sealKey, nonce, aad }, padded))
    }
    return encodePresenceRecord({
      ...content,
      signature: sign('presence', signSeed, presenceRecordContent(content))
    })
  }
  expect(openPresence(make(7), secret, day)).toEqual(alice.presence)
  expect(() => openPresence(make(8), secret, day)).toThrow(refused)
})

describe('a day', () => {
  test('begins at midnight UTC', () => {
    const midnight = Date.UTC(2026, 10, 22)
    expect(presenceDay(millis(midnight))).toBe(presenceDay(NOON))
    expect(presenceDay(millis(midnight - 1))).toBe(presenceDay(NOON) - 1)
  })
})

describe('the secrets derived for meeting', () => {
  test('are the same for both sides, and of different kinds and days different', () => {
    const shared = seededRandom('shared')(32)
    expect(topicName(shared, day)).toBe(topicName(Uint8Array.from(shared), day))
    const names = [
      topicName(shared, day),
      topicName(shared, day + 1),
      toHex(inviteRendezvousSecret(shared)),
      toHex(presenceLookupKey(shared, day))
    ]
    expect(new Set(names).size).toBe(4)
    for (const name of names) expect(name).toMatch(/^[0-9a-f]{64}$/)
  })
})

test('two devices of one identity have records under two keys, and neither reads as the other’s', () => {
  const [laptop, phone] = ['ab', 'cd'].map(digits =>
    devicePresenceSecret(secret, digits.repeat(32) as DeviceId)
  )
  expect(toHex(presenceLookupKey(laptop!, day))).not.toBe(toHex(presenceLookupKey(phone!, day)))
  const ofLaptop = sealPresence(alice.presence, laptop!, day, random)
  expect(openPresence(ofLaptop, laptop!, day)).toEqual(alice.presence)
  expect(() => openPresence(ofLaptop, phone!, day)).toThrow(refused)
})
