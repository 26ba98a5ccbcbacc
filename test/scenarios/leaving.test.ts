import { expect, test } from 'vitest'
import { createNode, memoryStore } from 'hearsay'

const network = { listen: ['/ip4/127.0.0.1/tcp/0'], mdns: false, dht: 'off' } as const

test('who leaves as soon as a message is there has still told the sender', async () => {
  await using alice = await createNode({ store: memoryStore(), name: 'alice', network })
  for (let round = 0; round < 5; round++) {
    const bob = await createNode({ store: memoryStore(), name: `bob-${round}`, network })
    const { link } = await alice.contacts.invite()
    await bob.contacts.add(link, { name: 'alice' })
    const signal = AbortSignal.timeout(30_000)
    await bob.contacts.ready('alice', { signal })
    const inbox = (await bob.direct('alice')).messages({ signal })[Symbol.asyncIterator]()
    const message = inbox.next()
    const delivery = await (await alice.direct(`bob-${round}`)).send('goodbye')
    await message
    await bob.stop()
    await delivery.reached('delivered', { signal })
    expect(delivery.state).toBe('delivered')
  }
})
