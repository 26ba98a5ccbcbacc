/** Verbs for groups: founding them, who belongs to them, and what they are called. */
import { HearsayError, spec, type Group, type GroupSettings, type HearsayNode, type Role } from 'hearsay'
import { z } from 'zod'
import { duration } from '../durations.ts'
import { contactFact, contactLine, inviteFact, inviteLine } from '../facts.ts'
import { groupFact, groupLine, type GroupFact } from '../group-facts.ts'
import type { Paint } from '../output/paint.ts'
import { groupName, row } from '../output/people.ts'
import { literal, safeName, words, type SafeText } from '../output/safe-text.ts'
import { nodeVerb, type Context } from '../verb.ts'
import { contactText } from './contacts.ts'
import { memberOf, namesOf } from './conversations.ts'
import { groupInfoText, groupText, membersText } from './group-text.ts'
import { linkText, qr } from './links.ts'
import { answerOf, timeout, untilReady } from './waiting.ts'

const group = z.string().meta({ description: 'a group: #name, name or id', names: 'groups' })
const member = z.string().meta({ description: 'a member, by name or id', names: 'contacts' })

const settings = {
  mayAdd: z
    .enum(['admins', 'members'])
    .optional()
    .meta({ description: 'who may take others in', value: 'WHO' }),
  history: z
    .int()
    .min(0)
    .max(spec.groupHistoryMax)
    .optional()
    .meta({ description: 'how many of the last messages newcomers are given', value: 'N' })
}

/** The settings that a command line names; the others stay as they are. */
function settingsIn(given: z.output<z.ZodObject<typeof settings>>): Partial<GroupSettings> {
  const { mayAdd, history } = given
  return {
    ...(mayAdd === undefined ? {} : { mayAdd }),
    ...(history === undefined ? {} : { history })
  }
}

/** A group as it is now. A change reaches the others while a node runs, so a command's own node says so. */
async function changed(after: Group, { node, host, note }: Context): Promise<GroupFact> {
  if (!host.stays) note(literal('On disk. It reaches the others while a node runs: hearsay up'))
  return groupFact(after, await namesOf(node))
}

export const createGroup = nodeVerb({
  name: 'group.create',
  summary: 'found a group and ask contacts in',
  details:
    'You can write to it at once. Nobody is a member before saying yes. Ask one more with hearsay group add, or many with a link: hearsay group invite.',
  needs: 'network',
  params: {
    name: z.string().meta({ description: 'what the group is called', value: 'NAME' }),
    members: z
      .array(z.string())
      .default([])
      .meta({ description: 'contacts to ask in', value: 'MEMBER', names: 'contacts' }),
    ...settings
  },
  positionals: ['name', 'members'],
  result: groupLine,
  async *run({ name, members, ...given }, context) {
    const called = name.startsWith('#') ? name.slice(1) : name
    const asked = members.map(withoutAt)
    const founded = await context.node.groups.create(called, { members: asked, settings: settingsIn(given) })
    yield await changed(founded, context)
  },
  text: groupText
})

/** A name, also where somebody wrote it as the chat does. */
const withoutAt = (reference: string): string => (reference.startsWith('@') ? reference.slice(1) : reference)

export const listGroups = nodeVerb({
  name: 'group.list',
  summary: 'list groups',
  needs: 'node',
  params: {},
  result: groupLine,
  lists: true,
  async *run(_params, { node }) {
    const names = await namesOf(node)
    for (const each of await node.groups.list()) yield groupFact(each, names)
  },
  text: groupText
})

/** A verb that shows one group. */
const show = (name: string, summary: string, text: (fact: GroupFact, paint: Paint) => SafeText) =>
  nodeVerb({
    name,
    summary,
    needs: 'node',
    params: { group },
    positionals: ['group'],
    result: groupLine,
    async *run(params, { node }) {
      yield groupFact(await node.groups.get(params.group), await namesOf(node))
    },
    text
  })

export const groupMembers = show('group.members', 'show who belongs to a group', membersText)
export const groupInfo = show('group.info', 'show everything about a group', groupInfoText)

/** A verb that does something to one member and shows what became of the group. */
const changeMember = (
  name: string,
  summary: string,
  details: string,
  apply: (node: HearsayNode, group: Group, member: string) => Promise<Group>,
  outcome: (member: SafeText) => SafeText
) =>
  nodeVerb({
    name,
    summary,
    details,
    needs: 'network',
    params: { group, member },
    positionals: ['group', 'member'],
    result: groupLine,
    async *run(params, context) {
      const before = await context.node.groups.get(params.group)
      yield await changed(await apply(context.node, before, params.member), context)
    },
    text: (fact, paint, params) => row(groupName(fact, paint), outcome(safeName(withoutAt(params.member))))
  })

export const addMember = changeMember(
  'group.add',
  'ask a contact into a group',
  'The contact is a member after saying yes, and sees earlier messages only as far as group set --history says.',
  (node, { id }, reference) => node.groups.add(id, withoutAt(reference)),
  name => words`${name} is asked, and a member after saying yes`
)

export const removeMember = changeMember(
  'group.remove',
  'remove a member',
  'What is written from now on the removed cannot read. What they have, they keep.',
  (node, before, reference) => node.groups.remove(before.id, memberOf(before, reference).id),
  name => words`${name} is removed`
)

const rolesUp: readonly Role[] = ['member', 'admin', 'owner']

/** The role one step up or down. Throws INVALID_ARGUMENT at the end of the stairs. */
function stepFrom(name: string, role: Role, step: 1 | -1): Role {
  const next = rolesUp[rolesUp.indexOf(role) + step]
  if (next !== undefined) return next
  throw new HearsayError('INVALID_ARGUMENT', {
    message: `${name} is ${role === 'owner' ? 'an owner' : 'a member'} already.`,
    hint: 'See who is what: hearsay group members GROUP'
  })
}

const moved =
  (step: 1 | -1) =>
  (node: HearsayNode, before: Group, reference: string): Promise<Group> => {
    const { id, name, role } = memberOf(before, reference)
    return node.groups.setRole(before.id, id, stepFrom(name, role, step))
  }

const ROLES =
  'An admin takes others in, removes members, renames and sets; an owner also promotes, demotes and removes whoever became what they are later. The founder is an owner.'

export const promote = changeMember(
  'group.promote',
  'make a member an admin, or an admin an owner',
  ROLES,
  moved(1),
  name => words`${name} may do more now: hearsay group members`
)

export const demote = changeMember(
  'group.demote',
  'make an owner an admin, or an admin a member',
  ROLES,
  moved(-1),
  name => words`${name} may do less now: hearsay group members`
)

export const leaveGroup = nodeVerb({
  name: 'group.leave',
  summary: 'leave a group; what you have of it stays',
  needs: 'network',
  params: { group },
  positionals: ['group'],
  result: groupLine,
  async *run(params, context) {
    yield await changed(await context.node.groups.leave(params.group), context)
  },
  text: groupText
})

export const renameGroup = nodeVerb({
  name: 'group.rename',
  summary: 'call a group something else, for everybody',
  needs: 'network',
  params: { group, name: z.string().meta({ description: 'the new name', value: 'NAME' }) },
  positionals: ['group', 'name'],
  result: groupLine,
  async *run({ group: reference, name }, context) {
    const called = name.startsWith('#') ? name.slice(1) : name
    yield await changed(await context.node.groups.rename(reference, called), context)
  },
  text: groupText
})

export const setGroup = nodeVerb({
  name: 'group.set',
  summary: 'change what a group has agreed on',
  needs: 'network',
  params: { group, ...settings },
  positionals: ['group'],
  result: groupLine,
  async *run({ group: reference, ...given }, context) {
    const wanted = settingsIn(given)
    if (Object.keys(wanted).length === 0) {
      throw new HearsayError('INVALID_ARGUMENT', {
        message: 'Nothing is to be changed.',
        hint: 'Give --may-add, --history or both.'
      })
    }
    yield await changed(await context.node.groups.configure(reference, wanted), context)
  },
  text: groupInfoText
})

export const inviteToGroup = nodeVerb({
  name: 'group.invite',
  summary: 'make a link that brings others into a group',
  details:
    'Whoever has the link may come in with this role, until it expires or you end it: hearsay invites revoke. Give it out as carefully as the group deserves.',
  needs: 'network',
  params: {
    group,
    role: z
      .enum(['member', 'admin'])
      .default('member')
      .meta({ description: 'what they become', value: 'ROLE' }),
    expires: duration('when it ends; default 7d').optional(),
    qr
  },
  positionals: ['group'],
  result: inviteLine,
  async *run({ group: reference, role, expires }, { node }) {
    const lifetime = expires === undefined ? {} : { expiresInMs: expires }
    yield inviteFact(await node.groups.invite(reference, { role, ...lifetime }))
  },
  text: ({ link }, _paint, params) => linkText(link, params.qr)
})

export const joinGroup = nodeVerb({
  name: 'group.join',
  summary: 'come into a group by a link',
  details:
    'Whoever made the link becomes your contact. The group appears once a node of theirs has answered: hearsay group list.',
  needs: 'network',
  params: {
    link: z.string().meta({ description: 'the link; - reads it from standard input', standardInput: true }),
    name: z.string().optional().meta({ description: 'what you call whoever made it' }),
    until: untilReady,
    timeout
  },
  positionals: ['link', 'name'],
  result: contactLine,
  async *run({ link, name, until, timeout: timeoutMs }, context) {
    const { node } = context
    const contact = await node.groups.join(link.trim(), name === undefined ? {} : { name })
    const failure = await answerOf(signal => node.contacts.ready(contact, { signal }), {
      required: until === 'ready',
      timeoutMs,
      hint: 'The request waits. Look again later: hearsay group list',
      context
    })
    yield contactFact(await node.contacts.get(contact.id), (await namesOf(node)).alike)
    if (failure !== undefined) throw failure.cause
  },
  text: contactText
})
