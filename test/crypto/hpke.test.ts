/** HPKE against itself, against a second implementation, and against seeds. */
import { describe, expect, test } from 'vitest'
import * as oracle from '@hpke/core'
import { fromUtf8, toHex } from '../../src/base/bytes.ts'
import { HearsayError } from '../../src/base/errors.ts'
import { hpke } from '../../src/crypto/hpke.ts'
import type { HpkeSuite, KemName } from '../../src/crypto/hpke.ts'
import { nobleMlKem, platformMlKem, XWing } from '../../src/crypto/hpke/xwing.ts'
import { seededRandom } from './mls/seeded.ts'

const INFO = fromUtf8('info')
const AAD = fromUtf8('header')
const TEXT = fromUtf8('lunch?')
const KEMS = ['x25519', 'x448', 'p256', 'p384', 'p521', 'xwing'] as const satisfies readonly KemName[]
const suites: HpkeSuite[] = KEMS.flatMap(kem =>
  (['aes-128-gcm', 'aes-256-gcm', 'chacha20-poly1305'] as const).flatMap(aead =>
    (['sha256', 'sha384', 'sha512'] as const).map(kdf => ({ kem, kdf, aead }))
  )
)
const nameOf = ({ kem, kdf, aead }: HpkeSuite): string => `${kem} ${kdf} ${aead}`

describe.each(suites)('$kem $kdf $aead', suite => {
  const alice = hpke(suite)
  const bob = alice.generateKeyPair()

  test('bob opens what alice sealed to him, and nobody else does', () => {
    const { enc, ciphertext } = alice.seal(bob.publicKey, INFO, AAD, TEXT)
    expect(alice.open(bob.secretKey, enc, INFO, AAD, ciphertext)).toEqual(TEXT)
    const carol = alice.generateKeyPair()
    expect(() => alice.open(carol.secretKey, enc, INFO, AAD, ciphertext)).toThrow(HearsayError)
    expect(() => alice.open(bob.secretKey, enc, INFO, TEXT, ciphertext)).toThrow(HearsayError)
    expect(() => alice.open(bob.secretKey, enc, AAD, AAD, ciphertext)).toThrow(HearsayError)
  })

  test('a context keeps its order, waits for the right message, and exports one secret to both', () => {
    const psk = { id: fromUtf8('met at the hut'), secret: new Uint8Array(32).fill(7) }
    const sender = alice.setupSender(bob.publicKey, INFO, psk)
    const receiver = alice.setupReceiver(bob.secretKey, sender.enc, INFO, psk)
    const [first, second] = [sender.seal(AAD, TEXT), sender.seal(AAD, INFO)]
    expect(() => receiver.open(AAD, second)).toThrow(HearsayError)
    expect(receiver.open(AAD, first)).toEqual(TEXT)
    expect(receiver.open(AAD, second)).toEqual(INFO)
    expect(receiver.export(AAD, 48)).toEqual(sender.export(AAD, 48))
    const other = { id: psk.id, secret: new Uint8Array(32).fill(8) }
    const stranger = alice.setupReceiver(bob.secretKey, sender.enc, INFO, other)
    expect(() => stranger.open(AAD, first)).toThrow(HearsayError)
  })
})

test('the public key of a secret key, and of derived bytes, is always the same', () => {
  for (const suite of suites) {
    const one = hpke(suite).deriveKeyPair(fromUtf8(nameOf(suite)))
    const other = hpke(suite).deriveKeyPair(fromUtf8(nameOf(suite)))
    expect(one).toEqual(other)
    expect(hpke(suite).publicKey(one.secretKey)).toEqual(one.publicKey)
  }
})

test('a seeded generator gives the same bytes in every run, for every suite', () => {
  for (const suite of suites) {
    const run = (): string => {
      const seeded = hpke(suite, { random: seededRandom(7) })
      const bob = seeded.generateKeyPair()
      const { enc, ciphertext } = seeded.seal(bob.publicKey, INFO, AAD, TEXT)
      expect(hpke(suite).open(bob.secretKey, enc, INFO, AAD, ciphertext)).toEqual(TEXT)
      return toHex(bob.secretKey) + toHex(enc) + toHex(ciphertext)
    }
    expect(run(), nameOf(suite)).toBe(run())
  }
})

test('a pre-shared key that is too short to be secret is refused', () => {
  const suite = hpke({ kem: 'x25519', kdf: 'sha256', aead: 'aes-128-gcm' })
  const { publicKey } = suite.generateKeyPair()
  expect(() => suite.setupSender(publicKey, INFO, { id: AAD, secret: new Uint8Array(31) })).toThrow(
    /32 bytes/
  )
  expect(() =>
    suite.setupSender(publicKey, INFO, { id: new Uint8Array(0), secret: new Uint8Array(32) })
  ).toThrow(/needs an id/)
})

test('keys and encapsulations of a wrong length are refused, never used', () => {
  for (const suite of suites) {
    const { publicKeyLength, encLength, setupSender, setupReceiver, ...rest } = bound(suite)
    const { secretKey, publicKey } = rest.generateKeyPair()
    for (const length of [0, 1, publicKeyLength - 1, publicKeyLength + 1])
      expect(() => setupSender(new Uint8Array(length), INFO), `${length}`).toThrow(HearsayError)
    for (const length of [0, 1, encLength - 1, encLength + 1])
      expect(() => setupReceiver(secretKey, new Uint8Array(length), INFO), `${length}`).toThrow(HearsayError)
    expect(() => setupReceiver(new Uint8Array(200), setupSender(publicKey, INFO).enc, INFO)).toThrow(
      HearsayError
    )
  }
})

function bound(suite: HpkeSuite) {
  const made = hpke(suite)
  return {
    publicKeyLength: made.publicKeyLength,
    encLength: made.encLength,
    generateKeyPair: () => made.generateKeyPair(),
    setupSender: (publicKey: Uint8Array, info: Uint8Array) => made.setupSender(publicKey, info),
    setupReceiver: (secretKey: Uint8Array, enc: Uint8Array, info: Uint8Array) =>
      made.setupReceiver(secretKey, enc, info)
  }
}

describe('X-Wing', () => {
  const native = platformMlKem()

  test.skipIf(native === undefined)('the platform and noble give and open the same bytes', () => {
    const one = new XWing(native!)
    const other = new XWing(nobleMlKem())
    const random = seededRandom(11)
    for (let round = 0; round < 10; round++) {
      const bob = one.generateKeyPair(random)
      expect(other.publicKey(bob.secretKey)).toEqual(bob.publicKey)
      for (const [from, to] of [
        [one, other],
        [other, one]
      ] as const) {
        const { enc, sharedSecret } = from.encapsulate(bob.publicKey, random)
        expect(to.decapsulate(bob.secretKey, enc)).toEqual(sharedSecret)
      }
    }
  })

  test('a seed gives the public key of the first vector of the draft', () => {
    const seed = Buffer.from('7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26', 'hex')
    for (const mlKem of [nobleMlKem(), native ?? nobleMlKem()]) {
      const publicKey = new XWing(mlKem).publicKey(Uint8Array.from(seed))
      expect(publicKey).toHaveLength(1216)
      expect(toHex(publicKey).slice(0, 32)).toBe('e2236b35a8c24b39b10aa1323a96a919')
    }
  })
})

/** The same suites of an independent implementation (RFC 9180 in WebCrypto). */
function oracleOf({ kem, kdf, aead }: HpkeSuite): oracle.CipherSuite | undefined {
  const kems = {
    x25519: () => new oracle.DhkemX25519HkdfSha256(),
    x448: () => new oracle.DhkemX448HkdfSha512(),
    p256: () => new oracle.DhkemP256HkdfSha256(),
    p384: () => new oracle.DhkemP384HkdfSha384(),
    p521: () => new oracle.DhkemP521HkdfSha512()
  }
  if (kem === 'xwing' || aead === 'chacha20-poly1305') return undefined
  const kdfs = { sha256: oracle.HkdfSha256, sha384: oracle.HkdfSha384, sha512: oracle.HkdfSha512 }
  const aeads = { 'aes-128-gcm': oracle.Aes128Gcm, 'aes-256-gcm': oracle.Aes256Gcm }
  return new oracle.CipherSuite({ kem: kems[kem](), kdf: new kdfs[kdf](), aead: new aeads[aead]() })
}

describe.each(suites.filter(suite => oracleOf(suite) !== undefined))(
  '$kem $kdf $aead beside @hpke/core',
  suite => {
    const psks = [undefined, { id: fromUtf8('psk'), secret: new Uint8Array(32).fill(9) }]
    test.each(psks)('each opens what the other sealed and both export the same secret (%o)', async psk => {
      const theirs = oracleOf(suite)!
      const ours = hpke(suite)
      const bytes = (data: Uint8Array): ArrayBuffer => Uint8Array.from(data).buffer
      const bob = ours.generateKeyPair()
      const theirPublic = await theirs.kem.deserializePublicKey(bytes(bob.publicKey))
      const theirSecret = await theirs.kem.deserializePrivateKey(bytes(bob.secretKey))
      const common = {
        info: bytes(INFO),
        ...(psk === undefined ? {} : { psk: { id: bytes(psk.id), key: bytes(psk.secret) } })
      }

      const sender = await theirs.createSenderContext({ recipientPublicKey: theirPublic, ...common })
      const receiver = ours.setupReceiver(bob.secretKey, new Uint8Array(sender.enc), INFO, psk)
      for (const text of [TEXT, AAD])
        expect(receiver.open(AAD, new Uint8Array(await sender.seal(bytes(text), bytes(AAD))))).toEqual(text)
      expect(receiver.export(AAD, 40)).toEqual(new Uint8Array(await sender.export(bytes(AAD), 40)))

      const back = ours.setupSender(bob.publicKey, INFO, psk)
      const opener = await theirs.createRecipientContext({
        recipientKey: { privateKey: theirSecret, publicKey: theirPublic },
        enc: bytes(back.enc),
        ...common
      })
      for (const text of [TEXT, AAD])
        expect(new Uint8Array(await opener.open(bytes(back.seal(AAD, text)), bytes(AAD)))).toEqual(text)
    })
  }
)
