/** The RFC 9420 vectors of the MLS working group: structures on the wire. */
import { expect, test } from 'vitest'
import { toHex } from '../../../src/base/bytes.ts'
import { cipherSuite } from '../../../src/crypto/mls/cipher-suite.ts'
import { decode, encode, Reader, Writer } from '../../../src/crypto/mls/codec.ts'
import type { Read, Write } from '../../../src/crypto/mls/codec.ts'
import { readCommit, writeCommit } from '../../../src/crypto/mls/commit.ts'
import { decodeMlsMessage, encodeMlsMessage } from '../../../src/crypto/mls/mls-message.ts'
import { proposalTypes, readProposal, writeProposal } from '../../../src/crypto/mls/proposal.ts'
import { RatchetTree } from '../../../src/crypto/mls/ratchet-tree.ts'
import { readGroupSecrets, writeGroupSecrets } from '../../../src/crypto/mls/welcome.ts'
import { describeVectors, hex } from './vectors.ts'

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
