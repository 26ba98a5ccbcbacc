/**
 * Watches that no message key ever seals two texts.
 *
 * A node whose disk took it back to an older ratchet would use a key twice, and nobody at the other end could
 * tell. What counts is what may leave: a text that was sealed for a transaction which did not survive was never
 * sent, and its key may serve again.
 */
import type { CipherSuite } from 'hearsay/mls'

interface Use {
  readonly key: string
  readonly sealed: string
}

/** The keys of all nodes of one run. */
export class KeyWatch {
  /** By key: what it has sealed, in transactions that survived. */
  readonly #used = new Map<string, string>()
  /** By node: what was sealed since its last transaction. */
  readonly #recent = new Map<string, Use[]>()
  /** Told whose node has used a key twice. */
  onReuse: ((owner: string) => void) | undefined

  /** The same suite, watched. */
  wrap(owner: string, suite: CipherSuite): CipherSuite {
    const { aead } = suite
    // The process that had this machine before is gone, with all that it had not written.
    this.#recent.set(owner, [])
    return {
      ...suite,
      aead: {
        ...aead,
        seal: (key, nonce, aad, plaintext) => {
          const ciphertext = aead.seal(key, nonce, aad, plaintext)
          this.#recent.get(owner)!.push({ key: hex(key), sealed: hex(ciphertext) })
          return ciphertext
        }
      }
    }
  }

  /** A node writes what it has done; the returned function says that it survived. */
  wrote(owner: string): () => void {
    const uses = this.#recent.get(owner)?.splice(0) ?? []
    return () => {
      for (const { key, sealed } of uses) {
        const before = this.#used.get(key)
        this.#used.set(key, sealed)
        if (before !== undefined && before !== sealed) this.onReuse?.(owner)
      }
    }
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
