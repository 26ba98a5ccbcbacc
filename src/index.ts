/**
 * Hearsay: a messenger that nobody can switch off, as a library.
 *
 * @packageDocumentation
 * @example
 * ```ts
 * import { createNode, fileStore } from 'hearsay'
 *
 * await using alice = await createNode({ store: fileStore('./alice'), name: 'alice' })
 * const { link } = await alice.contacts.invite()
 * ```
 */
import { randomBytes } from 'node:crypto'
import type { HearsayNode } from './api.ts'
import { cipherSuite } from './crypto/mls/index.ts'
import { validatePresenceRecord } from './core/seal/presence-record.ts'
import type { Own } from './core/self.ts'
import { rememberPeers, recallPeers } from './known-peers.ts'
import { openLinkedNode } from './link-node.ts'
import { openNode } from './node.ts'
import type { Store } from './ports/store.ts'
import type { RuntimeInit } from './runtime.ts'
import { systemClock } from './system-clock.ts'

export type * from './api.ts'
export type * from './base/ids.ts'
export { parseIdentityId, parseInviteId, parseMessageId } from './base/ids.ts'
export { errors, HearsayError } from './base/errors.ts'
export type { ErrorCode } from './base/errors.ts'
export { spec } from './base/limits.ts'
export { formatSafetyNumber, safetyNumber } from './crypto/safety-number.ts'
export type { Store } from './ports/store.ts'
export { memoryStore } from './store/memory.ts'
export { changePassphrase, fileStore } from './store/sqlite.ts'
export type { FileStoreOptions } from './store/sqlite.ts'
export { version } from './version.ts'

/** How a node takes part in the network. */
export interface NetworkOptions {
  /** Multiaddrs to listen on. Default: TCP and WebSocket on every interface, at ports that the system chooses. */
  readonly listen?: readonly string[]
  /** Multiaddrs to tell others instead of those that the node finds out. */
  readonly announce?: readonly string[]
  /** Multiaddrs of nodes through which the DHT is found. None are needed by people who have each other's addresses. */
  readonly bootstrap?: readonly string[]
  /**
   * Whether to look for others in the DHT, and to serve it. Default: `server` where `listen` says where others
   * reach this node, `client` otherwise.
   */
  readonly dht?: 'off' | 'client' | 'server'
  /** Whether to find and be found on the local network. Default: true. */
  readonly mdns?: boolean
}

export interface NodeOptions {
  /** Where everything is kept. The node closes it when it stops. */
  readonly store: Store | Promise<Store>
  /** What to do where the store has no identity, or has one. Default: `if-missing`. */
  readonly create?: 'if-missing' | 'must-be-new' | 'never'
  /** The name that contacts are offered for a new identity. */
  readonly name?: string
  /** The recovery phrase of an identity that is to come back. */
  readonly phrase?: string
  /** `false` for a node that stays offline. */
  readonly network?: NetworkOptions | false
}

/** X-Wing, AES-256-GCM, SHA-512, Ed25519: the suite of every conversation. */
const CONVERSATION_SUITE = 0xf00d

/**
 * Starts a node. Resolves once it listens and everything of an earlier run is under way again. Throws
 * NOT_INITIALISED, ALREADY_INITIALISED, INVALID_PHRASE, INVALID_ADDRESS, NETWORK_FAILED, and what the store throws.
 */
export function createNode(options: NodeOptions): Promise<HearsayNode> {
  return open(options, openNode)
}

async function open(
  options: NodeOptions,
  start: (init: RuntimeInit) => Promise<HearsayNode>
): Promise<HearsayNode> {
  const { create = 'if-missing', name, phrase } = options
  const network = options.network === false ? undefined : (options.network ?? {})
  // libp2p is half a megabyte of modules: an offline node does without, any other loads them while the disk is read.
  const [store, net] = await Promise.all([
    options.store,
    network === undefined ? undefined : import('./net/index.ts')
  ])
  try {
    return await start({
      store,
      clock: systemClock,
      random: length => new Uint8Array(randomBytes(length)),
      suite: cipherSuite(CONVERSATION_SUITE),
      network: net === undefined ? undefined : own => startNetwork(net, store, own, network ?? {}),
      create,
      name,
      phrase,
      onBug: reportBug
    })
  } catch (error) {
    await store.close()
    throw error
  }
}

/** What makes a machine a device. The store has to be without an identity. */
export interface LinkOptions extends Omit<NodeOptions, 'create' | 'phrase'> {
  /** Told the link to give to a device of the identity: `devices.link` there. Whoever has it can take this machine. */
  readonly onLink: (link: string) => void
  /** Ends the waiting; the store can then be used for anything. */
  readonly signal?: AbortSignal
}

/**
 * Makes this machine a device of an identity that is elsewhere. Resolves with the running node once a device of that
 * identity has redeemed the link. Stopped before that, it can be called again. Throws ALREADY_INITIALISED, ABORTED,
 * INVALID_ADDRESS, NETWORK_FAILED, and what the store throws.
 */
export function linkNode(options: LinkOptions): Promise<HearsayNode> {
  const { onLink, signal } = options
  return open({ ...options, create: 'never' }, init => openLinkedNode({ ...init, onLink, signal }))
}

async function startNetwork(
  { libp2pNetwork, isOnOneMachine }: typeof import('./net/index.ts'),
  store: Store,
  own: Own,
  options: NetworkOptions
) {
  const { listen = DEFAULT_LISTEN, bootstrap = [], mdns = true } = options
  const dht = options.dht ?? (options.listen === undefined ? 'client' : 'server')
  const network = await libp2pNetwork({
    networkKey: own.networkSeed,
    listen,
    bootstrap,
    cachedPeers: await recallPeers(store),
    dht,
    mdns,
    validateRecord: validatePresenceRecord,
    local: isOnOneMachine(listen, bootstrap),
    ...(options.announce === undefined ? {} : { announce: options.announce })
  })
  return rememberPeers(network, store)
}

const DEFAULT_LISTEN = ['/ip4/0.0.0.0/tcp/0', '/ip6/::/tcp/0', '/ip4/0.0.0.0/tcp/0/ws']

/** A failure that is nobody's input. It is told without what it was about: that could be private. */
function reportBug(error: unknown): void {
  const where = error instanceof Error ? (error.stack ?? error.name) : typeof error
  process.emitWarning(`bug: ${where}`, 'HearsayBug')
}
