/** The RFC 9420 vectors of the MLS working group: framing, transcripts and Welcomes. */
import { expect, test } from 'vitest'
import { toHex } from '../../../src/base/bytes.ts'
import { cipherSuite } from '../../../src/crypto/mls/cipher-suite.ts'
import { decode, encode } from '../../../src/crypto/mls/codec.ts'
import { writeCommit } from '../../../src/crypto/mls/commit.ts'
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
import { readGroupInfo, verifyGroupInfo } from '../../../src/crypto/mls/group-info.ts'
import { keyPackageRef } from '../../../src/crypto/mls/key-package.ts'
import { deriveEpochSecrets, deriveMemberSecret } from '../../../src/crypto/mls/key-schedule.ts'
import { decryptWithLabel } from '../../../src/crypto/mls/labels.ts'
import { decodeMlsMessage, encodeMlsMessage } from '../../../src/crypto/mls/mls-message.ts'
import { pskSecret } from '../../../src/crypto/mls/pre-shared-key.ts'
import {
  openPrivateMessage,
  openSenderData,
  sealPrivateMessage
} from '../../../src/crypto/mls/private-message.ts'
import { writeProposal } from '../../../src/crypto/mls/proposal.ts'
import { computeMembershipTag } from '../../../src/crypto/mls/public-message.ts'
import { SecretTree } from '../../../src/crypto/mls/secret-tree.ts'
import { confirmedTranscriptHash, interimTranscriptHash } from '../../../src/crypto/mls/transcript-hash.ts'
import { openGroupInfo, readGroupSecrets } from '../../../src/crypto/mls/welcome.ts'
import { describeVectors, hex } from './vectors.ts'

const EMPTY = new Uint8Array(0)

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
