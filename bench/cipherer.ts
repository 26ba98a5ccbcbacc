/**
 * Half of a conversation with nothing around it: seals texts and writes them to a socket, or reads them from one
 * and opens them. No store, no receipts, no log: what remains when everything of ours but MLS is taken away.
 */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { cipherSuite, Epoch, XWING_SUITE } from 'hearsay/mls'
import { serve } from './child.ts'

const LENGTH_BYTES = 4
const TEXT_BYTES = 200
/** Messages in one write: fewer, larger writes cost nothing beside the ciphers. */
const MESSAGES_PER_WRITE = 64

let epoch: Epoch
let server: Server
let opened = 0
let wanted: { readonly count: number; readonly reached: () => void } | undefined

function frame(message: Uint8Array): Buffer {
  const framed = Buffer.alloc(LENGTH_BYTES + message.length)
  framed.writeUInt32BE(message.length)
  framed.set(message, LENGTH_BYTES)
  return framed
}

/** Opens every whole message; returns what is left of the bytes. */
function openFrames(bytes: Buffer): Buffer {
  let rest = bytes
  while (rest.length >= LENGTH_BYTES) {
    const end = LENGTH_BYTES + rest.readUInt32BE()
    if (rest.length < end) break
    const result = epoch.process(rest.subarray(LENGTH_BYTES, end))
    if (result.kind !== 'application' || result.data.length !== TEXT_BYTES) throw new Error(result.kind)
    rest = rest.subarray(end)
    opened += 1
  }
  if (wanted !== undefined && opened >= wanted.count) wanted.reached()
  return rest
}

const requests = {
  /** Takes an epoch as its member saved it. */
  load(saved: Uint8Array): void {
    epoch = Epoch.load(saved, { suite: cipherSuite(XWING_SUITE) })
  },
  /** Reads from a socket of its own. Resolves with its port. */
  async listen(): Promise<number> {
    server = createServer(socket => {
      let rest: Buffer = Buffer.alloc(0)
      socket.on('data', (chunk: Buffer) => {
        rest = openFrames(rest.length === 0 ? chunk : Buffer.concat([rest, chunk]))
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  },
  /** Resolves once so many messages more have been opened. Called before they are sealed. */
  async open(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    wanted = { count: opened + count, reached: resolve }
    await promise
  },
  /** Seals so many texts and writes them to a port. */
  async seal({ count, port }: { count: number; port: number }): Promise<void> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    const text = new Uint8Array(TEXT_BYTES).fill(120)
    for (let sealed = 0; sealed < count; sealed += MESSAGES_PER_WRITE) {
      const size = Math.min(MESSAGES_PER_WRITE, count - sealed)
      const frames = Array.from({ length: size }, () => frame(epoch.seal(text)))
      if (!socket.write(Buffer.concat(frames))) await once(socket, 'drain')
    }
    socket.end()
  },
  /** CPU time of this process so far, in milliseconds. */
  cpu(): number {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  }
}

export type Cipherer = typeof requests

serve(requests)
