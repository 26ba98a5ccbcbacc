/**
 * One stream of `/hearsay/direct/1`: whole envelopes in, whole envelopes out.
 * Spec: specs/direct-stream.md.
 *
 * Always true: bytes are read only while the taker keeps up, a frame that stays incomplete resets the stream,
 * and envelopes reach the taker in order, each whole. A stream that ends says so exactly once, through `ended`,
 * after everything that came before it was taken.
 */
import type { Connection, Stream } from '@libp2p/interface'
import { decode } from 'it-length-prefixed'
import { pipe } from 'it-pipe'
import type { Uint8ArrayList } from 'uint8arraylist'
import { malformed } from '../base/errors.ts'
import type { NetworkLimits } from '../base/limits.ts'
import { CorkedWriter } from './corked-writer.ts'
import { ACCEPT, FRAME_BYTES_MAX, frameLengths, LENGTH_BYTES_MAX } from './frames.ts'
import { readPaced } from './paced-reader.ts'

/** What one direct stream needs from its owner. */
export interface DirectStreamInit {
  readonly stream: Stream
  readonly connection: Connection
  readonly inbound: boolean
  readonly limits: NetworkLimits
  /** Outbound only: the listener accepted; called before any envelope is. */
  readonly accepted: () => void
  /** Takes envelopes; reading goes on once it settles. A rejection ends the stream. */
  readonly received: (envelopes: readonly Uint8Array[]) => Promise<void>
}

/** A direct stream, from its first byte on. Nothing is read before `run`. */
export class DirectStream {
  readonly connection: Connection
  readonly inbound: boolean
  readonly #stream: Stream
  readonly #limits: NetworkLimits
  readonly #init: DirectStreamInit
  readonly #writer: CorkedWriter
  readonly #batch: Uint8Array[] = []
  /** Bytes taken from the stream, and those of them that became whole frames. */
  #takenBytes = 0
  #framedBytes = 0
  #awaitsAccept: boolean

  constructor(init: DirectStreamInit) {
    this.#init = init
    this.#stream = init.stream
    this.connection = init.connection
    this.inbound = init.inbound
    this.#limits = init.limits
    this.#awaitsAccept = !init.inbound
    this.#writer = new CorkedWriter(init.stream, init.limits)
  }

  get isOpen(): boolean {
    return this.#stream.status === 'open'
  }

  /** Calls back once when the stream closes, at once when it has. What was read may still be on its way to the taker. */
  onClosed(callback: () => void): void {
    if (this.isOpen) this.#stream.addEventListener('close', callback, { once: true })
    else callback()
  }

  /** Inbound only: says that this stream is the one. */
  accept(): void {
    this.#stream.send(ACCEPT)
  }

  /** Reads until the end. Resolves to the reason, after the last envelope was taken. Never rejects. */
  async run(): Promise<string> {
    const lengths = frameLengths(this.#awaitsAccept)
    try {
      await pipe(
        () => this.#chunks(),
        chunks =>
          decode(chunks, {
            lengthDecoder: lengths,
            maxLengthLength: LENGTH_BYTES_MAX,
            maxDataLength: FRAME_BYTES_MAX
          }),
        async frames => {
          for await (const frame of frames) this.#take(frame, lengths.bytes)
        }
      )
      await this.#deliver()
      await this.close()
      return 'the peer closed the stream'
    } catch (error) {
      const reason = error instanceof Error ? error : new Error('the stream broke')
      this.#stream.abort(reason)
      return reason.message
    }
  }

  /** Resolves once the transport has taken them all; rejects when the stream closes before. */
  write(envelopes: readonly Uint8Array[]): Promise<void> {
    return this.#writer.write(envelopes)
  }

  /** Ends our side after what was written, within a second; then the stream is reset. Never rejects. */
  async close(): Promise<void> {
    try {
      await this.#stream.close({ signal: AbortSignal.timeout(1000) })
    } catch (error) {
      this.#stream.abort(error instanceof Error ? error : new Error('the stream did not close'))
    }
  }

  /** Resets the stream at once. */
  abort(reason: string): void {
    this.#stream.abort(new Error(reason))
  }

  /** What the decoder reads from. It comes back for more only when it holds no whole frame. */
  async *#chunks(): AsyncGenerator<Uint8Array | Uint8ArrayList> {
    const chunks = readPaced(this.#stream, this.#limits.directBatchBytes / 4)
    let deadline: NodeJS.Timeout | undefined
    let framedAtDeadline = -1
    try {
      for (;;) {
        await this.#deliver()
        const partial = this.#takenBytes > this.#framedBytes
        // The clock of a frame runs from its first byte: a byte now and then does not wind it up again.
        if (!partial || this.#framedBytes !== framedAtDeadline) clearTimeout(deadline)
        if (partial && this.#framedBytes !== framedAtDeadline) {
          framedAtDeadline = this.#framedBytes
          deadline = setTimeout(
            () => this.#stream.abort(malformed('a frame that stays incomplete')),
            this.#limits.directPartialFrameMs
          )
        }
        const { done, value } = await chunks.next()
        if (done === true) return
        this.#takenBytes += value.byteLength
        yield value
      }
    } finally {
      clearTimeout(deadline)
      await chunks.return(undefined)
    }
  }

  #take(frame: Uint8ArrayList, lengthBytes: number): void {
    this.#framedBytes += lengthBytes + frame.byteLength
    if (this.#awaitsAccept) {
      this.#awaitsAccept = false
      this.#init.accepted()
      return
    }
    // A copy of its own: a view would keep the whole chunk of the socket alive with it.
    this.#batch.push(new Uint8Array(frame.subarray()))
  }

  async #deliver(): Promise<void> {
    if (this.#batch.length > 0) await this.#init.received(this.#batch.splice(0))
  }
}
