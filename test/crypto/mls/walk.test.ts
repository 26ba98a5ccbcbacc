/**
 * A group in which two implementations live, at random, both ways: whatever one commits, the other follows.
 *
 * The second implementation is ts-mls 1.6.4 (a development dependency). It stays a member throughout and
 * neither joins later (it refuses valid trees with unmerged leaves) nor changes group context extensions
 * (it encrypts their path in the old context), and it speaks the one suite that it has without further
 * packages: those are its known limits.
 */
import { expect, test } from 'vitest'
import { fromUtf8, toHex, toUtf8 } from '../../../src/base/bytes.ts'
import type { Random } from '../../../src/base/random.ts'
import { decodeMlsMessage, Epoch } from '../../../src/crypto/mls/index.ts'
import type { CommitOptions } from '../../../src/crypto/mls/index.ts'
import { add, expectSameEpoch, nextEpoch, opened, person, reasonOf, remove, say } from './people.ts'
import { below, pick, seededRandom, seeds } from './seeded.ts'
import * as mls from '../../../.oracles/node_modules/ts-mls/dist/src/index.js'

const STEPS = process.env['FULL'] === '1' ? 400 : 40

const SUITE = 1
const SUITE_NAME = 'MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519'

/** One member whose engine is ts-mls. */
class Other {
  readonly #suite: mls.CiphersuiteImpl
  #state: mls.ClientState

  private constructor(suite: mls.CiphersuiteImpl, state: mls.ClientState) {
    this.#suite = suite
    this.#state = state
  }

  /** Joins a new group that `adopt` adds it to. */
  static async join(adopt: (keyPackage: Uint8Array) => Uint8Array): Promise<Other> {
    const suite = await mls.getCiphersuiteImpl(mls.getCiphersuiteFromName(SUITE_NAME))
    const credential = { credentialType: 'basic', identity: fromUtf8('other') } as const
    const { publicPackage, privatePackage } = await mls.generateKeyPackage(
      credential,
      mls.defaultCapabilities(),
      mls.defaultLifetime,
      [],
      suite
    )
    const keyPackage = mls.encodeMlsMessage({
      version: 'mls10',
      wireformat: 'mls_key_package',
      keyPackage: publicPackage
    })
    const message = mls.decodeMlsMessage(adopt(keyPackage), 0)![0]
    if (message.wireformat !== 'mls_welcome') throw new Error(message.wireformat)
    const { emptyPskIndex } = mls
    const state = await mls.joinGroup(message.welcome, publicPackage, privatePackage, emptyPskIndex, suite)
    return new Other(suite, state)
  }

  get authenticator(): string {
    return toHex(this.#state.keySchedule.epochAuthenticator)
  }

  async process(bytes: Uint8Array): Promise<string | undefined> {
    const message = mls.decodeMlsMessage(bytes, 0)![0]
    if (message.wireformat !== 'mls_private_message' && message.wireformat !== 'mls_public_message')
      throw new Error(message.wireformat)
    const { emptyPskIndex, acceptAll } = mls
    const result = await mls.processMessage(message, this.#state, emptyPskIndex, acceptAll, this.#suite)
    this.#state = result.newState
    return result.kind === 'applicationMessage' ? toUtf8(result.message) : undefined
  }

  async commit(extraProposals: mls.Proposal[], wireAsPublicMessage: boolean) {
    const { newState, commit, welcome } = await mls.createCommit(
      { state: this.#state, cipherSuite: this.#suite },
      { extraProposals, wireAsPublicMessage, ratchetTreeExtension: true }
    )
    this.#state = newState
    return {
      commit: mls.encodeMlsMessage(commit),
      welcome: welcome && mls.encodeMlsMessage({ version: 'mls10', wireformat: 'mls_welcome', welcome })
    }
  }

  async seal(text: string): Promise<Uint8Array> {
    const { newState, privateMessage } = await mls.createApplicationMessage(
      this.#state,
      fromUtf8(text),
      this.#suite
    )
    this.#state = newState
    return mls.encodeMlsMessage({ version: 'mls10', wireformat: 'mls_private_message', privateMessage })
  }
}

/** The key package in the form that ts-mls has. */
function theirKeyPackage(ours: ReturnType<typeof person>): mls.KeyPackage {
  const framed = Uint8Array.from([0, 1, 0, 5, ...ours.bytes])
  const message = mls.decodeMlsMessage(framed, 0)![0]
  if (message.wireformat !== 'mls_key_package') throw new Error(message.wireformat)
  return message.keyPackage
}

class Walk {
  readonly #random: Random
  members: Epoch[] = []
  #names = 0
  #other!: Other

  constructor(seed: number) {
    this.#random = seededRandom(seed)
  }

  async start(): Promise<void> {
    const created = Epoch.create({ groupId: fromUtf8('walk'), ...this.#person() })
    this.#other = await Other.join(bytes => {
      const message = decodeMlsMessage(bytes)
      if (message.type !== 'keyPackage') throw new Error(message.type)
      const { epoch, welcome } = created.commit({
        proposals: [{ type: 'add', keyPackage: message.keyPackage }]
      })
      this.members = [epoch]
      return welcome!
    })
  }

  async step(): Promise<void> {
    if (below(this.#random, 3) === 0) await this.#theyCommit()
    else await this.#weCommit()
    expectSameEpoch(this.members)
    expect(this.#other.authenticator).toBe(toHex(this.members[0]!.authenticator))
    const theirs = await this.#other.seal('from there')
    for (const member of this.members) expect(opened(member, theirs)).toBe('from there')
    const speaker = pick(this.#random, this.members)
    const ours = say(speaker, 'from here')
    expect(await this.#other.process(ours)).toBe('from here')
  }

  #person() {
    return person(`p${this.#names++}`, SUITE)
  }

  /** Who leaves and who comes in the next step. */
  #change(committer: Epoch | undefined): { leaving: Epoch[]; joining: ReturnType<typeof person>[] } {
    const random = this.#random
    const others = this.members.filter(member => member !== committer)
    const leaves = this.members.length > 2 && others.length > 0 && below(random, 3) === 0
    const joins = this.members.length < 8 && below(random, 2) === 0
    return { leaving: leaves ? [pick(random, others)] : [], joining: joins ? [this.#person()] : [] }
  }

  async #weCommit(): Promise<void> {
    const committer = pick(this.#random, this.members)
    const { leaving, joining } = this.#change(committer)
    const options: CommitOptions = {
      proposals: [...leaving.map(remove), ...joining.map(add)],
      forcePath: below(this.#random, 2) === 0,
      wireFormat: below(this.#random, 2) === 0 ? 'public' : 'private'
    }
    const { epoch, commit, welcome } = committer.commit(options)
    await this.#other.process(commit)
    const staying = this.members.filter(member => member !== committer && !leaving.includes(member))
    this.members = [
      epoch,
      ...staying.map(member => nextEpoch(member, commit)),
      ...joining.map(each => Epoch.join(welcome!, each))
    ]
  }

  async #theyCommit(): Promise<void> {
    const { leaving, joining } = this.#change(undefined)
    const proposals: mls.Proposal[] = [
      ...leaving.map(({ ownLeaf }) => ({ proposalType: 'remove', remove: { removed: ownLeaf } }) as const),
      ...joining.map(each => ({ proposalType: 'add', add: { keyPackage: theirKeyPackage(each) } }) as const)
    ]
    const { commit, welcome } = await this.#other.commit(proposals, below(this.#random, 2) === 0)
    for (const evicted of leaving) expect(reasonOf(() => evicted.process(commit))).toBe(undefined)
    const staying = this.members.filter(member => !leaving.includes(member))
    this.members = [
      ...staying.map(member => nextEpoch(member, commit)),
      ...joining.map(each => Epoch.join(welcome!, each))
    ]
  }
}

test.each(seeds(4))('seed %i: nobody notices which engine the others have', async seed => {
  const walk = new Walk(seed)
  await walk.start()
  for (let step = 0; step < STEPS; step++) {
    try {
      await walk.step()
    } catch (error) {
      throw new Error(`seed ${seed}, step ${step}`, { cause: error })
    }
  }
  expect(walk.members[0]!.number).toBe(BigInt(STEPS + 1))
})
