/** Transcript hashes (RFC 9420 section 8.2): each epoch commits to every commit that led to it. */
import { concat } from '../../base/bytes.ts'
import type { CipherSuite } from './cipher-suite.ts'
import { Writer } from './codec.ts'
import { writeFramedContent } from './framing.ts'
import type { GroupInfoContent } from './group-info.ts'
import type { AuthenticatedContent } from './framing.ts'

/** The confirmed transcript hash after a commit: all of it but its confirmation tag. */
export function confirmedTranscriptHash(
  suite: CipherSuite,
  interimBefore: Uint8Array,
  commit: Pick<AuthenticatedContent, 'wireFormat' | 'framed' | 'signature'>
): Uint8Array {
  const writer = new Writer().u16(commit.wireFormat)
  writeFramedContent(writer, commit.framed)
  writer.opaque(commit.signature)
  return suite.kdf.hash(concat(interimBefore, writer.finish()))
}

/** The interim transcript hash: the confirmed one with the commit's confirmation tag. */
export const interimTranscriptHash = (
  suite: CipherSuite,
  confirmed: Uint8Array,
  confirmationTag: Uint8Array
): Uint8Array => suite.kdf.hash(concat(confirmed, new Writer().opaque(confirmationTag).finish()))

/** The interim transcript hash of the epoch that a GroupInfo describes. */
export const transcriptBefore = (suite: CipherSuite, info: GroupInfoContent): Uint8Array =>
  interimTranscriptHash(suite, info.groupContext.confirmedTranscriptHash, info.confirmationTag)
