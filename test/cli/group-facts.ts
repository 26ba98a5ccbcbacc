/** Groups and people as tests of what is shown tell them. */
import type { GroupFact, MemberFact } from '../../cli/group-facts.ts'

/** An id that begins with the letters of a name, as far as these are hexadecimal digits. */
export const idFor = (name: string): string => Buffer.from(name).toString('hex').padEnd(64, '0').slice(0, 64)

export const memberCalled = (name: string, given: Partial<MemberFact> = {}): MemberFact => ({
  name,
  id: idFor(name),
  role: 'member',
  devices: [idFor(`${name}'s phone`)],
  verified: true,
  self: name === 'alice',
  lookAlike: false,
  ...given
})

/** The climbers, of whom alice, who looks, is one. */
export const climbers = (given: Partial<GroupFact> = {}): GroupFact => ({
  v: 1,
  type: 'group',
  id: idFor('climbers'),
  name: 'climbers',
  lookAlike: false,
  state: 'joined',
  epoch: 'ab'.repeat(16),
  settled: true,
  members: [memberCalled('alice', { role: 'owner' }), memberCalled('bob')],
  invited: [],
  settings: { mayAdd: 'admins', history: 50 },
  suite: 'X-Wing',
  ...given
})
