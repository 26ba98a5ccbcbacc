/** What holds across the fields of a structure. Each rule is broken once, on the wire and before it. */
import { decode as decodeCbor, encode as encodeCbor } from 'cborg'
import { expect, test } from 'vitest'
import { fromHex } from '../../src/base/bytes.ts'
import type { DeviceId, EpochId, GroupId, OperationId, RequestId } from '../../src/base/ids.ts'
import { spec } from '../../src/base/limits.ts'
import {
  controlContent,
  decodeControl,
  decodeControlBody,
  encodeControl,
  encodeControlBody,
  type ControlBody,
  type DeviceReport
} from '../../src/wire/control.ts'
import { decodeContactAnswer, encodeContactAnswer } from '../../src/wire/contact-answer.ts'
import { decodeDeviceEntry, encodeDeviceEntry } from '../../src/wire/device-entry.ts'
import { decodeEntry, encodeEntry, type Entry } from '../../src/wire/entry.ts'
import { decodeMessageBody, encodeMessageBody, type MessageBody } from '../../src/wire/message-body.ts'
import { answerOf, firstContact, NOON, person } from '../core/seal/cast.ts'

const refused = expect.objectContaining({ code: 'MALFORMED' })
const zeros = new Uint8Array(32)
const hash = new Uint8Array(32).fill(7)
const [a, b, c] = ['aa', 'bb', 'cc'].map(each => each.repeat(32)) as [DeviceId, DeviceId, DeviceId]

const entry: Entry = {
  device: a,
  sequence: 2,
  previous: hash,
  parents: [
    { device: b, sequence: 1, hash },
    { device: c, sequence: 1, hash }
  ],
  lamport: 1,
  sentAt: NOON,
  roster: hash,
  content: { type: 'text', text: 'hi', replyTo: undefined }
}

const report = (device: DeviceReport) => ({
  device: a,
  counter: 1,
  body: {
    type: 'report' as const,
    head: { group: 'cc'.repeat(16) as GroupId, generation: 1, length: 1, epoch: 'dd'.repeat(16) as EpochId },
    devices: [device],
    roster: hash,
    unopened: [],
    answer: false,
    asks: undefined,
    awaits: []
  },
  signature: new Uint8Array(64)
})
const row: DeviceReport = {
  device: b,
  contiguous: 3,
  hash,
  ranges: [
    [5, 6],
    [8, 8]
  ],
  read: 0
}

/** The bytes with one field replaced, wherever it is in the array. */
function tampered(bytes: Uint8Array, path: readonly number[], value: unknown): Uint8Array {
  const whole = decodeCbor(bytes) as unknown[]
  let target = whole
  for (const index of path.slice(0, -1)) target = target[index] as unknown[]
  target[path.at(-1)!] = value
  return encodeCbor(whole)
}

test('a log entry has a predecessor exactly where it is not the first', () => {
  const bytes = encodeEntry(entry)
  expect(decodeEntry(bytes)).toEqual(entry)
  for (const wrong of [{ sequence: 1 }, { previous: zeros }])
    expect(() => encodeEntry({ ...entry, ...wrong })).toThrow(refused)
  expect(() => decodeEntry(tampered(bytes, [2], 1))).toThrow(refused)
  expect(() => decodeEntry(tampered(bytes, [3], zeros))).toThrow(refused)
})

test('the parents of a log entry are sorted by device, and there is one for each', () => {
  const [first, second] = entry.parents as [(typeof entry.parents)[0], (typeof entry.parents)[0]]
  const bytes = encodeEntry(entry)
  const [rawFirst, rawSecond] = (decodeCbor(bytes) as unknown[])[4] as [unknown, unknown]
  for (const parents of [
    [second, first],
    [first, first],
    [first, { ...first, sequence: 2 }]
  ])
    expect(() => encodeEntry({ ...entry, parents })).toThrow(refused)
  for (const parents of [
    [rawSecond, rawFirst],
    [rawFirst, rawFirst]
  ])
    expect(() => decodeEntry(tampered(bytes, [4], parents))).toThrow(refused)
})

test('the parents of a log entry are never of its own device', () => {
  const own = { device: a, sequence: 1, hash }
  expect(() => encodeEntry({ ...entry, parents: [own] })).toThrow(refused)
  const bytes = encodeEntry({ ...entry, parents: [{ ...own, device: b }] })
  expect(() => decodeEntry(tampered(bytes, [4, 0, 0], fromHex(a)))).toThrow(refused)
})

test('a device entry has a predecessor exactly where it is not the first', () => {
  const bytes = person('alice').devices[0]!
  const first = decodeDeviceEntry(bytes)
  expect(encodeDeviceEntry(first)).toEqual(bytes)
  expect(() => decodeDeviceEntry(tampered(bytes, [3], 2))).toThrow(refused)
  expect(() => decodeDeviceEntry(tampered(bytes, [4], hash))).toThrow(refused)
  expect(() => encodeDeviceEntry({ ...first, previous: hash })).toThrow(refused)
})

test('the ranges of a report ascend, are disjoint, and lie beyond what is contiguous', () => {
  const good = encodeControl(report(row))
  expect(decodeControl(good)).toEqual(report(row))
  const wrong: readonly (readonly [number, number])[][] = [
    [[3, 4]],
    [[6, 5]],
    [
      [5, 6],
      [6, 7]
    ],
    [
      [8, 8],
      [5, 6]
    ]
  ]
  for (const ranges of wrong) {
    expect(() => encodeControl(report({ ...row, ranges }))).toThrow(refused)
    expect(() => controlContent(report({ ...row, ranges }))).toThrow(refused)
    expect(() => decodeControl(tampered(good, [3, 3, 0, 3], ranges))).toThrow(refused)
  }
})

test('a report names the hash of an entry exactly where it has one', () => {
  const none: DeviceReport = { device: b, contiguous: 0, hash: zeros, ranges: [], read: 0 }
  expect(decodeControl(encodeControl(report(none)))).toEqual(report(none))
  for (const wrong of [
    { ...none, hash },
    { ...row, hash: zeros }
  ])
    expect(() => encodeControl(report(wrong))).toThrow(refused)
})

test('a commit names the operations that justify it: one or more, ascending, none twice', () => {
  const [first, second] = [a, b] as string[] as [OperationId, OperationId]
  const commit = (operations: readonly OperationId[]): Entry => ({
    ...entry,
    content: { type: 'commit', parent: 'dd'.repeat(16) as EpochId, operations }
  })
  const bytes = encodeEntry(commit([first, second]))
  expect(decodeEntry(bytes)).toEqual(commit([first, second]))
  for (const wrong of [[], [second, first], [first, first]]) {
    expect(() => encodeEntry(commit(wrong))).toThrow(refused)
    expect(() => decodeEntry(tampered(bytes, [8, 2], wrong.map(fromHex)))).toThrow(refused)
  }
})

test('a message body is one of its parts', () => {
  const body: MessageBody = { type: 'commit', leaf: 0, sequence: 1, part: 2, parts: 3, mls: hash }
  const bytes = encodeMessageBody(body)
  expect(decodeMessageBody(bytes)).toEqual(body)
  expect(() => encodeMessageBody({ ...body, part: 3 })).toThrow(refused)
  expect(() => decodeMessageBody(tampered(bytes, [4], 3))).toThrow(refused)
  expect(() => decodeMessageBody(tampered(bytes, [5], 0))).toThrow(refused)
})

test('a part of a control message is one of at least two, and no larger than a part may be', () => {
  const part = { type: 'part' as const, object: hash, index: 1, count: 2, bytes: hash }
  const control = (body: ControlBody) => ({ device: a, counter: 1, body, signature: new Uint8Array(64) })
  const good = encodeControl(control(part))
  expect(decodeControl(good)).toEqual(control(part))
  for (const wrong of [
    { ...part, index: 2 },
    { ...part, index: 0, count: 1 },
    { ...part, bytes: new Uint8Array(0) },
    { ...part, bytes: new Uint8Array(spec.partBytes + 1) },
    { ...part, count: spec.controlMaxBytes }
  ])
    expect(() => encodeControl(control(wrong))).toThrow(refused)
  expect(() => decodeControl(tampered(good, [3, 2], 2))).toThrow(refused)
  expect(() => decodeControl(tampered(good, [3, 3], 1))).toThrow(refused)
})

test('a yes to an invitation comes with a key package, a no with nothing', () => {
  const none = new Uint8Array(0)
  const answer = {
    type: 'consent' as const,
    invitation: 'ee'.repeat(16) as RequestId,
    consent: hash,
    devices: [hash],
    keyPackage: hash
  }
  const no = { ...answer, consent: none, keyPackage: none }
  const good = encodeControlBody(answer)
  expect(decodeControlBody(good)).toEqual(answer)
  expect(decodeControlBody(encodeControlBody(no))).toEqual(no)
  for (const wrong of [
    { ...answer, consent: none },
    { ...answer, keyPackage: none }
  ])
    expect(() => encodeControlBody(wrong)).toThrow(refused)
  expect(() => decodeControlBody(tampered(good, [1, 2], none))).toThrow(refused)
  expect(() => decodeControlBody(tampered(good, [1, 4], none))).toThrow(refused)
})

test('a body that travels in parts may be larger than an envelope, but not larger than a control message', () => {
  const welcome = (bytes: number): ControlBody => ({
    type: 'welcome',
    welcome: new Uint8Array(bytes),
    tree: undefined,
    lamport: 0
  })
  const large = encodeControlBody(welcome(spec.controlMaxBytes - 100))
  expect(decodeControlBody(large)).toEqual(welcome(spec.controlMaxBytes - 100))
  expect(() => encodeControlBody(welcome(spec.controlMaxBytes))).toThrow(refused)
  expect(() => decodeControlBody(new Uint8Array(spec.controlMaxBytes + 1))).toThrow(refused)
  const signed = { device: a, counter: 1, signature: new Uint8Array(64) }
  expect(() => encodeControl({ ...signed, body: welcome(70_000) })).toThrow(refused)
})

test('an answer has a welcome and a roster where it is a yes, and neither where it is a no', () => {
  const { alice, opened } = firstContact()
  const none = new Uint8Array(0)
  const yes = answerOf(alice, opened)
  const no = { ...yes, status: 'rejected' as const, welcome: none, create: none }
  expect(decodeContactAnswer(encodeContactAnswer(no))).toEqual(no)
  const bytes = encodeContactAnswer(yes)
  for (const [field, value] of [
    ['status', 'rejected'],
    ['welcome', none],
    ['create', none]
  ] as const)
    expect(() => encodeContactAnswer({ ...yes, [field]: value })).toThrow(refused)
  for (const [index, value] of [
    [2, 1],
    [5, none],
    [6, none]
  ] as const)
    expect(() => decodeContactAnswer(tampered(bytes, [index], value))).toThrow(refused)
})
