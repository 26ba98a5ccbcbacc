/**
 * Hearsay's own DHT, `/hearsay/kad/1`: kad-dht with one kind of record and guards around it.
 *
 * - Records live under `/hs/<base64url of the key>` and nothing else is accepted; provider records are refused.
 * - kad-dht lets an older record overwrite a newer one, so the highest sequence seen per key is remembered here,
 *   and whatever is lower counts as invalid, on storing and on reading alike.
 * - A query waits for every peer that it asked. Lookups here hand on records as they come, and end with their
 *   signal whatever the peers do.
 */
import { kadDHT, passthroughMapper, removePrivateAddressesMapper, type KadDHT } from '@libp2p/kad-dht'
import type { Connection, Stream } from '@libp2p/interface'
import { compare, equal, fromBase64url, fromUtf8, toBase64url } from '../base/bytes.ts'
import { malformed } from '../base/errors.ts'
import { spec, type NetworkLimits } from '../base/limits.ts'
import { RecentMap } from './rate.ts'
import type { RecordStore } from './record-store.ts'

/** The protocol id of the DHT. */
export const DHT_PROTOCOL = '/hearsay/kad/1'

/** Checks a record and tells its sequence number: the higher one under a key wins. Throws at bad ones. */
export type ValidateRecord = (key: Uint8Array, record: Uint8Array) => number

type KadComponents = Parameters<ReturnType<typeof kadDHT>>[0]

/** The parts of kad-dht 16.4.5 that are not in its types; the version is pinned exactly. */
interface KadInternals {
  readonly routingTable: { readonly size: number } & EventTarget
  readonly rpc: {
    readonly handlers: Record<
      string,
      { handle(peer: { toString(): string }, message: unknown): Promise<unknown> }
    >
    onIncomingStream(stream: Stream, connection: Connection): Promise<void>
  }
}

/** What the DHT needs. */
export interface DhtInit {
  readonly mode: 'client' | 'server'
  readonly local: boolean
  readonly limits: NetworkLimits
  readonly store: RecordStore
  readonly validateRecord: ValidateRecord
  /** The first server is in the routing table. */
  readonly ready: () => void
}

/** The DHT of one node. `service` goes into libp2p, which starts and stops it. */
export class Dht {
  readonly #init: DhtInit
  readonly #sequences: RecentMap<string, number>
  #kad: (KadDHT & KadInternals) | undefined
  /** Who asks to store something, while the validator runs: kad-dht does not tell it. */
  #depositing: { readonly peer: string; readonly key: Uint8Array } | undefined

  constructor(init: DhtInit) {
    this.#init = init
    this.#sequences = new RecentMap(init.limits.dhtSequencesMax)
  }

  get peerCount(): number {
    return this.#kad?.routingTable.size ?? 0
  }

  /** The libp2p service. */
  readonly service = (components: KadComponents): KadDHT => {
    const { limits, mode, local, ready } = this.#init
    const kad = kadDHT({
      protocol: DHT_PROTOCOL,
      clientMode: mode === 'client',
      peerInfoMapper: local ? passthroughMapper : removePrivateAddressesMapper,
      // With no peers a query would wait for one until its signal; an empty answer now is the honest one.
      allowQueryWithZeroPeers: true,
      maxInboundStreams: limits.dhtStreamsMax,
      maxOutboundStreams: limits.dhtStreamsMax,
      networkDialTimeout: { minTimeout: 1000, maxTimeout: limits.dhtRequestMs },
      validators: { hs: (key, record) => this.#validate(key, record) },
      selectors: { hs: (key, records) => this.#select(key, records) }
    })(components) as KadDHT & KadInternals
    // kad-dht adds a namespace of public keys of its own accord.
    delete kad.validators['pk']
    delete kad.selectors['pk']
    this.#guardRequests(kad)
    kad.routingTable.addEventListener('peer:add', ready, { once: true })
    this.#kad = kad
    return kad
  }

  /** Resolves to how many nodes took the record; rejects when none did. */
  async put(key: Uint8Array, record: Uint8Array, signal: AbortSignal): Promise<number> {
    const kad = this.#running()
    const name = dhtName(key)
    this.#validate(name, record)
    let taken = 0
    try {
      for await (const event of untilAborted(kad.put(name, record, { signal }), signal)) {
        if (event.name === 'PEER_RESPONSE' && event.messageName === 'PUT_VALUE') taken++
        if (event.name === 'QUERY_ERROR' && event.error.message === 'Value not put correctly') taken--
      }
    } catch (error) {
      if (taken === 0) throw error
    }
    if (taken === 0) throw new Error('no node took the record')
    return taken
  }

  /** Valid records as they come, each different one once, never one older than what was seen before. */
  async *lookup(key: Uint8Array, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const kad = this.#running()
    const name = dhtName(key)
    const found: Uint8Array[] = []
    try {
      for await (const event of untilAborted(kad.get(name, { signal }), signal)) {
        const record = recordIn(event)
        if (record === undefined || found.some(other => equal(other, record)) || !this.#isValid(name, record))
          continue
        found.push(record)
        yield record
      }
    } catch (error) {
      // A query fails when its last peer does; what was found before stands.
      if (found.length === 0 && !signal.aborted && !isQueryFailure(error)) throw error
    }
  }

  #running(): KadDHT {
    if (this.#kad === undefined) throw new Error('the DHT is off')
    return this.#kad
  }

  #isValid(name: Uint8Array, record: Uint8Array): boolean {
    try {
      this.#validate(name, record)
      return true
    } catch {
      return false
    }
  }

  /** Runs on storing and on reading. Throws at a bad record and at one that is older than another under its key. */
  #validate(name: Uint8Array, record: Uint8Array): void {
    if (this.#depositing !== undefined && !equal(this.#depositing.key, name)) {
      throw malformed('a record under another key than the request names')
    }
    if (record.length > spec.presenceRecordMaxBytes) throw malformed('a record that is too long')
    const key = keyOf(name)
    const sequence = this.#init.validateRecord(key, new Uint8Array(record))
    const text = toBase64url(key)
    if (sequence < (this.#sequences.get(text) ?? sequence))
      throw malformed('a record older than one seen before')
    this.#sequences.set(text, sequence)
  }

  #select(name: Uint8Array, records: readonly Uint8Array[]): number {
    const key = keyOf(name)
    let best = 0
    let bestSequence = -Infinity
    for (const [i, record] of records.entries()) {
      const sequence = this.#init.validateRecord(key, new Uint8Array(record))
      // Two of one sequence: any rule will do, if all nodes have the same.
      if (sequence < bestSequence || (sequence === bestSequence && compare(record, records[best]!) <= 0))
        continue
      best = i
      bestSequence = sequence
    }
    return best
  }

  #guardRequests(kad: KadInternals): void {
    const { handlers } = kad.rpc
    delete handlers['ADD_PROVIDER']
    delete handlers['GET_PROVIDERS']
    const putValue = handlers['PUT_VALUE']!
    const store = putValue.handle.bind(putValue)
    putValue.handle = async (peer, message) => {
      const { key } = message as { key?: Uint8Array }
      if (key === undefined) throw malformed('a record without a key')
      // The validator runs before the first await of the handler.
      this.#depositing = { peer: peer.toString(), key }
      let stored: Promise<unknown>
      try {
        stored = store(peer, message)
      } finally {
        this.#depositing = undefined
      }
      const answer = await stored
      this.#init.store.attribute(key, peer.toString())
      return answer
    }
    const answerStream = kad.rpc.onIncomingStream.bind(kad.rpc)
    kad.rpc.onIncomingStream = (stream, connection) => {
      const done = answerStream(stream, connection)
      // After its own listener, or bytes that wait would come to ours alone.
      let bytes = 0
      stream.addEventListener('message', event => {
        bytes += event.data.byteLength
        if (bytes > this.#init.limits.dhtRequestBytes)
          stream.abort(malformed('a DHT request that is too long'))
      })
      return done
    }
  }
}

const PREFIX = '/hs/'
const DHT_NAME_BYTES_MAX = 128

const dhtName = (key: Uint8Array): Uint8Array => fromUtf8(PREFIX + toBase64url(key))

function keyOf(name: Uint8Array): Uint8Array {
  if (name.length > DHT_NAME_BYTES_MAX) throw malformed('a DHT key that is too long')
  const text = String.fromCharCode(...name)
  if (!text.startsWith(PREFIX) || text === PREFIX) throw malformed('a DHT key that is none of ours')
  try {
    return fromBase64url(text.slice(PREFIX.length))
  } catch (error) {
    throw malformed('a DHT key that is none of ours', error)
  }
}

type QueryEvent = ReturnType<KadDHT['get']> extends AsyncIterable<infer Event> ? Event : never

function recordIn(event: QueryEvent): Uint8Array | undefined {
  const record = event.name === 'VALUE' ? event.value : undefined
  const found = event.name === 'PEER_RESPONSE' ? event.record?.value : record
  return found === undefined ? undefined : new Uint8Array(found)
}

const isQueryFailure = (error: unknown): boolean =>
  error instanceof Error &&
  ['QueryError', 'NotFoundError', 'QueryAbortedError', 'AbortError'].includes(error.name)

/** What an iterable yields until the signal says stop, even where the iterable itself does not listen to it. */
async function* untilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]()
  const aborted = Promise.withResolvers<undefined>()
  const onAbort = (): void => aborted.resolve(undefined)
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), aborted.promise])
      if (next === undefined || next.done === true) return
      yield next.value
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    // Not waited for: a frozen peer would hold it.
    iterator.return?.().catch(() => {})
  }
}
