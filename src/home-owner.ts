/**
 * Whose home a store is: a person's, a device's of somebody, or nobody's yet.
 *
 * Always true: what it becomes it becomes in one transaction.
 */
import { HearsayError } from './base/errors.ts'
import { MESSAGE_IDS, MESSAGES } from './core/conversation.ts'
import { RESTORED } from './core/core.ts'
import { becomeDevice, GRANT, GRANT_KEY } from './core/own-devices.ts'
import { PRESENCE } from './core/reach.ts'
import { decodeSelf } from './core/records/self.ts'
import { makeSelf, own, SELF, SELF_KEY } from './core/self.ts'
import type { Own, Self } from './core/self.ts'
import { EVENTS, Turn } from './core/turn.ts'
import type { Store } from './ports/store.ts'
import type { RuntimeInit } from './runtime.ts'

/** Reads who we are, or makes it. Throws NOT_INITIALISED, ALREADY_INITIALISED, INVALID_PHRASE, NAME_INVALID. */
export async function readSelf(init: RuntimeInit): Promise<Own> {
  const record = await init.store.get(SELF, SELF_KEY)
  const found = record === undefined ? undefined : decodeSelf(record)
  const grant = found?.provisional === true ? await init.store.get(GRANT, GRANT_KEY) : undefined
  if (found !== undefined && grant !== undefined) return await settle(init, found, grant)
  // A home that waited to be linked and was not is nobody's: it may wait on, or begin as something else.
  const waits = found?.provisional === true
  if (found !== undefined && !waits && init.create === 'must-be-new')
    throw new HearsayError('ALREADY_INITIALISED')
  if (found !== undefined && (!waits || init.provisional === true)) return own(found)
  if (init.create === 'never') throw new HearsayError('NOT_INITIALISED')
  const turn = new Turn({ now: init.clock.now(), uptime: init.clock.uptime(), cursor: 0 })
  if (waits) await removeEverything(init.store, turn)
  const self = makeSelf(turn, init.random, init)
  await init.store.write(turn.take().changes)
  return self
}

/** A home that was granted an identity becomes that of a device, all at once. */
async function settle({ store, clock }: RuntimeInit, self: Self, grant: Uint8Array): Promise<Own> {
  const turn = new Turn({ now: clock.now(), uptime: clock.uptime(), cursor: 0 })
  await removeEverything(store, turn)
  const device = becomeDevice(turn, self, grant)
  await store.write(turn.take().changes)
  return device
}

/** Takes out what a provisional identity has left, but for where this machine is. */
async function removeEverything(store: Store, turn: Turn): Promise<void> {
  for (const collection of [...RESTORED, MESSAGES, MESSAGE_IDS, EVENTS, GRANT])
    if (collection !== PRESENCE)
      for (const { key } of await store.range(collection)) turn.remove(collection, key)
}
