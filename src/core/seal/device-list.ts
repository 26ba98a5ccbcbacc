/**
 * Device lists: which nodes speak for an identity, by a chain of entries that the identity signs.
 * Spec: specs/identity.md, section 3.
 *
 * Always true: a verified list is one identity's, of one generation, without a gap, and no device comes back
 * once it was revoked. Two verified lists of one generation that differ at one position prove that somebody
 * else signs with the identity's key.
 */
import { equal, fromHex } from '../../base/bytes.ts'
import { malformed } from '../../base/errors.ts'
import { idOf, type DeviceId, type IdentityId, type Millis } from '../../base/ids.ts'
import { spec } from '../../base/limits.ts'
import { publicKeyOf, requireStatement, sign } from '../../crypto/signature.ts'
import {
  decodeDeviceEntry,
  deviceEntryContent,
  encodeDeviceEntry,
  type DeviceEntry,
  type DeviceEntryContent
} from '../../wire/device-entry.ts'
import { deviceEntryHash } from './hashes.ts'

/** A device list that was verified. */
export interface DeviceList {
  readonly identity: IdentityId
  readonly generation: number
  /** Hash of the last entry. */
  readonly head: Uint8Array
  /** Devices that were added and not revoked. */
  readonly devices: ReadonlySet<DeviceId>
  /** The encoded entries, first to last. */
  readonly entries: readonly Uint8Array[]
}

const NONE: Uint8Array = new Uint8Array(32)
const SECOND_MS = 1000

function signEntry(seed: Uint8Array, content: DeviceEntryContent): Uint8Array {
  const signature = sign('deviceEntry', seed, deviceEntryContent(content))
  return encodeDeviceEntry({ ...content, signature })
}

/** The first entry of a new chain, encoded: it adds a device. */
export const startDeviceList = (identitySeed: Uint8Array, device: DeviceId, now: Millis): Uint8Array =>
  signEntry(identitySeed, {
    identity: idOf<IdentityId>(publicKeyOf(identitySeed)),
    generation: Math.floor(now / SECOND_MS),
    sequence: 1,
    previous: NONE,
    operation: 'add',
    device,
    createdAt: now
  })

/** The next entry of a chain, encoded. Whether the chain may have it is for `verifyDeviceList` to say. */
export const extendDeviceList = (
  identitySeed: Uint8Array,
  list: DeviceList,
  change: Pick<DeviceEntry, 'operation' | 'device'>,
  now: Millis
): Uint8Array =>
  signEntry(identitySeed, {
    identity: list.identity,
    generation: list.generation,
    sequence: list.entries.length + 1,
    previous: list.head,
    operation: change.operation,
    device: change.device,
    createdAt: now
  })

/** Verifies the chain as `expectedIdentity`'s. Throws MALFORMED. */
export function verifyDeviceList(entries: readonly Uint8Array[], expectedIdentity: IdentityId): DeviceList {
  if (entries.length === 0 || entries.length > spec.deviceEntriesMax)
    throw malformed(`a device list of ${entries.length} entries`)
  const seen = new Set<DeviceId>()
  const devices = new Set<DeviceId>()
  const generation = decodeDeviceEntry(entries[0]!).generation
  let head = NONE
  for (const [index, bytes] of entries.entries()) {
    const entry = decodeDeviceEntry(bytes)
    if (entry.identity !== expectedIdentity) throw malformed('a device entry of another identity')
    const follows =
      entry.generation === generation && entry.sequence === index + 1 && equal(entry.previous, head)
    if (!follows) throw malformed('a device entry that does not follow the one before it')
    requireEntrySignature(entry)
    if (entry.operation === 'add') {
      // A device key belongs to one installation: what was revoked has no business to come back.
      if (seen.has(entry.device)) throw malformed('a device that was added before')
      seen.add(entry.device)
      devices.add(entry.device)
    } else if (!devices.delete(entry.device)) throw malformed('a device revoked that was not there')
    head = deviceEntryHash(bytes)
  }
  return { identity: expectedIdentity, generation, head, devices, entries }
}

/** Verifies that the identity that an entry names has signed it. Throws MALFORMED. */
export const requireEntrySignature = (entry: DeviceEntry): void =>
  requireStatement(
    `identity ${entry.identity}`,
    fromHex(entry.identity),
    'deviceEntry',
    entry.signature,
    deviceEntryContent(entry)
  )

/** How a list relates to the one that we knew. `forged`: both cannot be honest. */
export type DeviceListComparison = 'same' | 'extends' | 'supersedes' | 'older' | 'forged'

/** How `next`, a list that came in, relates to `known`; both are verified and of one identity. */
export function compareDeviceLists(known: DeviceList, next: DeviceList): DeviceListComparison {
  if (known.identity !== next.identity) return 'forged'
  if (next.generation !== known.generation) return next.generation > known.generation ? 'supersedes' : 'older'
  // Each entry names the hash of the one before it: where the last common ones agree, all before them do.
  const common = Math.min(known.entries.length, next.entries.length) - 1
  if (!equal(known.entries[common]!, next.entries[common]!)) return 'forged'
  if (known.entries.length === next.entries.length) return 'same'
  return next.entries.length > known.entries.length ? 'extends' : 'older'
}
