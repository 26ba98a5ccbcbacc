/** The lines for groups, invitations to them, and devices; the contract is that of facts.ts. */
import type { Device, Group, GroupInvitation, GroupMember } from 'hearsay'
import { z } from 'zod'
import { id, isoTime, line, time, type Names } from './facts.ts'

const role = z.enum(['owner', 'admin', 'member'])

export const memberFields = z.strictObject({
  name: z.string(),
  id,
  role,
  /** The ids of its devices. */
  devices: z.array(id),
  verified: z.boolean(),
  self: z.boolean(),
  /** Somebody else's name can be taken for this one. */
  lookAlike: z.boolean()
})
export type MemberFact = z.infer<typeof memberFields>

export const groupLine = line('group', {
  id,
  name: z.string(),
  /** Another group's name can be taken for this one. */
  lookAlike: z.boolean(),
  state: z.enum(['joining', 'joined', 'left', 'removed']),
  /** The epoch that we seal on; null while joining. */
  epoch: id.nullable(),
  /** Whether every device of the members, and no other, can read what we seal now. */
  settled: z.boolean(),
  members: z.array(memberFields),
  /** Who was asked by us and has not answered. */
  invited: z.array(z.strictObject({ name: z.string(), id })),
  settings: z.strictObject({
    mayAdd: z.enum(['admins', 'members']),
    history: z.int()
  }),
  suite: z.string()
})
export type GroupFact = z.infer<typeof groupLine>

export const memberFact = (member: GroupMember, { alike }: Names): MemberFact => ({
  name: member.name,
  id: member.id,
  role: member.role,
  devices: [...member.devices],
  verified: member.verified,
  self: member.self,
  lookAlike: alike.has(member.id)
})

export const groupFact = (group: Group, names: Names): GroupFact => ({
  v: 1,
  type: 'group',
  id: group.id,
  name: group.name,
  lookAlike: names.alike.has(group.id),
  state: group.state,
  epoch: group.epoch ?? null,
  settled: group.settled,
  members: group.members.map(member => memberFact(member, names)),
  invited: group.invited.map(invited => ({ name: names.people.get(invited) ?? '', id: invited })),
  settings: {
    mayAdd: group.settings.mayAdd,
    history: group.settings.history
  },
  suite: group.suite
})

export const invitationLine = line('invitation', {
  id,
  group: id,
  name: z.string(),
  from: z.strictObject({ name: z.string(), id, lookAlike: z.boolean() }),
  /** How many there are. */
  members: z.int(),
  /** What we would be. */
  role,
  receivedAt: time
})
export type InvitationFact = z.infer<typeof invitationLine>

export const invitationFact = (invitation: GroupInvitation, names: Names): InvitationFact => ({
  v: 1,
  type: 'invitation',
  id: invitation.id,
  group: invitation.group,
  name: invitation.name,
  from: {
    name: names.people.get(invitation.from) ?? '',
    id: invitation.from,
    lookAlike: names.alike.has(invitation.from)
  },
  members: invitation.members,
  role: invitation.role,
  receivedAt: isoTime(invitation.receivedAt)
})

export const deviceLine = line('device', {
  id,
  /** Whether it is the one that answers. */
  current: z.boolean(),
  addedAt: time,
  online: z.boolean()
})
export type DeviceFact = z.infer<typeof deviceLine>

export const deviceFact = (device: Device): DeviceFact => ({
  v: 1,
  type: 'device',
  id: device.id,
  current: device.current,
  addedAt: isoTime(device.addedAt),
  online: device.online
})
