/** PeerIds of simulated nodes. */
import type { PeerId } from '../base/ids.ts'
import type { Random } from '../base/random.ts'
import { peerIdOf } from '../crypto/peer-id.ts'

const PUBLIC_KEY_BYTES = 32

/** A PeerId of nobody's key, of the form that libp2p's have. */
export const peerIdFrom = (random: Random): PeerId => peerIdOf(random(PUBLIC_KEY_BYTES))
