/** Stories about groups: what people can do, and what they cannot. */
import { describe, expect, test } from 'vitest'
import { fromUtf8, toHex } from '../../../src/base/bytes.ts'
import { mlsLimits } from '../../../src/base/limits.ts'
import { cipherSuiteIds } from '../../../src/crypto/mls/index.ts'
import { Epoch } from '../../../src/crypto/mls/index.ts'
import { XWING_SUITE } from '../../../src/crypto/mls/index.ts'
import { decodeGroupInfo, decodeMlsMessage } from '../../../src/crypto/mls/index.ts'
import { decodeState } from '../../../src/crypto/mls/epoch-state.ts'
import { encodeGroupContext } from '../../../src/crypto/mls/group-context.ts'
import { decryptWithLabel } from '../../../src/crypto/mls/labels.ts'
import { add, ALWAYS, expectRefused, expectSameEpoch, follow, groupOf, nextEpoch } from './people.ts'
import { opened, person, reasonOf, remove, say } from './people.ts'
import { seededRandom } from './seeded.ts'

describe.each(cipherSuiteIds)('suite %i', id => {
  const people = ['alice', 'bob', 'carol'].map(name => person(name, id))

  test('alice makes a group, and everybody hears everybody', () => {
    const members = groupOf(people)
    expectSameEpoch(members)
    for (const speaker of members)
      for (const listener of members)
        if (listener !== speaker)
          expect(opened(listener, say(speaker, 'who has the rope?'))).toBe('who has the rope?')
  })

  test('everybody can update, and a stored epoch goes on where it was', () => {
    let members = groupOf(people)
    for (const index of [0, 1, 2, 1]) {
      members = follow(members[index]!, members, {}).next
      members = members.map(member => Epoch.load(member.save()))
    }
    expect(opened(members[2]!, say(members[0]!, 'still there?'))).toBe('still there?')
  })
})

describe('removal', () => {
  const [alice, bob, carol] = ['alice', 'bob', 'carol'].map(name => person(name))

  test('one Remove alone comes with a path, and the removed member cannot derive the next epoch', () => {
    const [alices, bobs, carols] = groupOf([alice!, bob!, carol!])
    const { commit, epoch } = alices!.commit({ proposals: [remove(bobs!)], wireFormat: 'public' })
    expect(nextEpoch(carols!, commit).members()).toHaveLength(2)

    const message = decodeMlsMessage(commit)
    if (message.type !== 'publicMessage') throw new Error(message.type)
    const { content } = message.publicMessage.authenticated.framed
    if (content.type !== 'commit' || content.commit.path === undefined) throw new Error('no path')
    // No key that Bob holds opens any of the path secrets, in the context that they were sealed for.
    const { nodeKeys, context } = decodeState(bobs!.save(), {})
    const { groupContext } = decodeGroupInfo(epoch.groupInfo())
    const { confirmedTranscriptHash } = context
    const sealedFor = encodeGroupContext({ ...groupContext, confirmedTranscriptHash })
    const ciphertexts = content.commit.path.nodes.flatMap(node => node.encryptedPathSecrets)
    const opens = (key: Uint8Array): boolean =>
      ciphertexts.some(each => {
        const open = () => decryptWithLabel(epoch.suite, key, 'UpdatePathNode', sealedFor, each)
        return reasonOf(open) === undefined
      })
    expect(ciphertexts).toHaveLength(1)
    expect([...nodeKeys.values()].filter(opens)).toHaveLength(0)
    const carolsKeys = decodeState(carols!.save(), {}).nodeKeys
    expect([...carolsKeys.values()].filter(opens)).toHaveLength(1)

    const processed = bobs!.process(commit)
    expect(processed.kind === 'commit' && processed.epoch).toBe(undefined)
    const after = say(epoch, 'bob is gone')
    expectRefused(bobs!, 'wrong-epoch', () => bobs!.process(after))
  })

  test('somebody who is added in the same commit takes the free place', () => {
    const members = groupOf([alice!, bob!, carol!])
    const dave = person('dave')
    const { committed } = follow(members[0]!, [members[0]!, members[2]!], {
      proposals: [remove(members[1]!), add(dave)]
    })
    const daves = Epoch.join(committed.welcome!, dave)
    expect(daves.ownLeaf).toBe(members[1]!.ownLeaf)
    expectSameEpoch([daves, committed.epoch])
    const bobs = members[1]!.process(committed.commit)
    expect(bobs.kind === 'commit' && bobs.epoch).toBe(undefined)
  })
})

describe('forks', () => {
  test('three commits on one epoch live side by side, each with its own messages', () => {
    const [alices, bobs, carols] = groupOf(['alice', 'bob', 'carol'].map(name => person(name, XWING_SUITE)))
    const byAlice = alices!.commit()
    const byBob = bobs!.commit()
    const byCarol = carols!.commit({ proposals: [remove(bobs!)] })
    const [carolOnA, carolOnB] = [nextEpoch(carols!, byAlice.commit), nextEpoch(carols!, byBob.commit)]
    const aliceOnB = nextEpoch(alices!, byBob.commit)
    const aliceOnC = nextEpoch(alices!, byCarol.commit)
    expectSameEpoch([byAlice.epoch, carolOnA])
    expectSameEpoch([byBob.epoch, carolOnB, aliceOnB])
    expectSameEpoch([byCarol.epoch, aliceOnC])
    expect(opened(carolOnA, say(byAlice.epoch, 'on a'))).toBe('on a')
    expect(opened(carolOnB, say(aliceOnB, 'on b'))).toBe('on b')
    expect(reasonOf(() => opened(carolOnA, say(byBob.epoch, 'on b')))).toBe('invalid')
    // The epoch before the fork still opens what was said in it.
    expect(opened(bobs!, say(alices!, 'before'))).toBe('before')
    // Branches can go on, whatever becomes of the others.
    byAlice.epoch.zeroize()
    carolOnA.zeroize()
    const onB = [byBob.epoch, carolOnB, aliceOnB]
    expect(follow(carolOnB, onB, {}).next[0]!.number).toBe(3n)
    expect(opened(bobs!, say(carols!, 'and the old one lives'))).toBe('and the old one lives')
  })
})

describe('messages', () => {
  const [alice, bob] = [person('alice'), person('bob')]

  test('come in any order, once', () => {
    const [alices, bobs] = groupOf([alice, bob])
    const sent = ['1', '2', '3', '4', '5'].map(text => say(alices!, text))
    for (const index of [4, 0, 2, 1, 3]) expect(opened(bobs!, sent[index]!)).toBe(String(index + 1))
    for (const message of sent) expectRefused(bobs!, 'key-used', () => bobs!.process(message))
  })

  test('too far ahead are refused, and the keys of skipped ones are bounded', () => {
    const [alices, bobs] = groupOf([alice, bob])
    const sent = Array.from({ length: mlsLimits.generationsForwardMax + 2 }, (_, index) =>
      say(alices!, `${index}`)
    )
    const last = sent.length - 1
    expectRefused(bobs!, 'too-far-ahead', () => bobs!.process(sent[last]!))
    expect(opened(bobs!, sent[last - 1]!)).toBe(`${last - 1}`)
    const oldestKept = last - 1 - mlsLimits.skippedKeysMax
    expect(opened(bobs!, sent[oldestKept]!)).toBe(`${oldestKept}`)
    expectRefused(bobs!, 'key-used', () => bobs!.process(sent[oldestKept - 1]!))
    expect(opened(bobs!, sent[last]!)).toBe(`${last}`)
  })

  test('carry authenticated data in the open, and are padded', () => {
    const [alices, bobs] = groupOf([alice, bob])
    const lengths = ['', 'hi', 'who has the rope?'].map(text => {
      const message = alices!.seal(fromUtf8(text), { authenticatedData: fromUtf8('n1'), padTo: 256 })
      expect(bobs!.process(message)).toMatchObject({
        kind: 'application',
        sender: alices!.ownLeaf,
        authenticatedData: fromUtf8('n1')
      })
      return message.length
    })
    expect(new Set(lengths).size).toBe(1)
  })

  test('of oneself, of another group and of strangers are refused', () => {
    const [alices, bobs] = groupOf([alice, bob])
    const own = say(alices!, 'to myself')
    expectRefused(alices!, 'own-message', () => alices!.process(own))
    const other = Epoch.create({ groupId: fromUtf8('swimmers'), ...person('eve') })
    expectRefused(bobs!, 'wrong-group', () => bobs!.process(say(other, 'hello')))
    expectRefused(bobs!, 'malformed', () => bobs!.process(fromUtf8('hello')))
    expectRefused(bobs!, 'malformed', () => bobs!.process(new Uint8Array(mlsLimits.messageMaxBytes + 1)))
  })

  test('cost a few hundred bytes to store, not the whole epoch', () => {
    const [alices, bobs] = groupOf([person('alice', XWING_SUITE), person('bob', XWING_SUITE)])
    const stored = bobs!.save()
    for (const text of ['1', '2', '3']) opened(bobs!, say(alices!, text))
    const ratchets = bobs!.saveRatchets()
    expect(ratchets.length).toBeLessThan(512)
    const restored = Epoch.load(stored)
    restored.loadRatchets(ratchets)
    expect(restored.save()).toEqual(bobs!.save())
    expect(opened(restored, say(alices!, '4'))).toBe('4')
    const other = bobs!.commit().epoch
    expectRefused(other, 'invalid', () => other.loadRatchets(ratchets))
  })

  test('open nothing any more once an epoch was wiped', () => {
    const [alices, bobs] = groupOf([alice, bob])
    const message = say(alices!, 'hi')
    bobs!.zeroize()
    expect(reasonOf(() => bobs!.process(message))).toBe('wiped')
    expect(reasonOf(() => bobs!.save())).toBe('wiped')
    expect(reasonOf(() => bobs!.seal(message))).toBe('wiped')
  })
})

describe('proposals on their own', () => {
  const people = ['alice', 'bob', 'carol'].map(name => person(name))

  test('wait for a commit, also across a restart, and their authors get their keys', () => {
    let [alices, bobs, carols] = groupOf(people)
    const update = bobs!.propose({ type: 'update' })
    const dave = person('dave')
    const addition = carols!.propose(add(dave), { wireFormat: 'public' })
    for (const message of [update.message, addition.message]) alices!.process(message)
    bobs!.process(addition.message)
    carols!.process(update.message)
    ;[alices, bobs, carols] = [alices, bobs, carols].map(epoch => Epoch.load(epoch!.save()))
    expect(alices!.pendingProposals().map(({ proposal }) => proposal.type)).toEqual(['update', 'add'])
    const { committed, next } = follow(alices!, [alices!, bobs!, carols!], {
      proposalRefs: [update.reference, addition.reference],
      authenticatedData: fromUtf8('as agreed'),
      wireFormat: 'public'
    })
    const daves = Epoch.join(committed.welcome!, dave)
    expect(follow(next[1]!, [...next, daves], {}).next).toHaveLength(4)
  })

  test('that were never seen cannot be committed', () => {
    const [alices, bobs, carols] = groupOf(people)
    const { message, reference } = carols!.propose({ type: 'update' })
    alices!.process(message)
    const { commit } = alices!.commit({ proposalRefs: [reference] })
    expectRefused(bobs!, 'missing-proposal', () => bobs!.process(commit))
    expectRefused(bobs!, 'missing-proposal', () => bobs!.commit({ proposalRefs: [reference] }))
    bobs!.process(message)
    expect(nextEpoch(bobs!, commit).number).toBe(2n)
  })

  test('are bounded', () => {
    const [alices, bobs, carols] = groupOf(people)
    const proposal = { type: 'remove', removed: 0 } as const
    for (let index = 0; index < mlsLimits.proposalsPendingMax; index++)
      bobs!.process(carols!.propose(proposal, { authenticatedData: fromUtf8(`${index}`) }).message)
    const { message } = alices!.propose({ type: 'update' })
    expectRefused(bobs!, 'invalid', () => bobs!.process(message))
  })
})

test('a seeded run gives the same bytes', () => {
  const run = (): string => {
    const random = seededRandom(42)
    const members = groupOf(
      ['alice', 'bob', 'carol'].map(name => person(name, XWING_SUITE, { random })),
      random
    )
    const { committed, next } = follow(members[1]!, members, {})
    return toHex(committed.commit) + toHex(say(next[2]!, 'hi')) + toHex(next[0]!.save())
  }
  expect(run()).toBe(run())
})

test('the trees of epochs are not those of their successors', () => {
  const people = Array.from({ length: 5 }, (_, index) => person(`p${index}`, 1, { lifetime: ALWAYS }))
  const members = groupOf(people)
  const before = members.map(member => toHex(member.ratchetTree()))
  follow(members[2]!, members.slice(0, 4), { proposals: [remove(members[4]!)] })
  expect(members.map(member => toHex(member.ratchetTree()))).toEqual(before)
})
