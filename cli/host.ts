/**
 * A node in this process, and its socket for everybody else who uses the home meanwhile.
 *
 * Always true: the store's lock decides who may be host; the socket is listened on only by who holds it; after
 * `close` everything is on disk, the socket is gone and the home is free.
 */
import { chmod, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import type { HearsayNode } from 'hearsay'
import { limits } from './limits.ts'
import { serve, type Service } from './rpc/connection.ts'
import { Subscribers } from './rpc/subscribers.ts'
import { readHolder, removeHolder, socketPath, writeHolder } from './running.ts'
import type { Settings } from './settings.ts'
import type { Environment } from './surroundings.ts'
import type { Context, Host, NodeVerb } from './verb.ts'

export interface HostOptions {
  readonly settings: Settings
  readonly environment: Environment
  readonly verbs: ReadonlyMap<string, NodeVerb>
  readonly about: ReadonlyMap<string, () => unknown>
  readonly stays: boolean
  /** Without one the node neither listens nor dials. */
  readonly network: boolean
  readonly create: 'if-missing' | 'must-be-new' | 'never'
  readonly name?: string
  readonly phrase?: string
  readonly passphrase?: string
  /** Makes the node a new device of an identity that is elsewhere, once that has been told the link. */
  readonly link?: { readonly onLink: (link: string) => void; readonly signal: AbortSignal }
}

const LOCKED: ReadonlySet<string> = new Set(['WRONG_PASSPHRASE', 'PASSPHRASE_NEEDED'])

/** Opens the store and starts the node. Whatever fails leaves nothing open. */
async function startNode(options: HostOptions): Promise<HearsayNode> {
  const { settings, network, create, name, phrase, passphrase, link } = options
  // The node with all its libraries is loaded only here: commands that use a running one do without.
  const { createNode, fileStore, HearsayError, linkNode } = await import('hearsay')
  // Whether a store is somebody's the node says: one that waited to be linked and was not is nobody's.
  const store = await fileStore(settings.home, {
    create: create === 'never' ? 'never' : 'if-missing',
    ...(passphrase === undefined ? {} : { passphrase })
  }).catch((error: unknown) => {
    // It has a passphrase, so somebody has made it.
    const isLocked = error instanceof HearsayError && LOCKED.has(error.code)
    throw isLocked && create === 'must-be-new' ? new HearsayError('ALREADY_INITIALISED') : error
  })
  try {
    const shape = {
      store,
      create,
      network: network ? settings.network : false,
      ...(name === undefined ? {} : { name }),
      ...(phrase === undefined ? {} : { phrase })
    }
    return await (link === undefined ? createNode(shape) : linkNode({ ...shape, ...link }))
  } catch (error) {
    await store.close()
    throw error
  }
}

/** A running node with its socket. */
export class NodeHost implements Host {
  readonly home: string
  readonly stays: boolean
  readonly online: boolean
  readonly startedAt: number
  readonly node: HearsayNode
  readonly socket: string
  readonly service: Service
  readonly #server: Server
  readonly #clients = new Set<Socket>()
  readonly #calls = new Set<Promise<void>>()
  readonly #closing = new AbortController()
  readonly #stopAsked = new AbortController()
  #closed: Promise<void> | undefined

  private constructor(options: HostOptions, node: HearsayNode, socket: string, startedAt: number) {
    this.startedAt = startedAt
    this.home = options.settings.home
    this.stays = options.stays
    this.online = options.network && options.settings.network !== false
    this.node = node
    this.socket = socket
    this.service = {
      verbs: options.verbs,
      about: options.about,
      subscribers: new Subscribers(this.home),
      context: call => this.context(call),
      began: () => this.#began()
    }
    // A client may say that it has no more requests and still wait for answers.
    this.#server = createServer({ allowHalfOpen: true }, client => this.#admit(client))
  }

  /** Throws HOME_IN_USE, NOT_INITIALISED and what else fileStore and createNode throw. */
  static async open(options: HostOptions): Promise<NodeHost> {
    const startedAt = Date.now()
    const node = await startNode(options)
    const { home } = options.settings
    try {
      const path = await socketPath(home, options.environment)
      const host = new NodeHost(options, node, path, startedAt)
      await host.#listen()
      await writeHolder(home, { pid: process.pid, socket: path, stays: options.stays })
      return host
    } catch (error) {
      await node.stop()
      throw error
    }
  }

  /** Aborted once somebody asked for the end: `down`. */
  get stopAsked(): AbortSignal {
    return this.#stopAsked.signal
  }

  /** What a verb that runs here is given. */
  context(call: Pick<Context, 'signal' | 'note'>): Context {
    return { node: this.node, host: this, signal: call.signal, note: words => call.note(words) }
  }

  stop(): void {
    this.#stopAsked.abort()
  }

  async #listen(): Promise<void> {
    // We hold the home's lock, so whoever listened here is gone and left its socket behind.
    if (process.platform !== 'win32') await rm(this.socket, { force: true })
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#server.once('error', reject).listen(this.socket, resolve)
    await promise
    this.#server.off('error', reject).on('error', () => undefined)
    // The folder is closed to others already; this is the second lock.
    if (process.platform !== 'win32') await chmod(this.socket, 0o600)
  }

  #began(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#calls.add(promise)
    return () => {
      this.#calls.delete(promise)
      resolve()
    }
  }

  #admit(client: Socket): void {
    if (this.#clients.size >= limits.clientsMax) {
      client.destroy()
      return
    }
    this.#clients.add(client)
    client.once('close', () => this.#clients.delete(client))
    void serve(client, client, this.service, this.#closing.signal).then(() => {
      // Whoever asked us to stop learns by the end of the connection that we have.
      if (!this.#stopAsked.signal.aborted) client.end()
    })
  }

  /** Stops the node and frees the home. A command's node first lets others' calls finish, at most so long. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#server.close()
    if (!this.stays) await this.#drained()
    this.#closing.abort()
    await this.node.stop()
    if ((await readHolder(this.home))?.pid === process.pid) await removeHolder(this.home)
    if (process.platform !== 'win32') await rm(this.socket, { force: true })
    for (const client of this.#clients) client.destroySoon()
  }

  async #drained(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, limits.drainMaxMs)
    await Promise.race([Promise.all(this.#calls), promise])
    clearTimeout(timer)
  }
}
