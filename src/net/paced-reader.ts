/**
 * Reading a libp2p stream with back-pressure and without losing its tail.
 *
 * A stream's own iterator has neither: it queues without bound whatever the sender pushes, and ends when the
 * remote stops writing even if bytes wait behind a pause. Here the stream is paused while `highBytes` or more
 * wait for the consumer, so that the muxer's window closes and the sender waits; the end is the stream's `end`.
 */
import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'

/** Chunks of a stream in order; ends with the stream, throws the reason where it was reset. Frame bounds are not kept. */
export async function* readPaced(
  stream: Stream,
  highBytes: number
): AsyncGenerator<Uint8Array | Uint8ArrayList> {
  const chunks = new PacedChunks(stream, highBytes)
  try {
    for (;;) {
      const chunk = await chunks.next()
      if (chunk === undefined) return
      yield chunk
    }
  } finally {
    chunks.detach()
  }
}

class PacedChunks {
  readonly #stream: Stream
  readonly #highBytes: number
  readonly #queue: Array<Uint8Array | Uint8ArrayList> = []
  #bytes = 0
  #ended: boolean
  #error: Error | undefined
  #resuming = false
  #wake: (() => void) | undefined

  constructor(stream: Stream, highBytes: number) {
    this.#stream = stream
    this.#highBytes = highBytes
    this.#ended = stream.status !== 'open' && stream.readBufferLength === 0
    stream.addEventListener('message', this.#onMessage)
    stream.addEventListener('end', this.#onEnd)
    stream.addEventListener('close', this.#onClose)
  }

  detach(): void {
    this.#stream.removeEventListener('message', this.#onMessage)
    this.#stream.removeEventListener('end', this.#onEnd)
    this.#stream.removeEventListener('close', this.#onClose)
  }

  async next(): Promise<Uint8Array | Uint8ArrayList | undefined> {
    for (;;) {
      const chunk = this.#queue.shift()
      if (chunk !== undefined) {
        this.#bytes -= chunk.byteLength
        return chunk
      }
      // Whoever asks again has dealt with everything before: only now may the sender go on.
      if (this.#stream.readStatus === 'paused') {
        this.#resume()
        continue
      }
      if (this.#error !== undefined) throw this.#error
      if (this.#ended) return undefined
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  readonly #onMessage = (event: StreamMessageEvent): void => {
    this.#queue.push(event.data)
    this.#bytes += event.data.byteLength
    this.#maybePause()
    this.#kick()
  }

  readonly #onEnd = (): void => {
    this.#ended = true
    this.#kick()
  }

  readonly #onClose = (event: StreamCloseEvent): void => {
    this.#error = event.error
    this.#ended = true
    this.#kick()
  }

  #kick(): void {
    this.#wake?.()
    this.#wake = undefined
  }

  #maybePause(): void {
    // resume() dispatches what waited and re-opens the window after that, so a pause from inside would be undone.
    if (this.#resuming || this.#bytes < this.#highBytes) return
    if (this.#stream.readStatus === 'readable' && this.#stream.remoteWriteStatus !== 'closed') {
      this.#stream.pause()
    }
  }

  #resume(): void {
    this.#resuming = true
    try {
      this.#stream.resume()
    } finally {
      this.#resuming = false
    }
    this.#maybePause()
  }
}
