/** What is kept for others stays within its quota, whoever sends what. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { RecordStore, type Datastore } from '../../src/net/record-store.ts'

type Key = Parameters<Datastore['get']>[0]

/** A key as libp2p makes them; all that counts is its text. */
const key = (text: string): Key => ({ toString: () => text }) as Key

const limits = { dhtRecordsMax: 20, dhtRecordBytesMax: 1000, dhtRecordsPerPeerMax: 5, peersStoredMax: 10 }

// base32 of one byte, lower case, without padding.
const names = ['aa', 'ae', 'ai', 'am', 'aq', 'au', 'ay', 'a4', 'ba', 'be', 'bi', 'bm', 'bq', 'bu', 'by', 'b4']
const record = (byte: number): Key => key(`/dht/record/${names[byte]}`)

test('quotas hold after any sequence of records, peers and depositors', () => {
  const action = fc.record({
    byte: fc.nat({ max: 15 }),
    bytes: fc.nat({ max: 300 }),
    depositor: fc.constantFrom('alice', 'eve', 'mallory'),
    kind: fc.constantFrom('record', 'peer', 'delete', 'provider')
  })
  fc.assert(
    fc.property(fc.array(action, { maxLength: 200 }), actions => {
      const store = new RecordStore(limits)
      for (const { byte, bytes, depositor, kind } of actions) {
        if (kind === 'peer') store.put(key(`/peers/${byte}`), new Uint8Array(bytes))
        if (kind === 'provider') store.put(key(`/dht/provider/${byte}`), new Uint8Array(bytes))
        if (kind === 'delete') store.delete(record(byte))
        if (kind === 'record') {
          store.put(record(byte), new Uint8Array(bytes))
          store.attribute(Uint8Array.of(byte), depositor)
        }
      }
      expect(store.recordCount).toBeLessThanOrEqual(Math.min(limits.dhtRecordsMax, 15))
      expect(store.recordBytes).toBeLessThanOrEqual(limits.dhtRecordBytesMax)
      expect(store.peerCount).toBeLessThanOrEqual(limits.peersStoredMax)
      let bytes = 0
      for (let byte = 0; byte < 16; byte++)
        if (store.has(record(byte))) bytes += store.get(record(byte)).length
      expect(store.recordBytes).toBe(bytes)
    })
  )
})

test('a depositor’s next record pushes out its own oldest', () => {
  const store = new RecordStore(limits)
  store.put(record(0), new Uint8Array(10))
  store.attribute(Uint8Array.of(0), 'bob')
  for (let byte = 1; byte < 10; byte++) {
    store.put(record(byte), new Uint8Array(10))
    store.attribute(Uint8Array.of(byte), 'eve')
  }
  expect(Array.from({ length: 10 }, (_, byte) => store.has(record(byte)))).toEqual([
    true,
    false,
    false,
    false,
    false,
    true,
    true,
    true,
    true,
    true
  ])
})

test('when all is full, whoever holds most gives way', () => {
  const store = new RecordStore({ ...limits, dhtRecordsMax: 6 })
  for (const [byte, depositor] of ['bob', 'eve', 'eve', 'eve', 'eve', 'carol', 'dave'].entries()) {
    store.put(record(byte), new Uint8Array(10))
    store.attribute(Uint8Array.of(byte), depositor)
  }
  expect(Array.from({ length: 7 }, (_, byte) => store.has(record(byte)))).toEqual([
    true,
    false,
    true,
    true,
    true,
    true,
    true
  ])
})

test('libp2p can tell what is missing', () => {
  const store = new RecordStore(limits)
  expect(() => store.get(key('/peers/nobody'))).toThrow(expect.objectContaining({ name: 'NotFoundError' }))
})
