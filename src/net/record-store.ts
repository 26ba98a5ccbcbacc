/**
 * What libp2p keeps: peers it met and DHT records it holds for others. In memory, within quotas.
 *
 * kad-dht itself stores whatever passes validation, without a bound. Here a peer may deposit so many records and
 * no more: its next one pushes out its own oldest. When everything is full, whoever holds most gives way, so a
 * flood pushes out itself and not honest records. Own records count as nobody's.
 */
import { NotFoundError } from '@libp2p/interface'
import type { Libp2pInit } from 'libp2p'
import type { NetworkLimits } from '../base/limits.ts'
import { RecentMap } from './rate.ts'

/** The datastore that libp2p asks for. */
export type Datastore = NonNullable<Libp2pInit['datastore']>
type Key = Parameters<Datastore['get']>[0]
type Pair = { key: Key; value: Uint8Array }
type Query = Parameters<Datastore['query']>[0]

const RECORDS = '/dht/record/'
const PEERS = '/peers/'
const NOBODY = ''

interface StoredRecord {
  readonly key: Key
  readonly value: Uint8Array
  depositor: string
}

type QuotaLimits = Pick<
  NetworkLimits,
  'dhtRecordsMax' | 'dhtRecordBytesMax' | 'dhtRecordsPerPeerMax' | 'peersStoredMax'
>

/** A bounded datastore. Everything else that libp2p wants to keep (provider records) is refused silently. */
export class RecordStore implements Datastore {
  readonly #limits: QuotaLimits
  readonly #peers: RecentMap<string, { readonly key: Key; readonly value: Uint8Array }>
  readonly #records = new Map<string, StoredRecord>()
  /** Records of each depositor, oldest first. */
  readonly #byDepositor = new Map<string, Set<string>>()
  #recordBytes = 0

  constructor(limits: QuotaLimits) {
    this.#limits = limits
    this.#peers = new RecentMap(limits.peersStoredMax)
  }

  get recordCount(): number {
    return this.#records.size
  }

  get recordBytes(): number {
    return this.#recordBytes
  }

  get peerCount(): number {
    return this.#peers.size
  }

  /** Says who deposited the record under a DHT key; their oldest ones go if they hold too many. */
  attribute(dhtKey: Uint8Array, depositor: string): void {
    const name = recordName(dhtKey)
    const record = this.#records.get(name)
    if (record === undefined) return
    this.#recordsOf(record.depositor).delete(name)
    this.#forgetEmpty(record.depositor)
    record.depositor = depositor
    const held = this.#recordsOf(depositor)
    held.add(name)
    if (held.size > this.#limits.dhtRecordsPerPeerMax) this.#dropOldestOf(depositor)
  }

  put(key: Key, value: Uint8Array): Key {
    const name = key.toString()
    if (name.startsWith(PEERS)) this.#peers.set(name, { key, value })
    if (name.startsWith(RECORDS)) this.#putRecord(name, key, value)
    return key
  }

  get(key: Key): Uint8Array {
    const value = this.#find(key.toString())
    if (value === undefined) throw new NotFoundError('not in the store')
    return value
  }

  has(key: Key): boolean {
    return this.#find(key.toString()) !== undefined
  }

  delete(key: Key): void {
    const name = key.toString()
    this.#peers.delete(name)
    this.#dropRecord(name)
  }

  async *putMany(source: Iterable<Pair> | AsyncIterable<Pair>): AsyncGenerator<Key> {
    for await (const { key, value } of source) yield this.put(key, value)
  }

  async *getMany(source: Iterable<Key> | AsyncIterable<Key>): AsyncGenerator<Pair> {
    for await (const key of source) yield { key, value: this.get(key) }
  }

  async *deleteMany(source: Iterable<Key> | AsyncIterable<Key>): AsyncGenerator<Key> {
    for await (const key of source) {
      this.delete(key)
      yield key
    }
  }

  batch(): ReturnType<Datastore['batch']> {
    const todo: Array<() => void> = []
    return {
      put: (key, value) => {
        todo.push(() => this.put(key, value))
      },
      delete: key => {
        todo.push(() => this.delete(key))
      },
      commit: () => {
        for (const one of todo.splice(0)) one()
      }
    }
  }

  async *query(query: Query): AsyncGenerator<Pair> {
    const entries = this.#entries(query.prefix ?? '').filter(pair =>
      (query.filters ?? []).every(test => test(pair))
    )
    for (const order of query.orders ?? []) entries.sort(order)
    const offset = query.offset ?? 0
    yield* entries.slice(offset, offset + (query.limit ?? entries.length))
  }

  async *queryKeys(query: Parameters<Datastore['queryKeys']>[0]): AsyncGenerator<Key> {
    const keys = this.#entries(query.prefix ?? '')
      .map(pair => pair.key)
      .filter(key => (query.filters ?? []).every(test => test(key)))
    for (const order of query.orders ?? []) keys.sort(order)
    const offset = query.offset ?? 0
    yield* keys.slice(offset, offset + (query.limit ?? keys.length))
  }

  #find(name: string): Uint8Array | undefined {
    return this.#peers.get(name)?.value ?? this.#records.get(name)?.value
  }

  #entries(prefix: string): Pair[] {
    const all: Pair[] = []
    for (const [name, { key, value }] of this.#peers.entries())
      if (name.startsWith(prefix)) all.push({ key, value })
    for (const [name, { key, value }] of this.#records) if (name.startsWith(prefix)) all.push({ key, value })
    return all
  }

  #putRecord(name: string, key: Key, value: Uint8Array): void {
    const depositor = this.#records.get(name)?.depositor ?? NOBODY
    this.#dropRecord(name)
    if (value.length > this.#limits.dhtRecordBytesMax) return
    while (
      this.#records.size >= this.#limits.dhtRecordsMax ||
      this.#recordBytes + value.length > this.#limits.dhtRecordBytesMax
    ) {
      this.#dropOldestOf(this.#largestDepositor())
    }
    this.#records.set(name, { key, value, depositor })
    this.#recordsOf(depositor).add(name)
    this.#recordBytes += value.length
  }

  #dropRecord(name: string): void {
    const record = this.#records.get(name)
    if (record === undefined) return
    this.#records.delete(name)
    this.#recordBytes -= record.value.length
    this.#recordsOf(record.depositor).delete(name)
    this.#forgetEmpty(record.depositor)
  }

  #dropOldestOf(depositor: string): void {
    const [oldest] = this.#recordsOf(depositor)
    if (oldest !== undefined) this.#dropRecord(oldest)
  }

  #largestDepositor(): string {
    let largest = NOBODY
    let most = 0
    for (const [depositor, held] of this.#byDepositor) {
      if (held.size <= most) continue
      most = held.size
      largest = depositor
    }
    return largest
  }

  #recordsOf(depositor: string): Set<string> {
    const held = this.#byDepositor.get(depositor) ?? new Set()
    this.#byDepositor.set(depositor, held)
    return held
  }

  #forgetEmpty(depositor: string): void {
    if (this.#byDepositor.get(depositor)?.size === 0) this.#byDepositor.delete(depositor)
  }
}

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'

/** The name under which kad-dht keeps the record of a key: base32 (RFC 4648), lower case, without padding. */
function recordName(dhtKey: Uint8Array): string {
  let text = ''
  let bits = 0
  let value = 0
  for (const byte of dhtKey) {
    value = ((value << 8) | byte) & 0xfff
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += BASE32[(value >> bits) & 31]
    }
  }
  if (bits > 0) text += BASE32[(value << (5 - bits)) & 31]
  return RECORDS + text
}
