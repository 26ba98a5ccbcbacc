/** Faults that somebody might write into groups one day, and those that only a member in bad faith can use. */
import type { Fault } from '../faults.ts'

const world = 'groups'

export const groupFaults: readonly Fault[] = [
  {
    name: 'first-come-first-head',
    why: 'Of two branches of one length the one that came first counts.',
    file: 'src/core/heads.ts',
    find: '  return a.epoch < b.epoch ? -1 : 1\n',
    replace: '  return 0\n',
    budget: 60,
    world
  },
  {
    name: 'refusals-kept-quiet',
    why: 'Nobody says what it cannot open.',
    file: 'src/core/report.ts',
    find: '    unopened: refused(conversation),\n',
    replace: '    unopened: [],\n',
    budget: 60,
    world
  },
  {
    name: 'never-sealed-again',
    why: 'What was sealed on a branch that lost stays there.',
    file: 'src/core/compose.ts',
    find: '  if (!maySeal(conversation)) return item\n',
    replace: '  if (!maySeal(conversation) || item.envelopes.length > 0) return item\n',
    budget: 60,
    world
  },
  {
    name: 'nobody-asks',
    why: 'Who cannot follow says nothing.',
    file: 'src/core/reconcile.ts',
    find: '  askWhereBehind(conversation, turn)\n  if',
    replace: '  if',
    budget: 60,
    world
  },
  {
    name: 'seals-for-the-removed',
    why: 'Messages do not wait for the commit that puts the removed out.',
    file: 'src/core/group.ts',
    find: '    return this.#head?.clean ?? true\n',
    replace: '    return true\n',
    budget: 60,
    world
  },
  {
    name: 'any-commit-counts',
    why: 'A commit counts though its past does not justify it.',
    file: 'src/core/group.ts',
    find: '      return verdict.why === undefined\n',
    replace: '      return verdict.why !== WAITING\n',
    budget: 60,
    world,
    hostile: 'removes-without-right'
  },
  {
    name: 'ban-lost-in-a-merge',
    why: 'A removal counts only where its author knew of everything else that was said.',
    file: 'src/core/roster/verdict.ts',
    find: '    if (removals.some(removal => !precedes(removal.node, node))) return false\n',
    replace:
      '    const all = [...this.#valid]\n' +
      '    if (removals.some(({ node: removal }) => !precedes(removal, node) && !all.some(other => concurrent(other, removal)))) return false\n',
    budget: 60,
    world
  },
  {
    name: 'branch-lengthened-alone',
    why: 'Whoever commits most often by itself has the best branch.',
    file: 'src/core/commit-order.ts',
    find: "    return author === parentAuthor ? 'a commit on top of its author’s own' : undefined\n",
    replace: '    return undefined\n',
    budget: 60,
    world,
    hostile: 'lengthens-alone'
  },
  {
    name: 'epochs-forgotten-at-once',
    why: 'Only the head is kept.',
    file: 'src/core/group.ts',
    find: '      if (passed || old || rank > spec.epochsKeptMax) this.#drop(turn, held)\n',
    replace: '      if (passed || old || rank > 0) this.#drop(turn, held)\n',
    budget: 60,
    world
  },
  {
    name: 'equivocation-unseen',
    why: 'Nobody looks whether an entry names the one that was there before it.',
    file: 'src/core/inbox.ts',
    find: '  const equivocated = !equal(entry.previous, log.hash)\n',
    replace: '  const equivocated = entry.sequence < 0\n',
    budget: 60,
    world,
    hostile: 'tells-two-stories'
  },
  {
    name: 'nobody-is-taken-in-again',
    why: 'Who says that it cannot follow is left where it is.',
    file: 'src/core/compose.ts',
    find: '      asking: new Set([...asking.keys()].filter(device => !conversation.admitted.has(device))),\n',
    replace: '      asking: new Set(),\n',
    budget: 60,
    world
  },
  {
    name: 'removal-untold',
    why: 'Who was away when it was removed is never told.',
    file: 'src/core/linking.ts',
    find: '      tellParted(conversation, turn, peer, out)\n',
    replace: '',
    budget: 60,
    world
  }
]
