/**
 * The passive clients of the MLS working group: join with a Welcome and follow every commit, in groups that
 * other implementations drove. After every step the epoch is stored and loaded again.
 */
import { expect, test } from 'vitest'
import { toHex } from '../../../src/base/bytes.ts'
import { decodeMlsMessage, Epoch } from '../../../src/crypto/mls/index.ts'
import type { PreSharedKeyId, ProcessOptions } from '../../../src/crypto/mls/index.ts'
import { describeVectors, hex } from './vectors.ts'

interface PassiveCase {
  cipher_suite: number
  external_psks: { psk_id: string; psk: string }[]
  key_package: string
  signature_priv: string
  encryption_priv: string
  init_priv: string
  welcome: string
  ratchet_tree: string | null
  initial_epoch_authenticator: string
  epochs: { proposals: string[]; commit: string; epoch_authenticator: string }[]
}

const files = [
  'passive-client-welcome',
  'passive-client-handling-commit',
  'passive-client-random',
  'passive-interop-application',
  'passive-interop-external_join',
  'passive-interop-welcome_join'
]

for (const file of files) {
  describeVectors<PassiveCase>(`mls/${file}`, cases => {
    test.each(cases.map((vector, index) => [index, vector.cipher_suite, vector] as const))(
      'case %i, suite %i',
      (_index, _suite, vector) => {
        const external = new Map(vector.external_psks.map(({ psk_id: id, psk }) => [id, hex(psk)]))
        const psk = (id: PreSharedKeyId): Uint8Array | undefined =>
          id.type === 'external' ? external.get(toHex(id.id)) : undefined
        // The generator changes credentials with updates; the application is what allows that.
        const options: ProcessOptions = { psk, validateCredential: () => true }
        const packaged = decodeMlsMessage(hex(vector.key_package))
        if (packaged.type !== 'keyPackage') throw new Error(packaged.type)
        let epoch = Epoch.join(hex(vector.welcome), {
          keyPackage: packaged.keyPackage,
          privateKeys: {
            init: hex(vector.init_priv),
            encryption: hex(vector.encryption_priv),
            signature: hex(vector.signature_priv)
          },
          ratchetTree: vector.ratchet_tree === null ? undefined : hex(vector.ratchet_tree),
          ...options
        })
        expect(toHex(epoch.authenticator)).toBe(vector.initial_epoch_authenticator)
        for (const step of vector.epochs) {
          for (const proposal of step.proposals) epoch.process(hex(proposal), options)
          const restored = Epoch.load(epoch.save())
          expect(restored.save()).toEqual(epoch.save())
          const processed = restored.process(hex(step.commit), options)
          if (processed.kind !== 'commit' || processed.epoch === undefined) throw new Error(processed.kind)
          epoch = processed.epoch
          expect(toHex(epoch.authenticator)).toBe(step.epoch_authenticator)
        }
      }
    )
  })
}
