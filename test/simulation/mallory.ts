/**
 * A hostile peer: it has seen every envelope on the wire and may dial anybody, but holds nobody's keys.
 * It replays, cuts, bends and invents envelopes. Whatever it sends, honest nodes go on as if it had not.
 */
import type { PeerId } from 'hearsay'
import { peerIdFrom } from 'hearsay/testing'
import type { SeededRandom, SimulatedInternet, SimulatedNetwork, SimulatedTestNetwork } from 'hearsay/testing'

const CAPTURED_MAX = 200
const LEGAL_SIZES = [512, 2048, 8192]

/** The attacker of one run. */
export class Mallory {
  readonly #random: SeededRandom
  readonly #network: SimulatedNetwork
  readonly #captured: Uint8Array[] = []
  readonly #waiting = new Map<PeerId, Uint8Array[]>()
  #seen = 0

  constructor(internet: SimulatedInternet, random: SeededRandom) {
    this.#random = random
    this.#network = internet.attach('mallory', peerIdFrom(random.fork('mallory').bytes))
  }

  /** How many envelopes were sent to honest nodes. */
  sent = 0

  async start(): Promise<void> {
    await this.#network.start(async event => {
      if (event.type === 'closed') this.#waiting.delete(event.peer)
      if (event.type !== 'opened') return
      const envelopes = this.#waiting.get(event.peer) ?? []
      this.#waiting.delete(event.peer)
      this.sent += envelopes.length
      // A victim that hangs up in the middle is within its rights.
      await this.#network.send(event.peer, envelopes).catch(() => undefined)
    })
  }

  /** Everything on the wire passes here; a sample of it is kept. */
  overhear(from: SimulatedNetwork, envelopes: readonly Uint8Array[]): void {
    if (from === this.#network) return
    for (const envelope of envelopes) {
      this.#seen++
      if (this.#captured.length < CAPTURED_MAX) this.#captured.push(envelope.slice())
      else if (this.#random.chance(CAPTURED_MAX / this.#seen)) {
        this.#captured[this.#random.integer(CAPTURED_MAX)] = envelope.slice()
      }
    }
  }

  /** Dials a victim and sends it so many bad envelopes. */
  attack(net: SimulatedTestNetwork, victim: string, envelopes: number): void {
    const target = net.machine(victim).network
    if (target === undefined) return
    this.#waiting.set(
      target.peerId,
      Array.from({ length: envelopes }, () => this.#forge())
    )
    this.#network.dial(target.peerId, target.addresses())
  }

  #forge(): Uint8Array {
    const random = this.#random
    const original = this.#captured.length > 0 ? random.pick(this.#captured) : random.bytes(512)
    const kind = random.integer(7)
    if (kind <= 1) return original.slice()
    if (kind === 2) return random.bytes(random.pick(LEGAL_SIZES))
    if (kind === 3) return original.slice(0, random.integer(original.length))
    if (kind === 4) return random.bytes(random.integer(100))
    const bent = original.slice()
    // One bit anywhere, or one in the header, where it hurts the parser most.
    const at = kind === 5 ? random.integer(bent.length) : random.integer(Math.min(30, bent.length))
    bent[at] = bent[at]! ^ (1 << random.integer(8))
    return bent
  }
}
