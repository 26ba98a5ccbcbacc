import { expect, test } from 'vitest'
import { groupNews } from '../../../cli/chat/group-news.ts'
import type { GroupFact } from '../../../cli/group-facts.ts'
import { plain } from '../../../cli/output/paint.ts'
import { climbers, memberCalled } from '../group-facts.ts'

const alice = memberCalled('alice', { role: 'owner' })
const bob = memberCalled('bob')
const carol = memberCalled('carol', { verified: false })

test.each<[string, Partial<GroupFact> | undefined, Partial<GroupFact>, readonly string[]]>([
  ['we founded it', undefined, { members: [alice] }, []],
  ['we are taken in', { state: 'joining', members: [] }, {}, ['you are in #climbers now: 2 members']],
  ['another device of ours is in it', undefined, {}, ['you are in #climbers now: 2 members']],
  ['only the keys moved on', {}, { epoch: 'cd'.repeat(16), settled: false }, []],
  ['somebody came', {}, { members: [alice, bob, carol] }, ['#climbers: carol is in']],
  ['somebody went', { members: [alice, bob, carol] }, {}, ['#climbers: carol is out']],
  [
    'somebody rose, and has another device',
    {},
    { members: [alice, { ...bob, role: 'admin', devices: [...bob.devices, 'ab'] }] },
    ['#climbers: bob ✔ is admin now', '#climbers: bob ✔ has 2 devices now']
  ],
  [
    'we rose',
    { members: [{ ...alice, role: 'member' }] },
    { members: [alice] },
    ['#climbers: you are owner now']
  ],
  ['it is renamed', {}, { name: 'ropes' }, ['#climbers is called #ropes now']],
  [
    'it is set otherwise',
    {},
    { settings: { mayAdd: 'members', history: 0 } },
    ['#climbers has other settings: /group info']
  ],
  ['we were removed', {}, { state: 'removed', members: [bob] }, ['you were removed from #climbers']],
  ['we left', {}, { state: 'left', members: [bob] }, []],
  ['it goes on without us', { state: 'left' }, { state: 'left', members: [bob, carol] }, []]
])('%s', (_, before, after, news) => {
  const was = before === undefined ? undefined : climbers(before)
  expect(groupNews(was, climbers(after), plain)).toEqual(news)
})
