/** What changed in a group, as lines of the chat. */
import type { GroupFact, MemberFact } from '../group-facts.ts'
import type { Paint } from '../output/paint.ts'
import { counted, groupName, person } from '../output/people.ts'
import { literal, safe, safeName, words, type SafeText } from '../output/safe-text.ts'

/** Lines for what became of ourselves. */
function ownNews(before: GroupFact | undefined, after: GroupFact, paint: Paint): readonly SafeText[] {
  if (before?.state === after.state) return []
  const name = groupName(after, paint)
  switch (after.state) {
    case 'joined':
      // Whoever founded it just now has been told by the verb.
      if (before === undefined && after.members.length <= 1) return []
      return [words`you are in ${name} now: ${counted(after.members.length, 'member')}`]
    case 'removed':
      return [paint('red', words`you were removed from ${name}`)]
    case 'joining':
    case 'left':
      return []
  }
}

/** Lines for what became of somebody who was a member before and is one now. */
function memberNews(before: MemberFact, after: MemberFact, name: SafeText, paint: Paint): SafeText[] {
  const who = after.self ? literal('you are') : words`${person(after, paint)} is`
  const news: SafeText[] = []
  if (before.role !== after.role) news.push(words`${name}: ${who} ${safe(after.role)} now`)
  if (before.devices.length !== after.devices.length && !after.self) {
    news.push(words`${name}: ${person(after, paint)} has ${counted(after.devices.length, 'device')} now`)
  }
  return news
}

/** Everything that a person should see of a change; nothing where only keys have moved on. */
export function groupNews(
  before: GroupFact | undefined,
  after: GroupFact,
  paint: Paint
): readonly SafeText[] {
  const own = ownNews(before, after, paint)
  // What happened while we were not in is no news of ours.
  if (before?.state !== 'joined' || after.state !== 'joined') return own
  const name = groupName(after, paint)
  const news: SafeText[] = []
  if (before.name !== after.name) news.push(words`#${safeName(before.name)} is called ${name} now`)
  const were = new Map(before.members.map(member => [member.id, member]))
  const are = new Set(after.members.map(({ id }) => id))
  for (const member of after.members) {
    const was = were.get(member.id)
    if (was === undefined) news.push(words`${name}: ${person(member, paint)} is in`)
    else news.push(...memberNews(was, member, name, paint))
  }
  for (const member of before.members) {
    if (!are.has(member.id)) news.push(words`${name}: ${person(member, paint)} is out`)
  }
  if (JSON.stringify(before.settings) !== JSON.stringify(after.settings)) {
    news.push(words`${name} has other settings: /group info`)
  }
  return news
}
