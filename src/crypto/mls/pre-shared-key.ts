/**
 * PreSharedKeyID and the PSK secret (RFC 9420 section 8.4): secrets from outside the tree, or from another
 * epoch or group, that are mixed into an epoch.
 */
import type { CipherSuite } from './cipher-suite.ts'
import { encode, Writer } from './codec.ts'
import type { Read, Reader, Write } from './codec.ts'
import { MlsError } from './errors.ts'
import { expandWithLabel } from './labels.ts'

/** What a resumption secret is used for. */
export type ResumptionUsage = 'application' | 'reinit' | 'branch'

/** The name of a pre-shared key. The nonce is as long as a hash of the suite and fresh for every use. */
export type PreSharedKeyId =
  | { readonly type: 'external'; readonly id: Uint8Array; readonly nonce: Uint8Array }
  | {
      readonly type: 'resumption'
      readonly usage: ResumptionUsage
      readonly groupId: Uint8Array
      readonly epoch: bigint
      readonly nonce: Uint8Array
    }

/** Supplies the secret of a pre-shared key, or undefined where the caller does not have it. */
export type PskLookup = (id: PreSharedKeyId) => Uint8Array | undefined

const TYPE = { external: 1, resumption: 2 } as const
const USAGE = { application: 1, reinit: 2, branch: 3 } as const
const USAGES: readonly (ResumptionUsage | undefined)[] = [undefined, 'application', 'reinit', 'branch']

/** Appends a PreSharedKeyID. */
export const writePreSharedKeyId: Write<PreSharedKeyId> = (writer, id) => {
  writer.u8(TYPE[id.type])
  if (id.type === 'external') writer.opaque(id.id)
  else writer.u8(USAGE[id.usage]).opaque(id.groupId).u64(id.epoch)
  writer.opaque(id.nonce)
}

function readUsage(reader: Reader): ResumptionUsage {
  const usage = USAGES[reader.u8()]
  if (usage === undefined) throw new MlsError('malformed', 'the usage of a resumption secret is not known')
  return usage
}

/** Reads a PreSharedKeyID. */
export const readPreSharedKeyId: Read<PreSharedKeyId> = reader => {
  const type = reader.u8()
  if (type === TYPE.external) return { type: 'external', id: reader.opaque(), nonce: reader.opaque() }
  if (type !== TYPE.resumption) throw new MlsError('malformed', `pre-shared key type ${type} is not known`)
  return {
    type: 'resumption',
    usage: readUsage(reader),
    groupId: reader.opaque(),
    epoch: reader.u64(),
    nonce: reader.opaque()
  }
}

/** The encoding, to compare names by. */
export const encodePreSharedKeyId = (id: PreSharedKeyId): Uint8Array => encode(writePreSharedKeyId, id)

/** The name of an external pre-shared key with the fresh nonce that a proposal needs. */
export const externalPskId = (suite: CipherSuite, id: Uint8Array): PreSharedKeyId => ({
  type: 'external',
  id: Uint8Array.from(id),
  nonce: suite.random(suite.kdf.hashLength)
})

/** One pre-shared key with its secret. */
export interface ResolvedPsk {
  readonly id: PreSharedKeyId
  readonly secret: Uint8Array
}

/** psk_secret: all pre-shared keys of a commit in one, or zeros where there are none. */
export function pskSecret(suite: CipherSuite, psks: readonly ResolvedPsk[]): Uint8Array {
  const { kdf } = suite
  const zeros = new Uint8Array(kdf.hashLength)
  let secret: Uint8Array = zeros
  for (const [index, psk] of psks.entries()) {
    const label = new Writer()
    writePreSharedKeyId(label, psk.id)
    label.u16(index).u16(psks.length)
    const extracted = kdf.extract(zeros, psk.secret)
    const input = expandWithLabel(suite, extracted, 'derived psk', label.finish(), kdf.hashLength)
    secret = kdf.extract(input, secret)
  }
  return secret
}
