/**
 * Who this node is: identity, device, network key, presence secret. Made once, kept in one record.
 *
 * Spec: specs/identity.md. The PeerId is neither the identity nor the device; its key may change.
 */
import { idOf } from '../base/ids.ts'
import type { DeviceId, IdentityId, Millis } from '../base/ids.ts'
import type { Identity } from '../base/model.ts'
import type { Random } from '../base/random.ts'
import { formatPhrase, identitySeed, parsePhrase } from '../crypto/phrase.ts'
import { publicKeyOf } from '../crypto/signature.ts'
import { startDeviceList } from './seal/device-list.ts'
import { checkName } from './names.ts'
import { encodeSelf } from './records/self.ts'
import type { Turn } from './turn.ts'

export const SELF = 'self'
export const SELF_KEY = 'self'

/** What lasts of ourselves. All seeds are 32 bytes. */
export interface Self {
  readonly entropy: Uint8Array
  readonly name: string
  readonly deviceSeed: Uint8Array
  readonly networkSeed: Uint8Array
  readonly presenceSecret: Uint8Array
  /** Our device list: encoded entries. */
  readonly devices: readonly Uint8Array[]
  readonly createdAt: Millis
}

/** What follows from it. */
export interface Own extends Self {
  readonly identity: IdentityId
  readonly device: DeviceId
  readonly identitySeed: Uint8Array
}

/** Makes a new person, or a new device of the person with this recovery phrase. Throws INVALID_PHRASE, NAME_INVALID. */
export function makeSelf(
  turn: Turn,
  random: Random,
  init: { name?: string | undefined; phrase?: string | undefined }
): Own {
  const entropy = init.phrase === undefined ? random(32) : parsePhrase(init.phrase)
  const deviceSeed = random(32)
  const devices = [startDeviceList(identitySeed(entropy), idOf<DeviceId>(publicKeyOf(deviceSeed)), turn.now)]
  const self: Self = {
    entropy,
    name: init.name === undefined || init.name === '' ? '' : checkName(init.name),
    deviceSeed,
    networkSeed: random(32),
    presenceSecret: random(32),
    devices,
    createdAt: turn.now
  }
  turn.save(SELF, SELF_KEY, () => encodeSelf(self))
  return own(self)
}

/** Completes what was read from disk. */
export function own(self: Self): Own {
  const seed = identitySeed(self.entropy)
  return {
    ...self,
    identitySeed: seed,
    identity: idOf<IdentityId>(publicKeyOf(seed)),
    device: idOf<DeviceId>(publicKeyOf(self.deviceSeed))
  }
}

/** The 24 words that bring this identity back. */
export const recoveryPhrase = ({ entropy }: Self): string => formatPhrase(entropy)

export const viewSelf = ({ identity, device, name }: Own): Identity => ({
  id: identity,
  fingerprint: identity,
  name,
  device
})
