/** The checks that need a node: whether the store opens, the network starts, and the DHT answers. */
import { HearsayError, type HearsayNode } from 'hearsay'
import { z } from 'zod'
import { limits } from '../limits.ts'
import { status } from '../verbs/node.ts'
import type { HereContext } from '../verb.ts'
import type { Check } from './checks.ts'

const DHT_WAIT_MAX_MS = 10_000
const SKEW_MAX_MS = 60 * 60 * 1000

const dhtHint =
  'Check the network and the bootstrap peers; contacts with known addresses are reached without the DHT.'

interface Dht {
  readonly enabled: boolean
  readonly peers: number
}

function dhtCheck({ enabled, peers }: Dht): Check {
  const name = 'DHT'
  if (!enabled) return { name, ok: true, detail: 'off', hint: '' }
  return { name, ok: peers > 0, detail: `${peers} peers`, hint: dhtHint }
}

/** A node of ours, or the running one, by its own word. */
export async function* nodeChecks(context: HereContext): AsyncGenerator<Check> {
  const running = await context.running()
  if (running !== undefined) {
    const call = { signal: context.signal, note: context.note }
    for await (const fact of running.run(status, {}, call)) {
      const { dht, version, pid } = runningSchema.parse(fact)
      yield { name: 'node', ok: true, detail: `process ${pid} runs version ${version}`, hint: '' }
      yield dhtCheck(dht)
    }
    return
  }
  try {
    const host = await context.open({ create: 'never', network: true, stays: false })
    try {
      yield { name: 'store', ok: true, detail: 'it opens', hint: '' }
      yield* clockAgainstContacts(host.node)
      const { addresses } = host.node.status()
      const found = addresses.length === 0 ? 'it starts and listens nowhere' : addresses.join(' ')
      yield { name: 'network', ok: true, detail: found, hint: '' }
      await untilPeers(host.node, context.signal)
      yield dhtCheck(host.node.status().dht)
    } finally {
      await host.close()
    }
  } catch (error) {
    if (!(error instanceof HearsayError)) throw error
    const name = error.code === 'NETWORK_FAILED' ? 'network' : 'store'
    yield { name, ok: false, detail: error.message, hint: error.hint, code: error.code }
  }
}

const runningSchema = z.object({
  pid: z.number(),
  version: z.string(),
  dht: z.object({ enabled: z.boolean(), peers: z.number() })
})

/** Contacts' clocks: where all of them are ahead of ours by far, ours is the wrong one. */
async function* clockAgainstContacts(node: HearsayNode): AsyncGenerator<Check> {
  const last = (await node.conversations()).map(({ lastMessage }) => lastMessage)
  const ahead = last.flatMap(message =>
    message === undefined || message.from.self ? [] : [message.sentAt - message.receivedAt]
  )
  if (ahead.length === 0) return
  const least = Math.min(...ahead)
  const ok = least < SKEW_MAX_MS
  const detail = ok ? 'agrees with contacts' : `contacts are ahead by ${Math.round(least / 60_000)} min`
  yield { name: 'clocks', ok, detail, hint: 'Set the clock: invites and presence end by it.' }
}

async function untilPeers(node: HearsayNode, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + DHT_WAIT_MAX_MS
  for (;;) {
    const { enabled, peers } = node.status().dht
    if (!enabled || peers > 0 || signal.aborted || performance.now() > deadline) return
    await new Promise(resolve => void setTimeout(resolve, limits.holderPollMs))
  }
}
