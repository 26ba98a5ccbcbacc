/**
 * Our key packages, each for one use, and the groups that are founded and joined with them.
 *
 * Spec: specs/contact.md, section "Key packages"; RFC 9420 section 10.
 * Always true: the private keys of a key package are on disk before it is given away, and gone a day after a
 * group was joined with it. Leaf signature keys are of one group only, certified by the device key inside its tree.
 */
import { toHex } from '../base/bytes.ts'
import { malformed } from '../base/errors.ts'
import type { GroupId, IdentityId, Millis } from '../base/ids.ts'
import { limits, spec } from '../base/limits.ts'
import {
  decodeKeyPackage,
  decodeMlsMessage,
  decodePrivateKeys,
  encodePrivateKeys,
  Epoch,
  generateKeyPackage,
  keyPackageRef
} from '../crypto/mls/index.ts'
import type { CipherSuite, KeyPackage, PrivateKeys, ValidateCredential } from '../crypto/mls/index.ts'
import { makeCredential, verifyCredential } from './seal/credential.ts'
import { decodeKeyPackageRecord, encodeKeyPackageRecord } from './records/key-package.ts'
import { ownEntry } from './self.ts'
import type { Own } from './self.ts'
import type { Turn } from './turn.ts'

export const KEY_PACKAGES = 'key-packages'

interface Stocked {
  readonly bytes: Uint8Array
  readonly keyPackage: KeyPackage
  readonly privateKeys: PrivateKeys
  /** When a group was joined with it. */
  readonly usedAt: Millis | undefined
}

/** A member that a group may have. */
export type Accepts = (identity: IdentityId) => boolean

/** The key packages of this device that somebody may use. */
export class KeyPackages {
  readonly #own: Own
  readonly #suite: CipherSuite
  /** By reference, in hexadecimal. */
  readonly #stock = new Map<string, Stocked>()

  constructor(init: { own: Own; suite: CipherSuite }) {
    this.#own = init.own
    this.#suite = init.suite
  }

  restore(key: string, record: Uint8Array): void {
    const { keyPackage, privateKeys, usedAt } = decodeKeyPackageRecord(record)
    this.#stock.set(key, {
      bytes: keyPackage,
      keyPackage: decodeKeyPackage(keyPackage),
      privateKeys: decodePrivateKeys(privateKeys),
      usedAt
    })
  }

  /** A new one to give away, its private keys on disk with the batch. */
  make(turn: Turn): Uint8Array {
    const made = this.#generate(turn)
    const ref = toHex(keyPackageRef(made.keyPackage, this.#suite))
    this.#save(turn, ref, made)
    while (this.#stock.size > limits.keyPackagesStockedMax)
      this.#spend(turn, this.#stock.keys().next().value!)
    return made.bytes
  }

  /** A group of ourselves alone, with this id. */
  begin(turn: Turn, groupId: Uint8Array): Epoch {
    const { keyPackage, privateKeys } = this.#generate(turn)
    return Epoch.create({ suite: this.#suite, groupId, keyPackage, privateKeys })
  }

  /** A group of ourselves and the owner of a key package. Throws MALFORMED where it is not `accepts`' or not sound. */
  found(
    turn: Turn,
    groupId: Uint8Array,
    theirs: Uint8Array,
    accepts: Accepts
  ): { mls: Epoch; welcome: Uint8Array } {
    const keyPackage = decodeKeyPackage(theirs)
    const alone = this.begin(turn, groupId)
    const { epoch, welcome } = alone.commit({
      // Without `now`: a key package comes from its owner, for one use, and never lay where anybody could find it.
      // A lifetime would only turn away people whose clock is wrong.
      proposals: [{ type: 'add', keyPackage }],
      validateCredential: credentialOf(accepts)
    })
    alone.zeroize()
    if (welcome === undefined) throw malformed('a founding without a welcome')
    return { mls: epoch, welcome }
  }

  /**
   * Joins by a welcome. Whether the right people are in the tree, the caller looks. Throws MALFORMED where none of
   * our key packages is meant, or the group is not as it should be.
   */
  join(turn: Turn, welcome: Uint8Array, { tree }: { tree?: Uint8Array | undefined } = {}): Epoch {
    const message = decodeMlsMessage(welcome)
    if (message.type !== 'welcome') throw malformed('not a welcome')
    for (const { newMember } of message.welcome.secrets) {
      const ref = toHex(newMember)
      const stocked = this.#stock.get(ref)
      if (stocked === undefined) continue
      const { keyPackage, privateKeys } = stocked
      const mls = Epoch.join(welcome, {
        suite: this.#suite,
        keyPackage,
        privateKeys,
        ratchetTree: tree,
        validateCredential: credentialOf(() => true)
      })
      this.#used(turn, ref, stocked)
      return mls
    }
    throw malformed('a welcome for none of our key packages')
  }

  /** Another branch may have used it as well: it is kept for as long as branches are. */
  #used(turn: Turn, ref: string, stocked: Stocked): void {
    this.#save(turn, ref, { ...stocked, usedAt: stocked.usedAt ?? turn.now })
    for (const [each, { usedAt }] of this.#stock)
      if (usedAt !== undefined && turn.now - usedAt > limits.keyPackageUsedKeptMs) this.#spend(turn, each)
  }

  #save(turn: Turn, ref: string, stocked: Stocked): void {
    this.#stock.set(ref, stocked)
    const { bytes, privateKeys, usedAt } = stocked
    turn.save(KEY_PACKAGES, ref, () =>
      encodeKeyPackageRecord({ keyPackage: bytes, privateKeys: encodePrivateKeys(privateKeys), usedAt })
    )
  }

  /** Forgets them all: nobody can take this device in any more. */
  clear(turn: Turn): void {
    for (const ref of this.#stock.keys()) this.#spend(turn, ref)
  }

  #spend(turn: Turn, ref: string): void {
    this.#stock.delete(ref)
    turn.remove(KEY_PACKAGES, ref)
  }

  #generate(turn: Turn): Stocked {
    const now = Math.floor(turn.now / 1000)
    const signatureKeyPair = this.#suite.signature.generateKeyPair()
    const identity = makeCredential(this.#own.deviceSeed, ownEntry(this.#own), signatureKeyPair.publicKey)
    const lifetime = {
      // A day of grace for clocks that are behind ours.
      notBefore: BigInt(Math.max(0, now - DAY_SECONDS)),
      notAfter: BigInt(now + spec.keyPackageLifetimeMs / 1000)
    }
    return {
      ...generateKeyPackage({ suite: this.#suite, identity, signatureKeyPair, lifetime }),
      usedAt: undefined
    }
  }
}

const DAY_SECONDS = 86_400

const credentialOf =
  (accepts: Accepts): ValidateCredential =>
  (credential, signatureKey) =>
    credential.type === 'basic' && accepts(verifyCredential(credential.identity, signatureKey).identity)

/** A group's id as text. */
export const groupIdOf = (mls: Epoch): GroupId => toHex(mls.groupId) as GroupId
