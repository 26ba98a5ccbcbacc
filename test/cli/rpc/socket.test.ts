import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { homeOf, twoContacts, type TestHome } from '../homes.ts'

const sockets: Socket[] = []
afterEach(() => sockets.splice(0).forEach(socket => socket.destroy()))

type Heard = Record<string, unknown> & { params?: Record<string, unknown>; result?: unknown }

/** A program at the control socket of a running node. */
async function program(home: TestHome) {
  const [status] = await home.json('status')
  const socket = connect(String(status?.['socket']))
  sockets.push(socket)
  await once(socket, 'connect')
  let text = ''
  let last = 0
  const heard: Heard[] = []
  const waiting: (() => void)[] = []
  socket.setEncoding('utf8').on('data', (part: string) => {
    const lines = (text + part).split('\n')
    text = lines.pop() ?? ''
    heard.push(...lines.map(line => JSON.parse(line) as Heard))
    for (const wake of waiting.splice(0)) wake()
  })
  const until = async (fits: (one: Heard) => boolean): Promise<Heard> => {
    for (;;) {
      const found = heard.find(fits)
      if (found !== undefined) return found
      await new Promise<void>(resolve => waiting.push(resolve))
    }
  }
  return {
    socket,
    heard,
    until,
    call: async (method: string, params: object = {}): Promise<Heard> => {
      const id = ++last
      socket.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`)
      return until(one => one['id'] === id)
    },
    event: (type: string) => until(one => one['method'] === 'event' && one.params?.['type'] === type)
  }
}

describe('a program at the socket', () => {
  test('sends until delivered, and hears what happens from its cursor on', async () => {
    const { alice, bob } = await twoContacts()
    const one = await program(bob)
    expect((await one.call('subscribe', { since: 0 })).result).toEqual({ since: 0 })
    const added = await one.event('contact:added')
    const other = await program(alice)
    const sent = await other.call('send', { to: 'bob', text: 'hi', until: 'delivered', timeout: '30s' })
    expect(sent.result).toMatchObject({ v: 1, type: 'delivery', state: 'delivered' })
    const received = await one.event('message:received')
    expect(received.params).toMatchObject({ message: { text: 'hi', from: { name: 'alice' } } })
    const cursor = Number(received.params?.['cursor'])
    expect(cursor).toBeGreaterThan(Number(added.params?.['cursor']))
    expect((await one.call('ack', { cursor })).result).toEqual({ cursor })
    // A cursor never goes back.
    expect((await one.call('ack', { cursor: 0 })).result).toEqual({ cursor })

    // The program ends and comes back: it goes on after what it acknowledged, and misses nothing.
    one.socket.destroy()
    await other.call('send', { to: 'bob', text: 'while you were away', until: 'delivered' })
    const again = await program(bob)
    expect((await again.call('subscribe')).result).toEqual({ since: cursor })
    const missed = await again.event('message:received')
    expect(missed.params).toMatchObject({ message: { text: 'while you were away' } })
  })

  test('what a verb cannot do is an error with its code, and what is known', async () => {
    const { alice, bob } = await twoContacts()
    await bob.json('down')
    const { call } = await program(alice)
    expect(await call('send', { to: 'dave', text: 'hi' })).toMatchObject({
      error: { code: -32_000, data: { code: 'UNKNOWN_CONTACT', hint: expect.any(String) } }
    })
    const late = await call('send', { to: 'bob', text: 'hi', until: 'delivered', timeout: '1ms' })
    expect(late).toMatchObject({ error: { data: { code: 'TIMEOUT', results: [{ type: 'delivery' }] } } })
    expect(await call('up')).toMatchObject({ error: { code: -32_601 } })
    expect(await call('phrase')).toMatchObject({ error: { data: { code: 'NOT_A_TERMINAL' } } })
    expect((await call('contacts')).result).toMatchObject([{ name: 'bob' }])
    expect((await call('help')).result).toContainEqual(expect.objectContaining({ name: 'invites.revoke' }))
  })

  test('down ends the connection when the node has stopped', async () => {
    const home = await homeOf('alice')
    const up = home.start(['up', '--json'])
    await up.terminal.stdout.until(/"ready"/u)
    const { socket, call } = await program(home)
    const closed = once(socket, 'close')
    expect((await call('down')).result).toMatchObject({ type: 'stopped', pid: process.pid })
    await closed
    expect(await up.ended).toBe(0)
  })

  test('the same on standard input and output, with a node of its own and with the running one', async () => {
    const home = await homeOf('alice')
    const asked = '{"jsonrpc":"2.0","id":1,"method":"contacts"}\n{"jsonrpc":"2.0","id":2,"method":"status"}\n'
    for (const running of [false, true]) {
      if (running) await home.start(['up', '--json']).terminal.stdout.until(/"ready"/u)
      const { code, out } = await home.run(['rpc'], asked)
      expect(code).toBe(0)
      const answers = out
        .trim()
        .split('\n')
        .map(line => JSON.parse(line) as Heard)
      expect(answers).toHaveLength(2)
      expect(answers).toContainEqual({ jsonrpc: '2.0', id: 1, result: [] })
    }
  })
})
