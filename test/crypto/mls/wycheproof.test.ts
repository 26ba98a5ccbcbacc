/** Wycheproof for every primitive under HPKE and MLS: what is invalid is refused, what is valid comes out. */
import { describe, expect, test } from 'vitest'
import { toHex } from '../../../src/base/bytes.ts'
import { dhGroup } from '../../../src/crypto/hpke/kem.ts'
import { aead, hkdf } from '../../../src/crypto/hpke/primitives.ts'
import type { AeadName, HashName } from '../../../src/crypto/hpke/primitives.ts'
import { nobleMlKem, platformMlKem } from '../../../src/crypto/hpke/xwing.ts'
import { cipherSuite } from '../../../src/crypto/mls/index.ts'
import { describeVectors, hex } from './vectors.ts'

interface Case {
  readonly tcId: number
  readonly comment?: string
  readonly result: 'valid' | 'invalid' | 'acceptable'
  readonly flags?: readonly string[]
}

/** Every case of a file with its group. */
function flatten(content: never): never[] {
  const { testGroups } = content as { readonly testGroups: readonly { readonly tests: readonly object[] }[] }
  return testGroups.flatMap(({ tests, ...group }) => tests.map(each => ({ ...group, ...each }) as never))
}

interface AeadCase extends Case {
  readonly ivSize: number
  readonly keySize: number
  readonly key: string
  readonly iv: string
  readonly aad: string
  readonly msg: string
  readonly ct: string
  readonly tag: string
}

for (const [file, names] of [
  ['aes_gcm_test', { 128: 'aes-128-gcm', 256: 'aes-256-gcm' }],
  ['chacha20_poly1305_test', { 256: 'chacha20-poly1305' }]
] as const satisfies [string, Record<number, AeadName>][]) {
  describeVectors<AeadCase>(
    `wycheproof/${file}`,
    all => {
      // Other key and nonce lengths do not occur in HPKE and MLS.
      const cases = all.filter(each => each.ivSize === 96 && each.keySize in names)
      test(`${cases.length} cases`, () => {
        expect(cases.length).toBeGreaterThan(60)
        for (const each of cases) {
          const cipher = aead((names as Record<number, AeadName>)[each.keySize]!)
          const [key, nonce, aad] = [hex(each.key), hex(each.iv), hex(each.aad)]
          const sealed = hex(each.ct + each.tag)
          if (each.result === 'valid') {
            expect(toHex(cipher.open(key, nonce, aad, sealed)), `${each.tcId}`).toBe(each.msg)
            expect(cipher.seal(key, nonce, aad, hex(each.msg)), `${each.tcId}`).toEqual(sealed)
          } else expect(() => cipher.open(key, nonce, aad, sealed), `${each.tcId}`).toThrow('not authentic')
        }
      })
    },
    flatten
  )
}

interface EdCase extends Case {
  readonly publicKey: { readonly pk: string }
  readonly msg: string
  readonly sig: string
}

describeVectors<EdCase>(
  'wycheproof/ed25519_test',
  cases => {
    test(`${cases.length} cases`, () => {
      const { signature } = cipherSuite(1)
      for (const { publicKey, msg, sig, result, tcId } of cases)
        expect(signature.verify(hex(publicKey.pk), hex(msg), hex(sig)), `${tcId}`).toBe(result === 'valid')
    })
  },
  flatten
)

interface HkdfCase extends Case {
  readonly ikm: string
  readonly salt: string
  readonly info: string
  readonly size: number
  readonly okm: string
}

interface MacCase extends Case {
  readonly key: string
  readonly msg: string
  readonly tag: string
}

for (const name of ['sha256', 'sha512'] as const satisfies HashName[]) {
  describeVectors<HkdfCase>(
    `wycheproof/hkdf_${name}_test`,
    cases => {
      test(`${cases.length} cases`, () => {
        const kdf = hkdf(name)
        for (const { ikm, salt, info, size, okm, result, tcId } of cases) {
          const derive = (): string => toHex(kdf.expand(kdf.extract(hex(salt), hex(ikm)), hex(info), size))
          if (result === 'valid') expect(derive(), `${tcId}`).toBe(okm)
          else expect(derive, `${tcId}`).toThrow('more bytes wanted')
        }
      })
    },
    flatten
  )
  describeVectors<MacCase>(
    `wycheproof/hmac_${name}_test`,
    cases => {
      test(`${cases.length} cases`, () => {
        for (const { key, msg, tag, result, tcId } of cases) {
          const mac = toHex(hkdf(name).mac(hex(key), hex(msg)))
          expect(mac.startsWith(tag), `${tcId}`).toBe(result === 'valid')
        }
      })
    },
    flatten
  )
}

interface XdhCase extends Case {
  readonly public: string
  readonly private: string
  readonly shared: string
}

describeVectors<XdhCase>(
  'wycheproof/x25519_test',
  cases => {
    test(`${cases.length} cases; keys that give zero are refused`, () => {
      const group = dhGroup('x25519')
      let zeros = 0
      for (const { public: publicKey, private: secretKey, shared, tcId } of cases) {
        const agree = (): string => toHex(group.sharedSecret(hex(secretKey), hex(publicKey)))
        if (/^0+$/.test(shared)) {
          zeros++
          expect(agree, `${tcId}`).toThrow('small order')
        } else expect(agree(), `${tcId}`).toBe(shared)
      }
      expect(zeros).toBeGreaterThan(10)
    })
  },
  flatten
)

interface MlKemCase extends Case {
  readonly seed: string
  readonly ek: string
  readonly c: string
  readonly K: string
  readonly m: string
}

const implementations = [
  { name: 'noble', mlKem: nobleMlKem() },
  { name: 'platform', mlKem: platformMlKem() }
] as const

describe.each(implementations)('ML-KEM-768 of $name', ({ mlKem }) => {
  if (mlKem === undefined) {
    test.skip('this platform has none', () => undefined)
    return
  }
  describeVectors<MlKemCase>(
    'wycheproof/mlkem_768_keygen_seed_test',
    cases => {
      test(`${cases.length} seeds`, () => {
        for (const { seed, ek, tcId } of cases) expect(toHex(mlKem.publicKey(hex(seed))), `${tcId}`).toBe(ek)
      })
    },
    flatten
  )
  describeVectors<MlKemCase>(
    'wycheproof/mlkem_768_test',
    cases => {
      test(`${cases.length} decapsulations`, () => {
        for (const { seed, c, K, result, tcId } of cases) {
          const open = (): string => toHex(mlKem.decapsulate(hex(seed), hex(c)))
          if (result === 'valid') expect(open(), `${tcId}`).toBe(K)
          else expect(open, `${tcId}`).toThrow()
        }
      })
    },
    flatten
  )
  describeVectors<MlKemCase>(
    'wycheproof/mlkem_768_encaps_test',
    cases => {
      test(`${cases.length} encapsulations; keys that fail the modulus check are refused`, () => {
        for (const { m, ek, c, K, result, tcId } of cases) {
          if (result === 'invalid') {
            expect(() => mlKem.encapsulate(hex(ek)), `${tcId}`).toThrow('not ml-kem-768 public key')
            continue
          }
          // Only an encapsulation that takes its randomness can be compared; the platform's must at least work.
          const { ciphertext, sharedSecret } = nobleMlKem(() => hex(m)).encapsulate(hex(ek))
          expect({ c: toHex(ciphertext), K: toHex(sharedSecret) }, `${tcId}`).toEqual({ c, K })
          expect(mlKem.encapsulate(hex(ek)).ciphertext, `${tcId}`).toHaveLength(ciphertext.length)
        }
      })
    },
    flatten
  )
})
