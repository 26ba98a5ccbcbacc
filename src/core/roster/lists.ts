/**
 * The device lists that a roster's operations carry: which devices speak for whom, and which operations are
 * void because their device was revoked. Spec: specs/roster.md, section 5.
 *
 * Always true: a device that any list of its identity revokes is out, whichever list wins. What a list says
 * is the identity's own word, whoever carries it; but only the identity's own `devices` operations void what
 * a revoked device did meanwhile, or others could turn an old revocation against what was done before it.
 */
import { compare } from '../../base/bytes.ts'
import type { DeviceId, IdentityId } from '../../base/ids.ts'
import { decodeDeviceEntry } from '../../wire/device-entry.ts'
import { compareDeviceLists, type DeviceList } from '../seal/device-list.ts'
import { append, concurrent, type Claim, type Node } from './history.ts'

const revocations = new WeakMap<DeviceList, ReadonlySet<DeviceId>>()

/** The devices that a list revokes. */
export function revokedBy(list: DeviceList): ReadonlySet<DeviceId> {
  let revoked = revocations.get(list)
  if (revoked === undefined) {
    const entries = list.entries.map(decodeDeviceEntry)
    revoked = new Set(entries.filter(({ operation }) => operation === 'revoke').map(({ device }) => device))
    revocations.set(list, revoked)
  }
  return revoked
}

/** What the lists of one identity come to. */
export interface Devices {
  /** The list of the latest generation, then the longest, then that with the smallest head. */
  readonly list: DeviceList
  /** Those on the list that no list revokes. */
  readonly devices: ReadonlySet<DeviceId>
}

const compareLists = (a: DeviceList, b: DeviceList): number =>
  b.generation - a.generation || b.entries.length - a.entries.length || compare(a.head, b.head)

/** What some lists of one identity come to; undefined where there is none. */
export function devicesOf(lists: readonly DeviceList[]): Devices | undefined {
  const [first, ...others] = lists
  if (first === undefined) return undefined
  const list = others.reduce((best, each) => (compareLists(each, best) < 0 ? each : best), first)
  const revoked = lists.filter(each => each !== list && revokedBy(each).size > 0).map(revokedBy)
  if (revoked.length === 0) return { list, devices: list.devices }
  const devices = [...list.devices].filter(device => !revoked.some(each => each.has(device)))
  return { list, devices: new Set(devices) }
}

/** All lists that these operations carry, by identity. */
export function claimsOf(nodes: readonly Node[]): Map<IdentityId, Claim[]> {
  const claims = new Map<IdentityId, Claim[]>()
  for (const node of nodes) for (const list of node.claims) append(claims, list.identity, { node, list })
  return claims
}

/** Two operations whose lists of one identity cannot both be honest, for each identity of which there are such. */
export function contradictions(claims: ReadonlyMap<IdentityId, readonly Claim[]>): [Claim, Claim][] {
  const found: [Claim, Claim][] = []
  for (const all of claims.values()) {
    const distinct = [...new Map(all.map(claim => [claim.list.head.join(), claim])).values()]
    const pair = distinct
      .flatMap((a, i) => distinct.slice(i + 1).map((b): [Claim, Claim] => [a, b]))
      .find(([a, b]) => compareDeviceLists(a.list, b.list) === 'forged')
    if (pair !== undefined) found.push(pair)
  }
  return found
}

/** Whether `list` puts out the device that made an operation. */
const putsOut = (list: DeviceList, { operation: { device }, list: stoodOn }: Node): boolean =>
  revokedBy(list).has(device) || (list.generation > stoodOn.generation && !list.devices.has(device))

/**
 * The operations whose device was put out by a `devices` operation that their author did not know. The
 * longest list speaks first: a device that it puts out was there only on shorter ones, so of two `devices`
 * operations that put out each other's device, in one chain, there are none, and elsewhere the order decides.
 */
export function voidByDevice(nodes: readonly Node[]): Set<Node> {
  const wrong = new Set<Node>()
  const byAuthor = new Map<IdentityId, { all: Node[]; changes: Node[] }>()
  for (const node of nodes) {
    const { author, content } = node.operation
    const own = byAuthor.get(author) ?? { all: [], changes: [] }
    byAuthor.set(author, own)
    own.all.push(node)
    if (content.type === 'devices') own.changes.push(node)
  }
  for (const { all, changes } of byAuthor.values()) {
    const speaking: Node[] = []
    const isOut = (node: Node): boolean =>
      speaking.some(each => concurrent(each, node) && putsOut(each.claims[0]!, node))
    changes.sort((a, b) => compareLists(a.claims[0]!, b.claims[0]!) || (a.id < b.id ? -1 : 1))
    for (const node of changes)
      if (isOut(node)) wrong.add(node)
      else speaking.push(node)
    if (speaking.length > 0)
      for (const node of all) if (node.operation.content.type !== 'devices' && isOut(node)) wrong.add(node)
  }
  return wrong
}
