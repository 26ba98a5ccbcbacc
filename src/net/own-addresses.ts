/** Where others can reach this node, and noticing when that changes. */
import type { Address, PeerId } from '../base/ids.ts'
import { limits, type NetworkLimits } from '../base/limits.ts'
import { isLocalAddress, type AddressPolicy } from './addresses.ts'
import { confirmAddresses, type Node } from './libp2p.ts'

/** What is needed to know one's own addresses. */
export interface OwnAddressesInit {
  readonly node: Node
  /** Told instead of what the machine listens on, where there are any. */
  readonly announce: readonly string[]
  readonly policy: AddressPolicy
  readonly limits: NetworkLimits
  readonly moved: (addresses: Address[]) => void
}

/** The addresses of one node. A laptop that changes networks raises no event anywhere, so they are looked at. */
export class OwnAddresses {
  readonly #init: OwnAddressesInit
  readonly #peerId: PeerId
  #timer: NodeJS.Timeout | undefined
  #told = ''

  constructor(init: OwnAddressesInit) {
    this.#init = init
    this.#peerId = init.node.libp2p.peerId.toString() as PeerId
  }

  /** The widest reach first: whoever keeps only some of them keeps the useful ones. */
  list(): Address[] {
    const { announce, node, policy } = this.#init
    const own = `/p2p/${this.#peerId}`
    const listening = node.internals.transportManager
      .getAddrs()
      .filter(address => policy.local || !isLoopback(address.toString()))
      .sort((a, b) => Number(isLocalAddress(a)) - Number(isLocalAddress(b)))
      .map(String)
    const texts = announce.length > 0 ? announce : listening
    const named = texts.map(text => (text.endsWith(own) ? text : text + own) as Address)
    return [...new Set(named)].slice(0, limits.addressesPerPeerMax)
  }

  /** Looks from time to time, without keeping the process alive. What is true now counts as told. */
  start(): void {
    confirmAddresses(this.#init.node.internals)
    this.#told = this.list().join()
    this.#timer = setInterval(() => this.check(), this.#init.limits.addressCheckMs)
    this.#timer.unref()
    this.#init.node.libp2p.addEventListener('self:peer:update', () => this.check())
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Looks now. */
  check(): void {
    if (this.#timer === undefined) return
    confirmAddresses(this.#init.node.internals)
    const addresses = this.list()
    if (addresses.join() === this.#told) return
    this.#told = addresses.join()
    this.#init.moved(addresses)
  }
}

const isLoopback = (text: string): boolean => text.startsWith('/ip4/127.') || text.startsWith('/ip6/::1/')
