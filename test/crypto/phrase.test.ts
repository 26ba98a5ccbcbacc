import { mnemonicToEntropy, validateMnemonic } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toHex } from '../../src/base/bytes.ts'
import { formatPhrase, identitySeed, parsePhrase } from '../../src/crypto/phrase.ts'

const invalid = expect.objectContaining({ code: 'INVALID_PHRASE' })
const entropies = fc.uint8Array({ minLength: 32, maxLength: 32 })

describe('a recovery phrase', () => {
  test('is 24 words that any BIP39 tool accepts, and gives back its entropy', () => {
    fc.assert(
      fc.property(entropies, entropy => {
        const phrase = formatPhrase(entropy)
        expect(phrase.split(' ')).toHaveLength(24)
        expect(validateMnemonic(phrase, wordlist)).toBe(true)
        expect(toHex(mnemonicToEntropy(phrase, wordlist))).toBe(toHex(entropy))
        expect(parsePhrase(phrase)).toEqual(entropy)
      })
    )
  })

  test('of the BIP39 vectors is read as they say', () => {
    expect(parsePhrase(`${'abandon '.repeat(23)}art`)).toEqual(new Uint8Array(32))
    expect(parsePhrase(`${'zoo '.repeat(23)}vote`)).toEqual(new Uint8Array(32).fill(255))
  })

  test('may be typed in capitals, over several lines, with spaces around', () => {
    const entropy = new Uint8Array(32).fill(9)
    const words = formatPhrase(entropy).split(' ')
    const typed = `\n  ${words.slice(0, 12).join('  ').toUpperCase()}\r\n\t${words.slice(12).join('\n')} \n`
    expect(parsePhrase(typed)).toEqual(entropy)
  })

  test('that is short, long, of other words or with two swapped is refused, and the error does not repeat it', () => {
    const words = formatPhrase(new Uint8Array(32).fill(9).with(3, 77)).split(' ')
    const swapped = words.with(0, words[1]!).with(1, words[0]!)
    const twelve = `${'abandon '.repeat(11)}about`
    for (const bad of [
      '',
      words.slice(1).join(' '),
      [...words, 'zoo'].join(' '),
      twelve,
      words.with(5, 'hearsay').join(' ')
    ]) {
      expect(() => parsePhrase(bad)).toThrow(invalid)
    }
    expect(swapped).not.toEqual(words)
    expect(() => parsePhrase(swapped.join(' '))).toThrow(invalid)
    try {
      parsePhrase(swapped.join(' '))
    } catch (error) {
      expect(String((error as Error).stack) + String((error as Error).cause)).not.toContain(words[2])
    }
  })

  test('makes the same identity every time, and another entropy another one', () => {
    const seed = identitySeed(new Uint8Array(32))
    expect(identitySeed(new Uint8Array(32))).toEqual(seed)
    expect(seed).toHaveLength(32)
    expect(identitySeed(new Uint8Array(32).fill(1))).not.toEqual(seed)
    expect(seed).not.toEqual(new Uint8Array(32))
  })
})
