/** A TCP proxy that keeps every byte that passes it: what somebody who sits on the cable has. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** One direction of one connection. */
export interface Recording {
  readonly name: string
  readonly parts: Buffer[]
}

/** A port of this machine that nobody listens at right now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

export class RecordingProxy {
  readonly recordings: Recording[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(name: string, target: number) {
    this.#server = createServer(inbound => {
      const outbound = connect(target, '127.0.0.1')
      const number = this.recordings.length / 2 + 1
      this.#pass(inbound, outbound, `to ${name}, connection ${number}`)
      this.#pass(outbound, inbound, `from ${name}, connection ${number}`)
    })
  }

  /** Listens on a port of its own and passes on to `target`. */
  static async start(name: string, target: number): Promise<RecordingProxy> {
    const proxy = new RecordingProxy(name, target)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  /** The address to announce instead of the node's own. */
  get address(): string {
    return `/ip4/127.0.0.1/tcp/${(this.#server.address() as AddressInfo).port}`
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  #pass(source: Socket, sink: Socket, name: string): void {
    const parts: Buffer[] = []
    this.recordings.push({ name, parts })
    this.#sockets.add(source)
    source.on('data', (part: Buffer) => parts.push(part))
    source.on('error', () => sink.destroy()).once('close', () => sink.destroy())
    source.pipe(sink)
  }
}
