/**
 * Watches that no message key ever seals two texts.
 *
 * A node whose disk took it back to an older ratchet would use a key twice, and nobody at the other end could
 * tell. What counts is what may leave: a text that was sealed for a transaction which did not survive was never
 * sent, and its key may serve again.
 */
import type { CipherSuite } from 'hearsay/mls'

interface Use {
  /** The number of the event in which it was sealed. */
  readonly during: number
  readonly key: string
  readonly sealed: string
}

/** The keys of all nodes of one run. */
export class KeyWatch {
  /** By key: what it has sealed, in transactions that survived. */
  readonly #used = new Map<string, string>()
  /** By node: what was sealed since its last transaction. */
  readonly #recent = new Map<string, Use[]>()
  /** By node: the events in which a transaction was refused, and with it all that was stepped beside it. */
  readonly #refused = new Map<string, Set<number>>()
  readonly #event: () => number

  /** `event` numbers what happens: a node takes back what it did in the event of a refusal. */
  constructor(event: () => number) {
    this.#event = event
  }

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
          this.#recent.get(owner)!.push({ during: this.#event(), key: hex(key), sealed: hex(ciphertext) })
          return ciphertext
        }
      }
    }
  }

  /** The disk refused a transaction: the node goes back to what the disk has. */
  refused(owner: string): void {
    this.#recent.get(owner)?.splice(0)
    this.#refused.set(owner, (this.#refused.get(owner) ?? new Set()).add(this.#event()))
  }

  /** A node writes what it has done; the returned function says that it survived. */
  wrote(owner: string): () => void {
    const refused = this.#refused.get(owner)
    const all = this.#recent.get(owner)?.splice(0) ?? []
    const uses = all.filter(({ during }) => refused?.has(during) !== true)
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
