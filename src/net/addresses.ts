/**
 * Multiaddrs as strangers write them: parsed, bounded and of a kind that this node can dial.
 * Always true: nothing here looks a name up; a name that can only mean something inside somebody's own network
 * is refused, so that an address cannot make this node knock on doors behind its own router by name.
 */
import { peerIdFromString } from '@libp2p/peer-id'
import { isPrivate } from '@libp2p/utils'
import { CODE_P2P, multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { HearsayError } from '../base/errors.ts'
import type { Address, PeerId } from '../base/ids.ts'
import { limits, spec } from '../base/limits.ts'

const DIALABLE = /^\/(?:ip4|ip6|dns|dns4|dns6)\/[^/]+\/tcp\/\d+(?:\/(?:ws|wss|tls\/ws|tls\/sni\/[^/]+\/ws))?$/
const MEMORY = /^\/memory\/[^/]+$/
const INTERNAL_NAME = /(?:^|\.)(?:localhost|local|internal|intranet|lan|home|corp|arpa)\.?$/i

/** Which addresses count as dialable. */
export interface AddressPolicy {
  /** Loopback, LAN and memory addresses count too: test networks and LAN-only nodes. */
  readonly local: boolean
}

/** An address of a peer, ready to dial: it ends in that peer's `/p2p/`. Undefined where it is none. */
export function dialableAddress(text: string, peer: PeerId, policy: AddressPolicy): Multiaddr | undefined {
  if (text.length > spec.addressMaxBytes) return undefined
  try {
    peerIdFromString(peer)
    const parsed = multiaddr(text)
    const named = peerOf(parsed)
    if (named !== undefined && named !== peer) return undefined
    const bare = named === undefined ? parsed : parsed.decapsulateCode(CODE_P2P)
    return isDialable(bare, policy) ? bare.encapsulate(`/p2p/${peer}`) : undefined
  } catch {
    // It parses as no multiaddr, or the peer id is none.
    return undefined
  }
}

function isDialable(bare: Multiaddr, policy: AddressPolicy): boolean {
  if (policy.local && MEMORY.test(bare.toString())) return true
  if (!DIALABLE.test(bare.toString())) return false
  const [host] = bare.getComponents()
  return host?.name.startsWith('dns') !== true || isPublicName(host.value ?? '')
}

/** The dialable ones among a peer's addresses, without repetition, at most `addressesPerPeerMax`. */
export function dialableAddresses(
  texts: readonly string[],
  peer: PeerId,
  policy: AddressPolicy
): Multiaddr[] {
  const found = new Map<string, Multiaddr>()
  for (const text of texts.slice(0, 4 * limits.addressesPerPeerMax)) {
    if (found.size === limits.addressesPerPeerMax) break
    const address = dialableAddress(text, peer, policy)
    if (address !== undefined) found.set(address.toString(), address)
  }
  return [...found.values()]
}

/** A configured address that names its peer. Throws INVALID_ADDRESS. */
export function parsePeerAddress(text: string, policy: AddressPolicy): { peer: PeerId; address: Address } {
  let peer: PeerId | undefined
  try {
    peer = peerOf(multiaddr(text))
  } catch (error) {
    throw new HearsayError('INVALID_ADDRESS', { cause: error })
  }
  if (peer === undefined || dialableAddress(text, peer, policy) === undefined) {
    throw new HearsayError('INVALID_ADDRESS')
  }
  return { peer, address: text as Address }
}

/** Whether an address leads to this machine or its own network only. */
export const isLocalAddress = (address: Multiaddr): boolean =>
  MEMORY.test(address.toString().replace(/\/p2p\/.*$/, '')) || isPrivate(address)

/** The IPv4 /24 or IPv6 /48 that an address is in, or its text where it has no IP. What rates are counted by. */
export function networkOf(address: Multiaddr): string {
  const [host] = address.getComponents()
  if (host?.value === undefined) return address.toString()
  if (host.name === 'ip4') return host.value.split('.').slice(0, 3).join('.')
  if (host.name === 'ip6') return ip6Prefix(host.value)
  return host.value
}

/** The first three groups of an IPv6 address. An IPv4 address inside counts as what it is. */
function ip6Prefix(text: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+)\.\d+$/i.exec(text)
  if (mapped?.[1] !== undefined) return mapped[1]
  const [head = '', tail] = text.split('::')
  const groups = head.split(':').filter(group => group !== '')
  const after = (tail ?? '').split(':').filter(group => group !== '')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - after.length)
  return [...groups, ...Array.from({ length: zeros }, () => '0'), ...after].slice(0, 3).join(':')
}

function peerOf(address: Multiaddr): PeerId | undefined {
  const last = address.getComponents().findLast(component => component.code === CODE_P2P)
  return last?.value as PeerId | undefined
}

const isPublicName = (name: string): boolean => name.includes('.') && !INTERNAL_NAME.test(name)
