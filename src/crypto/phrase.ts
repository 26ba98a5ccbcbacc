/**
 * The recovery phrase: 24 English words (BIP39) that are the identity, on paper.
 * Spec: specs/identity.md, section 1.
 *
 * Always true: a phrase holds 256 bits and a checksum of 8, so a mistyped word is noticed 255 times in 256.
 * The seed is derived by HKDF from those bits, not by BIP39's PBKDF2: they are uniform, stretching adds nothing.
 */
import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { HearsayError } from '../base/errors.ts'
import { hkdf } from './hash.ts'

/** Bytes of entropy behind a phrase. */
export const PHRASE_ENTROPY_BYTES = 32
const WORDS = 24

/** The 24 words of 32 unpredictable bytes, with one space between them. */
export function formatPhrase(entropy: Uint8Array): string {
  if (entropy.length !== PHRASE_ENTROPY_BYTES) throw new HearsayError('INTERNAL')
  return entropyToMnemonic(entropy, wordlist)
}

/**
 * The 32 bytes of a phrase. Forgives case and white space, which is how people copy; throws INVALID_PHRASE at
 * anything else. The error never repeats what was typed.
 */
export function parsePhrase(text: string): Uint8Array {
  const words = text.trim().toLowerCase().split(/\s+/)
  if (words.length !== WORDS) throw new HearsayError('INVALID_PHRASE')
  try {
    return new Uint8Array(mnemonicToEntropy(words.join(' '), wordlist))
  } catch {
    // The cause names the words; it stays here.
    throw new HearsayError('INVALID_PHRASE')
  }
}

/** The seed of the identity's Ed25519 key. */
export const identitySeed = (entropy: Uint8Array): Uint8Array => hkdf(entropy, 'identityKey')
