/** What holds across the fields of a structure. Each rule is broken once, on the wire and before it. */
import { decode as decodeCbor, encode as encodeCbor } from 'cborg'
import { expect, test } from 'vitest'
import { fromHex } from '../../src/base/bytes.ts'
import type { DeviceId, EpochId, GroupId } from '../../src/base/ids.ts'
import { controlContent, decodeControl, encodeControl, type DeviceReport } from '../../src/wire/control.ts'
import { decodeDeviceEntry, encodeDeviceEntry } from '../../src/wire/device-entry.ts'
import { decodeEntry, encodeEntry, type Entry } from '../../src/wire/entry.ts'
import { NOON, person } from '../core/seal/cast.ts'

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
  content: { type: 'text', text: 'hi', replyTo: undefined }
}

const report = (device: DeviceReport) => ({
  device: a,
  counter: 1,
  body: {
    type: 'report' as const,
    head: { group: 'cc'.repeat(16) as GroupId, generation: 1, length: 1, epoch: 'dd'.repeat(16) as EpochId },
    devices: [device],
    unopened: [],
    answer: false,
    stuck: false
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
    expect(() => decodeControl(tampered(good, [3, 2, 0, 3], ranges))).toThrow(refused)
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
