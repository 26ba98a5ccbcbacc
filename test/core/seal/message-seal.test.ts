import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toHex } from '../../../src/base/bytes.ts'
import { spec } from '../../../src/base/limits.ts'
import { entryHash, envelopeId, messageId } from '../../../src/core/seal/hashes.ts'
import { epochKeys, openMessage, sealMessage, type EpochKeys } from '../../../src/core/seal/message-seal.ts'
import { openTagged } from '../../../src/core/seal/tagged-seal.ts'
import { hkdf } from '../../../src/crypto/hash.ts'
import { decodeEnvelope } from '../../../src/wire/envelope.ts'
import type { MessageBody } from '../../../src/wire/message-body.ts'
import { seededRandom } from './cast.ts'

const refused = expect.objectContaining({ code: 'MALFORMED' })

/** The keys of an epoch whose exporter secret is this. Stands for MLS, which has tests of its own. */
function epoch(name: string): EpochKeys {
  const secret = seededRandom(name)(32)
  return epochKeys((label, length) => hkdf(secret, 'epochKey', length, new TextEncoder().encode(label)))
}

const ours = epoch('epoch 1')
const next = epoch('epoch 2')
const random = seededRandom('nonces')
const body: MessageBody = {
  type: 'application',
  leaf: 1,
  sequence: 4,
  part: 0,
  parts: 1,
  mls: new Uint8Array(100).fill(7)
}

describe('a message envelope', () => {
  test('gives back what was sealed, in the smallest size that has room', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 65_000, size: 'max' }), mls => {
        const bytes = sealMessage({ ...body, mls }, ours, random)
        expect(openMessage(decodeEnvelope(bytes), ours)).toEqual({ ...body, mls })
        const smaller = spec.envelopeBytes.filter(size => size < bytes.length)
        for (const size of smaller) expect(mls.length + 50).toBeGreaterThan(size - 70)
      }),
      { numRuns: 50 }
    )
  })

  test('is not ours under the keys of another epoch, and of another kind neither', () => {
    const envelope = decodeEnvelope(sealMessage(body, ours, random))
    expect(openMessage(envelope, next)).toBeUndefined()
    expect(openMessage({ ...envelope, kind: 'control' }, ours)).toBeUndefined()
  })

  test('changed anywhere on its way is not ours or refused, never opened', () => {
    const bytes = sealMessage(body, ours, random)
    for (let bit = 16; bit < 8 * bytes.length; bit++) {
      const flipped = decodeEnvelope(bytes.with(bit >> 3, bytes[bit >> 3]! ^ (1 << (bit & 7))))
      // A bit of tag or nonce: the tag no longer fits. A bit of the body: ours, and broken.
      if (bit < 8 * 30) expect(openMessage(flipped, ours)).toBeUndefined()
      else expect(() => openMessage(flipped, ours)).toThrow(refused)
    }
  })

  test('with the tag of one key and the seal of another is refused', () => {
    const mixed = sealMessage(body, { key: next.key, tagKey: ours.tagKey }, random)
    expect(() => openMessage(decodeEnvelope(mixed), ours)).toThrow(refused)
    // The other way round it would open, but is not ours by its tag: opening it without asking is refused.
    const untagged = decodeEnvelope(sealMessage(body, { key: ours.key, tagKey: next.tagKey }, random))
    expect(openMessage(untagged, ours)).toBeUndefined()
    expect(() => openTagged(untagged, 'message', ours)).toThrow(refused)
  })

  test('tells a carrier nothing: two of the same message have not a tag, a nonce or a block in common', () => {
    const a = sealMessage(body, ours, random)
    const b = sealMessage(body, ours, random)
    expect(a.length).toBe(b.length)
    const blocks = (bytes: Uint8Array): string[] =>
      (toHex(bytes.subarray(2)).match(/.{16}/g) ?? []).filter(block => /[^0]/.test(block))
    const seen = new Set(blocks(a))
    expect(blocks(b).filter(block => seen.has(block))).toEqual([])
    expect(envelopeId(a)).not.toBe(envelopeId(b))
  })

  test('has no room for more than the largest size', () => {
    expect(() => sealMessage({ ...body, mls: new Uint8Array(65_500) }, ours, random)).toThrow(
      expect.objectContaining({ code: 'MESSAGE_TOO_LARGE' })
    )
  })
})

describe('the keys of an epoch', () => {
  test('are three that have nothing in common, and the id is short', () => {
    expect(new Set([toHex(ours.key), toHex(ours.tagKey), ours.id]).size).toBe(3)
    expect(ours.id).toMatch(/^[0-9a-f]{32}$/)
    expect(ours.id).not.toBe(next.id)
  })
})

describe('ids', () => {
  test('of an entry and an envelope with the same bytes are different', () => {
    const bytes = new Uint8Array(512)
    expect(messageId(bytes)).toBe(toHex(entryHash(bytes)))
    expect(messageId(bytes)).not.toBe(envelopeId(bytes))
  })
})
