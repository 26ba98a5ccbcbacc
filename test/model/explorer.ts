/**
 * The explorer: walks every schedule of a scenario, and from every state it meets lets the network heal and
 * sees whether all comes right.
 *
 * What is asked of each state:
 * - safety: nothing was sealed on a tree with a device that its author knew to be dropped; nobody follows two
 *   commits in a row by which one author lengthens a branch alone.
 * - convergence: after a fair completion without new events all members that are there have one head, its tree
 *   is the roster, and every message has been opened by all whom it was for.
 * A completion is one schedule among many; but every state on every other schedule is met by the walk as well
 * and has completions of its own. So whatever happens, all can still come right, and devices whose turns are
 * random get there with probability one.
 */
import { bits, has, NAMES, namesOf } from './bits.ts'
import { begin, keyOf } from './model.ts'
import type { Model, State } from './model.ts'
import { commits, deliveries, pleas, stepsFrom, withDevice, withOutcome } from './steps.ts'
import type { Bounds } from './steps.ts'

const DEVICES = [0, 1, 2] as const
const ROUNDS_MAX = 40

/** How a completion goes: in whose order, all at once or by turns, and whether the removed and hostile go on sending. */
export interface Fairness {
  readonly order: readonly number[]
  readonly together: boolean
  readonly silent: boolean
}

const ORDERS = [
  [0, 1, 2],
  [2, 1, 0],
  [1, 2, 0]
] as const

/** The completions that every state has to survive. */
export const FAIRNESS: readonly Fairness[] = [
  { order: ORDERS[0], together: false, silent: true },
  { order: ORDERS[1], together: true, silent: false },
  { order: ORDERS[2], together: true, silent: true }
]

export interface Result {
  readonly states: number
  readonly steps: number
  readonly completions: number
  /** States that were not followed further because of the bounds, only completed. */
  readonly cut: number
  readonly counterexample: Counterexample | undefined
}

/** A shortest schedule that breaks a promise. */
export interface Counterexample {
  readonly promise: string
  readonly schedule: readonly string[]
  readonly state: State
}

interface Node {
  readonly state: State
  readonly from: Node | undefined
  readonly what: string
}

/** Walks all schedules, the shortest first, until a promise breaks or none are left. */
export function explore(
  model: Model,
  bounds: Bounds,
  options: { statesMax?: number; completeAll?: boolean } = {}
): Result {
  const start: Node = { state: begin(model.scenario), from: undefined, what: 'the group begins' }
  const met = new Set([keyOf(start.state)])
  const completed = new Map<string, string | undefined>()
  const completions = { made: 0 }
  let frontier = [start]
  const counts = { steps: 0, cut: 0 }
  const result = (counterexample?: Counterexample): Result => ({
    states: met.size,
    completions: completions.made,
    counterexample,
    ...counts
  })
  while (frontier.length > 0) {
    const next: Node[] = []
    for (const node of frontier) {
      const broken = unsafe(model, node.state) ?? unfinished(model, node.state, completed, completions)
      if (broken !== undefined)
        return result({ ...broken, schedule: [...scheduleOf(node), ...broken.schedule] })
      const steps = stepsFrom(model, node.state, bounds)
      counts.steps += steps.length
      if (node.state.epochs.length >= bounds.epochs) counts.cut += 1
      for (const { what, next: state } of steps) {
        const key = keyOf(state)
        if (met.has(key)) continue
        met.add(key)
        next.push({ state, from: node, what })
      }
      if (met.size > (options.statesMax ?? Infinity)) throw new Error(`more than ${met.size} states`)
    }
    frontier = next
  }
  return result()
}

const scheduleOf = (node: Node): string[] =>
  node.from === undefined ? [] : [...scheduleOf(node.from), node.what]

/** What must never be, whatever comes after. */
function unsafe(model: Model, state: State): Counterexample | undefined {
  const broken = (promise: string): Counterexample => ({ promise, schedule: [], state })
  for (const [i, { done, seals, past }] of state.outcomes.entries()) {
    if (!done || model.scenario.events[i]!.type !== 'message') continue
    for (const e of bits(seals))
      if ((state.epochs[e]!.tree & ~past) !== 0) return broken('the dropped read nothing new')
  }
  for (const [e, { parent, author, adds, removes, operations }] of state.epochs.entries()) {
    if (parent < 0) continue
    const alone = adds + removes === 0 && state.epochs[parent]!.author === author
    const followed = DEVICES.some(d => d !== author && has(state.devices[d]!.seen, e))
    if (alone && followed) return broken('nobody lengthens a branch alone')
    const evicted = removes & ~adds & model.roster(state, operations)
    const invited = adds & ~model.roster(state, operations)
    if ((evicted | invited) !== 0 && followed) return broken('only the roster says who is a member')
  }
  return undefined
}

function unfinished(
  model: Model,
  state: State,
  completed: Map<string, string | undefined>,
  completions: { made: number }
): Counterexample | undefined {
  for (const fairness of FAIRNESS) {
    const log: string[] = []
    completions.made += 1
    const broken = complete(model, state, fairness, log, completed)
    if (broken !== undefined)
      return { promise: broken.promise, schedule: ['… and then all is quiet:', ...log], state: broken.state }
  }
  return undefined
}

/** Delivers everything, lets everybody act in turn, and says what has not come right. */
export function complete(
  model: Model,
  from: State,
  fairness: Fairness,
  log: string[] = [],
  completed: Map<string, string | undefined> = new Map()
): { promise: string; state: State } | undefined {
  let state = learnAll(model, from, log)
  const keys: string[] = []
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const key = `${fairness.order.join('')}${fairness.together}${fairness.silent}${Math.min(round, 3)}${keyOf(state)}`
    if (completed.has(key)) {
      if (completed.get(key) === undefined) {
        for (const each of keys) completed.set(each, undefined)
        return undefined
      }
    }
    keys.push(key)
    state = deliverAll(model, state, fairness, log)
    state = askAll(model, state, fairness, log)
    state = openAll(model, state)
    const together = fairness.together && round < 3
    const acted = commitTurn(model, state, fairness, together, log) ?? resealAll(model, state, log)
    if (acted === undefined) break
    if (typeof acted === 'string') return { promise: acted, state }
    state = acted
    if (round === ROUNDS_MAX - 1) return { promise: 'it ends', state }
  }
  const promise = notRight(model, state)
  if (promise === undefined) for (const each of keys) completed.set(each, undefined)
  return promise === undefined ? undefined : { promise, state }
}

/** Who acts in a completion: honest, and a member as far as it knows. */
const isLive = (model: Model, state: State, d: number): boolean =>
  !isHostile(model, d) && model.isMember(state, d)

const isHostile = (model: Model, d: number): boolean => has(model.hostile, d)

/** Operations are not their author's to keep: whoever has one gives it to the others. */
function learnAll(model: Model, from: State, log: string[]): State {
  let state = from
  for (const d of DEVICES)
    for (;;) {
      const step = deliveries(model, state, d).find(({ what }) => what.includes('learns'))
      if (step === undefined) break
      log.push(step.what)
      state = step.next
    }
  return state
}

/** Everything on its way arrives, but for what the hostile and the removed do not send any more. */
function deliverAll(model: Model, from: State, { silent, order }: Fairness, log: string[]): State {
  let state = from
  for (let moved = true; moved;) {
    moved = false
    for (const d of order) {
      if (!isLive(model, state, d)) continue
      const current = state
      const step = deliveries(model, state, d).find(({ next }) => {
        const gained = next.devices[d]!.seen & ~current.devices[d]!.seen
        const { author } = current.epochs[bits(gained)[0]!]!
        return !silent || isLive(model, current, author)
      })
      if (step === undefined) continue
      log.push(step.what)
      state = step.next
      moved = true
    }
  }
  return state
}

/** Fresh reports: who has cause asks, and who has none asks no more. */
function askAll(model: Model, from: State, { order }: Fairness, log: string[]): State {
  let state = from
  const causes = order.filter(d => isLive(model, state, d) && model.hasCauseToAsk(state, d))
  for (const d of order) {
    if (!causes.includes(d)) {
      state = withDevice(state, d, { asks: 0, asksFrom: -1 })
      continue
    }
    const step = pleas(model, state, d)[0]
    if (step === undefined) continue
    log.push(step.what)
    state = step.next
  }
  return state
}

function openAll(model: Model, from: State): State {
  let state = from
  for (const [i, { done, seals, opened }] of state.outcomes.entries()) {
    if (!done || model.scenario.events[i]!.type !== 'message') continue
    const readers = DEVICES.filter(d => (state.devices[d]!.held & seals) !== 0)
    state = withOutcome(state, i, { opened: readers.reduce((set, d) => set | (1 << d), opened) })
  }
  return state
}

/** The first in order commits, or all do before anything is delivered. Undefined where nobody has anything to. */
function commitTurn(
  model: Model,
  from: State,
  { order }: Fairness,
  together: boolean,
  log: string[]
): State | undefined {
  let state = from
  let acted = false
  for (const d of order) {
    if (!isLive(model, state, d)) continue
    // The first of the ways to commit has heard every plea; an id that comes last loses every tie.
    const step = commits(model, state, d)[0]
    if (step === undefined) continue
    log.push(step.what)
    state = step.next
    acted = true
    if (!together) break
  }
  return acted ? state : undefined
}

/** Authors seal again what somebody could not open. A promise by name where that breaks one. */
function resealAll(model: Model, from: State, log: string[]): State | string | undefined {
  if (!model.rules.nack) return undefined
  let state = from
  for (const [i, { by }] of model.scenario.events.entries()) {
    const { done, seals, opened } = state.outcomes[i]!
    if (!done || missingReaders(model, state, i) === 0 || isHostile(model, by)) continue
    const head = model.head(state, by)
    if (head < 0 || has(seals, head) || !model.maySeal(state, by)) continue
    if (!model.rules.keepPlaintext && (opened & ~(1 << by)) !== 0) continue
    const roster = model.roster(state, state.devices[by]!.known)
    if ((state.epochs[head]!.tree & ~roster) !== 0) return 'the dropped read nothing new'
    log.push(`${NAMES[by]!} seals its message again on epoch ${head}`)
    state = withOutcome(state, i, { seals: seals | (1 << head) })
  }
  return state === from ? undefined : state
}

/** Whom a message was for and who has not opened it: members ever since, and its author one of them. */
function missingReaders(model: Model, state: State, i: number): number {
  const event = model.scenario.events[i]!
  const { done, past, opened } = state.outcomes[i]!
  if (event.type !== 'message' || !done) return 0
  const roster = model.roster(state, everything(model, state))
  const removed = model.scenario.events.reduce(
    (set, each, j) => (each.type === 'remove' && state.outcomes[j]!.done ? set | (1 << each.target) : set),
    0
  )
  const stayed = roster & ~removed
  if (!has(stayed, event.by)) return 0
  const honest = DEVICES.filter(d => !isHostile(model, d)).reduce<number>((set, d) => set | (1 << d), 0)
  return past & stayed & honest & ~opened & ~(1 << event.by)
}

const everything = (model: Model, state: State): number =>
  state.outcomes.reduce((set, { done }, i) => {
    const { type } = model.scenario.events[i]!
    return done && (type === 'add' || type === 'remove') ? set | (1 << i) : set
  }, 0)

/** Which promise is not kept when nothing more happens. */
function notRight(model: Model, state: State): string | undefined {
  const roster = model.roster(state, everything(model, state))
  const there = DEVICES.filter(d => has(roster, d) && !isHostile(model, d))
  const heads = new Set(there.map(d => model.head(state, d)))
  if (heads.size > 1)
    return `all have one head (${there.map(d => `${NAMES[d]}: ${model.head(state, d)}`).join(', ')})`
  const head = [...heads][0]
  if (head === undefined) return undefined
  if (head < 0) return 'all have a head'
  const { tree } = state.epochs[head]!
  if ((tree & ~roster) !== 0 || there.some(d => !has(tree, d)))
    return `the tree is the roster (${namesOf(tree)} instead of ${namesOf(roster)})`
  const lost = state.outcomes.findIndex((_, i) => missingReaders(model, state, i) !== 0)
  return lost < 0
    ? undefined
    : `everybody opens what was meant for them (not ${namesOf(missingReaders(model, state, lost))})`
}

/** A counterexample as people read it. */
export function format({ promise, schedule, state }: Counterexample): string {
  const epochs = state.epochs.map(
    (e, i) =>
      `  epoch ${i}: length ${e.length}, on ${e.parent}, by ${NAMES[e.author]!}, tree ${namesOf(e.tree)}, operations ${bits(e.operations).join() || 'none'}`
  )
  const devices = state.devices.map(
    (d, i) => `  ${NAMES[i]!}: knows ${bits(d.known).join() || 'nothing'}, holds ${bits(d.held).join()}`
  )
  return [
    `broken: ${promise}`,
    ...schedule.map((each, i) => `  ${i + 1}. ${each}`),
    ...epochs,
    ...devices
  ].join('\n')
}
