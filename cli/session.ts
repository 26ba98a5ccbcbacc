/**
 * How this process uses a home: through the node that runs already, or with one of its own for as long as it
 * takes. Verbs, the chat and the demonstration see no difference.
 */
import { HearsayError } from 'hearsay'
import type { Fact } from './facts.ts'
import { NodeHost, type HostOptions } from './host.ts'
import { limits } from './limits.ts'
import { call, connected, type CallOptions } from './rpc/call.ts'
import { readHolder, socketPath } from './running.ts'
import type { Environment } from './surroundings.ts'
import type { NodeVerb } from './verb.ts'

/** A node to run verbs on. */
export interface Session {
  /** Whether the node is another process's. */
  readonly remote: boolean
  /** Where the node answers. */
  readonly socket: string
  /** Aborted when the node is asked to stop, for instance by `down` from elsewhere. */
  readonly stopAsked: AbortSignal
  run(verb: NodeVerb, params: unknown, options: CallOptions): AsyncIterable<Fact>
  /** Resolves once everything is on disk and nothing is left running. Leaves other processes' nodes alone. */
  close(): Promise<void>
}

/** A session with the node that runs in a home, or undefined where none answers. */
export async function runningSession(home: string, environment: Environment): Promise<Session | undefined> {
  for (const path of await candidates(home, environment)) {
    const socket = await connected(path)
    if (socket === undefined) continue
    socket.destroy()
    return new RemoteSession(path)
  }
  return undefined
}

/** Where a node of this home could answer: what the holder says, then where it would be by the rules. */
async function candidates(home: string, environment: Environment): Promise<readonly string[]> {
  const holder = await readHolder(home)
  const ruled = await socketPath(home, environment).catch(() => undefined)
  return [...new Set([holder?.socket, ruled])].filter(path => path !== undefined)
}

class RemoteSession implements Session {
  readonly remote = true
  readonly socket: string
  readonly stopAsked = new AbortController().signal

  constructor(socket: string) {
    this.socket = socket
  }

  async *run(verb: NodeVerb, params: unknown, options: CallOptions): AsyncGenerator<Fact> {
    const socket = await connected(this.socket)
    if (socket === undefined) throw new HearsayError('NO_RUNNING_NODE')
    yield* call(socket, verb.name, params, options)
  }

  async close(): Promise<void> {
    // The node is not ours.
  }
}

/** A session with a node of this process. */
export class LocalSession implements Session {
  readonly remote = false
  readonly host: NodeHost

  constructor(host: NodeHost) {
    this.host = host
  }

  get socket(): string {
    return this.host.socket
  }

  get stopAsked(): AbortSignal {
    return this.host.stopAsked
  }

  run(verb: NodeVerb, params: unknown, options: CallOptions): AsyncIterable<Fact> {
    return verb.run(params, this.host.context(options))
  }

  close(): Promise<void> {
    return this.host.close()
  }
}

const isHeld = (error: unknown): boolean => error instanceof HearsayError && error.code === 'HOME_IN_USE'

const pause = async (): Promise<void> => new Promise(resolve => void setTimeout(resolve, limits.holderPollMs))

/**
 * Runs the node in this process. A command that has the home for a moment is waited for. Throws HOME_IN_USE, with
 * the holder's name where it is known.
 */
export async function openHost(options: HostOptions): Promise<NodeHost> {
  const deadline = performance.now() + limits.holderStartMaxMs
  for (;;) {
    try {
      return await NodeHost.open(options)
    } catch (cause) {
      if (!isHeld(cause)) throw cause
      const holder = await readHolder(options.settings.home)
      if (holder?.stays !== true && performance.now() < deadline) {
        await pause()
        continue
      }
      if (holder === undefined) throw cause
      throw new HearsayError('HOME_IN_USE', { message: `Process ${holder.pid} is using this home.`, cause })
    }
  }
}

/** Uses the running node, or runs one. A node that is just starting or stopping elsewhere is waited for. */
export async function openSession(options: HostOptions): Promise<Session> {
  const { settings, environment } = options
  const deadline = performance.now() + limits.holderStartMaxMs
  for (;;) {
    const running = await runningSession(settings.home, environment)
    if (running !== undefined) return running
    try {
      return new LocalSession(await NodeHost.open(options))
    } catch (error) {
      // The last try is openHost's, which knows how to say who is in the way.
      if (!isHeld(error)) throw error
      if (performance.now() > deadline) return new LocalSession(await openHost(options))
      await pause()
    }
  }
}
