/**
 * The secret tree (RFC 9420 section 9): one ratchet of keys for each member and kind of message.
 *
 * Always true: a secret that was used to derive others is overwritten and gone; a message key is there until
 * `consume`, then never again; looking a key up changes nothing. Subtrees are expanded when their first
 * message comes, so an epoch of a thousand members costs nothing until they speak. Keys of skipped messages
 * are kept as keys, never as the ratchet secret that would open everything after them.
 */
import { mlsLimits } from '../../base/limits.ts'
import { fromUtf8 } from '../../base/bytes.ts'
import type { CipherSuite } from './cipher-suite.ts'
import type { Reader, Writer } from './codec.ts'
import { MlsError } from './errors.ts'
import { deriveSecret, deriveTreeSecret, expandWithLabel } from './labels.ts'
import { isBelow, left, right, root } from './tree-math.ts'

/** Handshake messages (proposals, commits) and application messages have ratchets of their own. */
export type RatchetKind = 'handshake' | 'application'

/** The key of one message. */
export interface MessageKey {
  readonly generation: number
  readonly key: Uint8Array
  readonly nonce: Uint8Array
}

/** A key that was looked up. Nothing has changed until `consume`. */
export interface PendingMessageKey extends MessageKey {
  /** Deletes the key, and remembers those of the messages before it that have not come yet. */
  readonly consume: () => void
}

interface Ratchet {
  secret: Uint8Array
  /** The generation that `secret` is for: everything before it was used or skipped. */
  generation: number
  /** Oldest first. */
  readonly skipped: Map<number, MessageKey>
}

const LEFT = fromUtf8('left')
const RIGHT = fromUtf8('right')
const GENERATION_MAX = 0xffffffff

// A leaf's two ratchets in one map: small integer keys are the fastest that the language has.
const ratchetId = (leafIndex: number, kind: RatchetKind): number =>
  2 * leafIndex + (kind === 'handshake' ? 1 : 0)

/** The ratchets of one epoch. Mutable: it forgets. */
export class SecretTree {
  readonly #suite: CipherSuite
  readonly #leafCount: number
  /** Secrets of subtrees that have not been expanded, by node index. */
  readonly #nodes: Map<number, Uint8Array>
  readonly #ratchets: Map<number, Ratchet>

  private constructor(
    suite: CipherSuite,
    leafCount: number,
    nodes: Map<number, Uint8Array>,
    ratchets: Map<number, Ratchet>
  ) {
    this.#suite = suite
    this.#leafCount = leafCount
    this.#nodes = nodes
    this.#ratchets = ratchets
  }

  /** The secret tree of an epoch. Owns `encryptionSecret` and overwrites it. */
  static fromEncryptionSecret(
    suite: CipherSuite,
    leafCount: number,
    encryptionSecret: Uint8Array
  ): SecretTree {
    return new SecretTree(suite, leafCount, new Map([[root(leafCount), encryptionSecret]]), new Map())
  }

  /** The next key of one's own ratchet, gone from the tree at once. Throws after 2^32 - 1 messages. */
  next(leafIndex: number, kind: RatchetKind): MessageKey {
    const ratchet = this.#openRatchet(leafIndex, kind)
    const { generation, secret } = ratchet
    if (generation >= GENERATION_MAX) throw new MlsError('invalid', 'this epoch has no keys left')
    const key = this.#messageKey(secret, generation)
    ratchet.secret = this.#following(secret, generation)
    ratchet.generation = generation + 1
    secret.fill(0)
    return key
  }

  /** The key of a message that came in. Throws MlsError `key-used` or `too-far-ahead`; changes nothing. */
  lookUp(leafIndex: number, kind: RatchetKind, generation: number): PendingMessageKey {
    const ratchet = this.#ratchets.get(ratchetId(leafIndex, kind)) ?? this.#firstOf(leafIndex, kind)
    if (generation < ratchet.generation) {
      const skipped = ratchet.skipped.get(generation)
      if (skipped === undefined) throw new MlsError('key-used', 'the key of this message was used')
      return { ...skipped, consume: () => this.#forgetSkipped(ratchet, skipped) }
    }
    if (generation - ratchet.generation > mlsLimits.generationsForwardMax || generation >= GENERATION_MAX)
      throw new MlsError('too-far-ahead', `message ${generation} is too far ahead of the last one`)
    let { secret } = ratchet
    for (let at = ratchet.generation; at < generation; at++) {
      const previous = secret
      secret = this.#following(previous, at)
      if (previous !== ratchet.secret) previous.fill(0)
    }
    const key = this.#messageKey(secret, generation)
    if (secret !== ratchet.secret) secret.fill(0)
    return {
      ...key,
      consume: () => {
        this.#advance(this.#openRatchet(leafIndex, kind), generation)
        wipe(key)
      }
    }
  }

  /** Overwrites every secret. The tree is useless afterwards. */
  zeroize(): void {
    for (const secret of this.#nodes.values()) secret.fill(0)
    for (const ratchet of this.#ratchets.values()) {
      ratchet.secret.fill(0)
      for (const key of ratchet.skipped.values()) wipe(key)
    }
    this.#nodes.clear()
    this.#ratchets.clear()
  }

  /** Appends the state, secrets included. */
  write(writer: Writer): void {
    writer.u32(this.#leafCount)
    writer.list([...this.#nodes], (inner, [node, secret]) => void inner.u32(node).opaque(secret))
    writer.list([...this.#ratchets], (inner, [id, ratchet]) => {
      inner.u32(id).opaque(ratchet.secret).u32(ratchet.generation)
      inner.list([...ratchet.skipped.values()], (item, { generation, key, nonce }) => {
        item.u32(generation).opaque(key).opaque(nonce)
      })
    })
  }

  /** The opposite of `write`. */
  static read(reader: Reader, suite: CipherSuite): SecretTree {
    const leafCount = reader.u32()
    const nodes = new Map(reader.list(inner => [inner.u32(), inner.opaque()] as const))
    const ratchets = reader.list((inner): [number, Ratchet] => {
      const id = inner.u32()
      const secret = inner.opaque()
      const generation = inner.u32()
      const skipped = inner.list((item): [number, MessageKey] => {
        const at = item.u32()
        return [at, { generation: at, key: item.opaque(), nonce: item.opaque() }]
      })
      return [id, { secret, generation, skipped: new Map(skipped) }]
    })
    return new SecretTree(suite, leafCount, nodes, new Map(ratchets))
  }

  #messageKey(secret: Uint8Array, generation: number): MessageKey {
    const { keyLength, nonceLength } = this.#suite.aead
    return {
      generation,
      key: deriveTreeSecret(this.#suite, secret, 'key', generation, keyLength),
      nonce: deriveTreeSecret(this.#suite, secret, 'nonce', generation, nonceLength)
    }
  }

  #following(secret: Uint8Array, generation: number): Uint8Array {
    return deriveTreeSecret(this.#suite, secret, 'secret', generation, this.#suite.kdf.hashLength)
  }

  /** Moves a ratchet past `generation`, keeping the newest keys in between. */
  #advance(ratchet: Ratchet, generation: number): void {
    while (ratchet.generation <= generation) {
      const { secret, generation: at } = ratchet
      const distance = generation - at
      if (distance > 0 && distance <= mlsLimits.skippedKeysMax)
        ratchet.skipped.set(at, this.#messageKey(secret, at))
      ratchet.secret = this.#following(secret, at)
      ratchet.generation = at + 1
      secret.fill(0)
    }
    for (const key of ratchet.skipped.values()) {
      if (ratchet.skipped.size <= mlsLimits.skippedKeysMax) break
      this.#forgetSkipped(ratchet, key)
    }
  }

  #forgetSkipped(ratchet: Ratchet, key: MessageKey): void {
    ratchet.skipped.delete(key.generation)
    wipe(key)
  }

  /** The path from the nearest unexpanded subtree down to a leaf, that subtree first. */
  #pathTo(leafIndex: number): number[] {
    const leaf = 2 * leafIndex
    let node = root(this.#leafCount)
    while (!this.#nodes.has(node) && node !== leaf) node = leaf < node ? left(node) : right(node)
    const path = [node]
    while (node !== leaf) {
      node = leaf < node ? left(node) : right(node)
      path.push(node)
    }
    return path
  }

  #childSecret(secret: Uint8Array, side: Uint8Array): Uint8Array {
    return expandWithLabel(this.#suite, secret, 'tree', side, this.#suite.kdf.hashLength)
  }

  /** A ratchet as it would start, without touching the tree. */
  #firstOf(leafIndex: number, kind: RatchetKind): Ratchet {
    const [top, ...below] = this.#pathTo(leafIndex)
    let secret = this.#nodes.get(top!)
    if (secret === undefined || !isBelow(2 * leafIndex, root(this.#leafCount)))
      throw new MlsError('wiped', 'the secrets of this epoch are gone')
    let node = top!
    for (const child of below) {
      secret = this.#childSecret(secret, child < node ? LEFT : RIGHT)
      node = child
    }
    return { secret: deriveSecret(this.#suite, secret, kind), generation: 0, skipped: new Map() }
  }

  /** The ratchet itself, expanding the tree down to it where that has not been done. */
  #openRatchet(leafIndex: number, kind: RatchetKind): Ratchet {
    const known = this.#ratchets.get(ratchetId(leafIndex, kind))
    if (known !== undefined) return known
    const path = this.#pathTo(leafIndex)
    for (const node of path) {
      const secret = this.#nodes.get(node)
      if (secret === undefined) throw new MlsError('wiped', 'the secrets of this epoch are gone')
      this.#nodes.delete(node)
      if (node === 2 * leafIndex) {
        for (const each of ['handshake', 'application'] as const)
          this.#ratchets.set(ratchetId(leafIndex, each), {
            secret: deriveSecret(this.#suite, secret, each),
            generation: 0,
            skipped: new Map()
          })
      } else {
        this.#nodes.set(left(node), this.#childSecret(secret, LEFT))
        this.#nodes.set(right(node), this.#childSecret(secret, RIGHT))
      }
      secret.fill(0)
    }
    return this.#ratchets.get(ratchetId(leafIndex, kind))!
  }
}

function wipe({ key, nonce }: MessageKey): void {
  key.fill(0)
  nonce.fill(0)
}
