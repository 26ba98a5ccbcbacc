/** The simulated network as a reader of docs/testing.md would use it. */
import { describe, expect, test } from 'vitest'
import { simulate } from 'hearsay/testing'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

describe('a simulated network', () => {
  test('a message waits for a contact who is away', async () => {
    await using net = await simulate({ nodes: 2, seed: 7, loss: 0.05 })
    await net.contacts()
    net.offline('bob')
    const chat = await net.node('alice').direct('bob')
    const delivery = await chat.send('lunch?')
    await net.advance(6 * HOUR_MS)
    expect(delivery.state).not.toBe('delivered')
    net.online('bob')
    await delivery.reached('delivered')
    const history = await (await net.node('bob').direct('alice')).history()
    expect(history.map(({ text }) => text)).toEqual(['lunch?'])
  })

  test('what was accepted before a crash is there after it', async () => {
    await using net = await simulate({ nodes: 3, seed: 8 })
    await net.contacts()
    net.partition(['alice'])
    for (const other of ['bob', 'carol']) {
      await (await net.node('alice').direct(other)).send(`good morning, ${other}`)
    }
    net.crash('alice')
    expect(net.nodes).toHaveLength(2)
    await net.restart('alice')
    net.heal()
    await net.settle()
    for (const other of ['bob', 'carol']) {
      const history = await (await net.node(other).direct('alice')).history()
      expect(history.map(({ text }) => text)).toEqual([`good morning, ${other}`])
    }
  })

  test('where somebody is stands under the key of the next day before anybody looks there', async () => {
    await using net = await simulate({ nodes: 2, seed: 9 })
    await net.contacts()
    await net.advance(21 * HOUR_MS + 50 * MINUTE_MS)
    // Bob says anew where he is, ten minutes before clocks that are fast begin to look under tomorrow's key.
    net.internet.move('bob')
    await net.advance(MINUTE_MS)
    const { records } = net.internet.dht
    await net.advance(HOUR_MS + 10 * MINUTE_MS)
    expect(net.internet.dht.records).toBeGreaterThan(records)
  })

  test('equal options give equal runs, and another seed another', async () => {
    const run = async (seed: number): Promise<string> => {
      await using net = await simulate({ nodes: 2, seed, loss: 0.2, duplicate: 0.2, mdns: true })
      await net.contacts()
      const chat = await net.node('alice').direct('bob')
      for (let i = 0; i < 5; i++) await chat.send(`message ${i}`)
      await net.settle()
      return net.trace
    }
    expect(await run(3)).toBe(await run(3))
    expect(await run(3)).not.toBe(await run(4))
  })

  test('settling says so when it cannot', async () => {
    await using net = await simulate({ nodes: 2, seed: 5 })
    await net.contacts()
    net.offline('bob')
    await (await net.node('alice').direct('bob')).send('hello?')
    await expect(net.settle({ withinMs: HOUR_MS })).rejects.toThrow('seed=5')
  })
})
