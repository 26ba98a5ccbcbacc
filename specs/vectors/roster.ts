/**
 * The roster of the vectors: one operation of each kind. Alice demotes Bob while he adds somebody and renames
 * the group, so some of what he does counts in the end and some does not.
 */
import type { OperationId } from '../../src/base/ids.ts'
import type { GroupSettings, Role } from '../../src/base/model.ts'
import type { Members } from '../../src/core/roster/members.ts'
import { Roster } from '../../src/core/roster.ts'
import { extendDeviceList, verifyDeviceList } from '../../src/core/seal/device-list.ts'
import { makeConsent, operationId, signOperation } from '../../src/core/seal/roster-seal.ts'
import { decodeConsent } from '../../src/wire/consent.ts'
import {
  decodeOperation,
  NO_GROUP,
  type Newcomer,
  type OperationContent
} from '../../src/wire/roster-operation.ts'
import { NOON, person, seededRandom, type Person } from '../../test/core/seal/cast.ts'

const [alice, bob, carol, phone] = ['alice', 'bob', 'carol', 'phone'].map(name =>
  person(name, 'vectors')
) as [Person, Person, Person, Person]

const bytesOf = (name: string, length: number): Uint8Array => seededRandom(`vectors/${name}`)(length)
const settings: GroupSettings = { mayAdd: 'admins', history: 50, disappearAfterMs: 86_400_000 }

/** Operations by name, in the order in which they were made. */
class Told {
  readonly all: { readonly name: string; readonly bytes: Uint8Array; readonly id: OperationId }[] = []

  /** `after`: by their place, what the author names as parents. */
  put(name: string, by: Person, sequence: number, after: readonly number[], content: OperationContent): void {
    const bytes = signOperation(
      {
        group: this.all[0]?.id ?? NO_GROUP,
        author: by.identity,
        device: by.device,
        sequence,
        parents: after.map(place => this.all[place]!.id).toSorted(),
        createdAt: NOON,
        content
      },
      by.deviceSeed
    )
    this.all.push({ name, bytes, id: operationId(bytes) })
  }

  consentOf({ name, identity, device, deviceSeed }: Person): Uint8Array {
    const invitation = bytesOf(`invitation of ${name}`, 16)
    const group = this.all[0]!.id
    return makeConsent({ group, identity, device, invitation, createdAt: NOON }, deviceSeed)
  }
}

const newcomer = (who: Person, role: Role, consent: Uint8Array): Newcomer => ({
  identity: who.identity,
  role,
  devices: who.devices,
  consent
})

function tell(): Told {
  const told = new Told()
  const list = verifyDeviceList(bob.devices, bob.identity)
  const another = extendDeviceList(bob.identitySeed, list, { operation: 'add', device: phone.device }, NOON)
  told.put('Alice founds', alice, 1, [], {
    type: 'create',
    kind: 'group',
    nonce: bytesOf('nonce', 16),
    name: 'hikers',
    settings,
    members: [newcomer(alice, 'owner', new Uint8Array(0))]
  })
  const bobComes = newcomer(bob, 'admin', told.consentOf(bob))
  const carolComes = newcomer(carol, 'member', told.consentOf(carol))
  told.put('Alice adds Bob', alice, 2, [0], { type: 'add', members: [bobComes] })
  told.put('Bob renames the group', bob, 1, [1], { type: 'rename', name: 'climbers' })
  told.put('Alice hears of it and makes Bob a member', alice, 3, [2], {
    type: 'role',
    identity: bob.identity,
    role: 'member'
  })
  told.put('Bob has not heard and adds Carol', bob, 2, [2], { type: 'add', members: [carolComes] })
  told.put('Bob renames the group again', bob, 3, [4], { type: 'rename', name: 'bob’s' })
  told.put('Alice lets members add', alice, 4, [3, 5], {
    type: 'settings',
    settings: { ...settings, mayAdd: 'members', disappearAfterMs: undefined }
  })
  told.put('Bob adds Carol', bob, 4, [6], { type: 'add', members: [carolComes] })
  told.put('Bob has another device', bob, 5, [7], { type: 'devices', entries: [another] })
  told.put('Carol leaves', carol, 1, [7], { type: 'remove', identity: carol.identity })
  return told
}

const viewOf = ({ name, settings: agreed, members }: Members) => ({
  name,
  settings: agreed,
  members: [...members.values()].map(({ identity, role, devices }) => ({
    identity,
    role,
    devices: [...devices]
  }))
})

/** The structures of the story, and what follows from it, at two points and in the end. */
export function rosterStory() {
  const told = tell()
  const roster = Roster.begin(told.all[0]!.bytes)
  for (const { bytes } of told.all.slice(1)) roster.add(bytes)
  const at = (place: number) => {
    const heads = [told.all[place]!.id]
    return { heads, ...viewOf(roster.at(heads)!) }
  }
  const consent = told.consentOf(carol)
  return {
    structures: [
      ...told.all.map(({ name, bytes }) => [name, 'operation', bytes, decodeOperation(bytes)] as const),
      ['what Carol agrees to', 'consent', consent, decodeConsent(consent)] as const
    ],
    derived: {
      deviceSeeds: Object.fromEntries([alice, bob, carol].map(({ name, deviceSeed }) => [name, deviceSeed])),
      ids: Object.fromEntries(told.all.map(({ name, id }) => [name, id])),
      asBobSeesIt: at(5),
      withCarol: at(7),
      inTheEnd: {
        heads: roster.heads,
        digest: roster.digest(),
        ...viewOf(roster.current),
        void: told.all.filter(({ id }) => roster.isVoid(id)).map(({ name }) => name)
      }
    }
  }
}
