import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import * as fc from 'fast-check'
import { HearsayError, type HearsayNode } from 'hearsay'
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { line } from '../../../cli/facts.ts'
import { literal } from '../../../cli/output/safe-text.ts'
import { serve, type Service } from '../../../cli/rpc/connection.ts'
import { Subscribers } from '../../../cli/rpc/subscribers.ts'
import { nodeVerb, type Context, type NodeVerb } from '../../../cli/verb.ts'

const said = line('said', { text: z.string() })
const fact = (text: string) => ({ v: 1, type: 'said', text }) as const

/** Verbs that touch no node: what a connection does with results, failures and waits is the same for all. */
const verbs: readonly NodeVerb[] = [
  nodeVerb({
    name: 'say',
    summary: 'says it',
    needs: 'node',
    params: { text: z.string() },
    result: said,
    async *run({ text }, { note }) {
      note(literal('thinking'))
      yield fact(text)
    },
    text: () => literal('')
  }),
  nodeVerb({
    name: 'count',
    summary: 'counts',
    needs: 'node',
    params: { to: z.int() },
    result: said,
    lists: true,
    async *run({ to }) {
      for (let number = 1; number <= to; number++) yield fact(String(number))
    },
    text: () => literal('')
  }),
  nodeVerb({
    name: 'wait',
    summary: 'says how far it is and waits until it is stopped',
    needs: 'node',
    params: {},
    result: said,
    lists: true,
    async *run(_params, { signal }) {
      yield fact('waiting')
      if (!signal.aborted) await once(signal, 'abort')
      throw new HearsayError('ABORTED')
    },
    text: () => literal('')
  }),
  nodeVerb({
    name: 'break',
    summary: 'has a bug',
    needs: 'node',
    params: {},
    result: said,
    // oxlint-disable-next-line require-yield
    async *run() {
      throw new TypeError('x is not a function')
    },
    text: () => literal('')
  })
]

const service: Service = {
  verbs: new Map(verbs.map(verb => [verb.name, verb])),
  about: new Map([['version', () => fact('1')]]),
  subscribers: new Subscribers('/nonexistent'),
  began: () => () => undefined,
  context: call => ({ ...call, node: {} as HearsayNode, host: {} as Context['host'] })
}

const open: AbortController[] = []
afterEach(() => open.splice(0).forEach(each => each.abort()))

/** A client: what it says, and what it hears, object by object. */
function client(sink = new PassThrough()) {
  const source = new PassThrough()
  const stop = new AbortController()
  open.push(stop)
  const served = serve(source, sink, service, stop.signal)
  let text = ''
  const heard: Record<string, unknown>[] = []
  const waiting: (() => void)[] = []
  const read = (): void => {
    sink.setEncoding('utf8').on('data', (part: string) => {
      const lines = (text + part).split('\n')
      text = lines.pop() ?? ''
      heard.push(...lines.map(each => JSON.parse(each) as Record<string, unknown>))
      for (const wake of waiting.splice(0)) wake()
    })
  }
  return {
    source,
    served,
    heard,
    read,
    say: (value: unknown) => source.write(`${typeof value === 'string' ? value : JSON.stringify(value)}\n`),
    until: async (fits: (one: Record<string, unknown>) => boolean) => {
      if (sink.listenerCount('data') === 0) read()
      while (!heard.some(fits)) await new Promise<void>(resolve => waiting.push(resolve))
    },
    hears: async (count: number) => {
      if (sink.listenerCount('data') === 0) read()
      while (heard.length < count) await new Promise<void>(resolve => waiting.push(resolve))
      return heard
    }
  }
}

const request = (id: number, method: string, params?: object, more?: object) => ({
  jsonrpc: '2.0',
  id,
  method,
  ...(params === undefined ? {} : { params }),
  ...more
})

describe('JSON-RPC over lines', () => {
  test('one object, a list, and what needs no node', async () => {
    const { say, hears } = client()
    say(request(1, 'say', { text: 'hi' }))
    expect(await hears(1)).toEqual([{ jsonrpc: '2.0', id: 1, result: fact('hi') }])
    say(request(2, 'count', { to: 2 }))
    expect((await hears(2))[1]).toEqual({ jsonrpc: '2.0', id: 2, result: [fact('1'), fact('2')] })
    say(request(3, 'version'))
    expect((await hears(3))[2]).toEqual({ jsonrpc: '2.0', id: 3, result: fact('1') })
  })

  test('a stream gets results and notes while they are made', async () => {
    const { say, hears } = client()
    say(request(1, 'say', { text: 'hi' }, { stream: true }))
    expect(await hears(3)).toEqual([
      { jsonrpc: '2.0', method: 'note', params: { id: 1, text: 'thinking' } },
      { jsonrpc: '2.0', method: 'result', params: { id: 1, result: fact('hi') } },
      { jsonrpc: '2.0', id: 1, result: [] }
    ])
  })

  test.each([
    ['{', -32_700, null],
    ['"text"', -32_600, null],
    ['{"id":7}', -32_600, 7],
    ['{"jsonrpc":"1.0","id":7,"method":"say"}', -32_600, 7],
    ['{"jsonrpc":"2.0","id":7,"method":"say","params":[1]}', -32_600, 7],
    ['{"jsonrpc":"2.0","id":7,"method":"shout"}', -32_601, 7],
    ['{"jsonrpc":"2.0","id":7,"method":"toString"}', -32_601, 7],
    ['{"jsonrpc":"2.0","id":7,"method":"say","params":{}}', -32_602, 7],
    ['{"jsonrpc":"2.0","id":7,"method":"say","params":{"text":"a","more":1}}', -32_602, 7],
    ['{"jsonrpc":"2.0","id":7,"method":"break"}', -32_603, 7],
    ['[]', -32_600, null]
  ])('%s is answered with %d, and the connection goes on', async (text, code, id) => {
    const { say, hears } = client()
    say(text)
    const [answer] = await hears(1)
    expect(answer).toMatchObject({ jsonrpc: '2.0', id, error: { code, data: { hint: expect.any(String) } } })
    say(request(8, 'say', { text: 'still here' }))
    expect((await hears(2))[1]).toMatchObject({ id: 8, result: { text: 'still here' } })
  })

  test('whatever a line holds, it is answered once or was a notification, and the connection goes on', async () => {
    const { say, until } = client()
    let count = 0
    const anything = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1 }),
      fc.json(),
      fc
        .record({
          jsonrpc: fc.constant('2.0'),
          id: fc.jsonValue(),
          method: fc.constantFrom('say', 'ack', 'x'),
          params: fc.jsonValue()
        })
        .map(value => JSON.stringify(value))
    )
    await fc.assert(
      fc.asyncProperty(
        anything.filter(text => !text.includes('\n')),
        async text => {
          say(text)
          count += 1
          const id = `after ${count}`
          say({ ...request(0, 'say', { text: 'still here' }), id })
          await until(one => one['id'] === id && one['result'] !== undefined)
        }
      ),
      { numRuns: 300 }
    )
  })

  test('a batch is answered by a batch; notifications are not answered', async () => {
    const { say, hears } = client()
    say([request(1, 'say', { text: 'a' }), { jsonrpc: '2.0', method: 'say', params: { text: 'b' } }, 5])
    const [batch] = await hears(1)
    expect(batch).toEqual([
      { jsonrpc: '2.0', id: 1, result: fact('a') },
      expect.objectContaining({ id: null, error: expect.objectContaining({ code: -32_600 }) })
    ])
  })

  test('a line beyond the limit is refused without being kept', async () => {
    const { source, say, hears } = client()
    for (let part = 0; part < 64; part++) source.write('x'.repeat(64 * 1024))
    source.write('\n')
    say(request(1, 'say', { text: 'hi' }))
    const [first, second] = await hears(2)
    expect(first).toMatchObject({ error: { code: -32_700, message: 'The line is too long.' } })
    expect(second).toMatchObject({ id: 1 })
  })

  test('a call that is cancelled says what it had', async () => {
    const { say, hears } = client()
    say(request(1, 'wait'))
    say(request(2, 'cancel', { id: 1 }))
    const answers = await hears(2)
    expect(answers).toContainEqual({ jsonrpc: '2.0', id: 2, result: {} })
    expect(answers).toContainEqual(
      expect.objectContaining({
        id: 1,
        error: expect.objectContaining({
          data: expect.objectContaining({ code: 'ABORTED', results: [fact('waiting')] })
        })
      })
    )
  })

  test('when the client has said all, its calls finish and its streams end', async () => {
    const { say, hears, source, served } = client()
    say(request(1, 'say', { text: 'hi' }))
    say(request(2, 'wait', {}, { stream: true }))
    await hears(2)
    source.end()
    await served
    expect(await hears(3)).toContainEqual(expect.objectContaining({ id: 2, error: expect.anything() }))
  })

  test('a client that asks and never reads is dropped', async () => {
    const sink = new PassThrough({ highWaterMark: 1 })
    const { say, served } = client(sink)
    const text = 'x'.repeat(200 * 1024)
    sink.on('error', () => undefined)
    while (!sink.destroyed) {
      say(request(1, 'say', { text }))
      await new Promise(resolve => setImmediate(resolve))
    }
    await served
  })

  test('a client has a bounded number of calls under way', async () => {
    const { say, hears } = client()
    for (let id = 1; id <= 65; id++) say(request(id, 'wait'))
    const [answer] = await hears(1)
    expect(answer).toMatchObject({ id: 65, error: { data: { code: 'LIMIT_REACHED' } } })
  })
})
