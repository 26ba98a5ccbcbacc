/** The roster of the vectors, read as it stands: what another implementation has to come to. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { fromHex, toHex } from '../../src/base/bytes.ts'
import type { OperationId } from '../../src/base/ids.ts'
import { Roster, type Members } from '../../src/core/roster.ts'
import { operationId } from '../../src/core/seal/roster-seal.ts'

interface View {
  readonly heads: readonly OperationId[]
  readonly name: string
  readonly settings: unknown
  readonly members: unknown
}
const { structures, derived } = JSON.parse(
  readFileSync(new URL('../../specs/vectors/roster.json', import.meta.url), 'utf8')
) as {
  readonly structures: readonly {
    readonly name: string
    readonly structure: string
    readonly bytes: string
  }[]
  readonly derived: {
    readonly ids: Readonly<Record<string, OperationId>>
    readonly asBobSeesIt: View
    readonly withCarol: View
    readonly inTheEnd: View & { readonly digest: string; readonly void: readonly string[] }
  }
}

const operations = structures.filter(({ structure }) => structure === 'operation')
const roster = Roster.begin(fromHex(operations[0]!.bytes))
for (const { bytes } of operations.slice(1)) roster.add(fromHex(bytes))

/** A view as JSON has it. */
const viewOf = ({ name, settings, members }: Members) => ({
  name,
  settings: { ...settings, disappearAfterMs: settings.disappearAfterMs ?? null },
  members: [...members.values()].map(({ identity, role, devices }) => ({
    identity,
    role,
    devices: [...devices]
  }))
})

test('every operation has its id and is taken in', () => {
  expect(roster.size).toBe(operations.length)
  for (const { name, bytes } of operations) expect(operationId(fromHex(bytes))).toBe(derived.ids[name])
})

test.each(['asBobSeesIt', 'withCarol', 'inTheEnd'] as const)('%s, the members are these', point => {
  const { heads, name, settings, members } = derived[point]
  expect(viewOf(roster.at(heads)!)).toEqual({ name, settings, members })
})

test('in the end these do not count, and the digest is this', () => {
  const isVoid = operations.filter(({ name }) => roster.isVoid(derived.ids[name]!)).map(({ name }) => name)
  expect(isVoid).toEqual(derived.inTheEnd.void)
  expect(isVoid.length).toBeGreaterThan(0)
  expect(toHex(roster.digest())).toBe(derived.inTheEnd.digest)
})
