/** The devices of an identity, behind the public API. */
import type { Device, Devices } from './api.ts'
import { HearsayError } from './base/errors.ts'
import type { DeviceId } from './base/ids.ts'
import { linkDevice, revokeDevice } from './core/commands.ts'
import type { Core } from './core/core.ts'
import type { Runtime } from './runtime.ts'

export class NodeDevices implements Devices {
  readonly #runtime: Runtime

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  list(): Promise<Device[]> {
    return this.#runtime.execute(({ devices }) => devices.list())
  }

  async link(link: string): Promise<Device> {
    const { events } = this.#runtime
    const from = events.last
    const identity = await this.#runtime.execute(core => linkDevice(core, link))
    const outcome = (): Promise<Device | undefined> =>
      this.#runtime.execute(({ devices }) => devices.linked(identity))
    const found = await outcome()
    if (found !== undefined) return found
    for await (const event of events.since(from)) {
      const answered = event.type === 'device:added' || event.type === 'device:refused'
      const device = answered ? await outcome() : undefined
      if (device !== undefined) return device
    }
    throw new HearsayError('NODE_STOPPED')
  }

  revoke(device: DeviceId | string): Promise<Device> {
    return this.#runtime.execute(core => revokeDevice(core, this.#find(core, device)))
  }

  /** Which device is meant: by its id or by how that begins. Throws UNKNOWN_DEVICE. */
  #find({ devices }: Core, reference: string): DeviceId {
    const found = devices.list().filter(({ id }) => reference !== '' && id.startsWith(reference))
    if (found.length !== 1) throw new HearsayError('UNKNOWN_DEVICE')
    return found[0]!.id
  }
}
