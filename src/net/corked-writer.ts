/**
 * Writing envelopes to a libp2p stream: corked, bounded and with back-pressure.
 *
 * What is written within one turn of the event loop leaves in one chunk, which costs a sixth of a write per
 * envelope. No more than one chunk is ever with the stream, so its own write buffer stays below the cap at which
 * libp2p resets it, and "taken" is known exactly: the stream's buffer is empty again. The stream's `onDrain()` is
 * not used, because it never waits again after its first use.
 */
import type { Stream } from '@libp2p/interface'
import { malformed } from '../base/errors.ts'
import type { NetworkLimits } from '../base/limits.ts'
import { encodeFrames, isEnvelopeSize } from './frames.ts'

interface Batch {
  readonly envelopes: readonly Uint8Array[]
  next: number
  readonly taken: PromiseWithResolvers<void>
}

type WriterLimits = Pick<NetworkLimits, 'directBatchBytes' | 'directQueueBytesMax' | 'directStallMs'>

/** One stream's writer. It lets go of everything by itself when the stream closes. */
export class CorkedWriter {
  readonly #stream: Stream
  readonly #limits: WriterLimits
  readonly #waiting: Batch[] = []
  /** Batches whose last envelope is in the chunk that the stream has. */
  #leaving: Batch[] = []
  #queuedBytes = 0
  #scheduled = false
  #chunkWithStream = false
  #stall: NodeJS.Timeout | undefined
  #closed: Error | undefined

  constructor(stream: Stream, limits: WriterLimits) {
    this.#stream = stream
    this.#limits = limits
    stream.addEventListener('drain', this.#schedule)
    stream.addEventListener('idle', this.#schedule)
    stream.addEventListener('close', event => this.#end(event.error ?? new Error('the stream is closed')))
    if (stream.writeStatus !== 'writable') this.#end(new Error('the stream is closed'))
  }

  /** Resolves once the stream has passed all of them on; rejects when it closes before. Order is kept. */
  write(envelopes: readonly Uint8Array[]): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed)
    if (envelopes.length === 0) return Promise.resolve()
    for (const envelope of envelopes) {
      if (!isEnvelopeSize(envelope.length))
        return Promise.reject(malformed(`an envelope of ${envelope.length} bytes`))
    }
    for (const envelope of envelopes) this.#queuedBytes += envelope.length
    if (this.#queuedBytes > this.#limits.directQueueBytesMax) {
      const full = new Error('too much waits for this peer')
      this.#stream.abort(full)
      this.#end(full)
      return Promise.reject(full)
    }
    const batch: Batch = { envelopes, next: 0, taken: Promise.withResolvers<void>() }
    this.#waiting.push(batch)
    this.#schedule()
    return batch.taken.promise
  }

  readonly #schedule = (): void => {
    if (this.#scheduled || this.#closed !== undefined) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#flush()
    })
  }

  #flush(): void {
    if (this.#closed !== undefined || this.#stream.writableNeedsDrain || this.#stream.writeBufferLength > 0)
      return
    this.#settle()
    const chunk = this.#nextChunk()
    if (chunk === undefined) return
    this.#chunkWithStream = true
    this.#stall = setTimeout(() => {
      this.#stream.abort(new Error('the peer does not read'))
    }, this.#limits.directStallMs)
    this.#stall.unref()
    try {
      if (this.#stream.send(chunk)) this.#schedule()
    } catch (error) {
      this.#end(error instanceof Error ? error : new Error('the stream refused a write'))
    }
  }

  /** The chunk before is gone. */
  #settle(): void {
    if (!this.#chunkWithStream) return
    this.#chunkWithStream = false
    clearTimeout(this.#stall)
    for (const batch of this.#leaving.splice(0)) batch.taken.resolve()
  }

  #nextChunk(): Uint8Array | undefined {
    const envelopes: Uint8Array[] = []
    let bytes = 0
    for (;;) {
      const batch = this.#waiting[0]
      const envelope = batch?.envelopes[batch.next]
      if (batch === undefined || envelope === undefined) break
      if (bytes > 0 && bytes + envelope.length > this.#limits.directBatchBytes) break
      envelopes.push(envelope)
      bytes += envelope.length
      batch.next++
      if (batch.next < batch.envelopes.length) continue
      this.#waiting.shift()
      this.#leaving.push(batch)
    }
    this.#queuedBytes -= bytes
    return bytes === 0 ? undefined : encodeFrames(envelopes)
  }

  #end(reason: Error): void {
    if (this.#closed !== undefined) return
    this.#closed = reason
    clearTimeout(this.#stall)
    this.#stream.removeEventListener('drain', this.#schedule)
    this.#stream.removeEventListener('idle', this.#schedule)
    for (const batch of [...this.#leaving.splice(0), ...this.#waiting.splice(0)]) batch.taken.reject(reason)
    this.#queuedBytes = 0
  }
}
