/**
 * Who belongs to a group in truth: by all operations that its members have on their disks, judged by the slow twin
 * of the roster, whatever any node thinks that they come to.
 */
import type { OperationId } from 'hearsay'
import { OPERATIONS } from '../../../src/core/roster-sync.ts'
import { operationId } from '../../../src/core/seal/roster-seal.ts'
import { decodeOperation } from '../../../src/wire/roster-operation.ts'
import { Story } from '../../core/roster-story.ts'
import type { Told } from '../../core/roster-story.ts'
import { twin } from '../../core/roster-twin.ts'
import type { Circle } from './circle.ts'

/** What the operations come to. */
export type View = ReturnType<typeof twin>['view']

export interface Truth {
  readonly view: View
  /** The names of the honest among the members. */
  readonly names: readonly string[]
}

/** Who belongs to the group now. */
export function truthOf(circle: Circle): Truth {
  const { honest, chronicle } = circle
  let among: readonly string[] = honest
  for (;;) {
    const view = judged(new Map(among.flatMap(name => operationsOn(circle, name))))
    const inside = new Set(view.members.map(({ identity }) => identity))
    const names = honest.filter(name => inside.has(chronicle.identityOf(name)))
    // What only somebody knows who is out is nobody's business any more.
    const fewer = among.filter(name => names.includes(name))
    if (fewer.length === among.length) return { view, names }
    among = fewer
  }
}

function operationsOn({ net, group }: Circle, name: string): Array<[string, Uint8Array]> {
  return net
    .machine(name)
    .disk.surviving(OPERATIONS)
    .filter(({ key }) => key.startsWith(`${group}/`))
    .map(({ key, value }) => [key, value])
}

/** The last answers, by the operations asked about: it is asked often, and slow. */
const answers = new Map<string, View>()
const ANSWERS_MAX = 16

function judged(operations: ReadonlyMap<string, Uint8Array>): View {
  const key = [...operations.keys()].sort().join()
  const known = answers.get(key)
  if (known !== undefined) return known
  const told = historyOf([...operations.values()])
  // The twin wants a story that somebody made up; this one was lived.
  const story = Object.assign(Object.create(Story.prototype) as Story, { told })
  const { view } = twin(story, [...told.keys()])
  answers.set(key, view)
  if (answers.size > ANSWERS_MAX) answers.delete(answers.keys().next().value!)
  return view
}

/** The operations whose whole past is there, parents first. */
function historyOf(all: readonly Uint8Array[]): Map<OperationId, Told> {
  const told = new Map<OperationId, Told>()
  let waiting = all.map(bytes => ({ id: operationId(bytes), bytes, operation: decodeOperation(bytes) }))
  for (;;) {
    const ready = waiting.filter(({ operation }) => operation.parents.every(parent => told.has(parent)))
    if (ready.length === 0) return told
    for (const each of ready) {
      const past = new Set(each.operation.parents.flatMap(parent => [parent, ...told.get(parent)!.past]))
      told.set(each.id, { ...each, past })
    }
    waiting = waiting.filter(each => !ready.includes(each))
  }
}
