import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { controlKeys, openControl, sealControl } from '../../../src/core/seal/control-seal.ts'
import { sealTagged } from '../../../src/core/seal/tagged-seal.ts'
import { encodeControl, type Control, type ControlBody } from '../../../src/wire/control.ts'
import { decodeEnvelope } from '../../../src/wire/envelope.ts'
import { codecs } from '../../wire/arbitraries.ts'
import { person, seededRandom } from './cast.ts'

const alice = person('alice')
const bob = person('bob')
const mallory = person('mallory')
const random = seededRandom('nonces')
const keys = controlKeys(seededRandom('what Alice and Bob share')(32))
const refused = expect.objectContaining({ code: 'MALFORMED' })
const bobs = ({ device }: Control): boolean => device === bob.device
const hello: ControlBody = {
  type: 'hello',
  from: bob.presence.peer,
  to: alice.presence.peer,
  devices: bob.devices,
  name: 'bob'
}

const fromBob = (body: ControlBody, counter = 1, under = keys): Uint8Array =>
  sealControl({ deviceSeed: bob.deviceSeed, device: bob.device, counter, body, keys: under, random })

describe('a control message', () => {
  test('of any kind reaches the contact whole', () => {
    const { values } = codecs.find(({ name }) => name === 'control')!
    fc.assert(
      fc.property(values, value => {
        const { body, counter } = value as Control
        const got = openControl(decodeEnvelope(fromBob(body, counter)), keys, bobs)
        expect(got).toMatchObject({ device: bob.device, counter, body })
      }),
      { numRuns: 50 }
    )
  })

  test('under other keys is not ours', () => {
    const other = controlKeys(seededRandom('what Alice and Mallory share')(32))
    expect(openControl(decodeEnvelope(fromBob(hello)), other, bobs)).toBeUndefined()
    expect(openControl({ ...decodeEnvelope(fromBob(hello)), kind: 'message' }, keys, bobs)).toBeUndefined()
  })

  test('of our own, played back to us, is refused', () => {
    const { deviceSeed, device } = alice
    const own = sealControl({ deviceSeed, device, counter: 1, body: hello, keys, random })
    expect(() => openControl(decodeEnvelope(own), keys, bobs)).toThrow(refused)
  })

  test('under Bob’s name needs Bob’s device: knowing what Alice and Bob share is not enough', () => {
    const stolen = sealControl({
      deviceSeed: mallory.deviceSeed,
      device: bob.device,
      counter: 1,
      body: hello,
      keys,
      random
    })
    expect(() => openControl(decodeEnvelope(stolen), keys, bobs)).toThrow(refused)
  })

  test('from Bob to Mallory cannot be passed on to Alice', () => {
    const withMallory = controlKeys(seededRandom('what Bob and Mallory share')(32))
    const said = openControl(decodeEnvelope(fromBob(hello, 1, withMallory)), withMallory, bobs)!
    // Mallory opened it, and seals the very same signed bytes for Alice under keys stolen from her.
    const passedOn = sealTagged('control', encodeControl(said), keys, random)
    expect(() => openControl(decodeEnvelope(passedOn), keys, bobs)).toThrow(refused)
  })

  test('with another counter or body than was signed is refused', () => {
    const said = openControl(decodeEnvelope(fromBob(hello)), keys, bobs)!
    const again = (changed: Control): Uint8Array =>
      sealTagged('control', encodeControl(changed), keys, random)
    expect(openControl(decodeEnvelope(again(said)), keys, bobs)).toEqual(said)
    for (const changed of [
      { ...said, counter: 2 },
      { ...said, body: { ...hello, to: mallory.presence.peer } }
    ])
      expect(() => openControl(decodeEnvelope(again(changed)), keys, bobs)).toThrow(refused)
  })

  test('is judged by whoever opens it as it stands, before its signature costs anything', () => {
    const asked: Control[] = []
    const bytes = fromBob(hello, 7)
    const got = openControl(decodeEnvelope(bytes), keys, control => asked.push(control) > 0)
    expect(asked).toEqual([got])
    expect(got).toMatchObject({ device: bob.device, counter: 7, body: hello })
  })

  test('from a device that may not speak there is refused', () => {
    expect(() => openControl(decodeEnvelope(fromBob(hello)), keys, () => false)).toThrow(refused)
  })

  test('changed anywhere on its way is not ours or refused, never opened', () => {
    const bytes = fromBob(hello)
    for (let bit = 16; bit < 8 * bytes.length; bit++) {
      const flipped = decodeEnvelope(bytes.with(bit >> 3, bytes[bit >> 3]! ^ (1 << (bit & 7))))
      if (bit < 8 * 30) expect(openControl(flipped, keys, bobs)).toBeUndefined()
      else expect(() => openControl(flipped, keys, bobs)).toThrow(refused)
    }
  })
})
