/**
 * Who comes and goes in one commit, and on which branch: the ways in which a group without a server mends
 * itself. Somebody who cannot follow is removed and added again in one commit; a newcomer whom two members add
 * at once belongs to both branches until one of them wins; a tree travels beside the Welcome.
 */
import { describe, expect, test } from 'vitest'
import { mlsLimits } from '../../../src/base/limits.ts'
import type { Random } from '../../../src/base/random.ts'
import { cipherSuite, Epoch, verifyLeaves, XWING_SUITE } from '../../../src/crypto/mls/index.ts'
import type { CipherSuite, GeneratedKeyPackage } from '../../../src/crypto/mls/index.ts'
import { add, expectRefused, expectSameEpoch, follow, groupOf, nextEpoch, opened, person } from './people.ts'
import { reasonOf, remove, say } from './people.ts'
import { below, pick, seededRandom, seeds } from './seeded.ts'

/** A member, with the signature key by which the others know it. */
interface Member {
  readonly name: string
  readonly keys: ReturnType<CipherSuite['signature']['generateKeyPair']>
  readonly epoch: Epoch
}

const suiteOf = (seed: number): number => (seed % 3 === 0 ? XWING_SUITE : 1)

/** A fresh key package of somebody, with the signature key that they always have. */
const again = ({ name, keys }: Pick<Member, 'name' | 'keys'>, suiteId: number): GeneratedKeyPackage =>
  person(name, suiteId, { signatureKeyPair: keys })

/** A group with a past: some were removed, some have renewed their keys, so its tree has blanks and gaps. */
function groupWithPast(random: Random, size: number, suiteId: number): Member[] {
  const people = Array.from({ length: size + 3 }, (_, index) => {
    const keys = cipherSuite(suiteId).signature.generateKeyPair()
    return { name: `p${index}`, keys }
  })
  const epochs = groupOf(people.map(each => again(each, suiteId)))
  let members = people.map((each, index): Member => ({ ...each, epoch: epochs[index]! }))
  const step = (author: Member, staying: Member[], leaving: Member[]): Member[] => {
    const proposals = leaving.map(({ epoch }) => remove(epoch))
    const { next } = follow(
      author.epoch,
      staying.map(({ epoch }) => epoch),
      { proposals, forcePath: true }
    )
    return staying.map((each, index) => ({ ...each, epoch: next[index]! }))
  }
  for (let round = 0; round < 3; round++) {
    const author = pick(random, members)
    const gone = pick(
      random,
      members.filter(each => each !== author)
    )
    members = step(
      author,
      members.filter(each => each !== gone),
      [gone]
    )
    members = step(pick(random, members), members, [])
  }
  return members
}

/** Everybody hears everybody. */
function expectConversation(random: Random, epochs: readonly Epoch[]): void {
  expectSameEpoch(epochs)
  const speaker = pick(random, epochs)
  const message = say(speaker, 'all here?')
  for (const epoch of epochs) if (epoch !== speaker) expect(opened(epoch, message)).toBe('all here?')
}

const cases = seeds(8).map(seed => [seed, [2, 3, 5, 8, 13, 19, 25, 32][seed % 8]!] as const)

describe('somebody who cannot follow', () => {
  test.each(cases)('seed %i: is taken in again by one commit, in a group of %i', (seed, size) => {
    const random = seededRandom(seed)
    const members = groupWithPast(random, size, suiteOf(seed))
    const committer = pick(random, members)
    const asker = pick(
      random,
      members.filter(each => each !== committer)
    )
    const fresh = again(asker, suiteOf(seed))
    const ratchetTreeInWelcome = below(random, 2) === 0
    const { epoch, commit, welcome } = committer.epoch.commit({
      proposals: [remove(asker.epoch), add(fresh)],
      ratchetTreeInWelcome
    })
    const others = members.filter(each => each !== committer && each !== asker)
    const next = others.map(each => nextEpoch(each.epoch, commit))

    // The old self learns that it was removed, whoever sits on its leaf now, and hears nothing any more.
    const processed = asker.epoch.process(commit)
    expect(processed).toMatchObject({ kind: 'commit', epoch: undefined, sender: committer.epoch.ownLeaf })
    expectRefused(asker.epoch, 'wrong-epoch', () => asker.epoch.process(say(epoch, 'gone?')))

    const ratchetTree = ratchetTreeInWelcome ? undefined : epoch.ratchetTree()
    const joined = Epoch.join(welcome!, { ...fresh, ratchetTree })
    expect(joined.memberCount).toBe(members.length)
    expect(joined.memberAt(joined.ownLeaf)?.signatureKey).toEqual(asker.keys.publicKey)
    expect(joined.ownLeaf).toBe(Math.min(firstBlank(committer.epoch), asker.epoch.ownLeaf))
    expectConversation(random, [epoch, ...next, joined])
    expectConversation(random, follow(joined, [epoch, ...next, joined]).next)
  })

  test('sits on its old leaf afterwards where no other was free', () => {
    const [alices, bobs, carols, daves] = groupOf(['alice', 'bob', 'carol', 'dave'].map(name => person(name)))
    const fresh = person('bob')
    const { epoch, commit, welcome } = alices!.commit({ proposals: [remove(bobs!), add(fresh)] })
    const joined = Epoch.join(welcome!, fresh)
    expect(joined.ownLeaf).toBe(bobs!.ownLeaf)
    expect(bobs!.process(commit)).toMatchObject({ kind: 'commit', epoch: undefined })
    expectSameEpoch([epoch, joined, nextEpoch(carols!, commit), nextEpoch(daves!, commit)])
  })

  test('cannot be added beside its old self', () => {
    const suite = cipherSuite(1)
    const bob = { name: 'bob', keys: suite.signature.generateKeyPair() }
    const [alices] = groupOf([person('alice'), again(bob, 1)])
    expectRefused(alices!, 'invalid', () => alices!.commit({ proposals: [add(again(bob, 1))] }))
  })
})

/** The leftmost leaf index that is free, that after the last one where none is. */
function firstBlank(epoch: Epoch): number {
  let leafIndex = 0
  while (epoch.memberAt(leafIndex) !== undefined) leafIndex++
  return leafIndex
}

describe('a newcomer whom two members add at once', () => {
  test.each(cases)('seed %i: lives on both branches of a group of %i', (seed, size) => {
    const random = seededRandom(seed)
    const suiteId = suiteOf(seed)
    const members = groupWithPast(random, size, suiteId)
    const eve = person('eve', suiteId)
    const authors = [members[0]!, members[1]!]
    const branches = authors.map((author, index) => {
      const leaving = index === 1 && members.length > 2 ? [members[2]!] : []
      const proposals = [...leaving.map(each => remove(each.epoch)), add(eve)]
      const { epoch, commit, welcome } = author.epoch.commit({ proposals, ratchetTreeInWelcome: false })
      const staying = members.filter(each => each !== author && !leaving.includes(each))
      const next = staying.map(each => nextEpoch(each.epoch, commit))
      // The same key package and the same secret keys, the second time as the first.
      const joined = Epoch.join(welcome!, { ...eve, ratchetTree: epoch.ratchetTree() })
      return { joined, all: [epoch, ...next, joined] }
    })
    // Both were joined before either goes on: neither may have used up or changed what the other needs.
    const [first, second] = branches
    expect(first!.joined.authenticator).not.toEqual(second!.joined.authenticator)
    for (const { joined, all } of branches) {
      expectConversation(random, all)
      expectConversation(random, follow(joined, all).next)
    }
    first!.joined.zeroize()
    expect(opened(second!.joined, say(second!.all[0]!, 'still there'))).toBe('still there')
  })
})

describe('a tree beside the Welcome', () => {
  const alice = person('alice')
  const newcomers = Array.from({ length: 20 }, (_, index) => person(`p${index}`))
  const created = Epoch.create({ groupId: new Uint8Array(16), ...alice })
  const { epoch, welcome } = created.commit({
    proposals: newcomers.map(add),
    ratchetTreeInWelcome: false
  })
  const ratchetTree = epoch.ratchetTree()

  test('is the same for all newcomers, and small Welcomes do without it', () => {
    const joined = newcomers.map(each => Epoch.join(welcome!, { ...each, ratchetTree }))
    expectSameEpoch([epoch, ...joined])
    expect(reasonOf(() => Epoch.join(welcome!, newcomers[0]!))).toBe('invalid')
    const whole = created.commit({ proposals: newcomers.map(add) })
    expect(whole.welcome!.length).toBeGreaterThan(welcome!.length + ratchetTree.length - 100)
  })

  test('must be that of the epoch', () => {
    const later = epoch.commit().epoch
    for (const tree of [later.ratchetTree(), created.ratchetTree()])
      expect(reasonOf(() => Epoch.join(welcome!, { ...newcomers[0]!, ratchetTree: tree }))).toBe('invalid')
  })

  test('can be verified in pieces, and then costs the join no signature but that of its GroupInfo', () => {
    let verifications = 0
    const shared = cipherSuite(1)
    const signature: CipherSuite['signature'] = {
      ...shared.signature,
      verify(...of) {
        verifications++
        return shared.signature.verify(...of)
      }
    }
    const suite: CipherSuite = { ...shared, signature }
    const pieces: number[] = []
    let from: number | undefined = 0
    while (from !== undefined) {
      const before = verifications
      const piece = verifyLeaves(ratchetTree, { suite, groupId: epoch.groupId, from, count: 8 })
      expect(piece.members).toEqual(epoch.members().slice(from, from + 8))
      from = piece.next
      pieces.push(verifications - before)
    }
    expect(pieces).toEqual([8, 8, 5, 0])
    Epoch.join(welcome!, { ...newcomers[3]!, suite, ratchetTree })
    expect(verifications).toBe(22)
    Epoch.join(welcome!, { ...newcomers[4]!, suite: { ...suite }, ratchetTree })
    expect(verifications).toBe(22 + 22)
  })

  test('with a leaf that its owner did not sign is refused, in pieces as well', () => {
    const forged = Uint8Array.from(ratchetTree)
    forged[forged.length - 5]! ^= 1
    const range = { suite: cipherSuite(1), groupId: epoch.groupId, from: 0, count: 64 }
    for (let times = 0; times < 2; times++) {
      expect(reasonOf(() => verifyLeaves(forged, range))).toBe('invalid')
      expect(reasonOf(() => Epoch.join(welcome!, { ...newcomers[0]!, ratchetTree: forged }))).toBe('invalid')
    }
    expect(reasonOf(() => verifyLeaves(ratchetTree.subarray(1), range))).toBe('malformed')
  })
})

describe('a group that has grown larger than one message', () => {
  const MIB = 1024 * 1024
  /** Whoever brings so much along fills the tree as a few hundred members do. */
  const heavy = (name: string): GeneratedKeyPackage =>
    person(name, 1, {
      leafExtensions: [{ type: 0xf001, data: new Uint8Array(1.4 * MIB) }],
      capabilities: { extensions: [0xf001] }
    })

  test('is joined and loaded all the same, its tree beside the Welcome', () => {
    let [alices, bobs] = [heavy('alice'), heavy('bob')].reduce<readonly Epoch[]>((members, each) => {
      const [first] = members
      if (first === undefined) return [Epoch.create({ groupId: new Uint8Array(16), ...each })]
      const { epoch, welcome } = first.commit({ proposals: [add(each)] })
      return [epoch, Epoch.join(welcome!, each)]
    }, [])
    const carol = heavy('carol')
    expectRefused(alices!, 'invalid', () => alices!.commit({ proposals: [add(carol)] }))
    const added = alices!.commit({ proposals: [add(carol)], ratchetTreeInWelcome: false })
    const ratchetTree = added.epoch.ratchetTree()
    expect(ratchetTree.length).toBeGreaterThan(mlsLimits.messageMaxBytes)
    const carols = Epoch.join(added.welcome!, { ...carol, ratchetTree })
    ;[alices, bobs] = [added.epoch, nextEpoch(bobs!, added.commit)]
    expectSameEpoch(follow(bobs, [alices, bobs, Epoch.load(carols.save())]).next)
    const range = { suite: alices.suite, groupId: alices.groupId, from: 0, count: 4 }
    expect(verifyLeaves(ratchetTree, range).members).toHaveLength(3)
    const tooLarge = new Uint8Array(mlsLimits.treeMaxBytes + 1)
    expect(reasonOf(() => verifyLeaves(tooLarge, range))).toBe('malformed')
  })

  test('lets nobody make what the others would not read', () => {
    const [alices] = groupOf(['alice', 'bob'].map(name => person(name)))
    const authenticatedData = new Uint8Array(4 * MIB)
    expectRefused(alices!, 'invalid', () => alices!.commit({ authenticatedData }))
    expectRefused(alices!, 'invalid', () => alices!.commit({ authenticatedData, wireFormat: 'public' }))
    expectRefused(alices!, 'invalid', () => alices!.seal(authenticatedData))
    expectRefused(alices!, 'invalid', () => alices!.propose({ type: 'update' }, { authenticatedData }))
  })
})

describe('who is in an epoch', () => {
  test('is known by leaf index, by number and as a list', () => {
    const names = ['alice', 'bob', 'carol', 'dave', 'eve']
    const members = groupOf(names.map(name => person(name)))
    const next = members[0]!.commit({ proposals: [remove(members[2]!)] }).epoch
    for (const epoch of [next, Epoch.load(next.save())]) {
      expect(epoch.memberCount).toBe(4)
      expect(epoch.members().map(({ index }) => index)).toEqual([0, 1, 3, 4])
      for (const { index, leaf } of epoch.members()) expect(epoch.memberAt(index)).toBe(leaf)
      for (const nobody of [2, 5, 8, 2 ** 31, -1]) expect(epoch.memberAt(nobody)).toBe(undefined)
    }
    expect(members[0]!.memberCount).toBe(5)
    expect(members[0]!.members()).toHaveLength(5)
  })

  test('is the same object wherever it did not change, from the disk as well where asked', () => {
    const members = groupOf(['alice', 'bob', 'carol', 'dave'].map(name => person(name)))
    const next = members[0]!.commit({ proposals: [add(person('eve'))], forcePath: true }).epoch
    const loaded = Epoch.load(next.save())
    const before = Epoch.load(members[0]!.save(), { sharing: loaded })
    for (const [older, newer] of [
      [members[0]!, next],
      [before, loaded]
    ] as const) {
      for (const leafIndex of [1, 2, 3]) expect(older.memberAt(leafIndex)).toBe(newer.memberAt(leafIndex))
      expect(older.memberAt(0)).not.toEqual(newer.memberAt(0))
    }
    expect(Epoch.load(next.save()).memberAt(1)).not.toBe(loaded.memberAt(1))
    expect(before.save()).toEqual(members[0]!.save())
    const other = groupOf(['mallory', 'bob'].map(name => person(name)))[0]!
    expect(Epoch.load(members[0]!.save(), { sharing: other }).save()).toEqual(members[0]!.save())
    const { commit } = members[1]!.commit()
    expectSameEpoch([nextEpoch(before, commit), nextEpoch(members[2]!, commit)])
  })
})
