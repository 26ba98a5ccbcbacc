/**
 * MLS: how near sealing and opening come to the bare cipher calls that they cannot do without, and how they
 * compare with another implementation.
 *
 * Ratios of medians over interleaved rounds, because a machine that does other things at the same time slows
 * all of them alike.
 */
import * as platform from 'node:crypto'
import { cipherSuite, Epoch, generateKeyPackage, XWING_SUITE } from 'hearsay/mls'
import { interleaved, median } from './measure.ts'
import type { BenchOptions, Row } from './measure.ts'

const MESSAGES = 100
/** A round of so few messages is short, and many of them are needed before the compiler has done its work. */
const ROUNDS_PER_ROUND = 8
const TEXT_BYTES = 200
const lifetime = { notBefore: 0n, notAfter: 1n << 40n }

/** Something to measure: prepares a round outside the clock and returns what is inside it. */
interface Contender {
  readonly name: string
  readonly prepare: () => Promise<() => Promise<void>> | (() => void) | (() => Promise<void>)
}

/** Microseconds of CPU per message, the median of rounds in which every contender takes its turn. */
async function measure(
  contenders: readonly Contender[],
  rounds: number
): Promise<ReadonlyMap<string, number>> {
  const turns = contenders.map(({ name, prepare }): [string, () => Promise<number>] => [
    name,
    async () => {
      const run = await prepare()
      const before = process.cpuUsage()
      await run()
      const { user, system } = process.cpuUsage(before)
      return (user + system) / MESSAGES
    }
  ])
  const times = await interleaved(rounds, Object.fromEntries(turns))
  return new Map(Object.entries(times).map(([name, values]) => [name, median(values)]))
}

function pairOf(suiteId: number): { alices: Epoch; bobs: Epoch } {
  const suite = cipherSuite(suiteId)
  const [alice, bob] = ['alice', 'bob'].map(identity => generateKeyPackage({ suite, identity, lifetime }))
  const created = Epoch.create({ groupId: new Uint8Array(16), ...alice! })
  const { epoch, welcome } = created.commit({ proposals: [{ type: 'add', keyPackage: bob!.keyPackage }] })
  return { alices: epoch, bobs: Epoch.join(welcome!, bob!) }
}

function ours(suiteId: number): Contender[] {
  const { alices, bobs } = pairOf(suiteId)
  const text = platform.randomBytes(TEXT_BYTES)
  return [
    {
      name: `seal ${suiteId}`,
      prepare: () => () => {
        for (let count = 0; count < MESSAGES; count++) alices.seal(text)
      }
    },
    {
      name: `open ${suiteId}`,
      prepare: () => {
        const sealed = Array.from({ length: MESSAGES }, () => alices.seal(text))
        return () => {
          for (const message of sealed) bobs.process(message)
        }
      }
    }
  ]
}

/** What no implementation can do without: one signature and one AEAD call a message. */
function floor(): Contender[] {
  const { privateKey, publicKey } = platform.generateKeyPairSync('ed25519')
  const key = platform.randomBytes(32)
  const nonce = platform.randomBytes(12)
  const text = platform.randomBytes(TEXT_BYTES)
  const seal = (): Buffer[] => {
    const signature = platform.sign(null, text, privateKey)
    const cipher = platform.createCipheriv('aes-256-gcm', key, nonce)
    const body = cipher.update(Buffer.concat([text, signature]))
    cipher.final()
    return [body, cipher.getAuthTag()]
  }
  const [body, tag] = seal()
  return [
    {
      name: 'raw seal',
      prepare: () => () => {
        for (let count = 0; count < MESSAGES; count++) seal()
      }
    },
    {
      name: 'raw open',
      prepare: () => () => {
        for (let count = 0; count < MESSAGES; count++) {
          const decipher = platform.createDecipheriv('aes-256-gcm', key, nonce)
          decipher.setAuthTag(tag!)
          const plaintext = decipher.update(body!)
          decipher.final()
          const [message, signature] = [plaintext.subarray(0, TEXT_BYTES), plaintext.subarray(TEXT_BYTES)]
          if (!platform.verify(null, message, publicKey, signature)) throw new Error('not valid')
        }
      }
    }
  ]
}

/** ts-mls 1.6.4 as it is installed, with its default provider. */
async function other(): Promise<Contender[]> {
  const mls = await import('../.oracles/node_modules/ts-mls/dist/src/index.js')
  const suite = await mls.getCiphersuiteImpl(
    mls.getCiphersuiteFromName('MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519')
  )
  const person = (name: string) =>
    mls.generateKeyPackage(
      { credentialType: 'basic', identity: new TextEncoder().encode(name) },
      mls.defaultCapabilities(),
      mls.defaultLifetime,
      [],
      suite
    )
  const [alice, bob] = [await person('alice'), await person('bob')]
  const created = await mls.createGroup(
    new Uint8Array(16),
    alice.publicPackage,
    alice.privatePackage,
    [],
    suite
  )
  const proposal = { proposalType: 'add', add: { keyPackage: bob.publicPackage } } as const
  const { newState, welcome } = await mls.createCommit(
    { state: created, cipherSuite: suite },
    { extraProposals: [proposal], ratchetTreeExtension: true }
  )
  let alices = newState
  let bobs = await mls.joinGroup(welcome!, bob.publicPackage, bob.privatePackage, mls.emptyPskIndex, suite)
  const text = platform.randomBytes(TEXT_BYTES)
  const seal = async (): Promise<Uint8Array> => {
    const sealed = await mls.createApplicationMessage(alices, text, suite)
    alices = sealed.newState
    const { privateMessage } = sealed
    return mls.encodeMlsMessage({ version: 'mls10', wireformat: 'mls_private_message', privateMessage })
  }
  return [
    {
      name: 'ts-mls seal',
      prepare: () => async () => {
        for (let count = 0; count < MESSAGES; count++) await seal()
      }
    },
    {
      name: 'ts-mls open',
      prepare: async () => {
        const sealed: Uint8Array[] = []
        for (let count = 0; count < MESSAGES; count++) sealed.push(await seal())
        return async () => {
          for (const bytes of sealed) {
            const message = mls.decodeMlsMessage(bytes, 0)![0]
            if (message.wireformat !== 'mls_private_message') throw new Error(message.wireformat)
            const opened = await mls.processMessage(message, bobs, mls.emptyPskIndex, mls.acceptAll, suite)
            bobs = opened.newState
          }
        }
      }
    }
  ]
}

/** Measures, and returns the table. Takes about half a minute. */
export async function benchMls({ rounds }: BenchOptions): Promise<Row[]> {
  const contenders = [...floor(), ...ours(1), ...ours(XWING_SUITE), ...(await other())]
  const times = await measure(contenders, ROUNDS_PER_ROUND * rounds)
  const of = (name: string): number => times.get(name)!
  const rate = (name: string): Row => ({ name, value: 1e6 / of(name), unit: 'per CPU second' })
  const ratio = (name: string, a: string, b: string, atLeast: number): Row => ({
    name,
    value: of(b) / of(a),
    unit: 'times as fast',
    atLeast
  })
  return [
    ...contenders.map(({ name }) => rate(name)),
    ratio('seal, beside Ed25519 and AES-GCM alone', 'seal 1', 'raw seal', 0.33),
    ratio('open, beside Ed25519 and AES-GCM alone', 'open 1', 'raw open', 0.6),
    ratio('seal in the hybrid suite, likewise', `seal ${XWING_SUITE}`, 'raw seal', 0.33),
    ratio('open in the hybrid suite, likewise', `open ${XWING_SUITE}`, 'raw open', 0.6),
    ratio('seal, beside ts-mls 1.6.4', 'seal 1', 'ts-mls seal', 10),
    ratio('open, beside ts-mls 1.6.4', 'open 1', 'ts-mls open', 4)
  ]
}
