/**
 * Our key packages, each for one use, and the groups that are founded and joined with them.
 *
 * Spec: specs/contact.md, section "Key packages"; RFC 9420 section 10.
 * Always true: the private keys of a key package are on disk before it is given away, and gone once a group
 * was joined with it. Leaf signature keys are of one group only, certified by the device key inside its tree.
 */
import { toHex } from '../base/bytes.ts'
import { malformed } from '../base/errors.ts'
import type { GroupId, IdentityId } from '../base/ids.ts'
import { limits, spec } from '../base/limits.ts'
import type { Random } from '../base/random.ts'
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
import type { Own } from './self.ts'
import type { Turn } from './turn.ts'

export const KEY_PACKAGES = 'key-packages'

interface Stocked {
  readonly bytes: Uint8Array
  readonly keyPackage: KeyPackage
  readonly privateKeys: PrivateKeys
}

/** A member that a group may have. */
export type Accepts = (identity: IdentityId) => boolean

/** The key packages of this device that somebody may use. */
export class KeyPackages {
  readonly #own: Own
  readonly #suite: CipherSuite
  readonly #random: Random
  /** By reference, in hexadecimal. */
  readonly #stock = new Map<string, Stocked>()

  constructor(init: { own: Own; suite: CipherSuite; random: Random }) {
    this.#own = init.own
    this.#suite = init.suite
    this.#random = init.random
  }

  restore(key: string, record: Uint8Array): void {
    const { keyPackage, privateKeys } = decodeKeyPackageRecord(record)
    this.#stock.set(key, {
      bytes: keyPackage,
      keyPackage: decodeKeyPackage(keyPackage),
      privateKeys: decodePrivateKeys(privateKeys)
    })
  }

  /** A new one to give away, its private keys on disk with the batch. */
  make(turn: Turn): Uint8Array {
    const made = this.#generate(turn)
    const ref = toHex(keyPackageRef(made.keyPackage, this.#suite))
    const { bytes, privateKeys } = made
    this.#stock.set(ref, made)
    turn.save(KEY_PACKAGES, ref, () =>
      encodeKeyPackageRecord({ keyPackage: bytes, privateKeys: encodePrivateKeys(privateKeys) })
    )
    while (this.#stock.size > limits.keyPackagesStockedMax)
      this.#spend(turn, this.#stock.keys().next().value!)
    return bytes
  }

  /** A group of ourselves and the owner of a key package. Throws MALFORMED where it is not `accepts`' or not sound. */
  found(turn: Turn, theirs: Uint8Array, accepts: Accepts): { mls: Epoch; welcome: Uint8Array } {
    const keyPackage = decodeKeyPackage(theirs)
    const founder = this.#generate(turn)
    const alone = Epoch.create({
      suite: this.#suite,
      groupId: this.#random(16),
      keyPackage: founder.keyPackage,
      privateKeys: founder.privateKeys
    })
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

  /** Joins by a welcome. Throws MALFORMED where none of our key packages is meant, or the group is not as it should be. */
  join(turn: Turn, welcome: Uint8Array, accepts: Accepts): Epoch {
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
        validateCredential: credentialOf(identity => identity === this.#own.identity || accepts(identity))
      })
      this.#spend(turn, ref)
      return mls
    }
    throw malformed('a welcome for none of our key packages')
  }

  #spend(turn: Turn, ref: string): void {
    this.#stock.delete(ref)
    turn.remove(KEY_PACKAGES, ref)
  }

  #generate(turn: Turn): Stocked {
    const now = Math.floor(turn.now / 1000)
    const signatureKeyPair = this.#suite.signature.generateKeyPair()
    const identity = makeCredential(
      this.#own.deviceSeed,
      this.#own.devices.at(-1)!,
      signatureKeyPair.publicKey
    )
    const lifetime = {
      // A day of grace for clocks that are behind ours.
      notBefore: BigInt(Math.max(0, now - DAY_SECONDS)),
      notAfter: BigInt(now + spec.keyPackageLifetimeMs / 1000)
    }
    return generateKeyPackage({ suite: this.#suite, identity, signatureKeyPair, lifetime })
  }
}

const DAY_SECONDS = 86_400

const credentialOf =
  (accepts: Accepts): ValidateCredential =>
  (credential, signatureKey) =>
    credential.type === 'basic' && accepts(verifyCredential(credential.identity, signatureKey).identity)

/** A group's id as text. */
export const groupIdOf = (mls: Epoch): GroupId => toHex(mls.groupId) as GroupId
