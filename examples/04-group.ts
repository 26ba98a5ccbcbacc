/**
 * A group: Alice knows Bob and Carol, who do not know each other. She asks both in, they say yes, and everybody reads
 * everybody. Then Carol is removed, and cannot read what is written from there on.
 *
 *     node -C hearsay-source examples/04-group.ts
 */
import { createNode, memoryStore, type HearsayNode } from 'hearsay'

const network = { listen: ['/ip4/127.0.0.1/tcp/0'], dht: 'off', mdns: false } as const
const signal = AbortSignal.timeout(60_000)

const start = (name: string): Promise<HearsayNode> => createNode({ store: memoryStore(), name, network })

await using alice = await start('alice')
await using bob = await start('bob')
await using carol = await start('carol')

for (const friend of [bob, carol]) {
  const { link } = await alice.contacts.invite()
  await friend.contacts.ready(await friend.contacts.add(link, { name: 'alice' }), { signal })
}

/** Says yes to the first group that somebody asks us into, and waits until a member has taken us in. */
async function join(node: HearsayNode): Promise<void> {
  for await (const event of node.events({ signal })) {
    if (event.type !== 'group:invited') continue
    // This program lets itself be asked into anything. Most would ask their person here.
    const { id } = await node.groups.accept(event.invitation.id)
    const { name, members } = await node.groups.joined(id, { signal })
    console.log(`${node.identity.name} is in #${name}, one of ${members.length}`)
    return
  }
}

// Whoever listens before being asked misses nothing.
const bobJoins = join(bob)
const carolJoins = join(carol)
const climbers = await alice.groups.create('climbers', { members: ['bob'] })
await bobJoins
await alice.groups.add(climbers, 'carol')
await carolJoins

// Bob and Carol are no contacts of each other; the group is what they share.
const question = await (await bob.groups.conversation('climbers')).send('who has the rope?')
await question.reached('delivered', { signal })
const carols = await carol.groups.conversation('climbers')
for (const { from, text } of await carols.history()) console.log(`carol reads, from ${from.name}: ${text}`)

await alice.groups.remove(climbers, 'carol')
const later = await (await alice.groups.conversation(climbers)).send('just the two of us')
const { devices } = await later.reached('delivered', { signal })
console.log(`alice's next message is delivered, to ${devices.length} device`)
console.log(`carol has ${(await carols.history()).length} message on disk`)
