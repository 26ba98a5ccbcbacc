/**
 * Making a machine a device of an identity that is elsewhere, over its ports.
 *
 * Spec: specs/devices.md, section "Linking". The machine is somebody else for the moment, shows a link and waits for
 * its grant; then its node starts again as the device that it has become.
 * Always true: whatever ends the waiting, the home either is that of a device or can be used for anything.
 */
import type { HearsayNode } from './api.ts'
import { HearsayError } from './base/errors.ts'
import type { Address } from './base/ids.ts'
import { openNode } from './node.ts'
import type { Store } from './ports/store.ts'
import { Runtime } from './runtime.ts'
import type { RuntimeInit } from './runtime.ts'

export interface LinkInit extends RuntimeInit {
  /** Told the link, once others can come by it. */
  readonly onLink: (link: string) => void
  /** Ends the waiting. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Resolves with the running node once the machine is linked. Throws ABORTED, ALREADY_INITIALISED where the home has
 * an identity, and what `openNode` throws.
 */
export async function openLinkedNode(init: LinkInit): Promise<HearsayNode> {
  const { onLink, signal, store } = init
  // It is the home's owner who closes it: here it is opened twice.
  const kept: Store = {
    get: (collection, key) => store.get(collection, key),
    range: (collection, range) => store.range(collection, range),
    write: changes => store.write(changes),
    close: () => Promise.resolve()
  }
  if (signal?.aborted === true) throw new HearsayError('ABORTED')
  const runtime = await Runtime.open({ ...init, store: kept, create: 'must-be-new', provisional: true })
  try {
    await granted(runtime, onLink, signal)
  } finally {
    await runtime.stop()
  }
  return openNode({ ...init, create: 'never' })
}

async function granted(
  runtime: Runtime,
  onLink: (link: string) => void,
  signal: AbortSignal | undefined
): Promise<void> {
  // A home that was granted its identity and stopped is a device already.
  if (!runtime.own.provisional) return
  const { events } = runtime
  const from = events.last
  const link = await runtime.execute(({ first, reach, turn }) => {
    const { addresses: known, peer } = reach.presence
    const addresses = known.length > 0 ? known : [`/p2p/${peer}` as Address]
    const invite = first.inviteDevice(turn, addresses)
    reach.published(turn)
    return invite.link
  })
  onLink(link)
  const isGrant = (event: { readonly type: string }): true | undefined =>
    event.type === 'device:added' ? true : undefined
  await events.find(isGrant, from, signal)
}
