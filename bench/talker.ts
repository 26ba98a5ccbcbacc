/**
 * A person in a process of its own: a real node, its store on disk, TCP on loopback. Started by a benchmark.
 */
import { createNode, fileStore } from 'hearsay'
import type { Conversation, Delivery, HearsayNode } from 'hearsay'
import { serve } from './child.ts'

/** Texts on their way to the disk at once: as many as a program that has them all would let be. */
const SENDS_AT_ONCE = 256

let node: HearsayNode
let chat: Conversation

/** 200 bytes, each text another. */
const textOf = (number: number): string => number.toString().padEnd(200, ' and so on')

/** CPU time of this process so far, all threads, in milliseconds. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

async function sendAll(count: number): Promise<Delivery[]> {
  const deliveries: Delivery[] = []
  let begun = 0
  const sendMore = async (): Promise<void> => {
    while (begun < count) {
      begun += 1
      deliveries.push(await chat.send(textOf(begun)))
    }
  }
  await Promise.all(Array.from({ length: SENDS_AT_ONCE }, sendMore))
  return deliveries
}

const requests = {
  /** Starts the node in a folder. */
  async start({ folder, name }: { folder: string; name: string }): Promise<void> {
    node = await createNode({
      store: fileStore(folder),
      name,
      network: { listen: ['/ip4/127.0.0.1/tcp/0'], dht: 'off', mdns: false }
    })
  },
  async invite(): Promise<string> {
    return (await node.contacts.invite()).link
  },
  /** Redeems an invite and waits for the answer. */
  async meet(link: string): Promise<void> {
    await node.contacts.ready(await node.contacts.add(link, { name: 'other' }))
    chat = await node.direct('other')
  },
  /** Sends so many texts, and waits until each is on the disk of the other side and its receipt on ours. */
  async send(count: number): Promise<void> {
    for (const delivery of await sendAll(count)) await delivery.reached('delivered')
  },
  /** Milliseconds from the call of `send()` to the receipt, one text after the other. */
  async pace(count: number): Promise<number[]> {
    const times: number[] = []
    for (let number = 0; number < count; number++) {
      const before = performance.now()
      await (await chat.send(textOf(number))).reached('delivered')
      times.push(performance.now() - before)
    }
    return times
  },
  cpu: cpuMs,
  /** Bytes in memory, the whole process. */
  memory: (): number => process.memoryUsage.rss(),
  async stop(): Promise<void> {
    await node.stop()
  }
}

export type Talker = typeof requests

serve(requests)
