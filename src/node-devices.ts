/** The devices of an identity, behind the public API. */
import type { Device, Devices } from './api.ts'
import { HearsayError } from './base/errors.ts'
import { decodeDeviceEntry } from './wire/device-entry.ts'
import type { Runtime } from './runtime.ts'

export class NodeDevices implements Devices {
  readonly #runtime: Runtime

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  list(): Promise<Device[]> {
    return this.#runtime.execute(({ book, own }) => {
      const entries = own.devices.map(decodeDeviceEntry)
      const revoked = new Set(entries.filter(each => each.operation === 'revoke').map(({ device }) => device))
      return entries
        .filter(each => each.operation === 'add' && !revoked.has(each.device))
        .map(({ device }) => book.device(device))
    })
  }

  link(): Promise<Device> {
    return Promise.reject(new HearsayError('INTERNAL'))
  }

  revoke(): Promise<Device> {
    return Promise.reject(new HearsayError('INTERNAL'))
  }
}
