/** What holds across the fields of a roster operation. Each rule is broken once, on the wire and before it. */
import { decode as decodeCbor, encode as encodeCbor } from 'cborg'
import { describe, expect, test } from 'vitest'
import { spec } from '../../src/base/limits.ts'
import type { DeviceId, IdentityId, OperationId } from '../../src/base/ids.ts'
import {
  decodeOperation,
  encodeOperation,
  NO_GROUP,
  operationContent,
  type Newcomer,
  type OperationContent,
  type RosterOperation
} from '../../src/wire/roster-operation.ts'
import { NOON, person } from '../core/seal/cast.ts'

const refused = expect.objectContaining({ code: 'MALFORMED' })
const [alice, bob] = [person('alice'), person('bob')]
const none = new Uint8Array(0)
const owner = (who: typeof alice): Newcomer => ({
  identity: who.identity,
  role: 'owner',
  devices: who.devices,
  consent: none
})

const create: OperationContent & { readonly type: 'create' } = {
  type: 'create',
  kind: 'group',
  nonce: new Uint8Array(16),
  name: 'hikers',
  settings: { mayAdd: 'admins', history: 0, disappearAfterMs: undefined },
  members: [owner(alice)]
}
const first: RosterOperation = {
  group: NO_GROUP,
  author: alice.identity,
  device: alice.device,
  sequence: 1,
  parents: [],
  createdAt: NOON,
  content: create,
  signature: new Uint8Array(64)
}
const [a, b] = ['aa', 'bb'].map(each => each.repeat(32)) as [OperationId, OperationId]
const add: OperationContent & { readonly type: 'add' } = {
  type: 'add',
  members: [{ ...owner(bob), role: 'member', consent: Uint8Array.of(1) }]
}
const later: RosterOperation = { ...first, group: a, sequence: 2, parents: [a, b], content: add }

const refusedBefore = (operation: RosterOperation): void => {
  expect(() => encodeOperation(operation)).toThrow(refused)
  expect(() => operationContent(operation)).toThrow(refused)
}

describe('an operation', () => {
  test('has a group and parents exactly where it is no create', () => {
    expect(decodeOperation(encodeOperation(first))).toEqual(first)
    expect(decodeOperation(encodeOperation(later))).toEqual(later)
    for (const wrong of [{ group: a }, { parents: [a] }, { sequence: 2 }])
      refusedBefore({ ...first, ...wrong })
    for (const wrong of [{ group: NO_GROUP }, { parents: [] }]) refusedBefore({ ...later, ...wrong })
  })

  test('names its parents in ascending order, none twice, and not too many', () => {
    const many = Array.from({ length: spec.operationParentsMax + 1 }, (_, i) =>
      (16 + i).toString(16).repeat(32)
    ) as OperationId[]
    for (const parents of [[b, a], [a, a], many]) refusedBefore({ ...later, parents })
    const [rawA, rawB] = (decodeCbor(encodeOperation(later)) as unknown[])[5] as [unknown, unknown]
    for (const parents of [[rawB, rawA], [rawA, rawA], []]) {
      const raw = decodeCbor(encodeOperation(later)) as unknown[]
      expect(() => decodeOperation(encodeCbor(raw.with(5, parents)))).toThrow(refused)
    }
    expect(encodeOperation({ ...later, parents: many.slice(1) })).toBeInstanceOf(Uint8Array)
  })
})

describe('a create', () => {
  const refusedCreate = (wrong: Partial<typeof create>): void =>
    refusedBefore({ ...first, content: { ...create, ...wrong } })

  test('of a group has one member, of a direct conversation two, and the author is the first', () => {
    refusedCreate({ members: [owner(alice), owner(bob)] })
    refusedCreate({ members: [owner(bob)] })
    refusedCreate({ kind: 'direct' })
    refusedCreate({ kind: 'direct', members: [owner(bob), owner(alice)] })
    refusedCreate({ kind: 'direct', members: [owner(alice), owner(alice)] })
    const direct = { ...create, kind: 'direct', members: [owner(alice), owner(bob)] } as const
    expect(decodeOperation(encodeOperation({ ...first, content: direct })).content).toEqual(direct)
  })

  test('makes owners, and carries no consent', () => {
    refusedCreate({ members: [{ ...owner(alice), role: 'admin' }] })
    refusedCreate({ members: [{ ...owner(alice), consent: Uint8Array.of(1) }] })
  })
})

describe('an add', () => {
  const [newcomer] = add.members as [Newcomer]
  const refusedAdd = (members: readonly Newcomer[]): void =>
    refusedBefore({ ...later, content: { type: 'add', members } })

  test('brings in nobody without consent, nobody twice, somebody at least, and not too many', () => {
    refusedAdd([{ ...newcomer, consent: none }])
    refusedAdd([newcomer, newcomer])
    refusedAdd([])
    const crowd = Array.from({ length: spec.newcomersMax + 1 }, (_, i) => ({
      ...newcomer,
      identity: i.toString(16).padStart(64, '0') as IdentityId
    }))
    refusedAdd(crowd)
    expect(() =>
      encodeOperation({ ...later, content: { type: 'add', members: crowd.slice(1) } })
    ).not.toThrow()
  })

  test('of as many as there may be, with lists of two entries and full consents, fits', () => {
    const members = Array.from({ length: spec.newcomersMax }, (_, i) => ({
      ...newcomer,
      identity: i.toString(16).padStart(64, '0') as IdentityId,
      devices: [new Uint8Array(spec.deviceEntryMaxBytes), new Uint8Array(spec.deviceEntryMaxBytes)],
      consent: new Uint8Array(spec.consentMaxBytes)
    }))
    const whole = {
      ...later,
      device: 'ff'.repeat(32) as DeviceId,
      content: { type: 'add', members } as const
    }
    expect(encodeOperation(whole).length).toBeLessThanOrEqual(spec.operationMaxBytes)
  })
})
