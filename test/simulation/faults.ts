/**
 * Faults that somebody might write one day, as edits of the real source. The simulation is worth what it
 * finds: each fault must be caught within its budget of seeds, or the harness has a blind spot.
 */

import type { World } from './fleet.ts'
import { groupFaults } from './groups/faults.ts'

/** One edit: `find` must be in the file exactly once, so that a fault never stops being planted unnoticed. */
export interface Edit {
  readonly file: string
  readonly find: string
  readonly replace: string
}

export interface Fault extends Edit {
  readonly name: string
  /** What goes wrong then. */
  readonly why: string
  /** How many seeds it may take to catch it. */
  readonly budget: number
  /** What is simulated to catch it; pairs by default. */
  readonly world?: World
  /** The bad faith of a member without which it would not show. */
  readonly hostile?: string
}

const pairFaults: readonly Fault[] = [
  {
    name: 'send-before-persist',
    why: 'Effects leave, receipts among them, before the batch that they speak of is on disk.',
    file: 'src/runtime.ts',
    find: `      outcome = this.#core.take()
`,
    replace: `      outcome = this.#core.take()
      this.#errands.run(outcome.effects.splice(0))
`,
    budget: 60
  },
  {
    name: 'accepted-before-durable',
    why: '`send()` resolves before the message is on disk.',
    file: 'src/runtime.ts',
    find: `      if (outcome.changes.length > 0) await this.#init.store.write(outcome.changes)
`,
    replace: `      for (const each of settle.splice(0)) each()
      if (outcome.changes.length > 0) await this.#init.store.write(outcome.changes)
`,
    budget: 60
  },
  {
    name: 'late-fsync',
    why: 'The disk says done before it is, as disks with a write cache do.',
    file: 'src/testing/disk.ts',
    find: `      this.#visible.apply(owned)
`,
    replace: `      this.#visible.apply(owned)
      resolve()
`,
    budget: 150
  },
  {
    name: 'memory-ahead-of-the-disk',
    why: 'After a refused write the core goes on with changes that are not on disk.',
    file: 'src/runtime.ts',
    find: `      await this.#rebuild()
`,
    replace: `      // Goes on with what it has in memory.
`,
    budget: 150
  },
  {
    name: 'duplicate-shown',
    why: 'A reader that comes back is told its last event again.',
    file: 'src/event-log.ts',
    find: '.filter(event => event.cursor > position)',
    replace: '.filter(event => event.cursor >= position)',
    budget: 60
  },
  {
    name: 'gap-shown',
    why: 'Messages are shown as they arrive, with gaps.',
    file: 'src/core/inbox.ts',
    find: 'const received = log.waiting.get(log.contiguous + 1)',
    replace: 'const [received] = log.waiting.values()',
    budget: 60
  },
  {
    name: 'parents-ignored',
    why: 'A message takes no account of what it answers.',
    file: 'src/core/compose.ts',
    find: 'lamport: facts.lamport + 1,',
    replace: 'lamport: facts.sequence + 1,',
    budget: 60
  },
  {
    name: 'progress-not-persisted',
    why: 'After a restart nobody knows what was shown already.',
    file: 'src/core/records/conversation.ts',
    find: 'logs: [...conversation.inbox.logs.values()],',
    replace: 'logs: [],',
    budget: 60
  },
  {
    name: 'retry-without-back-off',
    why: 'What is not acknowledged is sent again and again.',
    file: 'src/core/transmission.ts',
    find: 'link.resendDelayMs = Math.min(link.resendDelayMs * 2, limits.resendMaxMs)',
    replace: 'link.resendDelayMs = 20',
    budget: 150
  },
  {
    name: 'dial-without-back-off',
    why: 'A contact who is away is dialled every two seconds for ever.',
    file: 'src/core/reach.ts',
    find: 'Math.min(before.delayMs * 2, limits.dialMaxMs)',
    replace: 'limits.dialFirstMs',
    budget: 150
  },
  {
    name: 'redial-at-once',
    why: 'A peer that lets go of every stream is dialled as often as the network allows.',
    file: 'src/core/reach.ts',
    find: 'at: turn.uptime + (served ? 0 : delayMs), delayMs })',
    replace: 'at: turn.uptime, delayMs })',
    budget: 60
  },
  {
    name: 'ratchet-not-persisted',
    why: 'The key of a message is on disk as unused after the message has left.',
    file: 'src/core/group.ts',
    find: `    if (head.author !== this.#self) head.answered = true
    this.#saveRatchets(turn, head)
`,
    replace: `    if (head.author !== this.#self) head.answered = true
`,
    budget: 60
  },
  {
    name: 'delivered-before-the-receipt',
    why: 'Written to the stream passes for arrived.',
    file: 'src/core/outbox.ts',
    find: `this.items.get(sequence)?.sent === true) return 'sent'`,
    replace: `this.items.get(sequence)?.sent === true) return 'delivered'`,
    budget: 60
  },
  {
    name: 'read-when-delivered',
    why: 'Arrived passes for read.',
    file: 'src/core/outbox.ts',
    find: `acknowledges(acknowledged, sequence)) return 'delivered'`,
    replace: `acknowledges(acknowledged, sequence)) return 'read'`,
    budget: 60
  },
  {
    name: 'forgotten-when-sent',
    why: 'The outbox lets go of what the transport has taken.',
    file: 'src/core/transmission.ts',
    find: `    outbox.items.set(sequence, { ...item, sent: true })
`,
    replace: `    outbox.items.set(sequence, { ...item, sent: true })
    outbox.items.delete(sequence)
`,
    budget: 60
  },
  {
    name: 'no-report-on-a-new-stream',
    why: 'Neither side says what it lacks, so nothing is sent.',
    file: 'src/core/transmission.ts',
    find: '  conversation.owe(peer, true)\n  return link\n',
    replace: '  return link\n',
    budget: 60
  },
  {
    name: 'nack-ignored',
    why: 'What the other side cannot open is never sealed again.',
    file: 'src/core/report.ts',
    find: `  if (unopened.length === 0 || !maySeal(conversation)) return
`,
    replace: `  if (unopened.length >= 0 || !maySeal(conversation)) return
`,
    budget: 300
  },
  {
    name: 'answer-not-persisted',
    why: 'An inviter that crashes forgets that it has said yes.',
    file: 'src/core/answering.ts',
    find: `  turn.save(ANSWERS, made.request, () => encodeAnswer(made))
`,
    replace: '',
    budget: 300
  },
  {
    name: 'request-not-persisted',
    why: 'A redeemer that crashes never asks again.',
    file: 'src/core/first-contact.ts',
    find: `    turn.save(OUTGOING, request, () => encodeOutgoing(outgoing))
`,
    replace: '',
    budget: 150
  },
  {
    name: 'inbox-not-persisted',
    why: 'What waits for a gap to fill is gone after a crash, though its receipt has left.',
    file: 'src/core/receive.ts',
    find: `  turn.save(PENDING, key, () => encodePending({ identity, receivedAt, shownAt, entry: bytes }))
`,
    replace: '',
    budget: 300
  }
]

/** All of them: of people in pairs, and of groups. */
export const faults: readonly Fault[] = [...pairFaults, ...groupFaults]

/** The fault of that name. Throws a RangeError where there is none. */
export function faultNamed(name: string): Fault {
  const fault = faults.find(each => each.name === name)
  if (fault === undefined) throw new RangeError(`there is no fault called "${name}"; see --fault list`)
  return fault
}

/** The source with the fault in it. Throws a RangeError when the place is not there exactly once. */
export function plant(fault: Edit, source: string): string {
  const parts = source.split(fault.find)
  if (parts.length !== 2) {
    throw new RangeError(`"${fault.find}" is ${parts.length - 1} times in ${fault.file}, not once`)
  }
  return parts.join(fault.replace)
}
