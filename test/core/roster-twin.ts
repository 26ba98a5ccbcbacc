/**
 * The roster again, slow and obvious: no caches, no bit sets, no queue. It works from the story's own record of
 * who knew what, and takes for granted what is checked at the door (signatures, lists, consents).
 */
import { toHex } from '../../src/base/bytes.ts'
import type { DeviceId, IdentityId, OperationId } from '../../src/base/ids.ts'
import { decodeConsent } from '../../src/wire/consent.ts'
import { decodeDeviceEntry } from '../../src/wire/device-entry.ts'
import type { Story, Told } from './roster-story.ts'

const LEVEL = { member: 0, admin: 1, owner: 2 } as const
const ROLE = ['member', 'admin', 'owner'] as const

interface Grant {
  readonly who: IdentityId
  readonly level: number
  readonly by: Told
  readonly place: number
}
interface Rank {
  readonly grant: Grant
  readonly level: number
}
interface Judged {
  readonly told: Told
  readonly rank: Rank
}

interface Chain {
  readonly generation: number
  readonly length: number
  readonly head: string
  readonly added: readonly DeviceId[]
  readonly revoked: readonly DeviceId[]
}

export function twin(story: Story, ids: readonly OperationId[]) {
  const all = ids.map(id => story.told.get(id)!)
  const knew = (later: Told, earlier: Told) => later.past.has(earlier.id)
  const beside = (a: Told, b: Told) => a !== b && !knew(a, b) && !knew(b, a)
  const create = all.find(told => told.operation.content.type === 'create')!
  const begun = create.operation.content
  if (begun.type !== 'create') throw new Error('not a create')
  const direct = begun.kind === 'direct'
  const depths = new Map<OperationId, number>()
  const depth = (told: Told): number => {
    const known = depths.get(told.id)
    if (known !== undefined) return known
    const longest = Math.max(-1, ...told.operation.parents.map(id => depth(story.told.get(id)!))) + 1
    depths.set(told.id, longest)
    return longest
  }

  // Who ranks before whom.
  const compare = (a: Rank, b: Rank): number =>
    b.level - a.level ||
    depth(a.grant.by) - depth(b.grant.by) ||
    (a.grant.by.id < b.grant.by.id ? -1 : a.grant.by.id > b.grant.by.id ? 1 : a.grant.place - b.grant.place)

  // Device lists.
  const chainOf = (entries: readonly Uint8Array[]): Chain => {
    const decoded = entries.map(decodeDeviceEntry)
    const of = (operation: string) =>
      decoded.filter(each => each.operation === operation).map(({ device }) => device)
    return {
      generation: decoded[0]!.generation,
      length: decoded.length,
      head: story.headOf(entries),
      added: of('add').filter(device => !of('revoke').includes(device)),
      revoked: of('revoke')
    }
  }
  const chainsBy = (told: Told): (Chain & { who: IdentityId })[] => {
    const { content, author } = told.operation
    if (content.type === 'devices') return [{ who: author, ...chainOf(story.wholeList(told.id)) }]
    if (content.type !== 'create' && content.type !== 'add') return []
    return content.members.map(member => ({ who: member.identity, ...chainOf(member.devices) }))
  }
  const before = (a: Chain, b: Chain): number =>
    b.generation - a.generation || b.length - a.length || (a.head < b.head ? -1 : a.head > b.head ? 1 : 0)
  const bestOf = (who: IdentityId, among: readonly Told[]): Chain =>
    among
      .flatMap(chainsBy)
      .filter(chain => chain.who === who)
      .sort(before)[0]!
  const devicesOf = (who: IdentityId): DeviceId[] => {
    const chains = all.flatMap(chainsBy).filter(chain => chain.who === who)
    return bestOf(who, all).added.filter(device => !chains.some(chain => chain.revoked.includes(device)))
  }

  // Operations by devices that were revoked meanwhile.
  const listOps = all
    .filter(told => told.operation.content.type === 'devices')
    .sort((a, b) => before(chainsBy(a)[0]!, chainsBy(b)[0]!) || (a.id < b.id ? -1 : 1))
  const speaking: Told[] = []
  const isOut = (told: Told): boolean =>
    speaking.some(list => {
      if (list.operation.author !== told.operation.author || !beside(list, told)) return false
      const chain = chainsBy(list)[0]!
      const { device, author } = told.operation
      const known = [...all.filter(each => knew(told, each)), told]
      const stood = bestOf(author, told.operation.content.type === 'devices' ? known : known.slice(0, -1))
      return (
        chain.revoked.includes(device) ||
        (chain.generation > stood.generation && !chain.added.includes(device))
      )
    })
  for (const list of listOps) if (!isOut(list)) speaking.push(list)

  // Judging.
  const counts = new Set<Told>([create])
  const judged: Judged[] = []
  const grants: Grant[] = []
  const says = (told: Told): number | undefined => {
    const { content, author } = told.operation
    if (content.type === 'remove' && content.identity === author) return -1
    if (content.type === 'role' && content.identity === author) return LEVEL[content.role]
    return undefined
  }
  const declarations = direct ? [] : all.filter(told => says(told) !== undefined && !isOut(told))
  for (const told of declarations) counts.add(told)
  for (const told of speaking) counts.add(told)
  const levelLeft = (grant: Grant, hears: (told: Told) => boolean): number =>
    declarations
      .filter(told => told.operation.author === grant.who && hears(told) && !knew(grant.by, told))
      .reduce((least, told) => Math.min(least, says(told)!), grant.level)

  const uses = all.flatMap(told => {
    const { content } = told.operation
    if (content.type !== 'add') return []
    return content.members.map((member, place) => {
      const { invitation } = decodeConsent(member.consent)
      return { told, place, who: member.identity, key: `${member.identity}/${toHex(invitation)}` }
    })
  })
  const othersUsing = (by: Told, place: number): Judged[] => {
    const own = uses.find(use => use.told === by && use.place === place)
    const same = uses.filter(use => use.key === own?.key && use.told !== by).map(use => use.told)
    return judged.filter(each => same.includes(each.told))
  }
  const removalsOf = (who: IdentityId): Judged[] =>
    judged.filter(
      ({ told: { operation } }) => operation.content.type === 'remove' && operation.content.identity === who
    )
  const rolesOf = (who: IdentityId): Judged[] =>
    judged.filter(
      ({ told: { operation } }) => operation.content.type === 'role' && operation.content.identity === who
    )
  const leavesOf = (who: IdentityId): Told[] =>
    declarations.filter(told => told.operation.author === who && says(told) === -1)
  const isReplayed = (others: readonly Judged[], by: Told, who: IdentityId, removals: readonly Judged[]) => {
    const ended = [...removals.map(({ told }) => told), ...leavesOf(who)]
    return others.some(other => ended.some(end => knew(by, end) && !knew(other.told, end)))
  }
  const isSpent = (grant: Grant): boolean => {
    const senior = (each: Judged) => compare(each.rank, { grant, level: grant.level }) < 0
    if (grant.by.operation.content.type !== 'add') return false
    const others = othersUsing(grant.by, grant.place).filter(senior)
    return isReplayed(others, grant.by, grant.who, removalsOf(grant.who).filter(senior))
  }
  const rankOf = (told: Told): Rank | undefined => judged.find(each => each.told === told)?.rank
  const ends = (grant: Grant, level: number): Told[] => [
    ...removalsOf(grant.who)
      .filter(({ told, rank }) => !knew(grant.by, told) && compare(rank, { grant, level }) < 0)
      .map(({ told }) => told),
    ...rolesOf(grant.who)
      .filter(({ told, rank }) => {
        if (told === grant.by || knew(grant.by, told)) return false
        if (knew(told, grant.by)) return true
        const order = compare(rank, rankOf(grant.by)!)
        return order < 0 || (order === 0 && told.id < grant.by.id)
      })
      .map(({ told }) => told)
  ]
  const settingsFor = (told: Told | undefined) => {
    const known = judged.filter(
      each => 'settings' in each.told.operation.content && (told === undefined || knew(told, each.told))
    )
    const newest = known.filter(each => !known.some(later => knew(later.told, each.told)))
    const [{ told: chosen }] = newest.sort(
      (a, b) => compare(a.rank, b.rank) || (a.told.id < b.told.id ? -1 : 1)
    ) as [Judged]
    if (!('settings' in chosen.operation.content)) throw new Error('no settings')
    return chosen.operation.content.settings
  }
  const isRight = (told: Told, rank: Rank): boolean => {
    const { content, author } = told.operation
    const needed =
      content.type === 'role'
        ? 2
        : content.type !== 'add'
          ? 1
          : content.members.some(({ role }) => role !== 'member')
            ? 2
            : settingsFor(told).mayAdd === 'members'
              ? 0
              : 1
    if (rank.level < needed) return false
    const against = (each: Judged) => beside(each.told, told) && compare(each.rank, rank) < 0
    if (removalsOf(author).some(against)) return false
    for (const each of rolesOf(author)) {
      const given = each.told.operation.content
      if (given.type === 'role' && LEVEL[given.role] < needed && against(each)) return false
    }
    if (content.type !== 'remove' && content.type !== 'role') return true
    for (const grant of grants.filter(each => each.who === content.identity)) {
      const level = levelLeft(grant, each => knew(told, each))
      const alive = !isSpent(grant) && !ends(grant, level).some(end => knew(told, end))
      const above = rank.level === 1 ? level >= 1 : compare({ grant, level }, rank) < 0
      if (knew(told, grant.by) && above && alive) return false
      const meanwhile = { grant, level: levelLeft(grant, () => true) }
      if (content.type === 'remove' && beside(grant.by, told) && compare(meanwhile, rank) < 0) return false
    }
    if (content.type === 'remove') return true
    return all.some(each => knew(told, each) && chainsBy(each).some(chain => chain.who === content.identity))
  }
  const count = (told: Told, rank: Rank): void => {
    counts.add(told)
    judged.push({ told, rank })
    const { content } = told.operation
    if (content.type === 'role')
      grants.push({ who: content.identity, level: LEVEL[content.role], by: told, place: 0 })
    if (content.type === 'create' || content.type === 'add')
      for (const [place, { identity, role }] of content.members.entries())
        grants.push({ who: identity, level: LEVEL[role], by: told, place })
  }
  const founder: Grant = { who: create.operation.author, level: 2, by: create, place: 0 }
  count(create, { grant: founder, level: 2 })
  const open = new Set(
    direct
      ? []
      : all.filter(each => !counts.has(each) && !isOut(each) && each.operation.content.type !== 'devices')
  )
  const done = new Set<string>()
  for (;;) {
    const ranks = grants.flatMap(grant =>
      [2, 1, 0].filter(level => level <= grant.level).map(level => ({ grant, level }))
    )
    const key = ({ grant, level }: Rank) => `${grant.by.id}/${grant.place}/${level}`
    const next = ranks.filter(rank => !done.has(key(rank))).sort(compare)[0]
    if (next === undefined) break
    done.add(key(next))
    const { grant, level } = next
    if (isSpent(grant)) continue
    for (const told of open) {
      if (told.operation.author !== grant.who || !knew(told, grant.by)) continue
      if (levelLeft(grant, each => !knew(each, told)) !== level) continue
      if (ends(grant, level).some(end => knew(told, end))) continue
      open.delete(told)
      if (isRight(told, next)) count(told, next)
    }
  }

  // What it comes to.
  const people = new Map<IdentityId, Rank>()
  for (const told of counts) {
    const { content } = told.operation
    if (content.type !== 'create' && content.type !== 'add') continue
    for (const [place, { identity }] of content.members.entries()) {
      const gone = [...removalsOf(identity).map(each => each.told), ...leavesOf(identity)]
      if (gone.some(end => !knew(told, end))) continue
      if (isReplayed(othersUsing(told, place), told, identity, removalsOf(identity))) continue
      const left = grants
        .filter(grant => grant.who === identity)
        .map(grant => ({ grant, level: levelLeft(grant, () => true) }))
        .filter(({ grant, level }) => level >= 0 && !isSpent(grant) && ends(grant, level).length === 0)
        .sort(compare)[0]
      const rank = left ?? { grant: { who: identity, level: 0, by: told, place }, level: 0 }
      const known = people.get(identity)
      if (known === undefined || compare(rank, known) < 0) people.set(identity, rank)
    }
  }
  const named = judged.filter(each => each.told.operation.content.type === 'rename')
  const names = named.filter(each => !named.some(later => knew(later.told, each.told)))
  const [last] = names.sort((a, b) => compare(a.rank, b.rank) || (a.told.id < b.told.id ? -1 : 1))
  const renamed = last?.told.operation.content
  return {
    view: {
      name: renamed?.type === 'rename' ? renamed.name : begun.name,
      settings: settingsFor(undefined),
      members: [...people]
        .sort(([, a], [, b]) => compare(a, b))
        .map(([identity, { level }]) => ({
          identity,
          role: ROLE[level]!,
          devices: devicesOf(identity).toSorted()
        }))
    },
    voids: all
      .filter(told => !counts.has(told))
      .map(told => told.id)
      .toSorted()
  }
}
