/** The RFC 9420 vectors of the MLS working group: labelled operations, key schedule, secret tree. */
import { expect, test } from 'vitest'
import { toHex } from '../../../src/base/bytes.ts'
import { cipherSuite } from '../../../src/crypto/mls/cipher-suite.ts'
import { encodeGroupContext } from '../../../src/crypto/mls/group-context.ts'
import {
  deriveEpochSecrets,
  deriveJoinerSecret,
  deriveMemberSecret,
  exportSecret,
  externalPublicKey
} from '../../../src/crypto/mls/key-schedule.ts'
import {
  decryptWithLabel,
  deriveSecret,
  deriveTreeSecret,
  encryptWithLabel,
  expandWithLabel,
  refHash,
  signWithLabel,
  verifyWithLabel
} from '../../../src/crypto/mls/labels.ts'
import { pskSecret } from '../../../src/crypto/mls/pre-shared-key.ts'
import { SecretTree } from '../../../src/crypto/mls/secret-tree.ts'
import { describeVectors, hex } from './vectors.ts'

interface CryptoBasicsCase {
  cipher_suite: number
  derive_secret: { label: string; out: string; secret: string }
  derive_tree_secret: { generation: number; label: string; length: number; out: string; secret: string }
  encrypt_with_label: Record<
    'ciphertext' | 'context' | 'kem_output' | 'label' | 'plaintext' | 'priv' | 'pub',
    string
  >
  expand_with_label: { context: string; label: string; length: number; out: string; secret: string }
  ref_hash: { label: string; out: string; value: string }
  sign_with_label: Record<'content' | 'label' | 'priv' | 'pub' | 'signature', string>
}

describeVectors<CryptoBasicsCase>('mls/crypto-basics', cases => {
  test.each(cases)('suite $cipher_suite', vector => {
    const suite = cipherSuite(vector.cipher_suite)
    const { derive_secret, derive_tree_secret, expand_with_label, ref_hash } = vector
    expect(toHex(refHash(suite, ref_hash.label, hex(ref_hash.value)))).toBe(ref_hash.out)
    const { secret, label, context, length, out } = expand_with_label
    expect(toHex(expandWithLabel(suite, hex(secret), label, hex(context), length))).toBe(out)
    expect(toHex(deriveSecret(suite, hex(derive_secret.secret), derive_secret.label))).toBe(derive_secret.out)
    const tree = derive_tree_secret
    expect(toHex(deriveTreeSecret(suite, hex(tree.secret), tree.label, tree.generation, tree.length))).toBe(
      tree.out
    )

    const { priv, pub, content, signature, label: signLabel } = vector.sign_with_label
    expect(verifyWithLabel(suite, hex(pub), signLabel, hex(content), hex(signature))).toBe(true)
    const again = signWithLabel(suite, hex(priv), signLabel, hex(content))
    expect(verifyWithLabel(suite, hex(pub), signLabel, hex(content), again)).toBe(true)

    const box = vector.encrypt_with_label
    const sealed = { kemOutput: hex(box.kem_output), ciphertext: hex(box.ciphertext) }
    expect(toHex(decryptWithLabel(suite, hex(box.priv), box.label, hex(box.context), sealed))).toBe(
      box.plaintext
    )
    const resealed = encryptWithLabel(suite, hex(box.pub), box.label, hex(box.context), hex(box.plaintext))
    expect(toHex(decryptWithLabel(suite, hex(box.priv), box.label, hex(box.context), resealed))).toBe(
      box.plaintext
    )
  })
})

interface SecretTreeCase {
  cipher_suite: number
  encryption_secret: string
  sender_data: Record<'sender_data_secret' | 'ciphertext' | 'key' | 'nonce', string>
  leaves: {
    generation: number
    application_key: string
    application_nonce: string
    handshake_key: string
    handshake_nonce: string
  }[][]
}

describeVectors<SecretTreeCase>('mls/secret-tree', cases => {
  test.each(cases)('suite $cipher_suite, $leaves.length leaves', vector => {
    const suite = cipherSuite(vector.cipher_suite)
    const { sender_data: senderData } = vector
    const sample = hex(senderData.ciphertext).subarray(0, suite.kdf.hashLength)
    const secret = hex(senderData.sender_data_secret)
    expect(toHex(expandWithLabel(suite, secret, 'key', sample, suite.aead.keyLength))).toBe(senderData.key)
    expect(toHex(expandWithLabel(suite, secret, 'nonce', sample, suite.aead.nonceLength))).toBe(
      senderData.nonce
    )

    const width = 2 ** Math.ceil(Math.log2(vector.leaves.length))
    const tree = SecretTree.fromEncryptionSecret(suite, width, hex(vector.encryption_secret))
    for (const [leaf, generations] of vector.leaves.entries()) {
      for (const step of generations) {
        for (const kind of ['application', 'handshake'] as const) {
          const found = tree.lookUp(leaf, kind, step.generation)
          expect(toHex(found.key)).toBe(step[`${kind}_key`])
          expect(toHex(found.nonce)).toBe(step[`${kind}_nonce`])
          found.consume()
          expect(() => tree.lookUp(leaf, kind, step.generation)).toThrow('was used')
        }
      }
    }
  })
})

interface KeyScheduleCase {
  cipher_suite: number
  group_id: string
  initial_init_secret: string
  epochs: (Record<
    | 'commit_secret'
    | 'confirmation_key'
    | 'confirmed_transcript_hash'
    | 'encryption_secret'
    | 'epoch_authenticator'
    | 'exporter_secret'
    | 'external_pub'
    | 'external_secret'
    | 'group_context'
    | 'init_secret'
    | 'joiner_secret'
    | 'membership_key'
    | 'psk_secret'
    | 'resumption_psk'
    | 'sender_data_secret'
    | 'tree_hash'
    | 'welcome_secret',
    string
  > & { exporter: { context: string; label: string; length: number; secret: string } })[]
}

describeVectors<KeyScheduleCase>('mls/key-schedule', cases => {
  test.each(cases)('suite $cipher_suite', vector => {
    const suite = cipherSuite(vector.cipher_suite)
    let initSecret = hex(vector.initial_init_secret)
    for (const [index, epoch] of vector.epochs.entries()) {
      const context = encodeGroupContext({
        cipherSuite: suite.id,
        groupId: hex(vector.group_id),
        epoch: BigInt(index),
        treeHash: hex(epoch.tree_hash),
        confirmedTranscriptHash: hex(epoch.confirmed_transcript_hash),
        extensions: []
      })
      expect(toHex(context)).toBe(epoch.group_context)
      const joiner = deriveJoinerSecret(suite, initSecret, hex(epoch.commit_secret), context)
      expect(toHex(joiner)).toBe(epoch.joiner_secret)
      const member = deriveMemberSecret(suite, joiner, hex(epoch.psk_secret))
      expect(toHex(deriveSecret(suite, member, 'welcome'))).toBe(epoch.welcome_secret)
      const { secrets, encryptionSecret } = deriveEpochSecrets(suite, member, context)
      expect({
        encryption_secret: toHex(encryptionSecret),
        init_secret: toHex(secrets.initSecret),
        sender_data_secret: toHex(secrets.senderDataSecret),
        exporter_secret: toHex(secrets.exporterSecret),
        epoch_authenticator: toHex(secrets.epochAuthenticator),
        external_secret: toHex(secrets.externalSecret),
        confirmation_key: toHex(secrets.confirmationKey),
        membership_key: toHex(secrets.membershipKey),
        resumption_psk: toHex(secrets.resumptionPsk),
        external_pub: toHex(externalPublicKey(suite, secrets.externalSecret))
      }).toEqual({
        encryption_secret: epoch.encryption_secret,
        init_secret: epoch.init_secret,
        sender_data_secret: epoch.sender_data_secret,
        exporter_secret: epoch.exporter_secret,
        epoch_authenticator: epoch.epoch_authenticator,
        external_secret: epoch.external_secret,
        confirmation_key: epoch.confirmation_key,
        membership_key: epoch.membership_key,
        resumption_psk: epoch.resumption_psk,
        external_pub: epoch.external_pub
      })
      const { label, context: exporterContext, length, secret } = epoch.exporter
      expect(toHex(exportSecret(suite, secrets.exporterSecret, label, hex(exporterContext), length))).toBe(
        secret
      )
      initSecret = Uint8Array.from(secrets.initSecret)
    }
  })
})

interface PskSecretCase {
  cipher_suite: number
  psks: Record<'psk_id' | 'psk' | 'psk_nonce', string>[]
  psk_secret: string
}

describeVectors<PskSecretCase>('mls/psk_secret', cases => {
  test.each(cases)('suite $cipher_suite, $psks.length keys', vector => {
    const psks = vector.psks.map(({ psk_id: id, psk, psk_nonce: nonce }) => ({
      id: { type: 'external', id: hex(id), nonce: hex(nonce) } as const,
      secret: hex(psk)
    }))
    expect(toHex(pskSecret(cipherSuite(vector.cipher_suite), psks))).toBe(vector.psk_secret)
  })
})
