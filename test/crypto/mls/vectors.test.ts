/** The RFC 9420 vectors of the MLS working group, file by file (all but the passive clients). */
import { expect, test } from 'vitest'
import { fromUtf8, toHex } from '../../../src/base/bytes.ts'
import { cipherSuite } from '../../../src/crypto/mls/cipher-suite.ts'
import { decode, encode, Reader, Writer } from '../../../src/crypto/mls/codec.ts'
import type { Read, Write } from '../../../src/crypto/mls/codec.ts'
import { readCommit, readUpdatePath, writeCommit, writeUpdatePath } from '../../../src/crypto/mls/commit.ts'
import {
  encodeAuthenticatedContent,
  readAuthData,
  readFramedContent,
  signContent,
  verifyContent,
  wireFormats
} from '../../../src/crypto/mls/framing.ts'
import type { AuthenticatedContent, Content } from '../../../src/crypto/mls/framing.ts'
import { encodeGroupContext } from '../../../src/crypto/mls/group-context.ts'
import type { GroupContext } from '../../../src/crypto/mls/group-context.ts'
import { readGroupInfo, verifyGroupInfo } from '../../../src/crypto/mls/group-info.ts'
import { keyPackageRef } from '../../../src/crypto/mls/key-package.ts'
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
import { decodeMlsMessage, encodeMlsMessage } from '../../../src/crypto/mls/mls-message.ts'
import { pskSecret } from '../../../src/crypto/mls/pre-shared-key.ts'
import {
  openPrivateMessage,
  openSenderData,
  sealPrivateMessage
} from '../../../src/crypto/mls/private-message.ts'
import { proposalTypes, readProposal, writeProposal } from '../../../src/crypto/mls/proposal.ts'
import { computeMembershipTag } from '../../../src/crypto/mls/public-message.ts'
import { RatchetTree } from '../../../src/crypto/mls/ratchet-tree.ts'
import { SecretTree } from '../../../src/crypto/mls/secret-tree.ts'
import { confirmedTranscriptHash, interimTranscriptHash } from '../../../src/crypto/mls/transcript-hash.ts'
import { applyUpdatePath, createUpdatePath, nodeKeyPair } from '../../../src/crypto/mls/tree-kem.ts'
import * as treeMath from '../../../src/crypto/mls/tree-math.ts'
import { verifyTree } from '../../../src/crypto/mls/tree-validation.ts'
import { openGroupInfo, readGroupSecrets, writeGroupSecrets } from '../../../src/crypto/mls/welcome.ts'
import { describeVectors, hex } from './vectors.ts'

const EMPTY = new Uint8Array(0)

describeVectors<{ vlbytes_header: string; length: number }>('mls/deserialization', cases => {
  test.each(cases)('a vector of $length bytes has the header $vlbytes_header', vector => {
    const body = new Uint8Array(vector.length)
    const encoded = new Writer().opaque(body).finish()
    expect(toHex(encoded.subarray(0, encoded.length - body.length))).toBe(vector.vlbytes_header)
    expect(new Reader(encoded).opaque()).toHaveLength(vector.length)
  })
})

describeVectors<Record<string, string>>('mls/messages', cases => {
  const suite = cipherSuite(1)
  /** Decodes and encodes again: one value has one encoding. */
  const roundTrip =
    <T>(read: Read<T>, write: Write<T>) =>
    (bytes: Uint8Array): Uint8Array =>
      encode(write, decode(read, bytes))
  const message = (bytes: Uint8Array): Uint8Array => encodeMlsMessage(decodeMlsMessage(bytes))
  const ofType = (type: keyof typeof proposalTypes) => (bytes: Uint8Array) => {
    const header = new Writer().u16(proposalTypes[type]).bytes(bytes).finish()
    return roundTrip(readProposal, writeProposal)(header).subarray(2)
  }
  const kinds: Record<string, (bytes: Uint8Array) => Uint8Array> = {
    mls_welcome: message,
    mls_group_info: message,
    mls_key_package: message,
    public_message_application: message,
    public_message_proposal: message,
    public_message_commit: message,
    private_message: message,
    ratchet_tree: bytes => decode(RatchetTree.reader(suite), bytes).encode(),
    group_secrets: roundTrip(readGroupSecrets, writeGroupSecrets),
    commit: roundTrip(readCommit, writeCommit),
    add_proposal: ofType('add'),
    update_proposal: ofType('update'),
    remove_proposal: ofType('remove'),
    pre_shared_key_proposal: ofType('psk'),
    re_init_proposal: ofType('reinit'),
    external_init_proposal: ofType('external_init'),
    group_context_extensions_proposal: ofType('group_context_extensions')
  }
  // A public message must not carry application data (RFC 9420 section 6.2); the vector is a mere encoding.
  const refused = new Set(['public_message_application'])

  test.each(Object.entries(kinds))('%s', (kind, again) => {
    for (const vector of cases) {
      const bytes = hex(vector[kind]!)
      if (refused.has(kind)) expect(() => again(bytes)).toThrow('application data in a public message')
      else expect(toHex(again(bytes))).toBe(vector[kind])
    }
  })
})

interface TreeMathCase {
  n_leaves: number
  n_nodes: number
  root: number
  left: (number | null)[]
  right: (number | null)[]
  parent: (number | null)[]
  sibling: (number | null)[]
}

describeVectors<TreeMathCase>('mls/tree-math', cases => {
  test.each(cases)('a tree of $n_leaves leaves', vector => {
    const root = treeMath.root(vector.n_leaves)
    expect(root).toBe(vector.root)
    expect(treeMath.nodeWidth(vector.n_leaves)).toBe(vector.n_nodes)
    for (let node = 0; node < vector.n_nodes; node++) {
      if (node % 2 === 1) expect(treeMath.left(node)).toBe(vector.left[node])
      if (node % 2 === 1) expect(treeMath.right(node)).toBe(vector.right[node])
      if (node !== root) expect(treeMath.parent(node)).toBe(vector.parent[node])
      if (node !== root) expect(treeMath.sibling(node)).toBe(vector.sibling[node])
    }
  })
})

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

interface MessageProtectionCase {
  cipher_suite: number
  group_id: string
  epoch: number
  tree_hash: string
  confirmed_transcript_hash: string
  signature_priv: string
  signature_pub: string
  encryption_secret: string
  sender_data_secret: string
  membership_key: string
  proposal: string
  proposal_priv: string
  proposal_pub: string
  commit: string
  commit_priv: string
  commit_pub: string
  application: string
  application_priv: string
}

describeVectors<MessageProtectionCase>('mls/message-protection', cases => {
  test.each(cases)('suite $cipher_suite', vector => {
    const suite = cipherSuite(vector.cipher_suite)
    const context = encodeGroupContext({
      cipherSuite: suite.id,
      groupId: hex(vector.group_id),
      epoch: BigInt(vector.epoch),
      treeHash: hex(vector.tree_hash),
      confirmedTranscriptHash: hex(vector.confirmed_transcript_hash),
      extensions: []
    })
    const publicKey = hex(vector.signature_pub)
    const senderDataSecret = hex(vector.sender_data_secret)
    const membershipKey = hex(vector.membership_key)
    const secretTree = () => SecretTree.fromEncryptionSecret(suite, 2, hex(vector.encryption_secret))

    const open = (bytes: Uint8Array): AuthenticatedContent => {
      const message = decodeMlsMessage(bytes)
      if (message.type === 'publicMessage') {
        const { authenticated, membershipTag } = message.publicMessage
        expect(membershipTag).toEqual(computeMembershipTag(suite, membershipKey, authenticated, context))
        expect(verifyContent(suite, publicKey, authenticated, context)).toBe(true)
        return authenticated
      }
      if (message.type !== 'privateMessage') throw new Error(message.type)
      const sender = openSenderData(suite, senderDataSecret, message.privateMessage)
      expect(sender.leafIndex).toBe(1)
      const kind = message.privateMessage.contentType === 1 ? 'application' : 'handshake'
      const key = secretTree().lookUp(1, kind, sender.generation)
      const authenticated = openPrivateMessage(suite, key, sender, message.privateMessage)
      expect(verifyContent(suite, publicKey, authenticated, context)).toBe(true)
      return authenticated
    }
    const contentOf = (content: Content): string => {
      if (content.type === 'application') return toHex(content.data)
      if (content.type === 'proposal') return toHex(encode(writeProposal, content.proposal))
      return toHex(encode(writeCommit, content.commit))
    }
    for (const name of ['proposal', 'commit', 'application'] as const) {
      const theirs = open(hex(vector[`${name}_priv`]))
      expect(contentOf(theirs.framed.content)).toBe(vector[name])
      if (name !== 'application')
        expect(contentOf(open(hex(vector[`${name}_pub`])).framed.content)).toBe(vector[name])

      // And the other way: what we protect opens again.
      const { framed } = theirs
      const wireFormat = wireFormats.privateMessage
      const signature = signContent(suite, hex(vector.signature_priv), wireFormat, framed, context)
      const ours = { ...theirs, signature }
      const key = secretTree().next(1, name === 'application' ? 'application' : 'handshake')
      const privateMessage = sealPrivateMessage(suite, senderDataSecret, key, 1, ours, 32)
      const bytes = encodeMlsMessage({ type: 'privateMessage', privateMessage })
      expect(contentOf(open(bytes).framed.content)).toBe(vector[name])
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

interface TranscriptCase {
  cipher_suite: number
  confirmation_key: string
  authenticated_content: string
  interim_transcript_hash_before: string
  confirmed_transcript_hash_after: string
  interim_transcript_hash_after: string
}

describeVectors<TranscriptCase>('mls/transcript-hashes', cases => {
  test.each(cases)('suite $cipher_suite', vector => {
    const suite = cipherSuite(vector.cipher_suite)
    const authenticated = decode((reader): AuthenticatedContent => {
      const wireFormat = reader.u16() as AuthenticatedContent['wireFormat']
      const framed = readFramedContent(reader)
      return { wireFormat, framed, ...readAuthData(reader, framed.content.type) }
    }, hex(vector.authenticated_content))
    expect(toHex(encodeAuthenticatedContent(authenticated))).toBe(vector.authenticated_content)
    const before = hex(vector.interim_transcript_hash_before)
    const confirmed = confirmedTranscriptHash(suite, before, authenticated)
    expect(toHex(confirmed)).toBe(vector.confirmed_transcript_hash_after)
    const tag = suite.kdf.mac(hex(vector.confirmation_key), confirmed)
    expect(tag).toEqual(authenticated.confirmationTag)
    expect(toHex(interimTranscriptHash(suite, confirmed, tag))).toBe(vector.interim_transcript_hash_after)
  })
})

interface TreeOperationCase {
  cipher_suite: number
  proposal: string
  proposal_sender: number
  tree_before: string
  tree_after: string
  tree_hash_before: string
  tree_hash_after: string
}

describeVectors<TreeOperationCase>('mls/tree-operations', cases => {
  test.each(cases.map((vector, index) => [index, vector] as const))('case %i', (_, vector) => {
    const suite = cipherSuite(vector.cipher_suite)
    const before = decode(RatchetTree.reader(suite), hex(vector.tree_before))
    expect(toHex(before.treeHash())).toBe(vector.tree_hash_before)
    const proposal = decode(readProposal, hex(vector.proposal))
    const after = before.copy()
    if (proposal.type === 'add') after.addLeaf(proposal.keyPackage.leafNode)
    if (proposal.type === 'update') after.updateLeaf(vector.proposal_sender, proposal.leafNode)
    if (proposal.type === 'remove') after.removeLeaf(proposal.removed)
    expect(toHex(after.encode())).toBe(vector.tree_after)
    expect(toHex(after.treeHash())).toBe(vector.tree_hash_after)
    expect(toHex(before.encode())).toBe(vector.tree_before)
    expect(toHex(before.treeHash())).toBe(vector.tree_hash_before)
  })
})

interface TreeValidationCase {
  cipher_suite: number
  tree: string
  group_id: string
  tree_hashes: string[]
  resolutions: number[][]
}

describeVectors<TreeValidationCase>('mls/tree-validation', cases => {
  test.each(cases.map((vector, index) => [index, vector] as const))('case %i', (_, vector) => {
    const suite = cipherSuite(vector.cipher_suite)
    const tree = decode(RatchetTree.reader(suite), hex(vector.tree))
    for (const [node, hash] of vector.tree_hashes.entries()) expect(toHex(tree.treeHash(node))).toBe(hash)
    for (const [node, expected] of vector.resolutions.entries())
      expect(tree.resolution(node)).toEqual(expected)
    verifyTree(suite, tree, hex(vector.group_id))
    expect(() => verifyTree(suite, tree, fromUtf8('another group'))).toThrow()
  })
})

interface TreeKemCase {
  cipher_suite: number
  confirmed_transcript_hash: string
  epoch: number
  group_id: string
  leaves_private: {
    encryption_priv: string
    index: number
    path_secrets: { node: number; path_secret: string }[]
    signature_priv: string
  }[]
  ratchet_tree: string
  update_paths: {
    commit_secret: string
    path_secrets: (string | null)[]
    sender: number
    tree_hash_after: string
    update_path: string
  }[]
}

describeVectors<TreeKemCase>('mls/treekem', cases => {
  test.each(cases.map((vector, index) => [index, vector] as const))('case %i', (_, vector) => {
    const suite = cipherSuite(vector.cipher_suite)
    const tree = decode(RatchetTree.reader(suite), hex(vector.ratchet_tree))
    const context = (treeHash: Uint8Array): GroupContext => ({
      cipherSuite: suite.id,
      groupId: hex(vector.group_id),
      epoch: BigInt(vector.epoch),
      treeHash,
      confirmedTranscriptHash: hex(vector.confirmed_transcript_hash),
      extensions: []
    })
    const groupContext = (treeHash: Uint8Array): Uint8Array => encodeGroupContext(context(treeHash))
    const members = vector.leaves_private.map(member => {
      const nodeKeys = new Map([[2 * member.index, hex(member.encryption_priv)]])
      for (const { node, path_secret: secret } of member.path_secrets) {
        const pair = nodeKeyPair(suite, hex(secret))
        expect(pair.publicKey).toEqual(tree.encryptionKey(node))
        nodeKeys.set(node, pair.secretKey)
      }
      return { index: member.index, nodeKeys, signatureSecret: hex(member.signature_priv) }
    })
    const receive = (index: number, nodeKeys: Map<number, Uint8Array>, sender: number, path: Uint8Array) => {
      const after = tree.copy()
      const commitSecret = applyUpdatePath(suite, {
        tree: after,
        senderLeaf: sender,
        path: decode(readUpdatePath, path),
        ownLeaf: index,
        nodeKeys: new Map(nodeKeys),
        addedLeaves: new Set(),
        groupContext
      })
      return { after, commitSecret }
    }
    for (const update of vector.update_paths) {
      const path = hex(update.update_path)
      expect(toHex(encode(writeUpdatePath, decode(readUpdatePath, path)))).toBe(update.update_path)
      for (const { index, nodeKeys } of members) {
        if (index === update.sender) continue
        const { after, commitSecret } = receive(index, nodeKeys, update.sender, path)
        expect(toHex(after.treeHash())).toBe(update.tree_hash_after)
        expect(toHex(commitSecret)).toBe(update.commit_secret)
      }
    }
    // And the other way: a path of ours gives everybody else the same secret.
    const [author, ...others] = members
    const ours = tree.copy()
    const created = createUpdatePath(suite, {
      tree: ours,
      groupId: hex(vector.group_id),
      leafIndex: author!.index,
      leaf: tree.leaf(author!.index)!,
      signatureSecret: author!.signatureSecret,
      addedLeaves: new Set(),
      groupContext
    })
    verifyTree(suite, ours, hex(vector.group_id))
    for (const { index, nodeKeys } of others) {
      const { after, commitSecret } = receive(
        index,
        nodeKeys,
        author!.index,
        encode(writeUpdatePath, created.path)
      )
      expect(after.treeHash()).toEqual(ours.treeHash())
      expect(commitSecret).toEqual(created.commitSecret)
    }
  })
})

interface WelcomeCase {
  cipher_suite: number
  init_priv: string
  key_package: string
  signer_pub: string
  welcome: string
}

describeVectors<WelcomeCase>('mls/welcome', cases => {
  test.each(cases)('suite $cipher_suite', vector => {
    const suite = cipherSuite(vector.cipher_suite)
    const packaged = decodeMlsMessage(hex(vector.key_package))
    const message = decodeMlsMessage(hex(vector.welcome))
    if (packaged.type !== 'keyPackage' || message.type !== 'welcome') throw new Error('wrong types')
    const { welcome } = message
    const reference = toHex(keyPackageRef(packaged.keyPackage))
    const entry = welcome.secrets.find(({ newMember }) => toHex(newMember) === reference)!
    const sealed = entry.encryptedGroupSecrets
    const bytes = decryptWithLabel(
      suite,
      hex(vector.init_priv),
      'Welcome',
      welcome.encryptedGroupInfo,
      sealed
    )
    const secrets = decode(readGroupSecrets, bytes)
    expect(secrets.psks).toEqual([])
    const member = deriveMemberSecret(suite, secrets.joinerSecret, pskSecret(suite, []))
    const info = decode(readGroupInfo, openGroupInfo(suite, member, welcome.encryptedGroupInfo))
    expect(verifyGroupInfo(suite, hex(vector.signer_pub), info)).toBe(true)
    const context = encodeGroupContext(info.groupContext)
    const { confirmationKey } = deriveEpochSecrets(suite, member, context).secrets
    const { confirmedTranscriptHash: confirmed } = info.groupContext
    expect(suite.kdf.mac(confirmationKey, confirmed)).toEqual(info.confirmationTag)
    expect(suite.kdf.mac(confirmationKey, EMPTY)).not.toEqual(info.confirmationTag)
  })
})
