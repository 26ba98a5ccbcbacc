/** What a group refuses: by the rules of the RFC, and because its application says so. */
import { describe, expect, test } from 'vitest'
import { fromUtf8, toHex } from '../../../src/base/bytes.ts'
import { checkKeyPackage, cipherSuite, decodeKeyPackage } from '../../../src/crypto/mls/index.ts'
import { decodePrivateKeys, encodePrivateKeys, Epoch, externalPskId } from '../../../src/crypto/mls/index.ts'
import { keyPackageRef, requiredCapabilitiesExtension, XWING_SUITE } from '../../../src/crypto/mls/index.ts'
import type { Extension } from '../../../src/crypto/mls/index.ts'
import { signKeyPackage } from '../../../src/crypto/mls/key-package.ts'
import { signLeafNode } from '../../../src/crypto/mls/leaf-node.ts'
import { add, expectRefused, expectSameEpoch, follow, groupOf, nextEpoch } from './people.ts'
import { opened, person, reasonOf, remove, say } from './people.ts'

describe('authorization', () => {
  const people = ['alice', 'bob', 'carol'].map(name => person(name))

  test('sees who does what, and its no changes nothing', () => {
    const [alices, bobs, carols] = groupOf(people)
    const { commit } = bobs!.commit({ proposals: [remove(carols!)], authenticatedData: fromUtf8('op 7') })
    const seen: unknown[] = []
    expectRefused(alices!, 'refused', () =>
      alices!.process(commit, {
        authorize: ({ sender, senderType, proposals, authenticatedData }) => {
          seen.push(
            sender,
            senderType,
            proposals.map(each => each.proposal.type),
            authenticatedData
          )
          return false
        }
      })
    )
    expect(seen).toEqual([bobs!.ownLeaf, 'member', ['remove'], fromUtf8('op 7')])
    expect(nextEpoch(alices!, commit).members()).toHaveLength(2)
  })

  test('an error of the application comes through as it is, and changes nothing either', () => {
    const [alices, bobs] = groupOf(people)
    const before = alices!.save()
    const broken = new RangeError('disk full')
    const { commit } = bobs!.commit()
    expect(() =>
      alices!.process(commit, {
        authorize: () => {
          throw broken
        }
      })
    ).toThrow(broken)
    expect(alices!.save()).toEqual(before)
  })

  test('a member cannot take the name of another, but may change the signature key', () => {
    const [alices, bobs, carols] = groupOf(people)
    const forged = bobs!.commit({
      leaf: { credential: { type: 'basic', identity: fromUtf8('alice') } },
      validateCredential: () => true
    })
    expectRefused(alices!, 'refused', () => alices!.process(forged.commit))
    expect(
      reasonOf(() => bobs!.commit({ leaf: { credential: { type: 'basic', identity: fromUtf8('x') } } }))
    ).toBe('refused')
    const signatureKeyPair = bobs!.suite.signature.generateKeyPair()
    const { next } = follow(bobs!, [alices!, bobs!, carols!], { leaf: { signatureKeyPair } })
    expect(next[0]!.members()[1]!.leaf.signatureKey).toEqual(signatureKeyPair.publicKey)
    expect(opened(next[0]!, say(next[1]!, 'new key'))).toBe('new key')
    expect(follow(next[1]!, next).next).toHaveLength(3)
    // The same with an Update that somebody else commits.
    const another = bobs!.suite.signature.generateKeyPair()
    const { message, reference } = next[1]!.propose({ type: 'update', leaf: { signatureKeyPair: another } })
    for (const index of [0, 2]) next[index]!.process(message)
    const { next: last } = follow(next[2]!, next, { proposalRefs: [reference] })
    expect(opened(last[0]!, say(last[1]!, 'newer key'))).toBe('newer key')
  })

  test('a credential that the application does not accept keeps its owner out, and a joiner away', () => {
    const [alices, bobs] = groupOf(people)
    const dave = person('dave')
    const nobodyButUs = (credential: { type: string; identity?: Uint8Array }): boolean =>
      credential.identity !== undefined && toHex(credential.identity) !== toHex(fromUtf8('dave'))
    const added = alices!.commit({ proposals: [add(dave)] })
    expectRefused(bobs!, 'refused', () => bobs!.process(added.commit, { validateCredential: nobodyButUs }))
    const join = () =>
      Epoch.join(added.welcome!, {
        ...dave,
        validateCredential: (_, signatureKey) =>
          toHex(signatureKey) !== toHex(people[1]!.keyPackage.leafNode.signatureKey)
      })
    expect(reasonOf(join)).toBe('refused')
  })
})

describe('key packages', () => {
  test('are the same after a round trip, and so are their secret keys', () => {
    const { keyPackage, bytes, privateKeys } = person('alice', XWING_SUITE)
    expect(decodeKeyPackage(bytes)).toEqual(keyPackage)
    expect(decodePrivateKeys(encodePrivateKeys(privateKeys))).toEqual(privateKeys)
    expect(keyPackageRef(keyPackage)).toHaveLength(64)
    for (let length = 0; length < bytes.length; length += 7)
      expect(reasonOf(() => decodeKeyPackage(bytes.subarray(0, length)))).toBe('malformed')
  })

  test('outside their lifetime are refused where the time is known', () => {
    const [alices] = groupOf([person('alice'), person('bob')])
    const old = person('carol', 1, { lifetime: { notBefore: 100n, notAfter: 200n } })
    for (const now of [99n, 201n])
      expectRefused(alices!, 'invalid', () => alices!.commit({ proposals: [add(old)], now }))
    expect(alices!.commit({ proposals: [add(old)], now: 150n }).epoch.members()).toHaveLength(3)
    expect(reasonOf(() => checkKeyPackage(cipherSuite(1), old.keyPackage, { now: 300n }))).toBe('invalid')
    expect(reasonOf(() => checkKeyPackage(cipherSuite(1), old.keyPackage, { now: 200n }))).toBe(undefined)
  })

  test('of other suites, of members and twice are refused', () => {
    const [alice, bob] = [person('alice'), person('bob')]
    const [alices] = groupOf([alice, bob])
    const dave = person('dave')
    expectRefused(alices!, 'invalid', () => alices!.commit({ proposals: [add(person('eve', 3))] }))
    expectRefused(alices!, 'invalid', () => alices!.commit({ proposals: [add(bob)] }))
    expectRefused(alices!, 'invalid', () => alices!.commit({ proposals: [add(dave), add(dave)] }))
    const forged = {
      ...dave,
      keyPackage: { ...dave.keyPackage, extensions: [{ type: 0xf000, data: new Uint8Array(0) }] }
    }
    expectRefused(alices!, 'invalid', () => alices!.commit({ proposals: [add(forged)] }))
  })

  test('that nothing could be sealed to are refused: one of them would stop everybody else', () => {
    for (const suiteId of [1, 2, XWING_SUITE]) {
      const suite = cipherSuite(suiteId)
      const members = groupOf([person('alice', suiteId), person('bob', suiteId)])
      const signatureKeyPair = suite.signature.generateKeyPair()
      const honest = person('eve', suiteId, { signatureKeyPair }).keyPackage
      // Eve signs whatever she likes: here a leaf whose key ends in a point of small order.
      const encryptionKey = honest.leafNode.encryptionKey.slice().fill(0, -32)
      const { secretKey } = signatureKeyPair
      const leafNode = signLeafNode(suite, secretKey, { ...honest.leafNode, encryptionKey })
      const keyPackage = signKeyPackage(suite, secretKey, { ...honest, leafNode })
      expectRefused(members[0]!, 'invalid', () =>
        members[0]!.commit({ proposals: [{ type: 'add', keyPackage }] })
      )
      expect(reasonOf(() => checkKeyPackage(suite, keyPackage, {}))).toBe('invalid')
      expect(reasonOf(() => checkKeyPackage(suite, signKeyPackage(suite, secretKey, honest), {}))).toBe(
        undefined
      )
    }
  })

  test('whose values nobody knows are welcome: that is what GREASE is for', () => {
    const grease = [0x0a0a, 0x1a1a, 0xdada]
    const carol = person('carol', 1, {
      capabilities: { cipherSuites: grease, extensions: grease, proposals: grease, credentials: grease },
      extensions: [{ type: 0x2a2a, data: fromUtf8('anything') }],
      leafExtensions: [{ type: 0x3a3a, data: fromUtf8('anything') }]
    })
    const [alices, carols] = groupOf([person('alice'), carol])
    expectSameEpoch(follow(carols!, [alices!, carols!], {}).next)
  })
})

describe('what a group requires', () => {
  const POLICY = 0xf123
  const extension: Extension = { type: POLICY, data: fromUtf8('v1') }
  const required = requiredCapabilitiesExtension({ extensions: [POLICY], proposals: [], credentials: [1] })
  const able = (name: string) => person(name, 1, { capabilities: { extensions: [POLICY] } })

  test('members must support, newcomers too', () => {
    const alice = able('alice')
    const created = Epoch.create({ groupId: fromUtf8('g'), ...alice, extensions: [required, extension] })
    expectRefused(created, 'invalid', () => created.commit({ proposals: [add(person('bob'))] }))
    const bob = able('bob')
    const { epoch, welcome } = created.commit({ proposals: [add(bob)] })
    const bobs = Epoch.join(welcome!, bob)
    expectSameEpoch([epoch, bobs])
    expect(bobs.extensions).toEqual([required, extension])
    expect(
      reasonOf(() => Epoch.create({ groupId: fromUtf8('g'), ...person('eve'), extensions: [extension] }))
    ).toBe('invalid')
  })

  test('can change, with a path, unless a member cannot follow', () => {
    const members = groupOf([able('alice'), able('bob')])
    const change = { type: 'group_context_extensions', extensions: [extension] } as const
    const { next } = follow(members[0]!, members, { proposals: [change] })
    expect(next[1]!.extensions).toEqual([extension])
    expectRefused(next[0]!, 'invalid', () => next[0]!.commit({ proposals: [change, change] }))
    const mixed = groupOf([able('alice'), person('bob')])
    expectRefused(mixed[0]!, 'invalid', () => mixed[0]!.commit({ proposals: [change] }))
  })
})

describe('pre-shared keys', () => {
  const people = ['alice', 'bob'].map(name => person(name))
  const secret = new Uint8Array(32).fill(7)

  test('must be known to everybody who follows', () => {
    const [alices, bobs] = groupOf(people)
    const psk = externalPskId(alices!.suite, fromUtf8('met at the hut'))
    const { commit, epoch } = alices!.commit({ proposals: [{ type: 'psk', psk }], psk: () => secret })
    expectRefused(bobs!, 'missing-psk', () => bobs!.process(commit))
    expectRefused(bobs!, 'invalid', () => bobs!.process(commit, { psk: () => new Uint8Array(32) }))
    expectSameEpoch([epoch, nextEpoch(bobs!, commit, { psk: () => secret })])
    expectRefused(alices!, 'missing-psk', () => alices!.commit({ proposals: [{ type: 'psk', psk }] }))
    const twice = [psk, psk].map(each => ({ type: 'psk', psk: each }) as const)
    expectRefused(alices!, 'invalid', () => alices!.commit({ proposals: twice, psk: () => secret }))
    const short = { ...psk, nonce: new Uint8Array(3) }
    const withShort = { proposals: [{ type: 'psk', psk: short }], psk: () => secret } as const
    expectRefused(alices!, 'invalid', () => alices!.commit(withShort))
  })

  test('of earlier epochs are remembered', () => {
    let members = groupOf(people)
    const { groupId } = members[0]!
    for (let round = 0; round < 3; round++) members = follow(members[round % 2]!, members).next
    const nonce = new Uint8Array(32).fill(1)
    const psk = { type: 'resumption', usage: 'application', groupId, epoch: 2n, nonce } as const
    follow(members[0]!, members, { proposals: [{ type: 'psk', psk }] })
    expect(members[0]!.resumptionPsk(2n)).toEqual(members[1]!.resumptionPsk(2n))
    const unknown = { ...psk, epoch: 99n }
    expectRefused(members[0]!, 'missing-psk', () =>
      members[0]!.commit({ proposals: [{ type: 'psk', psk: unknown }] })
    )
    const branch = { ...psk, usage: 'branch' } as const
    expectRefused(members[0]!, 'invalid', () =>
      members[0]!.commit({ proposals: [{ type: 'psk', psk: branch }] })
    )
  })
})

describe('lists of proposals that make no sense', () => {
  const people = ['alice', 'bob', 'carol'].map(name => person(name))
  const [alices] = groupOf(people)
  const reinit = {
    type: 'reinit',
    groupId: fromUtf8('new'),
    version: 1,
    cipherSuite: 1,
    extensions: []
  } as const
  const cases = {
    'removing oneself': [{ type: 'remove', removed: 0 }],
    'removing nobody': [{ type: 'remove', removed: 3 }],
    'removing far outside the tree': [{ type: 'remove', removed: 0xffffffff }],
    'removing twice': [
      { type: 'remove', removed: 1 },
      { type: 'remove', removed: 1 }
    ],
    'a ReInit beside something else': [reinit, { type: 'remove', removed: 1 }],
    'a ReInit to a version before': [{ ...reinit, version: 0 }],
    'an ExternalInit by a member': [{ type: 'external_init', kemOutput: new Uint8Array(32) }]
  } as const
  test.each(Object.entries(cases))('%s', (_, proposals) => {
    expectRefused(alices!, 'invalid', () => alices!.commit({ proposals }))
  })
})
