/** Ways into a group without a Welcome, proposals from outside, and groups that continue others. */
import { describe, expect, test } from 'vitest'
import { fromUtf8 } from '../../../src/base/bytes.ts'
import { cipherSuite, Epoch, externalPskId, externalSendersExtension } from '../../../src/crypto/mls/index.ts'
import { proposeFromOutside, proposeOneself, XWING_SUITE } from '../../../src/crypto/mls/index.ts'
import { add, expectRefused, expectSameEpoch, follow, groupOf, nextEpoch, opened } from './people.ts'
import { person, reasonOf, say } from './people.ts'

const trio = ['alice', 'bob', 'carol']

describe('external commits', () => {
  test.each([1, 2, 4, XWING_SUITE])('let somebody in with nothing but a GroupInfo (suite %i)', suite => {
    const members = groupOf(trio.map(name => person(name, suite)))
    const dave = person('dave', suite)
    const { epoch, commit } = Epoch.external(members[0]!.groupInfo({ external: true }), dave)
    const next = members.map(member => nextEpoch(member, commit))
    expectSameEpoch([...next, epoch])
    expect(opened(next[2]!, say(epoch, 'found you'))).toBe('found you')
    expect(follow(next[1]!, [...next, epoch], {}).next).toHaveLength(4)
  })

  test('replace an earlier self, with the tree from elsewhere and a pre-shared key', () => {
    const members = groupOf(trio.map(name => person(name)))
    const lost = members[2]!
    const groupInfo = members[0]!.groupInfo({ external: true, ratchetTree: false })
    const psk = externalPskId(cipherSuite(1), fromUtf8('device secret'))
    const lookUp = () => new Uint8Array(32).fill(3)
    expect(reasonOf(() => Epoch.external(groupInfo, person('carol')))).toBe('invalid')
    const { epoch, commit } = Epoch.external(groupInfo, {
      ...person('carol'),
      ratchetTree: members[0]!.ratchetTree(),
      replace: lost.ownLeaf,
      psks: [psk],
      psk: lookUp
    })
    const next = members.slice(0, 2).map(member => nextEpoch(member, commit, { psk: lookUp }))
    expectSameEpoch([...next, epoch])
    expect(epoch.members()).toHaveLength(3)
    const processed = lost.process(commit, { psk: lookUp })
    expect(processed.kind === 'commit' && processed.epoch).toBe(undefined)
    expect(processed.sender).toBe(undefined)
    expect(processed.senderType).toBe('new_member_commit')
  })

  test('cannot take the place of somebody else, nor be made where the group does not let them', () => {
    const [alices, bobs] = groupOf(trio.map(name => person(name)))
    const groupInfo = alices!.groupInfo({ external: true })
    const { commit } = Epoch.external(groupInfo, { ...person('eve'), replace: 2 })
    expectRefused(bobs!, 'refused', () => bobs!.process(commit))
    expectRefused(bobs!, 'refused', () =>
      bobs!.process(commit, {
        validateCredential: () => true,
        authorize: ({ senderType }) => senderType === 'member'
      })
    )
    expect(reasonOf(() => Epoch.external(alices!.groupInfo(), person('eve')))).toBe('invalid')
    const old = alices!.groupInfo({ external: true })
    const moved = nextEpoch(bobs!, alices!.commit().commit)
    const late = Epoch.external(old, person('eve'))
    expectRefused(moved, 'wrong-epoch', () => moved.process(late.commit))
  })
})

describe('proposals from outside', () => {
  test('by a known sender and by newcomers can be committed', () => {
    const suite = cipherSuite(1)
    const doorman = suite.signature.generateKeyPair()
    const extension = externalSendersExtension([
      { signatureKey: doorman.publicKey, credential: { type: 'basic', identity: fromUtf8('doorman') } }
    ])
    const people = trio.map(name => person(name))
    let members = groupOf(people)
    const { groupId } = members[0]!
    members = follow(members[0]!, members, {
      proposals: [{ type: 'group_context_extensions', extensions: [extension] }]
    }).next
    const init = { suite, groupId, epoch: members[0]!.number }
    const byDoorman = { ...init, signatureSecret: doorman.secretKey }
    const dave = person('dave')
    const evict = proposeFromOutside({ type: 'remove', removed: 2 }, 0, byDoorman)
    const knock = proposeOneself(dave.keyPackage, { ...init, signatureSecret: dave.privateKeys.signature })
    const references = [evict, knock].map(message => {
      const [first] = members.slice(0, 2).map(member => member.process(message))
      if (first?.kind !== 'proposal') throw new Error('not a proposal')
      expect(first.sender).toBe(undefined)
      return first.reference
    })
    const { committed } = follow(members[1]!, members.slice(0, 2), { proposalRefs: references })
    expectSameEpoch([committed.epoch, Epoch.join(committed.welcome!, dave)])

    const [alices] = members
    const wrongIndex = proposeFromOutside({ type: 'remove', removed: 1 }, 1, byDoorman)
    expectRefused(alices!, 'not-a-member', () => alices!.process(wrongIndex))
    const wrongKey = proposeFromOutside({ type: 'remove', removed: 1 }, 0, {
      ...init,
      signatureSecret: dave.privateKeys.signature
    })
    expectRefused(alices!, 'invalid', () => alices!.process(wrongKey))
  })
})

describe('a ReInit', () => {
  test('closes a group, and its successor has the new suite and all members', () => {
    const members = groupOf(trio.map(name => person(name, 1)))
    const groupId = fromUtf8('climbers, after quantum')
    const reinit = { type: 'reinit', groupId, version: 1, cipherSuite: XWING_SUITE, extensions: [] } as const
    const { next } = follow(members[0]!, members, { proposals: [reinit] })
    for (const closed of next) {
      expect(closed.reinit).toEqual(reinit)
      expectRefused(closed, 'reinitialised', () => say(closed, 'anybody?'))
      expectRefused(closed, 'reinitialised', () => closed.commit())
      expectRefused(closed, 'reinitialised', () => closed.propose({ type: 'update' }))
      expect(Epoch.load(closed.save()).reinit).toEqual(reinit)
    }
    const [alice, bob, carol] = trio.map(name => person(name, XWING_SUITE))
    const others = [bob!, carol!].map(({ keyPackage }) => keyPackage)
    const { epoch, welcome } = next[0]!.reinitialise({ ...alice!, members: others })
    const bobs = Epoch.join(welcome!, { ...bob!, resumption: next[1]! })
    const carols = Epoch.join(welcome!, { ...carol!, resumption: next[2]! })
    expectSameEpoch([epoch, bobs, carols])
    expect(bobs.suite.id).toBe(XWING_SUITE)
    expect(bobs.groupId).toEqual(groupId)
    expect(opened(carols, say(bobs, 'safer here'))).toBe('safer here')

    // Not without the old group, not from an earlier epoch of it, and not without everybody.
    expect(reasonOf(() => Epoch.join(welcome!, bob!))).toBe('missing-psk')
    expect(reasonOf(() => Epoch.join(welcome!, { ...bob!, resumption: members[1]! }))).toBe('missing-psk')
    const fewer = next[0]!.reinitialise({ ...alice!, members: [bob!.keyPackage] })
    expect(reasonOf(() => Epoch.join(fewer.welcome!, { ...bob!, resumption: next[1]! }))).toBe('invalid')
    expectRefused(members[0]!, 'invalid', () => members[0]!.reinitialise({ ...alice!, members: others }))
  })
})

describe('a branch', () => {
  test('is a new group of some members, and of nobody else', () => {
    const members = groupOf(trio.map(name => person(name)))
    const [alice, bob, eve] = ['alice', 'bob', 'eve'].map(name => person(name))
    const groupId = fromUtf8('surprise for carol')
    const { epoch, welcome } = members[0]!.branch({ ...alice!, members: [bob!.keyPackage], groupId })
    const bobs = Epoch.join(welcome!, { ...bob!, resumption: members[1]! })
    expectSameEpoch([epoch, bobs])
    expect(opened(bobs, say(epoch, 'cake?'))).toBe('cake?')
    expect(opened(members[1]!, say(members[2]!, 'the old group goes on'))).toBe('the old group goes on')

    const withEve = members[0]!.branch({ ...alice!, members: [bob!.keyPackage, eve!.keyPackage], groupId })
    expect(reasonOf(() => Epoch.join(withEve.welcome!, { ...bob!, resumption: members[1]! }))).toBe('invalid')
    // A Welcome that continues nothing does not pass for one that does.
    const plain = groupOf([person('alice')])[0]!.commit({ proposals: [add(bob!)] })
    expect(reasonOf(() => Epoch.join(plain.welcome!, { ...bob!, resumption: members[1]! }))).toBe('invalid')
    expect(reasonOf(() => Epoch.join(plain.welcome!, eve!))).toBe('not-for-us')
    expectRefused(members[0]!, 'invalid', () =>
      members[0]!.branch({ ...person('alice', 3), members: [], groupId })
    )
  })
})
