/**
 * A direct conversation, kept on disk: messages arrive while both are there, wait while one is away, and are still
 * there after a restart.
 *
 *     node -C hearsay-source examples/02-direct.ts
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNode, fileStore, type HearsayNode } from 'hearsay'

const folder = await mkdtemp(join(tmpdir(), 'hearsay-example-'))
const network = { listen: ['/ip4/127.0.0.1/tcp/0'], dht: 'off', mdns: false } as const
const signal = AbortSignal.timeout(60_000)

const start = (name: string): Promise<HearsayNode> =>
  createNode({ store: fileStore(join(folder, name)), name, network })

{
  await using alice = await start('alice')
  const bob = await start('bob')
  const { link } = await bob.contacts.invite()
  const contact = await alice.contacts.add(link, { name: 'bob' })
  await alice.contacts.ready(contact, { signal })

  // From the moment that somebody listens, messages come as they arrive.
  const bobsChat = await bob.direct(alice.identity.id)
  const arriving = bobsChat.messages({ signal })[Symbol.asyncIterator]()

  const chat = await alice.direct('bob')
  // Sealed and on Alice's disk when send() resolves; what becomes of it after that is the delivery.
  const lunch = await chat.send('lunch?')
  const first = await arriving.next()
  console.log(`bob reads: ${first.done === true ? 'nothing' : first.value.text}`)
  console.log(`alice's message is ${(await lunch.reached('delivered', { signal })).state}`)

  await bob.stop()
  const later = await chat.send('I will be at the window')
  // Nobody is there to say that it arrived, so nothing says so.
  console.log(`bob is away, the message has arrived: ${['delivered', 'read'].includes(later.state)}`)

  await using bobAgain = await start('bob')
  await later.reached('delivered', { signal })
  const back = await bobAgain.direct('alice')
  for (const { from, text } of await back.history())
    console.log(`bob has on disk, from ${from.name}: ${text}`)
  await back.markRead()
  console.log(`alice's message is ${(await later.reached('read', { signal })).state}`)
}
await rm(folder, { recursive: true })
