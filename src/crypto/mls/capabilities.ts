/**
 * Capabilities (RFC 9420 section 7.2): what a client can read. Numbers that nobody knows are tolerated, because
 * that is what GREASE (section 13.5) is for.
 */
import { mlsLimits } from '../../base/limits.ts'
import { readU16, writeU16 } from './codec.ts'
import type { Read, Write } from './codec.ts'

/** The registry numbers that a client supports, beyond the defaults that everybody does. */
export interface Capabilities {
  readonly versions: readonly number[]
  readonly cipherSuites: readonly number[]
  readonly extensions: readonly number[]
  readonly proposals: readonly number[]
  readonly credentials: readonly number[]
}

/** The only version of the protocol, MLS 1.0. */
export const PROTOCOL_VERSION = 1

// Supported by everybody and not listed in capabilities (RFC 9420 section 7.2).
const DEFAULT_TYPE_MAX = { extensions: 5, proposals: 7 } as const

/** Whether a client reads extensions or proposals of a type. */
export const supports = (
  capabilities: Capabilities,
  kind: 'extensions' | 'proposals',
  type: number
): boolean => (type >= 1 && type <= DEFAULT_TYPE_MAX[kind]) || capabilities[kind].includes(type)

/** Appends Capabilities. */
export const writeCapabilities: Write<Capabilities> = (writer, capabilities) => {
  writer
    .list(capabilities.versions, writeU16)
    .list(capabilities.cipherSuites, writeU16)
    .list(capabilities.extensions, writeU16)
    .list(capabilities.proposals, writeU16)
    .list(capabilities.credentials, writeU16)
}

/** Reads a list of registry numbers. What a group uses is looked up in those of every member: they are short. */
export const readNumbers: Read<readonly number[]> = reader => reader.list(readU16, mlsLimits.capabilitiesMax)

/** Reads Capabilities. */
export const readCapabilities: Read<Capabilities> = reader => ({
  versions: readNumbers(reader),
  cipherSuites: readNumbers(reader),
  extensions: readNumbers(reader),
  proposals: readNumbers(reader),
  credentials: readNumbers(reader)
})
