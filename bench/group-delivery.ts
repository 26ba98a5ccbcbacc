/**
 * Group delivery: from the call of `send()` to the moment at which each member of a group shows the text. All nodes
 * are real ones in one process: libp2p over TCP on loopback, stores in memory. So the figures say what the whole
 * costs, and the times include that all members wait for one processor.
 */
import { createNode, memoryStore } from 'hearsay'
import type { HearsayNode } from 'hearsay'
import { percentile } from './measure.ts'
import type { BenchOptions, Row } from './measure.ts'

const SIZES = [10, 50] as const
const MESSAGES = 10
/** Links are made while nobody writes; what is measured is a group that has come to rest. */
const REST_MS = 5000
const JOIN_MAX_MS = 120_000

const start = (name: string): Promise<HearsayNode> =>
  createNode({
    store: memoryStore(),
    name,
    network: { listen: ['/ip4/127.0.0.1/tcp/0'], dht: 'off', mdns: false }
  })

/** Waits for the first event that fits. */
async function seen(
  node: HearsayNode,
  fits: (event: Awaited<ReturnType<typeof nextOf>>) => boolean
): Promise<void> {
  const signal = AbortSignal.timeout(JOIN_MAX_MS)
  for await (const event of node.events({ signal })) if (fits(event)) return
}

const nextOf = async (node: HearsayNode) => (await node.events()[Symbol.asyncIterator]().next()).value!

/** Notes when each text is shown at a node. */
async function watch(node: HearsayNode, shown: (text: string) => void, signal: AbortSignal): Promise<void> {
  try {
    for await (const event of node.events({ signal }))
      if (event.type === 'message:received') shown(event.message.text)
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** Milliseconds until each member showed each text, and CPU milliseconds for each of these deliveries. */
async function deliver(size: number, messages: number): Promise<{ times: number[]; cpuMs: number }> {
  const nodes = [await start('founder')]
  const founder = nodes[0]!
  const group = await founder.groups.create('everybody')
  while (nodes.length < size) {
    const node = await start(`member ${nodes.length}`)
    const { link } = await founder.groups.invite(group.id)
    const added = seen(node, ({ type }) => type === 'group:added')
    await node.groups.join(link)
    await added
    nodes.push(node)
  }
  await new Promise(resolve => setTimeout(resolve, REST_MS))
  const end = new AbortController()
  const times: number[] = []
  let [sentAt, left] = [0, 0]
  let all = (): void => undefined
  const shown = (): void => {
    times.push(performance.now() - sentAt)
    left -= 1
    if (left === 0) all()
  }
  const watching = nodes.slice(1).map(node => watch(node, shown, end.signal))
  const chat = await founder.conversation(group.id)
  const cpu = process.cpuUsage()
  for (let number = 0; number < messages; number++) {
    left = size - 1
    sentAt = performance.now()
    const reached = new Promise<void>(resolve => {
      all = resolve
    })
    await chat.send(`text ${number}`)
    await reached
  }
  const { user, system } = process.cpuUsage(cpu)
  end.abort()
  await Promise.all(watching)
  await Promise.all(nodes.map(node => node.stop()))
  return { times, cpuMs: (user + system) / 1000 / times.length }
}

/** Measures, and returns the table. */
export async function benchGroupDelivery({ rounds, quick }: BenchOptions): Promise<Row[]> {
  const rows: Row[] = []
  for (const size of quick ? SIZES.slice(0, 1) : SIZES) {
    const { times, cpuMs } = await deliver(size, quick ? 3 : MESSAGES * rounds)
    const row = (name: string, value: number, unit: string): Row => ({
      name: `${size} nodes: ${name}`,
      value,
      unit
    })
    rows.push(
      row('send() to shown, p50', percentile(times, 0.5), 'ms'),
      row('send() to shown, p99', percentile(times, 0.99), 'ms'),
      row('CPU of all nodes, a delivery', cpuMs, 'ms')
    )
  }
  return rows
}
