/** Lines of the control protocol: JSON texts, each ended by LF, of bounded length. */
import type { Readable, Writable } from 'node:stream'
import { jsonLine } from '../output/json-line.ts'
import { limits } from '../limits.ts'

const LF = 0x0a

/** A line, or why there is none in these bytes. */
export type Line = { readonly text: string } | { readonly refused: 'too long' | 'not UTF-8' }

function decoded(bytes: Uint8Array): Line {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) }
  } catch {
    return { refused: 'not UTF-8' }
  }
}

/** The lines of a stream. One that is too long is refused whole and takes no memory; empty ones are skipped. */
export async function* linesOf(
  source: Readable,
  maxBytes: number = limits.lineMaxBytes
): AsyncGenerator<Line> {
  let parts: Buffer[] = []
  let bytes = 0
  const line = (): Line => (bytes > maxBytes ? { refused: 'too long' } : decoded(Buffer.concat(parts)))
  for await (const data of source) {
    let chunk = Buffer.from(data as Uint8Array)
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF)) {
      bytes += end
      if (bytes <= maxBytes) parts.push(chunk.subarray(0, end))
      if (bytes > 0) yield line()
      parts = []
      bytes = 0
      chunk = chunk.subarray(end + 1)
    }
    bytes += chunk.length
    if (bytes <= maxBytes) parts.push(chunk)
    else parts = []
  }
  // A last line that lacks its LF was cut off; a whole one is a courtesy to people who type `printf`.
  if (bytes > 0) yield line()
}

/** Writes lines, and gives up a reader that does not read. */
export class LineWriter {
  readonly #sink: Writable
  readonly #unreadMaxBytes: number

  constructor(sink: Writable, unreadMaxBytes: number = limits.unreadMaxBytes) {
    this.#sink = sink
    this.#unreadMaxBytes = unreadMaxBytes
  }

  /** Writes one object. Where too much is unread already, the stream is destroyed instead. */
  write(value: object): void {
    if (this.#sink.destroyed || this.#sink.writableEnded) return
    if (this.#sink.writableLength > this.#unreadMaxBytes) this.#sink.destroy()
    else this.#sink.write(`${jsonLine(value)}\n`)
  }

  /** Resolves once there is room for more; destroys a stream that has none for too long. */
  async room(maxMs: number = limits.unreadMaxMs): Promise<void> {
    const sink = this.#sink
    if (!sink.writableNeedDrain || sink.destroyed) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(() => sink.destroy(), maxMs)
    sink.once('drain', resolve).once('close', resolve)
    await promise
    clearTimeout(timer)
    sink.off('drain', resolve).off('close', resolve)
  }
}
