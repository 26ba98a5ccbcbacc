/**
 * Members who are after the others: commits that only an engine of their own makes. Whatever they send, the
 * epoch of who receives it is byte for byte what it was, and the work is bounded by what was agreed to.
 *
 * How long something takes is not measured here, machines differ. What is counted is what takes the time:
 * signatures that were verified.
 */
import { describe, expect, test } from 'vitest'
import { fromUtf8 } from '../../../src/base/bytes.ts'
import { mlsLimits } from '../../../src/base/limits.ts'
import { decodeKeyPackage, decodeMlsMessage, Epoch, externalPskId } from '../../../src/crypto/mls/index.ts'
import { verifyLeaves, XWING_SUITE } from '../../../src/crypto/mls/index.ts'
import type { CommitReview, Extension, ProcessOptions, Proposal } from '../../../src/crypto/mls/index.ts'
import { Writer } from '../../../src/crypto/mls/codec.ts'
import { countingSuite, hostileCommit, hostileProposals, withUnusableKeys } from './hostile.ts'
import {
  add,
  expectRefused,
  expectSameEpoch,
  follow,
  groupOf,
  nextEpoch,
  person,
  reasonOf
} from './people.ts'
import { remove } from './people.ts'

const names = ['alice', 'bob', 'carol', 'dave']
const numbered = (count: number): Extension[] =>
  Array.from({ length: count }, (_, index) => ({ type: 0x1000 + index, data: new Uint8Array(0) }))

/** What an application allows that changes its groups by Add and Remove alone. */
const membershipOnly: ProcessOptions = {
  standaloneProposals: false,
  authorize: ({ senderType, proposals }) =>
    senderType === 'member' &&
    proposals.every(
      ({ proposal, reference }) =>
        reference === undefined && (proposal.type === 'add' || proposal.type === 'remove')
    )
}

describe('an application that allows nothing but Add and Remove', () => {
  const members = groupOf(names.map(name => person(name)))
  const [alices, bobs, carols] = members
  const secret = new Uint8Array(32).fill(7)
  const psk = { type: 'psk', psk: externalPskId(alices!.suite, fromUtf8('met')) } as const
  const reinit = {
    type: 'reinit',
    groupId: fromUtf8('x'),
    version: 1,
    cipherSuite: 1,
    extensions: []
  } as const
  const extensions = { type: 'group_context_extensions', extensions: [] } as const

  test('lets those, and new keys alone, pass', () => {
    for (const proposals of [[], [remove(members[3]!)], [add(person('eve'))]]) {
      const { commit } = alices!.commit({ proposals })
      expect(nextEpoch(bobs!, commit, membershipOnly).number).toBe(alices!.number + 1n)
    }
  })

  test.each<readonly [string, readonly Proposal[]]>([
    ['extensions of the group', [extensions]],
    ['extensions of the group among others', [add(person('eve')), extensions]],
    ['a pre-shared key', [psk]],
    ['a ReInit', [reinit]]
  ])('refuses %s', (_, proposals) => {
    const { commit } = alices!.commit({ proposals, psk: () => secret })
    expectRefused(bobs!, 'refused', () => bobs!.process(commit, { ...membershipOnly, psk: () => secret }))
  })

  test('refuses an ExternalInit, from a member and from outside', () => {
    const init = { type: 'external_init', kemOutput: new Uint8Array(32) } as const
    expectRefused(bobs!, 'refused', () => bobs!.process(hostileProposals(alices!, [init]), membershipOnly))
    const { commit } = Epoch.external(alices!.groupInfo({ external: true }), person('eve'))
    expectRefused(bobs!, 'refused', () => bobs!.process(commit, membershipOnly))
  })

  test('keeps no proposal that comes on its own, and refuses commits that name one', () => {
    const update = carols!.propose({ type: 'update' })
    const addition = carols!.propose(add(person('eve')), { wireFormat: 'public' })
    for (const { message } of [update, addition])
      expectRefused(bobs!, 'refused', () => bobs!.process(message, membershipOnly))
    expect(bobs!.pendingProposals()).toEqual([])
    for (const { message } of [update, addition]) alices!.process(message)
    const proposalRefs = [update.reference, addition.reference]
    const { commit } = alices!.commit({ proposalRefs })
    expectRefused(bobs!, 'missing-proposal', () => bobs!.process(commit, membershipOnly))
    // Where proposals were kept, by a rule that changed since, the review still tells those by reference.
    for (const { message } of [update, addition]) members[3]!.process(message)
    expectRefused(members[3]!, 'refused', () => members[3]!.process(commit, membershipOnly))
  })

  test('is told who commits, whom it removes and adds, and what becomes of the committer', () => {
    const review: CommitReview[] = []
    const authorize = (seen: CommitReview): boolean => review.push(seen) > 0
    const { commit } = carols!.commit({ proposals: [remove(alices!), add(person('eve'))] })
    nextEpoch(bobs!, commit, { authorize })
    expect(review[0]).toMatchObject({
      sender: carols!.ownLeaf,
      senderType: 'member',
      proposals: [
        { proposal: { type: 'remove', removed: alices!.ownLeaf } },
        {
          proposal: {
            type: 'add',
            keyPackage: { leafNode: { credential: { type: 'basic', identity: fromUtf8('eve') } } }
          }
        }
      ],
      pathLeaf: { credential: { type: 'basic', identity: fromUtf8('carol') } }
    })
  })
})

describe('an insider', () => {
  const members = groupOf(names.map(name => person(name)))
  const [alices, bobs] = members

  test('who proposes ten thousand things is refused while they are read', () => {
    const proposals = Array.from({ length: 10_000 }, (_, removed) => ({ type: 'remove', removed }) as const)
    expectRefused(bobs!, 'malformed', () => bobs!.process(hostileProposals(alices!, proposals)))
    const most = proposals.slice(0, mlsLimits.proposalsMax)
    expectRefused(bobs!, 'invalid', () => bobs!.process(hostileProposals(alices!, most)))
  })

  test('who adds hundreds makes nobody verify one whom the application does not want', () => {
    const crowd = Array.from({ length: 300 }, (_, index) => add(person(`p${index}`)))
    const { suite, verified } = countingSuite(1)
    const carols = Epoch.load(members[2]!.save(), { suite })
    const { commit } = alices!.commit({ proposals: crowd })
    const authorize = ({ proposals }: CommitReview): boolean => proposals.length < 10
    expectRefused(carols, 'refused', () => carols.process(commit, { authorize }))
    expect(verified()).toBe(1)
    expect(nextEpoch(carols, commit).memberCount).toBe(304)
    expect(verified()).toBe(2 + 2 * 300)
    // Another commit with the same newcomers, and what it costs now.
    nextEpoch(carols, members[3]!.commit({ proposals: crowd }).commit)
    expect(verified()).toBe(2 + 2 * 300 + 1)
  })

  test('who brings forged key packages is refused each time: what is not valid is not remembered', () => {
    const eve = person('eve')
    const signature = Uint8Array.from(eve.keyPackage.signature).fill(1, 0, 2)
    const forged = { ...eve.keyPackage, signature }
    for (let times = 0; times < 2; times++)
      expectRefused(bobs!, 'invalid', () =>
        bobs!.process(hostileProposals(alices!, [{ type: 'add', keyPackage: forged }]))
      )
    // The honest one is not taken for the forged one, nor the other way round once it was seen.
    expect(nextEpoch(bobs!, alices!.commit({ proposals: [add(eve)] }).commit).memberCount).toBe(5)
    expectRefused(bobs!, 'invalid', () =>
      bobs!.process(hostileProposals(alices!, [{ type: 'add', keyPackage: forged }]))
    )
  })

  test.each([1, XWING_SUITE])(
    'who puts keys into a path that nothing can be sealed to (suite %i)',
    suiteId => {
      const group = groupOf(names.map(name => person(name, suiteId)))
      const { encryptionKey } = group[0]!.memberAt(0)!
      // Ends in a point of small order, which gives zero with every secret key.
      const unusable = Uint8Array.from(encryptionKey).fill(0, -32)
      const { commit } = withUnusableKeys(group[0]!, unusable).commit()
      // Carol learns the secret of the root, which is in order; the key is that of the two on the other side.
      for (const carols of group.slice(1)) expectRefused(carols, 'invalid', () => carols.process(commit))
      expectSameEpoch(follow(group[2]!, group).next)
    }
  )

  test('whose path is longer than the tree is high', () => {
    const honest = decodeMlsMessage(alices!.commit({ wireFormat: 'public' }).commit)
    if (honest.type !== 'publicMessage') throw new Error('not public')
    const { content } = honest.publicMessage.authenticated.framed
    if (content.type !== 'commit' || content.commit.path === undefined) throw new Error('no path')
    const { path } = content.commit
    for (const length of [0, 1, 3, 10_000]) {
      const nodes = Array.from({ length }, (_, index) => ({
        encryptionKey: Uint8Array.of(index, index >> 8),
        encryptedPathSecrets: []
      }))
      const commit = hostileCommit(alices!, { proposals: [], path: { ...path, nodes } })
      expectRefused(bobs!, 'invalid', () => bobs!.process(commit))
    }
  })

  test('who sets hundreds of extensions, or claims to support thousands', () => {
    for (const count of [mlsLimits.extensionsMax, mlsLimits.extensionsMax + 1, 60_000]) {
      const change = { type: 'group_context_extensions', extensions: numbered(count) } as const
      expectRefused(bobs!, count > mlsLimits.extensionsMax ? 'malformed' : 'invalid', () =>
        bobs!.process(hostileProposals(alices!, [change]))
      )
    }
    const many = Array.from({ length: mlsLimits.capabilitiesMax + 1 }, (_, index) => 0x1000 + index)
    const eve = person('eve', 1, { capabilities: { extensions: many } })
    expect(reasonOf(() => decodeKeyPackage(eve.bytes))).toBe('malformed')
    expectRefused(bobs!, 'malformed', () => bobs!.process(hostileProposals(alices!, [add(eve)])))
  })

  test('whose newcomer has an extension that it does not support', () => {
    const eve = person('eve', 1, { leafExtensions: [{ type: 5, data: new Uint8Array(0) }] })
    expect(nextEpoch(bobs!, alices!.commit({ proposals: [add(eve)] }).commit).memberCount).toBe(5)
    const { leafNode } = eve.keyPackage
    const strange = { ...leafNode, extensions: [{ type: 0x7777, data: new Uint8Array(9) }] }
    const keyPackage = { ...eve.keyPackage, leafNode: strange }
    expectRefused(bobs!, 'invalid', () =>
      bobs!.process(hostileProposals(alices!, [{ type: 'add', keyPackage }]))
    )
  })
})

describe('who invites', () => {
  const eve = person('eve')
  const created = Epoch.create({ groupId: fromUtf8('g'), ...person('mallory') })
  const { welcome } = created.commit({ proposals: [add(eve)], ratchetTreeInWelcome: false })

  /** A tree that claims to be so many nodes wide: all blank but for the last one, a leaf. */
  function wideTree(nodes: number): Uint8Array {
    // Mallory's own tree has one node; its list has a length of two bytes.
    const leaf = created.ratchetTree().subarray(2)
    return new Writer().nested(list => list.bytes(new Uint8Array(nodes - 1)).bytes(leaf)).finish()
  }

  test.each([2 ** 20, 2 ** 21])('cannot claim a tree of %i leaves', leaves => {
    const ratchetTree = wideTree(2 * leaves - 1)
    const { suite, verified } = countingSuite(1)
    expect(reasonOf(() => Epoch.join(welcome!, { ...eve, ratchetTree, suite }))).toBe('malformed')
    const range = { suite, groupId: created.groupId, from: 0, count: 2 ** 30 }
    expect(reasonOf(() => verifyLeaves(ratchetTree, range))).toBe('malformed')
    expect(verified()).toBe(0)
  })

  test('is not believed a tree of the largest size either', () => {
    const ratchetTree = wideTree(2 * mlsLimits.leavesMax - 1)
    const { suite, verified } = countingSuite(1)
    expect(reasonOf(() => Epoch.join(welcome!, { ...eve, ratchetTree, suite }))).toBe('invalid')
    expect(verified()).toBe(0)
    const range = { suite, groupId: created.groupId, from: 0, count: mlsLimits.leavesMax - 1 }
    expect(verifyLeaves(ratchetTree, range)).toEqual({ members: [], next: mlsLimits.leavesMax - 1 })
    expect(verifyLeaves(wideTree(1), { ...range, from: 0, count: 1 }).next).toBe(undefined)
    expect(verified()).toBe(1)
  })
})
