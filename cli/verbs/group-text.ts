/** Groups, their members and invitations to them as a person reads them. */
import type { GroupFact, InvitationFact, MemberFact } from '../group-facts.ts'
import type { Paint } from '../output/paint.ts'
import { counted, groupName, localMoment, person, row, shortFingerprint } from '../output/people.ts'
import { joined, literal, safe, safeName, words, type SafeText } from '../output/safe-text.ts'

/** How a group is, in a few words. */
function groupState(group: GroupFact, paint: Paint): SafeText {
  switch (group.state) {
    case 'joining':
      return literal('you said yes; waits for a member to take you in')
    case 'left':
      return paint('dim', literal('you left'))
    case 'removed':
      return paint('red', literal('you were removed'))
    case 'joined': {
      const invited = group.invited.length === 0 ? literal('') : words`, ${group.invited.length} asked`
      // A person can do nothing about it, but a message sent now may take until then.
      const settling = group.settled ? literal('') : paint('yellow', literal(', a change is under way'))
      return words`${counted(group.members.length, 'member')}${invited}${settling}`
    }
  }
}

/** A group in one row. */
export const groupText = (group: GroupFact, paint: Paint): SafeText =>
  row(groupName(group, paint), groupState(group, paint))

function memberText(member: MemberFact, paint: Paint): SafeText {
  const facts = [safe(member.role)]
  if (member.self) facts.push(literal('you'))
  facts.push(counted(member.devices.length, 'device'))
  if (!member.self && !member.verified) facts.push(paint('dim', literal('not verified')))
  // Nobody compares a safety number with themselves.
  const shown = { ...member, verified: member.verified && !member.self }
  return row(person(shown, paint), joined(facts, ', '))
}

/** A group and its members, one row each. */
export const membersText = (group: GroupFact, paint: Paint): SafeText =>
  joined(
    [
      groupText(group, paint),
      ...group.members.map(member => memberText(member, paint)),
      ...group.invited.map(invited => row(invitedName(invited), literal('asked, has not answered')))
    ],
    '\n'
  )

const invitedName = ({ name, id }: GroupFact['invited'][number]): SafeText =>
  name === '' ? shortFingerprint(id) : safeName(name)

/** Everything about a group. */
export function groupInfoText(group: GroupFact, paint: Paint): SafeText {
  const { mayAdd, history } = group.settings
  return joined(
    [
      membersText(group, paint),
      row(literal('may add'), mayAdd === 'admins' ? literal('admins') : literal('every member')),
      row(
        literal('newcomers'),
        history === 0 ? literal('see no earlier message') : words`see ${lastMessages(history)}`
      ),
      row(literal('id'), safe(group.id)),
      row(literal('epoch'), group.epoch === null ? literal('(none yet)') : safe(group.epoch)),
      row(literal('suite'), safe(group.suite))
    ],
    '\n'
  )
}

const lastMessages = (count: number): SafeText =>
  count === 1 ? literal('the last message') : words`the last ${count} messages`

/** What an invitation asks, in one sentence. The group's name is the inviter's word. */
export function invitationWords(invitation: InvitationFact, paint: Paint): SafeText {
  const { from, name, members, role } = invitation
  const who = person({ ...from, verified: false }, paint)
  const as = role === 'member' ? literal('') : words` as ${safe(role)}`
  return words`${who} asks you into #${safeName(name)} (${counted(members, 'member')})${as}`
}

/** An invitation in one row, with the beginning of the id by which it is accepted. */
export const invitationText = (invitation: InvitationFact, paint: Paint): SafeText =>
  row(
    safe(invitation.id.slice(0, 8)),
    words`${invitationWords(invitation, paint)}, ${localMoment(invitation.receivedAt)}`
  )
