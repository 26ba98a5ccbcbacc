/**
 * What is said stays between the two who say it: the bytes on the cable, the files of the homes and the logs at
 * their loudest hold no text, no name, no key, nor anything else that the stores keep.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import * as fc from 'fast-check'
import { fileStore, type Store } from 'hearsay'
import { describe, expect, test as plainTest } from 'vitest'
import { CONTACTS } from '../../src/core/contact.ts'
import { CONVERSATIONS, MESSAGES, OUTBOX, PENDING } from '../../src/core/conversation.ts'
import { INVITES, OUTGOING } from '../../src/core/first-contact.ts'
import { EPOCHS, RATCHETS } from '../../src/core/group.ts'
import { KEY_PACKAGES } from '../../src/core/key-packages.ts'
import { decodeContact } from '../../src/core/records/contact.ts'
import { decodeSelf } from '../../src/core/records/self.ts'
import { own, SELF, SELF_KEY } from '../../src/core/self.ts'
import { presenceDay, topicName } from '../../src/core/seal/presence-record.ts'
import { EVENTS } from '../../src/core/turn.ts'
import { canariesIn, encodingsOf, Scanner, textCanary, type Canary } from './canaries.ts'
import type { Person, RunningNode } from './person.ts'
import { freePort, RecordingProxy } from './recording-proxy.ts'
import { test, type Story } from './story.ts'

const texts = [
  'The heron stands in the third pond at dawn.',
  'Übermorgen, Brücke, Mitternacht: ключ под ковриком 🗝️',
  `A long one. ${'Nobody but you is meant to read this sentence. '.repeat(60)}`
]
const greeting = 'We met under the station clock in Utrecht.'
const names = { alice: 'Wilhelmina Vogelaar', bob: 'Bartholomeus Quist', petname: 'Mina from the choir' }
const passphrase = 'pelican-thursday-unlikely-copper'

/** A person whose traffic passes a proxy of ours, who therefore has a fixed port and tells the proxy's address. */
async function watched(story: Story, name: string, options: readonly string[], dht = 'client') {
  const port = await freePort()
  const proxy = await RecordingProxy.start(name, port)
  story.atEnd(() => proxy.close())
  const person = story.person(name, {
    shape: ['--listen', `/ip4/127.0.0.1/tcp/${port}`, '--no-mdns', ...options],
    // libp2p's loudest: everything that any part of it would ever write.
    env: { ...story.env, DEBUG: '*' }
  })
  const configure = (): Promise<void> =>
    writeFile(join(person.home, 'config.json'), JSON.stringify({ announce: [proxy.address], dht }), {
      mode: 0o600
    })
  return { person, proxy, configure }
}

/** Every file under a folder. */
function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries.filter(entry => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
}

/** What an owner would call a secret, by its name, and the pieces of everything that the store keeps. */
async function canariesOf(name: string, store: Store): Promise<{ named: Canary[]; pieces: Canary[] }> {
  const self = await store.get(SELF, SELF_KEY)
  const { entropy, deviceSeed, networkSeed, presenceSecret, identity, device } = own(decodeSelf(self!))
  const named: Canary[] = [
    { what: 'recovery entropy', bytes: entropy! },
    { what: 'device seed', bytes: deviceSeed },
    { what: 'network seed', bytes: networkSeed },
    { what: 'presence secret', bytes: presenceSecret },
    { what: 'identity', bytes: Buffer.from(identity, 'hex') },
    { what: 'device', bytes: Buffer.from(device, 'hex') }
  ]
  for (const { value } of await store.range(CONTACTS)) {
    const { channels } = decodeContact(value)
    const today = presenceDay(Date.now() as Parameters<typeof presenceDay>[0])
    for (const { secret } of channels) {
      named.push({ what: 'channel secret', bytes: secret })
      named.push({ what: 'topic', bytes: Buffer.from(topicName(secret, today), 'hex') })
    }
  }
  const pieces: Canary[] = []
  const collections = [
    CONVERSATIONS,
    MESSAGES,
    OUTBOX,
    PENDING,
    INVITES,
    OUTGOING,
    EPOCHS,
    RATCHETS,
    KEY_PACKAGES
  ]
  for (const collection of [SELF, CONTACTS, EVENTS, ...collections])
    for (const { key, value } of await store.range(collection))
      pieces.push(...canariesIn(`${name}'s ${collection}/${key.slice(0, 16)}`, value))
  return { named: named.map(canary => ({ ...canary, what: `${name}'s ${canary.what}` })), pieces }
}

/** The recovery phrase, and each three words of it in a row. */
function phraseCanaries(name: string, phrase: string): Canary[] {
  const words = phrase.split(' ')
  return words
    .slice(2)
    .map((_, index) =>
      textCanary(`${name}'s phrase, word ${index + 1}`, words.slice(index, index + 3).join(' '))
    )
}

/** A first contact and a conversation in which texts go both ways and one of the nodes is restarted. */
async function converse(alice: Person, bob: Person): Promise<{ phrases: Canary[]; nodes: RunningNode[] }> {
  const first = await alice.up()
  const bobsNode = await bob.up()
  const { link } = await alice.one('invite', 'invite')
  const adding = ['add', names.petname, link, '--greeting', greeting, '--until', 'ready', '--timeout', '90s']
  await bob.one('contact', ...adding)
  for (const text of texts) {
    await bob.one('delivery', 'send', names.petname, text, '--until', 'delivered', '--timeout', '90s')
    await alice.one('delivery', 'send', names.bob, text, '--until', 'delivered', '--timeout', '90s')
  }
  const phrases = await Promise.all(
    [alice, bob].map(async person =>
      phraseCanaries(person.name, (await person.one('phrase', 'phrase', '--yes')).phrase)
    )
  )
  await first.stop()
  const again = await alice.up()
  await alice.one('delivery', 'send', names.bob, texts[0]!, '--until', 'delivered', '--timeout', '90s')
  return { phrases: phrases.flat(), nodes: [first, bobsNode, again] }
}

describe('canaries', () => {
  test('are neither on the cable, nor in the homes, nor in the logs', async ({ story }) => {
    const carol = await watched(story, 'carol', [], 'server')
    await carol.person.init()
    await carol.configure()
    const third = await carol.person.up()
    const bootstrap = ['--bootstrap', third.address]
    const passphraseFile = join(story.folder, 'passphrase')
    await writeFile(passphraseFile, passphrase, { mode: 0o600 })
    const alice = await watched(story, 'alice', [...bootstrap, '--passphrase-file', passphraseFile])
    const bob = await watched(story, 'bob', bootstrap)
    await alice.person.one('identity', 'init', '--name', names.alice)
    await bob.person.one('identity', 'init', '--name', names.bob, '--no-passphrase')
    await Promise.all([alice.configure(), bob.configure()])
    const { phrases, nodes } = await converse(alice.person, bob.person)

    // Nobody goes round the proxies: what was dialled is an address of theirs.
    const proxies = [alice, bob, carol].map(({ proxy }) => `${proxy.address}/`)
    for (const { person } of [alice, bob]) {
      const { connections } = await person.one('status', 'status')
      const dialled = connections
        .filter(({ direction }) => direction === 'outbound')
        .map(({ address }) => address)
      expect(dialled.filter(address => !proxies.some(proxy => address.startsWith(proxy)))).toEqual([])
    }

    const known = [
      ...texts.map((text, index) => textCanary(`text ${index + 1}`, text.slice(0, 60))),
      textCanary('greeting', greeting),
      textCanary('passphrase', passphrase),
      ...Object.values(names).map(name => textCanary(`name ${name}`, name)),
      ...phrases
    ]
    // The nodes run, so their write-ahead logs and temporary files are there; then they die, and leave what they leave.
    const files = new Map<string, Buffer>()
    const keep = (when: string): void => {
      for (const { person } of [alice, bob, carol])
        for (const file of filesIn(person.home))
          files.set(`${relative(story.folder, file)} ${when}`, readFileSync(file))
    }
    keep('of the running node')
    await Promise.all([...nodes, third].map(node => node.kill()))
    keep('after the node was killed')

    const stores = await Promise.all([
      fileStore(alice.person.home, { create: 'never', passphrase }),
      fileStore(bob.person.home, { create: 'never' })
    ])
    const [ofAlice, ofBob] = [await canariesOf('alice', stores[0]), await canariesOf('bob', stores[1])]
    await Promise.all(stores.map(store => store.close()))
    const named = [...known, ...ofAlice.named, ...ofBob.named]
    const scanner = new Scanner([...named, ...ofAlice.pieces, ...ofBob.pieces])
    const namedScanner = new Scanner(named)

    const recordings = [alice, bob, carol].flatMap(({ proxy }) => proxy.recordings)
    const traffic = recordings.map(({ name, parts }) => ({ name, bytes: Buffer.concat(parts) }))
    const total = traffic.reduce((sum, { bytes }) => sum + bytes.length, 0)
    // The recording is of the real thing: what is said before the first key is agreed on can be read in it.
    expect(traffic.some(({ bytes }) => bytes.includes('/multistream/1.0.0'))).toBe(true)
    expect(total).toBeGreaterThan(texts.join().length * 4)
    for (const { name, bytes } of traffic) expect(scanner.find(bytes), `traffic ${name}`).toEqual([])

    expect([...files.keys()].filter(name => name.includes('store.db-wal')).length).toBeGreaterThan(0)
    for (const [name, bytes] of files) {
      // Two files say in the clear where to listen and who answers; pieces of addresses are in them by intent.
      const told = /(?:config|running)\.json /u.test(name)
      expect((told ? namedScanner : scanner).find(bytes), name).toEqual([])
    }

    for (const { person } of [alice, bob, carol]) {
      const processes = story.children.filter(({ command }) => command.includes(person.home))
      const loud = processes.map(({ stderr }) => stderr).join('\n')
      expect(loud, `${person.name}'s log is at its loudest`).toContain('libp2p:')
      expect(namedScanner.find(Buffer.from(loud)), `standard error of ${person.name}`).toEqual([])
    }
    console.log(
      `${named.length} named canaries and ${ofAlice.pieces.length + ofBob.pieces.length} pieces of the stores, ` +
        `${total} bytes of traffic in ${traffic.length} recordings, ${files.size} files`
    )
  })

  plainTest('are found in every encoding, wherever they are planted', () => {
    const planted = fc.record({
      text: fc
        .string({ unit: 'grapheme', minLength: 8, maxLength: 80 })
        .filter(text => Buffer.byteLength(text) >= 12),
      before: fc.uint8Array({ maxLength: 300 }),
      after: fc.uint8Array({ maxLength: 300 })
    })
    fc.assert(
      fc.property(planted, ({ text, before, after }) => {
        const canary = textCanary('planted', text)
        const scanner = new Scanner([textCanary('other', 'something else entirely'), canary])
        for (const [encoding, bytes] of encodingsOf(canary)) {
          const found = scanner.find(Buffer.concat([before, bytes, after]))
          expect(found).toContainEqual({ what: 'planted', encoding, at: before.length })
        }
        for (const encoding of ['base64', 'base64url', 'hex'] as const) {
          const carried = Buffer.concat([before, Buffer.from(text), after]).toString(encoding)
          expect(scanner.find(Buffer.from(carried)).map(({ what }) => what)).toContain('planted')
        }
      })
    )
  })

  plainTest('that are keys are found inside a record of any form', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(400), fc.nat(400), (seed, before, after) => {
        const random = fc.sample(fc.uint8Array({ minLength: 32, maxLength: 32 }), { seed, numRuns: 1 })[0]!
        const key = Uint8Array.from(random, (byte, index) => (byte ^ (index * 7)) & 255)
        fc.pre(new Set(key.slice(0, 16)).size >= 10 && new Set(key.slice(16)).size >= 10)
        fc.pre([...Array(17).keys()].every(at => new Set(key.slice(at, at + 16)).size >= 10))
        const record = Buffer.concat([Buffer.alloc(before), key, Buffer.alloc(after)])
        const scanner = new Scanner(canariesIn('record', record))
        expect(scanner.find(Buffer.from(`leaked: ${Buffer.from(key).toString('base64url')}`))).not.toEqual([])
      })
    )
  })
})
