/**
 * The PeerId of a network key, as libp2p makes it of an Ed25519 key (libp2p specs, peer-ids): so that a node
 * can tell contacts where it will be before it has ever been on the network.
 */
import { base58btc } from 'multiformats/bases/base58'
import { concat } from '../base/bytes.ts'
import type { PeerId } from '../base/ids.ts'

/** An identity multihash of 36 bytes, which are a protobuf: type Ed25519, then 32 bytes of key. */
const PREFIX = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20)

/** The PeerId of an Ed25519 public key of 32 bytes, in base58btc. */
export const peerIdOf = (publicKey: Uint8Array): PeerId =>
  base58btc.baseEncode(concat(PREFIX, publicKey)) as PeerId
