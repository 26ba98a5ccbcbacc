/** The checks that need no node: files, folders, ports and the clock. Each one tries the thing itself. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { lstat, readdir, stat, statfs } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { dirname, join } from 'node:path'
import type { ErrorCode } from 'hearsay'
import { socketPath } from '../running.ts'
import type { Environment } from '../surroundings.ts'

/** What was tried, what came of it, and what to do. `code` says that a node cannot do without. */
export interface Check {
  readonly name: string
  readonly ok: boolean
  readonly detail: string
  readonly hint: string
  readonly code?: ErrorCode
}

const OTHERS = 0o077
const FREE_MIN_BYTES = 64 * 1024 * 1024
const CONNECT_MAX_MS = 5000
/** This program's first year: a clock before it is wrong. */
const PLAUSIBLE_FROM = Date.UTC(2026, 0, 1)
const MDNS_PORT = 5353
const MDNS_GROUP = '224.0.0.251'

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Whether the home and what is in it are ours and closed to others. */
export async function* homeCheck(home: string): AsyncGenerator<Check> {
  const name = 'home'
  const hint = `Take others' rights away: chmod -R go-rwx '${home}'`
  try {
    const entries = await readdir(home, { recursive: true })
    for (const path of [home, ...entries.map(entry => join(home, entry))]) {
      // The home itself may be a link: its owner decides where it is.
      const { mode, uid } = await (path === home ? stat(path) : lstat(path))
      const foreign = process.getuid !== undefined && uid !== process.getuid()
      if (foreign || (mode & OTHERS) !== 0) {
        const detail = foreign ? `${path} belongs to another user` : `${path} is open to others`
        yield { name, ok: false, detail, hint, code: 'HOME_UNSAFE' }
        return
      }
    }
    yield { name, ok: true, detail: home, hint }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      yield { name, ok: false, detail: reasonOf(error), hint, code: 'HOME_UNSAFE' }
      return
    }
    const none = 'Make an identity: hearsay init'
    yield { name, ok: false, detail: `there is no ${home}`, hint: none, code: 'NOT_INITIALISED' }
  }
}

/** Whether there is a private place for the socket. */
export async function* runtimeCheck(home: string, environment: Environment): AsyncGenerator<Check> {
  const name = 'socket'
  const hint = 'Remove the folder, or set XDG_RUNTIME_DIR to one that is yours.'
  try {
    yield { name, ok: true, detail: await socketPath(home, environment), hint }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    yield { name, ok: false, detail: reasonOf(error), hint, code: 'HOME_UNSAFE' }
  }
}

/** Whether the disk has room. */
export async function* diskCheck(home: string): AsyncGenerator<Check> {
  const name = 'disk'
  const hint = 'Free some space: a node that cannot write accepts no message.'
  try {
    const place = await stat(home).then(
      () => home,
      () => dirname(home)
    )
    const { bavail, bsize } = await statfs(place)
    const free = bavail * bsize
    const detail = `${Math.floor(free / 1024 / 1024)} MiB free`
    yield free >= FREE_MIN_BYTES
      ? { name, ok: true, detail, hint }
      : { name, ok: false, detail, hint, code: 'STORE_FULL' }
  } catch (error) {
    yield { name, ok: false, detail: reasonOf(error), hint }
  }
}

/** Whether the clock can be right: not before this program, and not before the files of the home. */
export async function* clockCheck(home: string): AsyncGenerator<Check> {
  const name = 'clock'
  const hint = 'Set the clock: invites and presence end by it.'
  const now = Date.now()
  const entries = await readdir(home, { recursive: true }).catch((): string[] => [])
  const times = await Promise.all(
    entries.map(entry =>
      stat(join(home, entry)).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0
      )
    )
  )
  const newest = Math.max(PLAUSIBLE_FROM, ...times)
  const behind = newest - now
  const detail =
    behind > 60_000
      ? `it is behind its own past by ${Math.round(behind / 60_000)} min`
      : new Date(now).toISOString()
  yield { name, ok: behind <= 60_000, detail, hint }
}

/** A multiaddr's host and TCP port, as far as this needs them. */
function tcpOf(address: string): { readonly host: string; readonly port: number } | undefined {
  const [, host, port] = /^\/(?:ip4|ip6|dns|dns4|dns6)\/([^/]+)\/tcp\/(\d+)/u.exec(address) ?? []
  return host === undefined || port === undefined ? undefined : { host, port: Number(port) }
}

/** Whether we may listen where the settings say. A port that our own node has is taken, and that is fine. */
export async function* listenCheck(addresses: readonly string[]): AsyncGenerator<Check> {
  const name = 'listen'
  const hint = 'Choose another port: --listen /ip4/0.0.0.0/tcp/PORT'
  const wanted = addresses.length === 0 ? ['/ip4/0.0.0.0/tcp/0'] : addresses
  for (const address of wanted) {
    const place = tcpOf(address)
    if (place === undefined) continue
    const server = createServer()
    try {
      const listening = once(server, 'listening')
      server.listen(place.port, place.host)
      await listening
      yield { name, ok: true, detail: address, hint }
    } catch (error) {
      yield { name, ok: false, detail: `${address}: ${reasonOf(error)}`, hint }
    } finally {
      server.close()
    }
  }
}

/** Whether anybody answers at the bootstrap addresses. */
export async function* bootstrapCheck(addresses: readonly string[]): AsyncGenerator<Check> {
  const name = 'bootstrap'
  const hint = 'Use another bootstrap peer, or none: contacts find each other without one.'
  for (const address of addresses) {
    const place = tcpOf(address)
    if (place === undefined) {
      yield { name, ok: true, detail: `${address}: not TCP, not tried`, hint }
      continue
    }
    const socket = connect(place)
    try {
      await once(socket, 'connect', { signal: AbortSignal.timeout(CONNECT_MAX_MS) })
      yield { name, ok: true, detail: address, hint }
    } catch (error) {
      yield { name, ok: false, detail: `${address}: ${reasonOf(error)}`, hint }
    } finally {
      socket.destroy()
    }
  }
}

/** Whether neighbours on the local network can be heard. */
export async function* mdnsCheck(wanted: boolean): AsyncGenerator<Check> {
  const name = 'mDNS'
  const hint = 'Neighbours on this network are not found by themselves; everything else works.'
  if (!wanted) {
    yield { name, ok: true, detail: 'off', hint }
    return
  }
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  try {
    const listening = once(socket, 'listening')
    socket.bind(MDNS_PORT)
    await listening
    socket.addMembership(MDNS_GROUP)
    yield { name, ok: true, detail: `${MDNS_GROUP}:${MDNS_PORT}`, hint }
  } catch (error) {
    yield { name, ok: false, detail: reasonOf(error), hint }
  } finally {
    socket.close()
  }
}
