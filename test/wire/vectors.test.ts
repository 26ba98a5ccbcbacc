/** The checked-in vectors of the specs: made by the generator, and true by themselves. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { fromHex, toHex } from '../../src/base/bytes.ts'
import { millis, parseIdentityId, type DeviceId } from '../../src/base/ids.ts'
import { openAnswer, openRequest } from '../../src/core/seal/contact.ts'
import { openControl } from '../../src/core/seal/control-seal.ts'
import { verifyCredential } from '../../src/core/seal/credential.ts'
import { verifyDeviceList } from '../../src/core/seal/device-list.ts'
import { envelopeId } from '../../src/core/seal/hashes.ts'
import { openInviteLink } from '../../src/core/seal/invite.ts'
import { openMessage } from '../../src/core/seal/message-seal.ts'
import { openPresence } from '../../src/core/seal/presence-record.ts'
import { encodeContactAnswer } from '../../src/wire/contact-answer.ts'
import { encodeContactRequest } from '../../src/wire/contact-request.ts'
import { decode } from '../../src/wire/encoding.ts'
import { decodeEnvelope } from '../../src/wire/envelope.ts'
import { encodeMessageBody } from '../../src/wire/message-body.ts'
import { generate, toJson, type Vectors } from '../../specs/vectors/generate.ts'
import { codecs } from './arbitraries.ts'

const folder = new URL('../../specs/vectors/', import.meta.url)
const read = (name: string): Vectors =>
  JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as Vectors
const names = Object.keys(generate())
const codecOf = (structure: string) => codecs.find(({ name }) => name === structure)!

/** One part of `derived`, whose values are hexadecimal text here. */
const derived = (name: string, part: string): Record<string, string> =>
  read(name).derived[part] as Record<string, string>
const bytes = (from: Record<string, string>, key: string): Uint8Array => fromHex(from[key]!)

test('the vectors on disk are what the generator makes', () => {
  for (const [name, vectors] of Object.entries(generate()))
    expect(read(name), `${name}.json: run specs/vectors/generate.ts`).toEqual(
      JSON.parse(JSON.stringify(vectors))
    )
})

describe.each(names.filter(name => read(name).structures.length > 0))('the vectors of %s', name => {
  test.each(read(name).structures)('$structure: $name', vector => {
    const { encode, decode: decodeStructure } = codecOf(vector.structure)
    const value = decodeStructure(fromHex(vector.bytes))
    expect(toJson(value)).toEqual(vector.value)
    expect(toHex(encode(value))).toBe(vector.bytes)
  })

  test.each(read(name).refused)('$structure refused: $why', vector => {
    expect(() => codecOf(vector.structure).decode(fromHex(vector.bytes))).toThrow(
      expect.objectContaining({ code: 'MALFORMED' })
    )
  })
})

test('every structure of the wire has a vector', () => {
  const covered = new Set(names.flatMap(name => read(name).structures.map(({ structure }) => structure)))
  expect([...covered].toSorted()).toEqual(codecs.map(({ name }) => name).toSorted())
})

test('what the encoding refuses is refused', () => {
  const refused = read('encoding').derived['refused'] as [string, string][]
  for (const [why, hex] of refused)
    expect(() => decode(fromHex(hex), 100), why).toThrow(expect.objectContaining({ code: 'MALFORMED' }))
})

describe('read as they stand,', () => {
  test('the link opens, the request and the answer in it open with its keys', () => {
    const contact = derived('contact', 'sealed')
    const invite = openInviteLink(contact['link']!, millis(0))
    const request = openRequest(
      decodeEnvelope(bytes(contact, 'requestEnvelope')),
      invite,
      bytes(contact, 'secretKey')
    )
    expect(toHex(encodeContactRequest(request.request))).toBe(contact['request'])
    expect(toHex(request.answerKey)).toBe(contact['answerKey'])
    expect(toHex(request.requestHash)).toBe(contact['requestHash'])
    const envelope = decodeEnvelope(bytes(contact, 'answerEnvelope'))
    const { answer } = openAnswer(envelope, request.answerKey, invite.identity, request.requestHash)
    expect(toHex(encodeContactAnswer(answer))).toBe(contact['answer'])
  })

  test('the message opens, and its id is its hash', () => {
    const sealed = derived('envelope', 'sealed')
    const keys = { key: bytes(sealed, 'key'), tagKey: bytes(sealed, 'tagKey') }
    const body = openMessage(decodeEnvelope(bytes(sealed, 'envelope')), keys)
    expect(body && toHex(encodeMessageBody(body))).toBe(sealed['body'])
    expect(envelopeId(bytes(sealed, 'envelope'))).toBe(sealed['id'])
  })

  test('the hello opens from the device that it names', () => {
    const sealed = derived('delivery', 'sealed')
    const keys = { key: bytes(sealed, 'key'), tagKey: bytes(sealed, 'tagKey') }
    const device = read('delivery').structures[0]!.value as { device: DeviceId }
    const hello = openControl(
      decodeEnvelope(bytes(sealed, 'hello')),
      keys,
      each => each.device === device.device
    )
    expect(hello?.body.type).toBe('hello')
  })

  test('the device list and the credential verify', () => {
    const identity = parseIdentityId(derived('identity', 'keys')['identity']!)
    const list = read('identity').derived['deviceList'] as { entries: string[]; live: DeviceId[] }
    expect([...verifyDeviceList(list.entries.map(fromHex), identity).devices]).toEqual(list.live)
    const credential = derived('identity', 'credential')
    expect(
      verifyCredential(bytes(credential, 'credential'), bytes(credential, 'leafPublicKey')).identity
    ).toBe(identity)
  })

  test('the presence record opens on its day', () => {
    const day = derived('presence', 'day')
    const presence = openPresence(bytes(day, 'record'), bytes(day, 'secret'), Number(day['day']))
    expect(toJson(presence)).toEqual(read('presence').structures[0]!.value)
  })
})
