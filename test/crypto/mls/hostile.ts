/** Insiders who keep no rule: messages that the engine itself would never make, sealed and signed as it does. */
import { cipherSuite, Epoch } from '../../../src/crypto/mls/index.ts'
import type { CipherSuite, Proposal } from '../../../src/crypto/mls/index.ts'
import { decodeState } from '../../../src/crypto/mls/epoch-state.ts'
import type { Commit } from '../../../src/crypto/mls/commit.ts'
import { authenticate, frame, protect, wireFormatOf } from '../../../src/crypto/mls/message-protection.ts'

/** A commit of a member, signed and sealed, of whatever it likes. Its confirmation tag is none. */
export function hostileCommit(epoch: Epoch, commit: Commit): Uint8Array {
  const state = decodeState(epoch.save(), {})
  const signed = authenticate(state, wireFormatOf('private'), frame(state, { type: 'commit', commit }))
  return protect(state, { ...signed, confirmationTag: new Uint8Array(state.suite.kdf.hashLength) })
}

/** The same with nothing but proposals. */
export const hostileProposals = (epoch: Epoch, proposals: readonly Proposal[]): Uint8Array =>
  hostileCommit(epoch, {
    proposals: proposals.map(proposal => ({ type: 'proposal', proposal })),
    path: undefined
  })

/** The epoch of a member whose engine puts keys into its paths that nothing can be sealed to. */
export function withUnusableKeys(epoch: Epoch, unusable: Uint8Array): Epoch {
  const suite = cipherSuite(epoch.suite.id)
  const { hpke } = suite
  let keys = 0
  const hostile: CipherSuite['hpke'] = {
    publicKeyLength: hpke.publicKeyLength,
    encLength: hpke.encLength,
    generateKeyPair: () => hpke.generateKeyPair(),
    deriveKeyPair: ikm =>
      keys++ === 0 ? { ...hpke.deriveKeyPair(ikm), publicKey: unusable } : hpke.deriveKeyPair(ikm),
    publicKey: secretKey => hpke.publicKey(secretKey),
    validatePublicKey: () => undefined,
    seal: (...of) => hpke.seal(...of),
    open: (...of) => hpke.open(...of),
    setupSender: (...of) => hpke.setupSender(...of),
    setupReceiver: (...of) => hpke.setupReceiver(...of)
  }
  return Epoch.load(epoch.save(), { suite: { ...suite, hpke: hostile } })
}

/** A suite that counts what it verifies, and remembers nothing from elsewhere. */
export function countingSuite(suiteId: number): {
  readonly suite: CipherSuite
  readonly verified: () => number
} {
  const shared = cipherSuite(suiteId)
  let count = 0
  const signature: CipherSuite['signature'] = {
    ...shared.signature,
    verify(...of) {
      count++
      return shared.signature.verify(...of)
    }
  }
  return { suite: { ...shared, signature }, verified: () => count }
}
