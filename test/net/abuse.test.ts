/** What strangers do to a node's streams and sockets: they lose theirs, and honest peers are served throughout. */
import { randomBytes } from 'node:crypto'
import { encode } from 'it-length-prefixed'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { concat, fromHex } from '../../src/base/bytes.ts'
import { DIRECT_PROTOCOL, encodeFrames } from '../../src/net/frames.ts'
import { mallory, portOf, socketTo } from './mallory.ts'
import { meet, MEMORY, startNode, TCP, until, WS } from './places.ts'
import type { TestNode } from './places.ts'

let rejections: unknown[] = []
const remember = (reason: unknown): void => {
  rejections.push(reason)
}

beforeEach(() => {
  rejections = []
  process.on('unhandledRejection', remember)
  process.on('uncaughtException', remember)
})

afterEach(() => {
  process.off('unhandledRejection', remember)
  process.off('uncaughtException', remember)
  expect(rejections).toEqual([])
})

const repeated = (bytes: Uint8Array, times: number): Uint8Array =>
  concat(...Array.from({ length: times }, () => bytes))

/** The same message several times, as libp2p frames it. */
const lengthPrefixed = (message: Uint8Array, times = 1): Uint8Array =>
  repeated(encode.single(message).subarray(), times)

const noise = (count: number): Uint8Array[] =>
  Array.from({ length: count }, () => new Uint8Array(randomBytes(512)))

/** Bob is still served by alice, both ways. */
async function served(alice: TestNode, bob: TestNode): Promise<void> {
  const [toBob, toAlice] = [noise(10), noise(10)]
  const before = [alice.envelopes.length, bob.envelopes.length]
  await alice.network.send(bob.peer, toBob)
  await bob.network.send(alice.peer, toAlice)
  await until(
    'bob is served',
    () => alice.envelopes.length + bob.envelopes.length === before[0]! + before[1]! + 20
  )
  expect(bob.envelopes.slice(-10)).toEqual(toBob)
}

const closedFor = (node: TestNode, peer: string): string[] =>
  node.events.flatMap(event => (event.type === 'closed' && event.peer === peer ? [event.reason] : []))

describe('on a direct stream', () => {
  test.each([
    ['a length of 2 GiB', '8080808008'],
    ['a length of ten bytes', 'ffffffffffffffffff01'],
    ['a length that never ends', '80'.repeat(64)],
    ['a frame of one byte', '0101'],
    ['noise', '00' + '7f'.repeat(100)]
  ])('%s ends the stream and nothing else', async (_what, hex) => {
    await using alice = await startNode(MEMORY)
    await using bob = await startNode(MEMORY)
    await using eve = await mallory()
    await meet(alice, bob)
    const stream = await eve.open(await eve.connect(alice))
    stream.send(fromHex(hex))
    await until('her stream is closed', () => closedFor(alice, eve.peer).length === 1)
    expect(closedFor(alice, eve.peer)[0]).toMatch(/^Refused/)
    expect(alice.envelopes).toEqual([])
    await served(alice, bob)
  })

  test('a frame that stays incomplete ends the stream, whatever trickles in', async () => {
    await using alice = await startNode(MEMORY, { limits: { directPartialFrameMs: 200 } })
    await using bob = await startNode(MEMORY)
    await using eve = await mallory()
    await meet(alice, bob)
    const stream = await eve.open(await eve.connect(alice))
    stream.send(encodeFrames([new Uint8Array(512)]))
    stream.send(fromHex('808004'))
    await until('her stream is closed', () => {
      if (stream.status === 'open') stream.send(Uint8Array.of(1))
      return closedFor(alice, eve.peer).length === 1
    })
    expect(closedFor(alice, eve.peer)).toEqual(['Refused: a frame that stays incomplete.'])
    expect(alice.envelopes.length).toBe(1)
    await served(alice, bob)
  })

  test('a peer that never reads loses its stream, and whoever waits to send to it is told', async () => {
    await using alice = await startNode(MEMORY, { limits: { directStallMs: 200 } })
    await using bob = await startNode(MEMORY)
    await using eve = await mallory()
    await meet(alice, bob)
    const stream = await eve.open(await eve.connect(alice))
    stream.pause()
    await until('alice has her stream', () =>
      alice.events.some(event => event.type === 'opened' && event.peer === eve.peer)
    )
    const large = Array.from({ length: 100 }, () => new Uint8Array(65_536))
    const sending = alice.network.send(eve.peer, large)
    await served(alice, bob)
    await expect(sending).rejects.toThrow(expect.objectContaining({ code: 'NETWORK_FAILED' }))
    await until('her stream is closed', () => closedFor(alice, eve.peer).length === 1)
    await expect(alice.network.send(eve.peer, noise(1))).rejects.toThrow()
  })

  test('too much for a peer that never reads is refused at once', async () => {
    await using alice = await startNode(MEMORY, { limits: { directQueueBytesMax: 1_000_000 } })
    await using eve = await mallory()
    const stream = await eve.open(await eve.connect(alice))
    stream.pause()
    await until('alice has her stream', () => alice.events.some(event => event.type === 'opened'))
    const large = Array.from({ length: 16 }, () => new Uint8Array(65_536))
    await expect(alice.network.send(eve.peer, large)).rejects.toThrow()
    await until('her stream is closed', () => closedFor(alice, eve.peer).length === 1)
  })

  test('a hundred streams of one peer come down to one', async () => {
    await using alice = await startNode(MEMORY, { limits: { directReplaceMs: 20 } })
    await using bob = await startNode(MEMORY)
    await using eve = await mallory()
    await meet(alice, bob)
    const connection = await eve.connect(alice)
    const opening = Array.from({ length: 100 }, () => eve.open(connection).catch(() => undefined))
    const streams = await Promise.all(opening)
    const alive = (): number => streams.filter(stream => stream?.status === 'open').length
    await until('at most two are left', () => alive() <= 2)
    const opened = alice.events.filter(event => event.type === 'opened' && event.peer === eve.peer).length
    expect(opened).toBeLessThanOrEqual(30)
    await served(alice, bob)
  })

  test('a stream that dies on a living connection is told, and dialled again over the same connection', async () => {
    await using alice = await startNode(MEMORY)
    await using carol = await mallory()
    const accepted: Array<{ abort(error: Error): void }> = []
    await carol.libp2p.handle(DIRECT_PROTOCOL, stream => {
      stream.send(Uint8Array.of(0))
      accepted.push(stream)
    })
    const address = carol.libp2p.getMultiaddrs().map(String)
    alice.network.dial(carol.peer, address as never)
    await until('the stream is open', () => alice.events.length === 1)
    accepted[0]!.abort(new Error('lost'))
    await until('alice knows', () => closedFor(alice, carol.peer).length === 1)
    alice.network.dial(carol.peer, [])
    await until('there is a new stream', () => alice.events.length === 3)
    expect(alice.events.map(({ type }) => type)).toEqual(['opened', 'closed', 'opened'])
    expect(alice.network.status().connections.length).toBe(1)
  })
})

describe('on sockets', () => {
  const strict = { inboundPerSecondMax: 5, inboundPendingMax: 32, handshakeMs: 2000 }

  test('200 handshakes that nobody finishes, from as many addresses of one network, keep no newcomer out', async () => {
    await using alice = await startNode(TCP, { limits: strict })
    await using bob = await startNode(TCP)
    const sockets = await Promise.all(Array.from({ length: 200 }, (_, i) => socketTo(alice, i)))
    await meet(bob, alice)
    await served(alice, bob)
    for (const socket of sockets) socket.destroy()
  })

  test('garbage, resets and half a handshake are nothing to a node', async () => {
    await using alice = await startNode(TCP)
    await using bob = await startNode(TCP)
    await meet(bob, alice)
    for (let i = 0; i < 60; i++) {
      const socket = await socketTo(alice)
      if (i % 3 === 0) socket.write('\x13/multistream/1.0.0\n')
      if (i % 3 !== 1) socket.write(randomBytes(1 + 97 * i))
      if (i % 2 === 0) socket.resetAndDestroy()
      else socket.end()
    }
    await served(alice, bob)
  })

  test('connections of strangers do not fill every place', async () => {
    await using alice = await startNode(MEMORY, { limits: { strangerConnectionsMax: 8 } })
    await using bob = await startNode(MEMORY)
    await meet(bob, alice)
    await using eve = await mallory()
    for (let i = 0; i < 30; i++) await eve.connect(alice)
    await until('hers are few', () => alice.network.status().connections.length <= 9)
    await served(alice, bob)
  })
})

describe('on a WebSocket port', () => {
  test('a message of 8 MiB before any handshake ends the connection', async () => {
    await using alice = await startNode(WS)
    await using bob = await startNode(WS)
    await meet(bob, alice)
    const socket = new WebSocket(`ws://127.0.0.1:${portOf(alice)}`)
    const closed = new Promise<CloseEvent>(resolve => {
      socket.addEventListener('close', resolve)
    })
    socket.addEventListener('open', () => socket.send(new Uint8Array(8 * 1024 * 1024)))
    await closed
    await served(alice, bob)
  })

  test('a frame that breaks the protocol ends the connection and not the process', async () => {
    await using alice = await startNode(WS)
    await using bob = await startNode(WS)
    await meet(bob, alice)
    for (const frame of ['8200', 'ff80deadbeef', '8280', 'f28fdeadbeef00']) {
      const socket = await socketTo(alice)
      socket.write(
        'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'
      )
      await new Promise(resolve => {
        socket.once('data', resolve)
      })
      socket.write(fromHex(frame))
      await until('it is closed', () => socket.closed || frame === '8280')
      socket.destroy()
    }
    await served(alice, bob)
  })

  test('a connection that is given up is closed on both sides', async () => {
    await using alice = await startNode(WS, { limits: { strangerConnectionsMax: 0 } })
    await using bob = await startNode(WS)
    bob.network.dial(alice.peer, alice.network.addresses())
    await until('bob is answered', () => closedFor(bob, alice.peer).length === 1)
    await until('nothing is left', () =>
      [alice, bob].every(node => node.network.status().connections.length === 0)
    )
  })

  test('sockets that never say a word are closed, and the others are not', async () => {
    await using alice = await startNode(WS, { limits: { handshakeMs: 300 } })
    await using bob = await startNode(WS)
    await meet(bob, alice)
    const sockets = await Promise.all(Array.from({ length: 20 }, (_, i) => socketTo(alice, i)))
    await until('they are closed', () => sockets.every(socket => socket.closed))
    await served(alice, bob)
  })
})

describe('by identify', () => {
  test.each([
    ['noise', (): Uint8Array => new Uint8Array(randomBytes(3000))],
    ['a frame that is too long', (): Uint8Array => encodeFrames([new Uint8Array(65_536)])],
    ['a key that is none', (): Uint8Array => lengthPrefixed(Uint8Array.of(0x0a, 4, 8, 1, 0x12, 0))],
    // Field 3 of the message is a protocol id, field 2 an address: thousands of either, in as many messages as it takes.
    [
      'ten thousand protocols',
      (): Uint8Array => lengthPrefixed(repeated(Uint8Array.of(0x1a, 2, 0x2f, 0x61), 1000), 10)
    ],
    [
      'ten thousand addresses',
      (): Uint8Array => lengthPrefixed(repeated(Uint8Array.of(0x12, 2, 4, 1), 1000), 10)
    ]
  ])('%s is nothing to a node', async (_what, answer) => {
    await using alice = await startNode(MEMORY)
    await using bob = await startNode(MEMORY)
    await using eve = await mallory({ identify: () => ({}) })
    let asked = 0
    await eve.libp2p.handle('/hearsay/id/1.0.0', async stream => {
      asked++
      stream.send(answer())
      await stream.close()
    })
    await meet(alice, bob)
    await eve.connect(alice)
    await until('alice asked who she is', () => asked > 0)
    await served(alice, bob)
    const { connections } = alice.network.status()
    expect(connections.some(({ peer }) => peer === bob.peer)).toBe(true)
  })
})

test('nothing on the wire names libp2p, its version or another network', async () => {
  await using alice = await startNode(MEMORY, { dht: 'server' })
  await using eve = await mallory()
  await eve.connect(alice)
  let seen = ''
  await until('she was told who alice is', async () => {
    const peer = await eve.libp2p.peerStore.get(eve.libp2p.getPeers()[0]!)
    const told = ['AgentVersion', 'ProtocolVersion'].map(name => peer.metadata.get(name) ?? new Uint8Array())
    seen = [...peer.protocols, ...told.map(value => new TextDecoder().decode(value))].join(' ')
    return told.every(value => value.length > 0)
  })
  expect(seen.split(' ').toSorted()).toEqual(
    [
      '/hearsay/direct/1',
      '/hearsay/id/1.0.0',
      '/hearsay/id/push/1.0.0',
      '/hearsay/kad/1',
      '/hearsay/ping/1.0.0',
      '/meshsub/1.2.0',
      'hearsay',
      'hearsay/0.1.0'
    ].toSorted()
  )
})
