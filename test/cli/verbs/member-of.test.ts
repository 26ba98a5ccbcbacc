import type { ConversationId, Group, GroupMember, IdentityId } from 'hearsay'
import { describe, expect, test } from 'vitest'
import { memberOf } from '../../../cli/verbs/conversations.ts'
import { idFor } from '../group-facts.ts'

const member = (name: string, id = idFor(name)): GroupMember => ({
  id: id as IdentityId,
  name,
  role: 'member',
  devices: [],
  verified: false,
  self: false
})

/** Two of them are called bob: one may be nobody's contact. */
const group: Group = {
  id: idFor('climbers') as ConversationId,
  name: 'climbers',
  state: 'joined',
  epoch: undefined,
  settled: true,
  members: [
    member('alice'),
    member('bob'),
    member('bob', idFor('not bob')),
    member('bobby'),
    member('carol')
  ],
  invited: [],
  settings: { mayAdd: 'admins', history: 0, disappearAfterMs: undefined },
  suite: ''
}

describe('the member that somebody means', () => {
  test.each([
    ['alice', idFor('alice')],
    ['@carol', idFor('carol')],
    ['bobb', idFor('bobby')],
    [idFor('not bob'), idFor('not bob')],
    [idFor('not bob').slice(0, 8), idFor('not bob')]
  ])('%s', (reference, id) => expect(memberOf(group, reference).id).toBe(id))

  test('is nobody where a name fits two: their ids tell them apart', () => {
    expect(() => memberOf(group, 'bob')).toThrow(
      expect.objectContaining({
        code: 'AMBIGUOUS_CONTACT',
        message: expect.stringContaining(`bob (${idFor('not bob').slice(0, 8)})`)
      })
    )
  })

  test('is nobody where a name fits none', () => {
    for (const reference of ['dave', idFor('dave')]) {
      expect(() => memberOf(group, reference)).toThrow(expect.objectContaining({ code: 'NOT_A_MEMBER' }))
    }
  })
})
