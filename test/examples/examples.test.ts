/** Every example is a program that runs: real nodes, real libp2p over loopback, in a process of its own. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createNode, memoryStore } from 'hearsay'
import { expect, onTestFinished, test } from 'vitest'

const folder = fileURLToPath(new URL('../../examples/', import.meta.url))
const LOOPBACK = '/ip4/127.0.0.1/tcp/0'
const patience = (): AbortSignal => AbortSignal.timeout(60_000)

const said = async (example: string): Promise<string[]> => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['-C', 'hearsay-source', join(folder, example)],
    { signal: patience() }
  )
  return stdout.trimEnd().split('\n')
}

test('01: two people become contacts and verify each other', async () => {
  expect(await said('01-two-nodes.ts')).toEqual([
    'bob knows alice as alice: requested',
    'bob knows alice as alice: ready',
    'alice knows bob as bob: ready',
    'bob has verified alice: true'
  ])
})

test('02: a message arrives, another waits for its reader, both survive a restart', async () => {
  expect(await said('02-direct.ts')).toEqual([
    'bob reads: lunch?',
    "alice's message is delivered",
    'bob is away, the message has arrived: false',
    'bob has on disk, from alice: lunch?',
    'bob has on disk, from alice: I will be at the window',
    "alice's message is read"
  ])
})

/** The bot in a process of its own, once it has said its address. */
async function startBot(home: string): Promise<{ link: string; end(): Promise<unknown> }> {
  const child = spawn(
    process.execPath,
    ['-C', 'hearsay-source', join(folder, '03-echo-bot.ts'), home, LOOPBACK],
    { stdio: ['ignore', 'pipe', 'inherit'] }
  )
  onTestFinished(() => void child.kill('SIGKILL'))
  const exited = once(child, 'exit')
  const [link] = (await Promise.race([
    once(createInterface({ input: child.stdout }), 'line', { signal: patience() }),
    exited.then(([code]) => Promise.reject(new Error(`the bot ended with ${code}`)))
  ])) as [string]
  return {
    link,
    end: async () => {
      child.kill('SIGTERM')
      return (await exited)[0]
    }
  }
}

test('03: the bot takes everybody and answers everything once, also what came while it was stopped', async () => {
  const home = await mkdtemp(join(tmpdir(), 'hearsay-bot-'))
  onTestFinished(() => rm(home, { recursive: true, force: true }))
  await using alice = await createNode({
    store: memoryStore(),
    name: 'alice',
    network: { listen: [LOOPBACK], dht: 'off', mdns: false }
  })
  const bot = await startBot(home)
  const contact = await alice.contacts.add(bot.link, { name: 'echo' })
  await alice.contacts.ready(contact, { signal: patience() })
  const chat = await alice.direct('echo')
  const answers = chat.messages({ signal: patience() })[Symbol.asyncIterator]()

  const hello = await chat.send('hello')
  const first = await answers.next()
  expect(first.value).toMatchObject({ text: 'hello', replyTo: hello.message })
  await hello.reached('read', { signal: patience() })
  expect(await bot.end()).toBe(0)

  const question = await chat.send('are you there?')
  const again = await startBot(home)
  expect(again.link, 'the address stays').toBe(bot.link)
  expect((await answers.next()).value).toMatchObject({ text: 'are you there?', replyTo: question.message })
  await question.reached('read', { signal: patience() })
  expect(await again.end()).toBe(0)
  expect((await chat.history()).map(({ text }) => text)).toEqual([
    'hello',
    'hello',
    'are you there?',
    'are you there?'
  ])
})

test('04: three people in a group, until one is removed', async () => {
  expect(await said('04-group.ts')).toEqual([
    'bob is in #climbers, one of 2',
    'carol is in #climbers, one of 3',
    'carol reads, from bob: who has the rope?',
    "alice's next message is delivered, to 1 device",
    'carol has 1 message on disk'
  ])
})

test('there is no example that no test runs, and each fits on one page', async () => {
  const examples = (await readdir(folder)).sort()
  expect(examples).toEqual(['01-two-nodes.ts', '02-direct.ts', '03-echo-bot.ts', '04-group.ts'])
  for (const example of examples) {
    const lines = (await readFile(join(folder, example), 'utf8')).trimEnd().split('\n')
    expect(lines.length, example).toBeLessThan(60)
  }
})
