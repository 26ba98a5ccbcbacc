/** The local network: nodes find each other without anybody's help. Needs multicast, which some machines forbid. */
import { createSocket } from 'node:dgram'
import { expect, test } from 'vitest'
import type { Address } from '../../src/base/ids.ts'
import { MDNS_SERVICE } from '../../src/net/libp2p.ts'
import { startNode, TCP, until } from './places.ts'

/** Whether what this machine sends to everybody on its network comes back to it. */
function hasMulticast(): Promise<boolean> {
  const group = '224.0.0.251'
  return new Promise(resolve => {
    const socket = createSocket({ type: 'udp4', reuseAddr: true })
    const answer = (heard: boolean): void => {
      clearTimeout(giveUp)
      socket.close()
      resolve(heard)
    }
    const giveUp = setTimeout(() => answer(false), 1000)
    socket.on('error', () => answer(false))
    socket.on('message', () => answer(true))
    socket.bind(0, () => {
      try {
        socket.addMembership(group)
        socket.setMulticastLoopback(true)
        socket.send('hello', socket.address().port, group)
      } catch {
        answer(false)
      }
    })
  })
}

const multicast = await hasMulticast()

test.skipIf(!multicast)('nodes on one network find each other, and nobody is dialled for it', async () => {
  await using alice = await startNode(TCP, { mdns: true })
  await using bob = await startNode(TCP, { mdns: true })
  // Others on this network are found as well; only bob matters here.
  const bobs = (): Address[][] =>
    alice.events.flatMap(event =>
      event.type === 'discovered' && event.peer === bob.peer ? [[...event.addresses]] : []
    )
  await until('alice has found bob', () => bobs().length > 0)
  expect(bobs()).toEqual([bob.network.addresses()])
  expect(alice.network.status().connections).toEqual([])
})

test('the service has a name of its own', () => {
  expect(MDNS_SERVICE).toBe('_hearsay._udp.local')
})
