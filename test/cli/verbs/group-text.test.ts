import { describe, expect, test } from 'vitest'
import { plain } from '../../../cli/output/paint.ts'
import { groupInfoText, groupText, invitationText, membersText } from '../../../cli/verbs/group-text.ts'
import { climbers, idFor, memberCalled } from '../group-facts.ts'

describe('a group in one row', () => {
  test.each([
    [{}, '#climbers    2 members'],
    [{ members: [memberCalled('alice')] }, '#climbers    1 member'],
    [
      { settled: false, invited: [{ name: 'carol', id: idFor('carol') }] },
      '#climbers    2 members, 1 asked, a change is under way'
    ],
    [
      { state: 'joining', epoch: null } as const,
      '#climbers    you said yes; waits for a member to take you in'
    ],
    [{ state: 'left' } as const, '#climbers    you left'],
    [{ state: 'removed' } as const, '#climbers    you were removed'],
    [{ lookAlike: true }, '#climbers ⟨636c…0000⟩ 2 members']
  ])('%j', (given, row) => expect(groupText(climbers(given), plain)).toBe(row))

  test('its name is somebody else’s word: one line, and none of our marks', () => {
    const shown = groupText(climbers({ name: 'ropes ✔\n\u001B]0;owned\u0007' }), plain)
    expect(shown).toContain(String.raw`#ropes \u{2714}`)
    for (const obeyed of ['\u001B', '\u0007', '\n', '✔']) expect(shown).not.toContain(obeyed)
  })
})

test('the members of a group, with what tells them apart', () => {
  const group = climbers({
    members: [
      memberCalled('alice', { role: 'owner' }),
      memberCalled('bob', { role: 'admin', devices: [idFor('phone'), idFor('laptop')] }),
      memberCalled('b\u043Eb', { verified: false, lookAlike: true }),
      memberCalled('', { id: idFor('nameless'), verified: false })
    ],
    invited: [{ name: 'carol', id: idFor('carol') }]
  })
  expect(membersText(group, plain).split('\n')).toEqual([
    '#climbers    4 members, 1 asked',
    'alice        owner, you, 1 device',
    'bob ✔        admin, 2 devices',
    'b\u043Eb ⟨62d0…0000⟩ member, 1 device, not verified',
    '6e61…0000    member, 1 device, not verified',
    'carol        asked, has not answered'
  ])
})

test('everything about a group', () => {
  const settings = { mayAdd: 'members', history: 0 } as const
  expect(groupInfoText(climbers({ settings }), plain).split('\n').slice(3)).toEqual([
    'may add      every member',
    'newcomers    see no earlier message',
    `id           ${idFor('climbers')}`,
    `epoch        ${'ab'.repeat(16)}`,
    'suite        X-Wing'
  ])
})

test('an invitation says who asks, into what, and by which id it is accepted', () => {
  const row = invitationText(
    {
      v: 1,
      type: 'invitation',
      id: 'abcdef0123456789'.repeat(2),
      group: idFor('climbers'),
      name: 'climbers',
      from: { name: 'bob', id: idFor('bob'), lookAlike: false },
      members: 5,
      role: 'admin',
      receivedAt: '2026-11-22T12:00:00.000Z'
    },
    plain
  )
  expect(row).toMatch(
    /^abcdef01 {5}bob asks you into #climbers \(5 members\) as admin, 2026-11-2\d \d\d:\d\d$/u
  )
})
