/**
 * The test vectors of the specs, one file per spec, for whoever implements them elsewhere. Bytes are
 * hexadecimal text; the people in them are made from seeds, so running this again changes nothing:
 *
 *     node -C hearsay-source specs/vectors/generate.ts
 *
 * Always true: what is checked in is what this makes; test/wire/vectors.test.ts holds it.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { fromUtf8, toHex } from '../../src/base/bytes.ts'
import { idOf, type EpochId, type OperationId } from '../../src/base/ids.ts'
import { makeCredential } from '../../src/core/seal/credential.ts'
import { sealAnswer } from '../../src/core/seal/contact.ts'
import { controlKeys, sealControl } from '../../src/core/seal/control-seal.ts'
import { extendDeviceList, verifyDeviceList } from '../../src/core/seal/device-list.ts'
import { deviceEntryHash, entryHash, envelopeId, messageId } from '../../src/core/seal/hashes.ts'
import { sealMessage } from '../../src/core/seal/message-seal.ts'
import {
  dayKeys,
  devicePresenceSecret,
  inviteRendezvousSecret,
  presenceDay,
  presenceLookupKey,
  sealPresence,
  topicName
} from '../../src/core/seal/presence-record.ts'
import { framed, hkdf, hmac, labelledHash } from '../../src/crypto/hash.ts'
import { formatPhrase, identitySeed } from '../../src/crypto/phrase.ts'
import { safetyNumber } from '../../src/crypto/safety-number.ts'
import { publicKeyOf, sign } from '../../src/crypto/signature.ts'
import { encodeContactAnswer } from '../../src/wire/contact-answer.ts'
import { encodeContactRequest } from '../../src/wire/contact-request.ts'
import { encodeControl, encodeControlBody, type ControlBody } from '../../src/wire/control.ts'
import { decodeCredential } from '../../src/wire/credential.ts'
import { decodeDeviceEntry } from '../../src/wire/device-entry.ts'
import { encodeEntry, type Entry } from '../../src/wire/entry.ts'
import { padTo } from '../../src/wire/envelope.ts'
import { encodeInvite } from '../../src/wire/invite.ts'
import { encodeMessageBody, type MessageBody } from '../../src/wire/message-body.ts'
import { decodePresenceRecord, encodePresence } from '../../src/wire/presence.ts'
import { answerOf, firstContact, NOON, person, seededRandom } from '../../test/core/seal/cast.ts'
import { controlBodies } from './control.ts'
import { deviceBodies } from './devices.ts'
import { groupOrder } from './group-order.ts'
import { rosterStory } from './roster.ts'

/** One structure: its bytes and its fields by name. */
export interface StructureVector {
  readonly name: string
  readonly structure: string
  readonly bytes: string
  readonly value: unknown
}

/** Bytes of a structure that every implementation refuses. */
export interface RefusedVector {
  readonly structure: string
  readonly why: string
  readonly bytes: string
}

/** The vectors of one spec. */
export interface Vectors {
  readonly structures: readonly StructureVector[]
  readonly refused: readonly RefusedVector[]
  /** What is computed from what, by name. */
  readonly derived: Readonly<Record<string, unknown>>
}

/** A value as JSON has it: bytes as hexadecimal text, nothing as null. */
export function toJson(value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value)
  if (value === undefined) return null
  if (Array.isArray(value)) return value.map(toJson)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, toJson(each)]))
}

/** Structures, and the ways to break each that all of them have in common. */
function vectors(
  all: readonly (readonly [name: string, structure: string, bytes: Uint8Array, value: unknown])[],
  derived: Record<string, unknown> = {}
): Vectors {
  const firsts = all.filter(([, structure], i) => all.findIndex(([, other]) => other === structure) === i)
  return {
    structures: all.map(([name, structure, bytes, value]) => ({
      name,
      structure,
      bytes: toHex(bytes),
      value: toJson(value)
    })),
    refused: firsts.flatMap(([, structure, bytes]) =>
      broken(bytes).map(([why, wrong]) => ({ structure, why, bytes: toHex(wrong) }))
    ),
    derived: toJson(derived) as Record<string, unknown>
  }
}

/** A structure is an array of fewer than 24 fields: its first byte is 0x80 and their number. */
const broken = (bytes: Uint8Array): (readonly [string, Uint8Array])[] => [
  ['another version', bytes.with(1, 2)],
  ['a field too many', Uint8Array.of(bytes[0]! + 1, ...bytes.subarray(1), 0)],
  ['cut short by a byte', bytes.subarray(0, -1)],
  ['a byte follows', Uint8Array.of(...bytes, 0)],
  ['the version in two bytes', Uint8Array.of(bytes[0]!, 0x18, 1, ...bytes.subarray(2))],
  ['an array of indefinite length', Uint8Array.of(0x9f, ...bytes.subarray(1), 0xff)]
]

/** Made anew for each spec, so that what one takes from somebody's randomness changes nothing elsewhere. */
const story = () => firstContact('vectors')
const phone = person('phone', 'vectors').device
const bytesOf = (name: string, length: number): Uint8Array => seededRandom(`vectors/${name}`)(length)

function encoding(): Vectors {
  const parts = [fromUtf8('ab'), fromUtf8('c'), new Uint8Array(0)]
  const key = bytesOf('key', 32)
  return vectors([], {
    labelled: {
      label: 'entry',
      parts,
      framed: framed('entry', ...parts),
      hash: labelledHash('entry', ...parts),
      hmac: { key, mac: hmac(key, 'entry', ...parts) },
      hkdf: { secret: key, length: 40, output: hkdf(key, 'entry', 40, ...parts) },
      ed25519: { seed: key, publicKey: publicKeyOf(key), signature: sign('entry', key, ...parts) }
    },
    refused: [
      ['an integer longer than it needs to be', '1817'],
      ['an integer beyond 2^53 - 1', '1b0020000000000000'],
      ['a negative integer', '20'],
      ['a float', 'f93c00'],
      ['undefined', 'f7'],
      ['a tag', 'c100'],
      ['a map', 'a0'],
      ['bytes of indefinite length', '5f4101ff'],
      ['text that is not UTF-8', '61ff'],
      ['two values', '0000']
    ]
  })
}

function identity(): Vectors {
  const { alice, bob } = story()
  const entropy = bytesOf('phrase', 32)
  const first = verifyDeviceList(alice.devices, alice.identity)
  const second = extendDeviceList(alice.identitySeed, first, { operation: 'add', device: phone }, NOON)
  const two = verifyDeviceList([...alice.devices, second], alice.identity)
  const third = extendDeviceList(alice.identitySeed, two, { operation: 'revoke', device: alice.device }, NOON)
  const leafPublicKey = bytesOf('leaf', 32)
  const credential = makeCredential(alice.deviceSeed, alice.devices[0]!, leafPublicKey)
  const entries = [...two.entries, third]
  return vectors(
    [
      ...entries.map(
        (entry, i) =>
          [`entry ${i + 1} of the chain`, 'device-entry', entry, decodeDeviceEntry(entry)] as const
      ),
      ['the credential of a leaf', 'credential', credential, decodeCredential(credential)]
    ],
    {
      phrase: { entropy, phrase: formatPhrase(entropy), identitySeed: identitySeed(entropy) },
      keys: { identitySeed: alice.identitySeed, identity: alice.identity, device: alice.device },
      deviceList: { entries, hashes: entries.map(deviceEntryHash), live: [phone] },
      credential: { deviceSeed: alice.deviceSeed, leafPublicKey, credential },
      safetyNumber: {
        identities: [alice.identity, bob.identity],
        digits: safetyNumber(alice.identity, bob.identity)
      }
    }
  )
}

function inviteLink(): Vectors {
  const { invite, link } = story()
  return vectors([['a one-time invite', 'invite', encodeInvite(invite), invite]], { link: { link } })
}

function contact(): Vectors {
  const { alice, link, secretKey, request, sealed, opened } = story()
  const answer = answerOf(alice, opened)
  return vectors(
    [
      ['a request', 'contact-request', encodeContactRequest(request), request],
      ['an acceptance', 'contact-answer', encodeContactAnswer(answer), answer]
    ],
    {
      sealed: {
        link,
        secretKey,
        request: encodeContactRequest(request),
        requestEnvelope: sealed.envelope,
        requestHash: sealed.requestHash,
        answerKey: sealed.answerKey,
        answer: encodeContactAnswer(answer),
        answerEnvelope: sealAnswer(answer, opened.answerKey, alice.random)
      }
    }
  )
}

function envelope(): Vectors {
  const { bob } = story()
  const body: MessageBody = {
    type: 'application',
    leaf: 1,
    sequence: 3,
    part: 0,
    parts: 1,
    mls: bytesOf('mls', 120)
  }
  const keys = { key: bytesOf('epoch key', 32), tagKey: bytesOf('epoch tag', 32) }
  const made = sealMessage(body, keys, bob.random)
  const part: MessageBody = { ...body, type: 'commit', part: 2, parts: 3 }
  const all = [
    ['a message', body],
    ['the last part of a large commit', part]
  ] as const
  return vectors(
    all.map(([name, each]) => [name, 'message-body', encodeMessageBody(each), each] as const),
    {
      sealed: { ...keys, body: encodeMessageBody(body), envelope: made, id: envelopeId(made) },
      padded: { content: fromUtf8('hello'), size: 16, padded: padTo(fromUtf8('hello'), 16) }
    }
  )
}

function conversation(): Vectors {
  const { alice, bob } = story()
  const first: Entry = {
    device: bob.device,
    sequence: 1,
    previous: new Uint8Array(32),
    parents: [],
    lamport: 1,
    sentAt: NOON,
    roster: bytesOf('roster digest', 32),
    content: { type: 'text', text: 'Noon, at the “old” bridge? 🌉', replyTo: undefined }
  }
  const firstBytes = encodeEntry(first)
  const reply: Entry = {
    ...first,
    device: alice.device,
    parents: [{ device: bob.device, sequence: 1, hash: entryHash(firstBytes) }],
    lamport: 2,
    content: { type: 'text', text: 'Yes.', replyTo: messageId(firstBytes) }
  }
  const commit: Entry = {
    ...first,
    sequence: 2,
    previous: entryHash(firstBytes),
    lamport: 3,
    content: {
      type: 'commit',
      parent: idOf<EpochId>(bytesOf('epoch', 16)),
      operations: ['one head', 'another head'].map(each => idOf<OperationId>(bytesOf(each, 32))).toSorted()
    }
  }
  const all = [
    ['the first text', first],
    ['a reply', reply],
    ['a commit', commit]
  ] as const
  return vectors(
    all.map(([name, entry]) => [name, 'entry', encodeEntry(entry), entry] as const),
    { ids: Object.fromEntries(all.map(([name, entry]) => [name, messageId(encodeEntry(entry))])) }
  )
}

function roster(): Vectors {
  const { structures, derived } = rosterStory()
  return vectors(structures, derived)
}

/** Control messages of bob with these bodies, for what they look like: their signatures are none. */
const controlVectors = (bodies: readonly ControlBody[]) =>
  bodies.map((body, counter) => {
    const control = { device: story().bob.device, counter, body, signature: bytesOf('x', 64) }
    return [body.type, 'control', encodeControl(control), control] as const
  })

function devices(): Vectors {
  return vectors(controlVectors(deviceBodies), {})
}

function delivery(): Vectors {
  const { bob } = story()
  const contactSecret = bytesOf('contact secret', 32)
  const keys = controlKeys(contactSecret)
  const hello = controlBodies[0]!
  const { deviceSeed, device, random } = bob
  return vectors(controlVectors(controlBodies), {
    sealed: {
      contactSecret,
      ...keys,
      deviceSeed,
      hello: sealControl({ deviceSeed, device, counter: 1, body: hello, keys, random })
    },
    parts: { of: encodeControlBody(hello), object: labelledHash('controlObject', encodeControlBody(hello)) }
  })
}

function presence(): Vectors {
  const { alice, invite } = story()
  const secret = bytesOf('presence secret', 32)
  const day = presenceDay(NOON)
  const record = sealPresence(alice.presence, secret, day, alice.random)
  return vectors(
    [
      ['where Alice is', 'presence', encodePresence(alice.presence), alice.presence],
      ['her record of a day', 'presence-record', record, decodePresenceRecord(record)]
    ],
    {
      day: {
        secret,
        at: NOON,
        day,
        keys: dayKeys(secret, day),
        lookupKey: presenceLookupKey(secret, day),
        record
      },
      device: { secret, device: alice.device, deviceSecret: devicePresenceSecret(secret, alice.device) },
      topic: { contactSecret: secret, day, name: topicName(secret, day) },
      rendezvous: { inviteSecret: invite.secret, secret: inviteRendezvousSecret(invite.secret) }
    }
  )
}

/** All vectors, by the name of their spec. */
export const generate = (): Record<string, Vectors> => ({
  encoding: encoding(),
  identity: identity(),
  invite: inviteLink(),
  contact: contact(),
  envelope: envelope(),
  conversation: conversation(),
  roster: roster(),
  'group-order': vectors([], groupOrder()),
  delivery: delivery(),
  devices: devices(),
  presence: presence()
})

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(import.meta.dirname, { recursive: true })
  for (const [name, content] of Object.entries(generate()))
    writeFileSync(`${import.meta.dirname}/${name}.json`, `${JSON.stringify(content, null, 2)}\n`)
}
