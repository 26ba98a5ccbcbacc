/**
 * Two people become contacts: an invite goes from one to the other outside the network, and everything else goes
 * over libp2p between their two nodes. Here both run in one process, over loopback, and keep nothing on disk.
 *
 *     node -C hearsay-source examples/01-two-nodes.ts
 */
import { createNode, memoryStore } from 'hearsay'

const network = { listen: ['/ip4/127.0.0.1/tcp/0'], dht: 'off', mdns: false } as const

await using alice = await createNode({ store: memoryStore(), name: 'alice', network })
await using bob = await createNode({ store: memoryStore(), name: 'bob', network })

// Good for one person and seven days. Alice hands it to Bob: read aloud, scanned, mailed.
const { link } = await alice.contacts.invite()

// On Bob's disk when this resolves; Alice may be away. Her node accepts when it hears of it.
const requested = await bob.contacts.add(link, { name: 'alice', greeting: 'It is me, Bob' })
console.log(`bob knows alice as ${requested.name}: ${requested.state}`)

const patience = AbortSignal.timeout(30_000)
const ready = await bob.contacts.ready(requested, { signal: patience })
console.log(`bob knows alice as ${ready.name}: ${ready.state}`)
const [accepted] = await alice.contacts.list()
console.log(`alice knows bob as ${accepted?.name}: ${accepted?.state}`)

// An invite may have been swapped on its way. Whoever compares the safety number in person knows.
const seenByAlice = await alice.contacts.safetyNumber(bob.identity.id)
await bob.contacts.verify('alice', seenByAlice)
const { verified } = await bob.contacts.get('alice')
console.log(`bob has verified alice: ${verified}`)
