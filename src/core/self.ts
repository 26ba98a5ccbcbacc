/**
 * Who this node is: identity, device, network key, presence secret. Made once, kept in one record.
 *
 * Spec: specs/identity.md. The PeerId is neither the identity nor the device; its key may change.
 */
import { HearsayError } from '../base/errors.ts'
import { idOf } from '../base/ids.ts'
import type { DeviceId, IdentityId, Millis } from '../base/ids.ts'
import type { Identity } from '../base/model.ts'
import type { Random } from '../base/random.ts'
import { formatPhrase, identitySeed, parsePhrase } from '../crypto/phrase.ts'
import { publicKeyOf } from '../crypto/signature.ts'
import { decodeDeviceEntry } from '../wire/device-entry.ts'
import { startDeviceList } from './seal/device-list.ts'
import { checkName } from './names.ts'
import { encodeSelf } from './records/self.ts'
import type { Turn } from './turn.ts'

export const SELF = 'self'
export const SELF_KEY = 'self'

/** What lasts of ourselves. All seeds are 32 bytes. */
export interface Self {
  /** What the recovery phrase says. A device that was linked does not have it: it cannot speak for the identity. */
  entropy: Uint8Array | undefined
  readonly identity: IdentityId
  readonly name: string
  readonly deviceSeed: Uint8Array
  readonly networkSeed: Uint8Array
  presenceSecret: Uint8Array
  /** The one before, for contacts who have not been told; we can be found by it as well. */
  formerPresenceSecret: Uint8Array | undefined
  /** How many entries the device list had when the presence secret was made. */
  secretsSince: number
  /** Our device list: encoded entries. It grows. */
  devices: readonly Uint8Array[]
  readonly createdAt: Millis
  /** Whether it was made only to be linked to an identity elsewhere, and is thrown away then. */
  readonly provisional: boolean
}

/** What follows from it. */
export interface Own extends Self {
  readonly device: DeviceId
  /** Undefined on a device that was linked. */
  readonly identitySeed: Uint8Array | undefined
  /** Our devices that were not revoked. */
  live: ReadonlySet<DeviceId>
}

/** Makes a new person, or a new device of the person with this recovery phrase. Throws INVALID_PHRASE, NAME_INVALID. */
export function makeSelf(
  turn: Turn,
  random: Random,
  init: { name?: string | undefined; phrase?: string | undefined; provisional?: boolean | undefined }
): Own {
  const entropy = init.phrase === undefined ? random(32) : parsePhrase(init.phrase)
  const deviceSeed = random(32)
  const seed = identitySeed(entropy)
  const self: Self = {
    entropy,
    identity: idOf<IdentityId>(publicKeyOf(seed)),
    name: init.name === undefined || init.name === '' ? '' : checkName(init.name),
    deviceSeed,
    networkSeed: random(32),
    presenceSecret: random(32),
    formerPresenceSecret: undefined,
    secretsSince: 1,
    devices: [startDeviceList(seed, idOf<DeviceId>(publicKeyOf(deviceSeed)), turn.now)],
    createdAt: turn.now,
    provisional: init.provisional === true
  }
  saveSelf(turn, self)
  return own(self)
}

/** Writes the record of ourselves with the batch. */
export const saveSelf = (turn: Turn, self: Self): void => turn.save(SELF, SELF_KEY, () => encodeSelf(self))

/** Completes what was read from disk. */
export const own = (self: Self): Own => ({
  ...self,
  identitySeed: self.entropy === undefined ? undefined : identitySeed(self.entropy),
  device: idOf<DeviceId>(publicKeyOf(self.deviceSeed)),
  live: liveOf(self.devices)
})

function liveOf(devices: readonly Uint8Array[]): ReadonlySet<DeviceId> {
  const live = new Set<DeviceId>()
  for (const { operation, device } of devices.map(decodeDeviceEntry))
    if (operation === 'add') live.add(device)
    else live.delete(device)
  return live
}

/** Takes over a longer list of our devices, with the batch. */
export function extendOwnList(turn: Turn, self: Own, devices: readonly Uint8Array[]): void {
  self.devices = devices
  self.live = liveOf(devices)
  saveSelf(turn, self)
}

/** The entry of our device list that added this device. */
export function ownEntry({ device, devices }: Own): Uint8Array {
  const entry = devices.find(bytes => {
    const { operation, device: added } = decodeDeviceEntry(bytes)
    return operation === 'add' && added === device
  })
  if (entry === undefined) throw new HearsayError('INTERNAL')
  return entry
}

/** Whether our own device list has shut this device out. */
export const isRevoked = ({ device, live }: Own): boolean => !live.has(device)

/** Throws DEVICE_REVOKED where our own device list has shut this device out. */
export function requireStanding(self: Own): void {
  if (isRevoked(self)) throw new HearsayError('DEVICE_REVOKED')
}

/** What signs for the identity. Throws NOT_PRIMARY_DEVICE on a device that was linked. */
export function requireIdentitySeed({ identitySeed: seed }: Own): Uint8Array {
  if (seed === undefined) throw new HearsayError('NOT_PRIMARY_DEVICE')
  return seed
}

/** The 24 words that bring this identity back. Throws NOT_PRIMARY_DEVICE on a device that was linked. */
export function recoveryPhrase({ entropy }: Self): string {
  if (entropy === undefined) throw new HearsayError('NOT_PRIMARY_DEVICE')
  return formatPhrase(entropy)
}

export const viewSelf = ({ identity, device, name }: Own): Identity => ({
  id: identity,
  fingerprint: identity,
  name,
  device
})
