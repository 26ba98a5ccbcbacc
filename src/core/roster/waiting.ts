/**
 * Operations that came before one of their parents. Nothing is known of them but that the device that they
 * name has signed them, so a limit holds for all and the device that fills it loses first.
 */
import type { DeviceId, OperationId } from '../../base/ids.ts'
import { limits } from '../../base/limits.ts'
import type { RosterOperation } from '../../wire/roster-operation.ts'

/** An operation as it came, its own signature verified. */
export interface Received {
  readonly id: OperationId
  readonly bytes: Uint8Array
  readonly operation: RosterOperation
}

export class Waiting {
  /** The oldest first. */
  readonly #all = new Map<OperationId, { readonly received: Received; readonly lacking: Set<OperationId> }>()
  readonly #byParent = new Map<OperationId, Set<OperationId>>()
  #bytes = 0

  /** Parents that were named and have not come, ascending. */
  get missing(): readonly OperationId[] {
    return [...this.#byParent.keys()].filter(parent => !this.#all.has(parent)).toSorted()
  }

  has(id: OperationId): boolean {
    return this.#all.has(id)
  }

  /** Keeps an operation until what it lacks has come. Returns whether there was room. */
  put(received: Received, lacking: readonly OperationId[]): boolean {
    this.#all.set(received.id, { received, lacking: new Set(lacking) })
    this.#bytes += received.bytes.length
    for (const parent of lacking)
      this.#byParent.set(parent, (this.#byParent.get(parent) ?? new Set()).add(received.id))
    while (this.#all.size > limits.rosterWaitingMax || this.#bytes > limits.rosterWaitingMaxBytes)
      this.#drop(this.#oldestOfBusiest())
    return this.#all.has(received.id)
  }

  /** Those that lacked only this operation, no longer kept. */
  release(arrived: OperationId): Received[] {
    const ready: Received[] = []
    for (const id of this.#byParent.get(arrived) ?? []) {
      const { received, lacking } = this.#all.get(id)!
      lacking.delete(arrived)
      if (lacking.size > 0) continue
      ready.push(received)
      this.#all.delete(id)
      this.#bytes -= received.bytes.length
    }
    this.#byParent.delete(arrived)
    return ready
  }

  #oldestOfBusiest(): OperationId {
    const byDevice = new Map<DeviceId, { oldest: OperationId; bytes: number }>()
    for (const [id, { received }] of this.#all) {
      const known = byDevice.get(received.operation.device)
      if (known === undefined)
        byDevice.set(received.operation.device, { oldest: id, bytes: received.bytes.length })
      else known.bytes += received.bytes.length
    }
    return [...byDevice.values()].reduce((most, each) => (each.bytes > most.bytes ? each : most)).oldest
  }

  #drop(id: OperationId): void {
    const { received, lacking } = this.#all.get(id)!
    this.#all.delete(id)
    this.#bytes -= received.bytes.length
    for (const parent of lacking) {
      const children = this.#byParent.get(parent)!
      children.delete(id)
      if (children.size === 0) this.#byParent.delete(parent)
    }
  }
}
