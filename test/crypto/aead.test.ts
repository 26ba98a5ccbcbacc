import { describe, expect, test } from 'vitest'
import { fromHex, fromUtf8, toHex } from '../../src/base/bytes.ts'
import { AEAD_TAG_BYTES, aeadOpen, aeadSeal } from '../../src/crypto/aead.ts'

const parameters = {
  key: new Uint8Array(32).fill(1),
  nonce: new Uint8Array(12).fill(2),
  aad: fromUtf8('header')
}
const words = fromUtf8('meet me at noon')
const refused = expect.objectContaining({ code: 'MALFORMED' })

describe('AES-256-GCM', () => {
  test('is that of the GCM specification, test case 16', () => {
    const sealed = aeadSeal(
      {
        key: fromHex('feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308'),
        nonce: fromHex('cafebabefacedbaddecaf888'),
        aad: fromHex('feedfacedeadbeeffeedfacedeadbeefabaddad2')
      },
      fromHex(
        'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39'
      )
    )
    expect(toHex(sealed)).toBe(
      '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b'
    )
  })

  test('gives back what was sealed', () => {
    const sealed = aeadSeal(parameters, words)
    expect(sealed.length).toBe(words.length + AEAD_TAG_BYTES)
    expect(aeadOpen(parameters, sealed)).toEqual(words)
  })

  test('refuses every changed bit, every shorter length, and another key, nonce or header', () => {
    const sealed = aeadSeal(parameters, words)
    for (let bit = 0; bit < 8 * sealed.length; bit++) {
      const flipped = sealed.with(bit >> 3, sealed[bit >> 3]! ^ (1 << (bit & 7)))
      expect(() => aeadOpen(parameters, flipped)).toThrow(refused)
    }
    for (let length = 0; length < sealed.length; length++)
      expect(() => aeadOpen(parameters, sealed.subarray(0, length))).toThrow(refused)
    expect(() => aeadOpen({ ...parameters, key: new Uint8Array(32) }, sealed)).toThrow(refused)
    expect(() => aeadOpen({ ...parameters, nonce: new Uint8Array(12) }, sealed)).toThrow(refused)
    expect(() => aeadOpen({ ...parameters, aad: fromUtf8('Header') }, sealed)).toThrow(refused)
    expect(() => aeadOpen({ ...parameters, aad: new Uint8Array(0) }, sealed)).toThrow(refused)
  })
})
