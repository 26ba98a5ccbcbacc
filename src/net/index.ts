/** The network over libp2p, for the composition root. Nobody else imports this folder. */
import { multiaddr } from '@multiformats/multiaddr'
import { HearsayError } from '../base/errors.ts'
import { isLocalAddress } from './addresses.ts'

export { libp2pNetwork } from './network.ts'
export type { Libp2pNetwork } from './network.ts'

/**
 * Whether these addresses make a network of one machine or one LAN, where private addresses count as any
 * other. Throws INVALID_ADDRESS.
 */
export function isOnOneMachine(listen: readonly string[], bootstrap: readonly string[]): boolean {
  const local = (text: string): boolean => isLocalAddress(parse(text))
  // Listening on every interface says nothing; listening on loopback alone does, and so does whom we know.
  const named = listen.filter(text => !/\/(0\.0\.0\.0|::)\//.test(text))
  if (named.length > 0 && named.length === listen.length && named.every(local)) return true
  return bootstrap.length > 0 && bootstrap.every(local)
}

function parse(text: string) {
  try {
    return multiaddr(text)
  } catch (cause) {
    throw new HearsayError('INVALID_ADDRESS', { message: `"${text}" is not an address.`, cause })
  }
}
