/** PeerIds of simulated nodes: of the form that libp2p gives to an Ed25519 key (libp2p specs, peer-ids). */
import type { PeerId } from '../base/ids.ts'
import type { Random } from '../base/random.ts'

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
/** An identity multihash of 36 bytes, which are a protobuf: type Ed25519, then 32 bytes of key. */
const PREFIX = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20]
const PUBLIC_KEY_BYTES = 32

/** A PeerId, in base58btc. */
export function peerIdFrom(random: Random): PeerId {
  const bytes = [...PREFIX, ...random(PUBLIC_KEY_BYTES)]
  let number = bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)
  let text = ''
  while (number > 0n) {
    text = ALPHABET[Number(number % 58n)]! + text
    number /= 58n
  }
  // Base58 writes a leading zero byte as its zero digit.
  return `1${text}` as PeerId
}
