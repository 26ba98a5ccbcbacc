/** The package as its users see it: the example of its documentation, and the names that it exports. */
import { expect, test } from 'vitest'
import { cipherSuite, Epoch, generateKeyPackage, XWING_SUITE } from 'hearsay/mls'
import * as mls from 'hearsay/mls'

test('the example in the documentation', () => {
  const suite = cipherSuite(XWING_SUITE)
  const lifetime = { notBefore: 0n, notAfter: 4_102_444_800n }
  const alice = generateKeyPackage({ suite, identity: 'alice', lifetime })
  const bob = generateKeyPackage({ suite, identity: 'bob', lifetime })

  const first = Epoch.create({ groupId: new TextEncoder().encode('climbers'), ...alice })
  const added = first.commit({ proposals: [{ type: 'add', keyPackage: bob.keyPackage }] })
  const bobs = Epoch.join(added.welcome!, bob)

  const sealed = added.epoch.seal(new TextEncoder().encode('who has the rope?'))
  const opened = bobs.process(sealed)
  expect(opened).toMatchObject({ kind: 'application', sender: 0 })
  expect(opened.kind === 'application' && new TextDecoder().decode(opened.data)).toBe('who has the rope?')
})

test('nothing leaves the package unnoticed', () => {
  expect(Object.keys(mls).toSorted()).toMatchInlineSnapshot(`
    [
      "Epoch",
      "MlsError",
      "XWING_SUITE",
      "applicationId",
      "applicationIdExtension",
      "checkKeyPackage",
      "cipherSuite",
      "cipherSuiteIds",
      "decodeGroupInfo",
      "decodeKeyPackage",
      "decodeMlsMessage",
      "decodePrivateKeys",
      "encodeKeyPackage",
      "encodeMlsMessage",
      "encodePrivateKeys",
      "extensionData",
      "extensionTypes",
      "externalPskId",
      "externalSendersExtension",
      "generateKeyPackage",
      "keyPackageRef",
      "proposeFromOutside",
      "proposeOneself",
      "requiredCapabilitiesExtension",
      "verifyLeaves",
    ]
  `)
})
