/** GroupContext (RFC 9420 section 8.1): what all members of an epoch agree on, and every secret depends on. */
import { PROTOCOL_VERSION } from './capabilities.ts'
import { encode } from './codec.ts'
import type { Read, Write } from './codec.ts'
import { MlsError } from './errors.ts'
import { readExtensions, writeExtensions } from './extension.ts'
import type { Extension } from './extension.ts'

/** The state of a group in one epoch. */
export interface GroupContext {
  readonly cipherSuite: number
  readonly groupId: Uint8Array
  readonly epoch: bigint
  readonly treeHash: Uint8Array
  readonly confirmedTranscriptHash: Uint8Array
  readonly extensions: readonly Extension[]
}

/** Appends a GroupContext. */
export const writeGroupContext: Write<GroupContext> = (writer, context) => {
  writer
    .u16(PROTOCOL_VERSION)
    .u16(context.cipherSuite)
    .opaque(context.groupId)
    .u64(context.epoch)
    .opaque(context.treeHash)
    .opaque(context.confirmedTranscriptHash)
  writeExtensions(writer, context.extensions)
}

/** Reads a GroupContext. Throws where the version is not MLS 1.0. */
export const readGroupContext: Read<GroupContext> = reader => {
  const version = reader.u16()
  if (version !== PROTOCOL_VERSION) throw new MlsError('malformed', `version ${version} is not known`)
  return {
    cipherSuite: reader.u16(),
    groupId: reader.opaque(),
    epoch: reader.u64(),
    treeHash: reader.opaque(),
    confirmedTranscriptHash: reader.opaque(),
    extensions: readExtensions(reader)
  }
}

/** The encoding of a GroupContext. */
export const encodeGroupContext = (context: GroupContext): Uint8Array => encode(writeGroupContext, context)
