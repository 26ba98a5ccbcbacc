/**
 * The WebSocket transport, with what @libp2p/websockets 10.1.21 leaves open closed:
 *
 * - A peer that breaks the WebSocket protocol, before any handshake, makes the socket emit an `error` that nobody
 *   listens to, which ends the process.
 * - Messages of 100 MiB are taken.
 * - A connection that is aborted closes its socket with code 1006, which no socket accepts: it stays open.
 * - Sockets that never say a word are kept for ever and not counted.
 */
import type { Transport } from '@libp2p/interface'
import { webSockets } from '@libp2p/websockets'
import type { Socket } from 'node:net'
import type { NetworkLimits } from '../base/limits.ts'

type Components = Parameters<ReturnType<typeof webSockets>>[0]

/** What libp2p says to abort, and what a socket may be told instead: "the application gave up". */
const ABNORMAL = 1006
const GIVEN_UP = 3000

/** A WebSocket as its server has it. */
interface ServerSocket {
  close(code?: number, reason?: string): void
  terminate(): void
  on(event: 'error', listener: () => void): void
}

/** The parts of the listener that are not in its types; the version is pinned exactly. */
interface ListenerInternals {
  readonly server: {
    maxConnections: number
    on(event: 'connection', listener: (socket: Socket) => void): void
  }
  readonly wsServer: { readonly options: { maxPayload?: number } }
  onWsServerConnection(socket: ServerSocket, request: { readonly socket: Socket }): void
}

/** The part of the transport that is not in its types. */
interface TransportInternals {
  _connect(...dialled: readonly unknown[]): Promise<{ close(code?: number, reason?: string): void }>
}

/** Like `webSockets()`, bounded. */
export function boundedWebSockets(limits: NetworkLimits): (components: Components) => Transport {
  return components => {
    const transport = webSockets()(components) as Transport & TransportInternals
    const connect = transport._connect.bind(transport)
    transport._connect = async (...dialled) => {
      const socket = await connect(...dialled)
      const close = socket.close.bind(socket)
      socket.close = (code, reason) => close(code === ABNORMAL ? GIVEN_UP : code, reason)
      return socket
    }
    const createListener = transport.createListener.bind(transport)
    transport.createListener = options => {
      const listener = createListener(options)
      bound(listener as unknown as ListenerInternals, limits)
      return listener
    }
    return transport
  }
}

function bound(listener: ListenerInternals, limits: NetworkLimits): void {
  const { server, wsServer } = listener
  wsServer.options.maxPayload = limits.webSocketMessageBytes
  server.maxConnections = limits.connectionsMax + limits.inboundPendingMax
  // Until it has become a WebSocket, a socket that is silent for as long as a handshake may take is closed.
  server.on('connection', socket => socket.setTimeout(limits.handshakeMs, () => socket.destroy()))
  const take = listener.onWsServerConnection.bind(listener)
  listener.onWsServerConnection = (socket, request) => {
    request.socket.setTimeout(0)
    socket.on('error', () => socket.terminate())
    const close = socket.close.bind(socket)
    socket.close = (code, reason) => (code === ABNORMAL ? socket.terminate() : close(code, reason))
    take(socket, request)
  }
}
