/** Verbs for the node itself: running it, stopping it, asking how it is, and speaking its protocol. */
import { HearsayError } from 'hearsay'
import { z } from 'zod'
import { eventLine } from '../event-facts.ts'
import { isoTime, line } from '../facts.ts'
import { row, shortFingerprint } from '../output/people.ts'
import { joined, literal, safe, safeName, words, type SafeText } from '../output/safe-text.ts'
import { connected } from '../rpc/call.ts'
import { serve } from '../rpc/connection.ts'
import { hereVerb, nodeVerb } from '../verb.ts'
import { eventText } from './event-text.ts'
import { eventFacts } from './history.ts'

const readyLine = line('ready', {
  peerId: z.string(),
  addresses: z.array(z.string()),
  socket: z.string(),
  pid: z.int()
})

export const up = hereVerb({
  name: 'up',
  summary: 'run the node until it is stopped',
  details:
    'Prints where it is reachable, then everything that happens. Other commands use it through its socket meanwhile. Ctrl-C, SIGTERM or hearsay down end it; everything is on disk at every moment.',
  params: {},
  result: z.union([readyLine, eventLine]),
  lists: true,
  async *run(_params, { open, signal, note }) {
    const host = await open({ create: 'never', network: true, stays: true })
    try {
      const { peerId, addresses } = host.node.status()
      const stop = AbortSignal.any([signal, host.stopAsked])
      // Listening begins before anybody is told that they may begin.
      const events = eventFacts(host.node, { signal: stop })
      yield {
        v: 1 as const,
        type: 'ready' as const,
        peerId,
        addresses: addresses as readonly string[] as string[],
        socket: host.socket,
        pid: process.pid
      }
      note(literal('The node runs. Stop it with Ctrl-C or hearsay down.'))
      try {
        yield* events
      } catch (error) {
        if (!stop.aborted) throw error
      }
      note(literal('Stopping; a second Ctrl-C does not wait.'))
    } finally {
      await host.close()
    }
  },
  text(result, paint) {
    if (result.type !== 'ready') return eventText(result, paint)
    return joined(
      [
        row(literal('ready'), safe(result.peerId)),
        ...result.addresses.map(address => row(literal('listens on'), safe(address))),
        row(literal('answers on'), safe(result.socket))
      ],
      '\n'
    )
  }
})

export const down = nodeVerb({
  name: 'down',
  summary: 'stop the running node',
  needs: 'running node',
  params: {},
  result: line('stopped', { pid: z.int() }),
  async *run(_params, { host }) {
    host.stop()
    yield { v: 1 as const, type: 'stopped' as const, pid: process.pid }
  },
  text: ({ pid }) => row(literal('stopped'), words`process ${pid}`)
})

const statusLine = line('status', {
  identity: z.string(),
  fingerprint: z.string(),
  name: z.string(),
  device: z.string(),
  home: z.string(),
  /** Whether a node stays up, or this command ran one for the answer. */
  running: z.boolean(),
  pid: z.int(),
  socket: z.string().nullable(),
  peerId: z.string(),
  addresses: z.array(z.string()),
  connections: z.array(
    z.strictObject({
      peer: z.string(),
      address: z.string(),
      direction: z.enum(['inbound', 'outbound']),
      contact: z.string().nullable()
    })
  ),
  mailboxes: z.array(z.never()),
  outbox: z.strictObject({ messages: z.int(), oldestAt: z.iso.datetime().nullable() }),
  dht: z.strictObject({
    enabled: z.boolean(),
    mode: z.enum(['client', 'server']),
    peers: z.int(),
    records: z.int()
  }),
  mdns: z.boolean(),
  contacts: z.int(),
  version: z.string()
})
type StatusFact = z.infer<typeof statusLine>

export const status = nodeVerb({
  name: 'status',
  summary: 'show how the node is: connections, outbox, DHT',
  needs: 'node',
  params: {},
  result: statusLine,
  async *run(_params, { node, host }) {
    const { identity, peerId, addresses, connections, outbox, dht, mdns, contacts, version } = node.status()
    const fact: StatusFact = {
      v: 1,
      type: 'status',
      identity: identity.id,
      fingerprint: identity.fingerprint,
      name: identity.name,
      device: identity.device,
      home: host.home,
      running: host.stays,
      pid: process.pid,
      socket: host.socket ?? null,
      peerId,
      addresses: [...addresses],
      connections: connections.map(({ peer, address, direction, contact }) => ({
        peer,
        address,
        direction,
        contact: contact ?? null
      })),
      mailboxes: [],
      outbox: {
        messages: outbox.messages,
        oldestAt: outbox.oldestAt === undefined ? null : isoTime(outbox.oldestAt)
      },
      dht: { ...dht },
      mdns,
      contacts,
      version
    }
    yield fact
  },
  text: statusText
})

function statusText(now: StatusFact): SafeText {
  const name = now.name === '' ? literal('') : words`${safeName(now.name)} `
  const oldest = now.outbox.oldestAt === null ? literal('') : words`, oldest ${safe(now.outbox.oldestAt)}`
  const { dht } = now
  return joined(
    [
      row(literal('identity'), words`${name}${shortFingerprint(now.fingerprint)}`),
      row(
        literal('node'),
        now.running
          ? words`runs, process ${now.pid}`
          : literal('runs for a command only. To keep it: hearsay up')
      ),
      ...(now.running ? [row(literal('peer'), safe(now.peerId))] : []),
      ...now.addresses.map(address => row(literal('listens on'), safe(address))),
      ...now.connections.map(({ contact, peer, address, direction }) =>
        row(
          direction === 'inbound' ? literal('from') : literal('to'),
          words`${contact === null ? safe(peer) : safeName(contact)} ${safe(address)}`
        )
      ),
      row(literal('outbox'), words`${now.outbox.messages} messages${oldest}`),
      row(
        literal('DHT'),
        dht.enabled ? words`${safe(dht.mode)}, ${dht.peers} peers, ${dht.records} records` : literal('off')
      ),
      row(literal('mDNS'), now.mdns ? literal('on') : literal('off')),
      row(literal('contacts'), words`${now.contacts}`),
      row(literal('version'), safe(now.version))
    ],
    '\n'
  )
}

export const rpc = hereVerb({
  name: 'rpc',
  summary: 'speak JSON-RPC 2.0 on standard input and output',
  details:
    'One object a line. A method is a verb, its parameters are the options of the verb in camelCase. Uses the running node, or runs one until standard input ends.',
  params: {},
  result: z.never(),
  async run(_params, { open, running, surroundings, signal }) {
    const session = await running()
    if (session !== undefined) {
      await relay(session.socket, surroundings, signal)
      return
    }
    const host = await open({ create: 'never', network: true, stays: true })
    try {
      const { stdin, stdout } = surroundings
      await serve(stdin, stdout, host.service, AbortSignal.any([signal, host.stopAsked]))
      stdin.destroy()
    } finally {
      await host.close()
    }
  },
  text: () => literal('')
})

/** Passes bytes on between our streams and the running node, which does the rest. */
async function relay(
  path: string,
  { stdin, stdout }: { readonly stdin: NodeJS.ReadableStream; readonly stdout: NodeJS.WritableStream },
  signal: AbortSignal
): Promise<void> {
  const socket = await connected(path)
  if (socket === undefined) throw new HearsayError('NO_RUNNING_NODE')
  const { promise, resolve } = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => socket.destroy(), { once: true })
  socket.on('error', () => undefined).once('close', resolve)
  socket.pipe(stdout, { end: false })
  stdin.pipe(socket)
  await promise
}
