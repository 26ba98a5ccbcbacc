import { createHash, createHmac, hkdfSync } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromUtf8, toHex } from '../../src/base/bytes.ts'
import { labels, type Label } from '../../src/base/labels.ts'
import { framed, hkdf, hmac, labelledHash } from '../../src/crypto/hash.ts'

const label = fc.constantFrom(...(Object.keys(labels) as Label[]))
const parts = fc.array(fc.uint8Array({ maxLength: 5 }), { maxLength: 4 })

describe('what is hashed, signed or derived', () => {
  test('differs wherever the label or the split into parts does', () => {
    const same = (a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean =>
      a.length === b.length && a.every((part, i) => toHex(part) === toHex(b[i]!))
    fc.assert(
      fc.property(label, parts, label, parts, (labelA, a, labelB, b) => {
        const equalInput = labelA === labelB && same(a, b)
        expect(toHex(framed(labelA, ...a)) === toHex(framed(labelB, ...b))).toBe(equalInput)
        expect(toHex(labelledHash(labelA, ...a)) === toHex(labelledHash(labelB, ...b))).toBe(equalInput)
      }),
      { numRuns: 2000 }
    )
    expect(labelledHash('entry', fromUtf8('ab'), fromUtf8('c'))).not.toEqual(
      labelledHash('entry', fromUtf8('a'), fromUtf8('bc'))
    )
    expect(labelledHash('entry')).not.toEqual(labelledHash('entry', new Uint8Array(0)))
  })

  test('is the standard function over the framed input, and nothing of our own', () => {
    const frame = framed('entry', fromUtf8('hi'))
    expect(toHex(frame)).toBe(`00000013${toHex(fromUtf8('hearsay/1/log-entry'))}000000026869`)
    const key = new Uint8Array(32).fill(7)
    expect(toHex(labelledHash('entry', fromUtf8('hi')))).toBe(
      createHash('sha256').update(frame).digest('hex')
    )
    expect(toHex(hmac(key, 'entry', fromUtf8('hi')))).toBe(
      createHmac('sha256', key).update(frame).digest('hex')
    )
    for (const length of [16, 32, 80])
      expect(toHex(hkdf(key, 'entry', length, fromUtf8('hi')))).toBe(
        Buffer.from(hkdfSync('sha256', key, new Uint8Array(0), frame, length)).toString('hex')
      )
  })
})
