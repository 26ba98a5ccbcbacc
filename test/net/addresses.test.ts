/** Addresses as strangers write them: what is dialled, and what is not even looked up. */
import * as fc from 'fast-check'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import type { PeerId } from '../../src/base/ids.ts'
import { limits } from '../../src/base/limits.ts'
import { dialableAddress, dialableAddresses, networkOf, parsePeerAddress } from '../../src/net/addresses.ts'

const BOB = '12D3KooWJvpNsebp8BvvaaPUsPcnZjctCRb54ofmnDcYZxE3nQQ2' as PeerId
const EVE = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'
const open = { local: false }

test.each([
  '/ip4/192.0.2.1/tcp/4001',
  '/ip6/2001:db8::1/tcp/4001',
  '/ip4/192.0.2.1/tcp/443/ws',
  '/dns4/chat.example.org/tcp/443/tls/ws',
  '/dns/chat.example.org/tcp/443/wss',
  `/ip4/192.168.1.5/tcp/4001/p2p/${BOB}`
])('%s leads to bob', text => {
  const named = text.endsWith(BOB) ? text : `${text}/p2p/${BOB}`
  expect(dialableAddress(text, BOB, open)?.toString()).toBe(named)
})

test.each([
  ['not an address', 'hello'],
  ['another peer', `/ip4/192.0.2.1/tcp/4001/p2p/${EVE}`],
  ['a relay', `/ip4/192.0.2.1/tcp/4001/p2p/${EVE}/p2p-circuit`],
  ['UDP', '/ip4/192.0.2.1/udp/4001/quic-v1'],
  ['records that name further records', '/dnsaddr/bootstrap.example.org'],
  ['a name inside our own network', '/dns4/router.local/tcp/80'],
  ['this machine by name', '/dns4/localhost/tcp/6379'],
  ['a name without a dot', '/dns4/intranet/tcp/80'],
  ['memory, in a network that is none', '/memory/bob'],
  ['a file', '/unix/run%2Fdocker.sock'],
  ['too long an address', `/dns4/${'a.'.repeat(200)}org/tcp/80`]
])('%s is not dialled', (_what, text) => {
  expect(dialableAddress(text, BOB, open)).toBeUndefined()
})

test('whatever the text is, it leads to the peer that was asked for or nowhere', () => {
  const part = fc.constantFrom(
    'ip4',
    '127.0.0.1',
    'tcp',
    '80',
    'dns4',
    'a.org',
    'p2p',
    BOB,
    EVE,
    'ws',
    '',
    'memory'
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(part, { maxLength: 8 }).map(parts => `/${parts.join('/')}`)
      ),
      text => {
        const address = dialableAddress(text, BOB, { local: true })
        expect(address === undefined || address.toString().endsWith(`/p2p/${BOB}`)).toBe(true)
        expect(address?.toString().includes(`/p2p/${EVE}`) ?? false).toBe(false)
      }
    ),
    { numRuns: 500 }
  )
})

test('of ten thousand addresses a few are read', () => {
  const many = Array.from({ length: 10_000 }, (_, i) => `/ip4/192.0.2.${i % 250}/tcp/${1 + (i % 60_000)}`)
  expect(dialableAddresses(many, BOB, open).length).toBe(limits.addressesPerPeerMax)
  expect(
    dialableAddresses(
      Array.from({ length: 50 }, () => many[0]!),
      BOB,
      open
    ).length
  ).toBe(1)
})

test('a peer id that is none makes no address', () => {
  expect(dialableAddress('/ip4/192.0.2.1/tcp/1', 'bob' as PeerId, open)).toBeUndefined()
})

test('a configured address names its peer', () => {
  const text = `/ip4/192.0.2.1/tcp/4001/p2p/${BOB}`
  expect(parsePeerAddress(text, open)).toEqual({ peer: BOB, address: text })
  for (const bad of ['', 'bob', '/ip4/192.0.2.1/tcp/4001', `/ip4/192.0.2.1/udp/4001/p2p/${BOB}`]) {
    expect(() => parsePeerAddress(bad, open)).toThrow(expect.objectContaining({ code: 'INVALID_ADDRESS' }))
  }
})

test.each([
  ['/ip4/192.0.2.77/tcp/1', '192.0.2'],
  ['/ip6/2001:db8:1:2::9/tcp/1', '2001:db8:1'],
  ['/ip6/2001:db8::9/tcp/1', '2001:db8:0'],
  ['/ip6/::1/tcp/1', '0:0:0'],
  ['/dns4/chat.example.org/tcp/1', 'chat.example.org']
])('%s is counted as %s', (text, network) => {
  expect(networkOf(multiaddr(text))).toBe(network)
})
