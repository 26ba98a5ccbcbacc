/**
 * What an operation has to prove to be taken into the graph, counting or not: that its device speaks for its
 * author, that its numbers follow from its past, that its device lists and consents hold.
 * Spec: specs/roster.md, sections 2 to 5.
 *
 * Always true: whether an operation is taken in follows from itself and its past alone, so everybody decides
 * the same whatever else they have.
 */
import { equal, toHex } from '../../base/bytes.ts'
import { malformed } from '../../base/errors.ts'
import type { IdentityId } from '../../base/ids.ts'
import { decodeDeviceEntry } from '../../wire/device-entry.ts'
import type { Consent } from '../../wire/consent.ts'
import type { RosterOperation } from '../../wire/roster-operation.ts'
import { verifyDeviceList, type DeviceList } from '../seal/device-list.ts'
import { deviceEntryHash } from '../seal/hashes.ts'
import { verifyNewcomer } from '../seal/roster-seal.ts'
import { emptyBits, hasBit, setBit, type Bits, type History, type Node } from './history.ts'
import { devicesOf } from './lists.ts'
import type { Received } from './waiting.ts'

/** An operation that may stand in the graph, without its index. */
export type Admitted = Omit<Node, 'index'>

/** Verifies an operation, whose own signature and group were, against its past. Throws MALFORMED. */
export function admit({ id, bytes, operation }: Received, history: History): Admitted {
  const parents = operation.parents.map(parent => history.get(parent)!)
  const past = pastOf(parents)
  if (parents.some(parent => isImplied(parent, parents))) throw malformed('a parent that another parent knew')
  // Numbers without a gap make two concurrent operations of one device share one: that is how it is found out.
  if (operation.sequence !== history.sequenceIn(past, operation.device) + 1)
    throw malformed('an operation that does not follow its device’s last one')
  const { claims, consents } = contentOf(operation, past, history)
  const own = claims.filter(list => list.identity === operation.author)
  const known = operation.content.type === 'devices' || operation.content.type === 'create' ? own : []
  const lists = [...history.listsIn(past, operation.author), ...known]
  const stood = devicesOf(lists)
  if (stood?.devices.has(operation.device) !== true)
    throw malformed('an operation by a device that is not on its author’s list')
  const depth = parents.reduce((most, parent) => Math.max(most, parent.depth + 1), 0)
  const uses = consents.map(({ identity, invitation }) => `${identity}/${toHex(invitation)}`)
  return { id, bytes, operation, depth, past, list: stood.list, claims, consents, uses }
}

const isImplied = (parent: Node, parents: readonly Node[]): boolean =>
  parents.some(other => other !== parent && hasBit(other.past, parent.index))

function pastOf(parents: readonly Node[]): Bits {
  const past = emptyBits(parents.reduce((most, { index }) => Math.max(most, index + 1), 0))
  for (const parent of parents) {
    for (let i = 0; i < parent.past.length; i++) past[i]! |= parent.past[i]!
    setBit(past, parent.index)
  }
  return past
}

/** The device lists and consents that an operation carries, verified. */
function contentOf(
  { author, group, content }: RosterOperation,
  past: Bits,
  history: History
): { claims: readonly DeviceList[]; consents: readonly Consent[] } {
  if (content.type === 'devices') {
    const claims = [continued(content.entries, history.listsIn(past, author), author)]
    return { claims, consents: [] }
  }
  if (content.type !== 'create' && content.type !== 'add') return { claims: [], consents: [] }
  const of = content.type === 'create' ? undefined : group
  const verified = content.members.map(member => verifyNewcomer(member, of))
  return {
    claims: verified.map(each => each.list),
    consents: verified.flatMap(({ consent }) => consent ?? [])
  }
}

/** The list that these entries make: a whole one, or what follows an entry of one that is known. */
function continued(
  entries: readonly Uint8Array[],
  known: readonly DeviceList[],
  author: IdentityId
): DeviceList {
  const { sequence, previous } = decodeDeviceEntry(entries[0]!)
  if (sequence === 1) return verifyDeviceList(entries, author)
  for (const list of known) {
    const last = list.entries[sequence - 2]
    if (last !== undefined && equal(deviceEntryHash(last), previous))
      return verifyDeviceList([...list.entries.slice(0, sequence - 1), ...entries], author)
  }
  throw malformed('device entries that follow none that was known')
}
