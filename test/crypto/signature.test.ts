import { describe, expect, test } from 'vitest'
import { concat, fromHex, fromUtf8, toHex } from '../../src/base/bytes.ts'
import { labels, type Label } from '../../src/base/labels.ts'
import { isPublicKey, publicKeyOf, requireSignature, sign, verify } from '../../src/crypto/signature.ts'

const seed = fromHex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60')
const publicKey = publicKeyOf(seed)
const words = fromUtf8('meet me at noon')

describe('a signature', () => {
  test('is of the key of RFC 8032 section 7.1, test 1', () => {
    expect(toHex(publicKey)).toBe('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a')
  })

  test('verifies for the key, label and parts that it was made for', () => {
    expect(verify(publicKey, 'invite', sign('invite', seed, words), words)).toBe(true)
  })

  test('never verifies under another label, whichever two they are', () => {
    const names = Object.keys(labels) as Label[]
    for (const made of names) {
      const signature = sign(made, seed, words)
      for (const asked of names) expect(verify(publicKey, asked, signature, words)).toBe(made === asked)
    }
  })

  test('never verifies for other parts, another key, or with a bit changed', () => {
    const signature = sign('invite', seed, words)
    const other = publicKeyOf(seed.with(0, 1))
    expect(verify(other, 'invite', signature, words)).toBe(false)
    expect(verify(publicKey, 'invite', signature)).toBe(false)
    expect(verify(publicKey, 'invite', signature, words, new Uint8Array(0))).toBe(false)
    expect(verify(publicKey, 'invite', signature, words.subarray(0, 4), words.subarray(4))).toBe(false)
    for (let bit = 0; bit < 512; bit++)
      expect(
        verify(publicKey, 'invite', signature.with(bit >> 3, signature[bit >> 3]! ^ (1 << (bit & 7))), words)
      ).toBe(false)
    for (const length of [0, 1, 63])
      expect(verify(publicKey, 'invite', signature.subarray(0, length), words)).toBe(false)
    expect(verify(publicKey, 'invite', concat(signature, Uint8Array.of(0)), words)).toBe(false)
  })

  test('has one form: adding the group order to it makes another one, which is refused', () => {
    const order = 2n ** 252n + 27742317777372353535851937790883648493n
    const signature = sign('invite', seed, words)
    let s = order
    for (let i = 31; i >= 0; i--) s += BigInt(signature[32 + i]!) << BigInt(8 * i)
    const malleated = Uint8Array.from(signature)
    for (let i = 0; i < 32; i++) malleated[32 + i] = Number((s >> BigInt(8 * i)) & 255n)
    expect(verify(publicKey, 'invite', malleated, words)).toBe(false)
  })

  test('that says too little is refused with whose it should have been', () => {
    expect(() => requireSignature('device abc', publicKey, 'invite', new Uint8Array(64), words)).toThrow(
      expect.objectContaining({ code: 'MALFORMED', message: 'Refused: not signed by device abc.' })
    )
  })
})

describe('a public key', () => {
  /** The eight points of order 1, 2, 4 and 8, then other spellings of them. */
  const smallOrder = [
    '0100000000000000000000000000000000000000000000000000000000000000',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0000000000000000000000000000000000000000000000000000000000000080',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
    '0100000000000000000000000000000000000000000000000000000000000080',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'
  ]

  test('of small order is nobody’s, though older platforms let it verify any words at all', () => {
    const neutral = fromHex(smallOrder[0]!)
    const forged = concat(neutral, new Uint8Array(32))
    // OpenSSL 3.0, under the Node versions that we support, takes this for a signature of any words.
    expect(verify(neutral, 'invite', forged, words)).toBe(false)
    for (const hex of smallOrder) expect(isPublicKey(fromHex(hex)), hex).toBe(false)
  })

  test('that is not a point, or has the wrong length, verifies nothing and throws nothing', () => {
    const signature = sign('invite', seed, words)
    for (const bad of ['', '02', '0200000000000000000000000000000000000000000000000000000000000000'])
      expect(verify(fromHex(bad), 'invite', signature, words)).toBe(false)
    expect(verify(concat(publicKey, Uint8Array.of(0)), 'invite', signature, words)).toBe(false)
    expect(isPublicKey(publicKey)).toBe(true)
  })
})
