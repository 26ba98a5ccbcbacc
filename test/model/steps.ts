/**
 * Everything that may happen next in the model, in any order: the schedules are all paths through these steps.
 *
 * What is left out, and why nothing is lost by it:
 * - An envelope that cannot be processed yet waits; that is the same as one that has not arrived yet.
 * - A report is heard at any time: a plea, once made, can be answered until a newer one replaces it, also by who
 *   has not heard that its author has moved on since.
 * - Messages are opened last of all, when everything else is over. A message that was opened earlier only makes
 *   less work: no step depends on that an entry has been opened, so who never opens has all the troubles of who
 *   does. For the same reason nothing is sealed again before.
 * - A crash loses what is in memory. All else is on disk before it leaves a device, so that a crash at any moment
 *   leaves either the state before a step or the one after it. In memory are pleas and what waits.
 * - A duplicate is something that was seen before. Commits and welcomes that were are refused by the model as by
 *   MLS, whose keys for them are gone.
 */
import { bits, has, NAMES, namesOf } from './bits.ts'
import type { Device, Epoch, Event, Model, Outcome, State, Step } from './model.ts'

const DEVICES = [0, 1, 2] as const

/** Beyond these a schedule is not followed further, but completed from where it is. */
export interface Bounds {
  readonly epochs: number
  /** Key packages that one device gives out. */
  readonly keyPackages: number
}

/** All that may happen next, without what changes nothing. */
export function stepsFrom(model: Model, state: State, bounds: Bounds): Step[] {
  const steps: Step[] = []
  const room = state.epochs.length < bounds.epochs
  for (const d of DEVICES) {
    steps.push(...deliveries(model, state, d))
    // What a hostile device commits, and when, is an event of its own.
    if (has(model.hostile, d)) continue
    if (room) steps.push(...commits(model, state, d))
    if (state.devices[d]!.keyPackages < bounds.keyPackages || !isUsedUp(state, d))
      steps.push(...pleas(model, state, d))
  }
  for (const [i, event] of model.scenario.events.entries())
    if (!state.outcomes[i]!.done && (room || !commitsAtOnce(event)))
      steps.push(...eventSteps(model, state, event, i))
  return steps
}

const commitsAtOnce = ({ type }: Event): boolean => type === 'renew' || type === 'extend' || type === 'evict'

/** Operations, commits and welcomes that reach a device. */
export function deliveries(model: Model, state: State, d: number): Step[] {
  const steps: Step[] = []
  const { known } = state.devices[d]!
  for (const [i, { done, past }] of state.outcomes.entries()) {
    const event = model.scenario.events[i]!
    if (!done || (event.type !== 'add' && event.type !== 'remove') || has(known, i)) continue
    if ((past & ~known) !== 0) continue
    const next = withDevice(state, d, { known: known | (1 << i) })
    steps.push({ what: `${NAMES[d]!} learns that ${describe(event)}`, next: settle(model, next, d) })
  }
  for (let e = 1; e < state.epochs.length; e++) {
    if (model.canFollow(state, d, e))
      steps.push({
        what: `${NAMES[d]!} follows the commit to epoch ${e}`,
        next: hold(model, state, d, e, 0)
      })
    else if (model.canJoin(state, d, e))
      steps.push({
        what: `${NAMES[d]!} joins epoch ${e}`,
        next: hold(model, state, d, e, 1 << state.epochs[e]!.keyPackages[d]!)
      })
  }
  return steps
}

/** Commits that bring a head to what the roster says, having heard of any of the pleas. */
export function commits(model: Model, state: State, d: number): Step[] {
  const steps: Step[] = []
  const asking = model.asking(state, d)
  const keys = new Set<string>()
  for (let heard = asking; ; heard = (heard - 1) & asking) {
    const change = model.plan(state, d, heard)
    const key = JSON.stringify(change)
    if (change !== undefined && !keys.has(key) && mayCommit(model, state, d)) {
      keys.add(key)
      const commit = {
        ...change,
        parent: model.head(state, d),
        author: d,
        operations: state.devices[d]!.known
      }
      steps.push(...committing(model, state, commit))
    }
    if (heard === 0) return steps
  }
}

/** Without the rule to commit what others have left undone, an author commits for each operation, once. */
function mayCommit(model: Model, state: State, d: number): boolean {
  if (model.rules.recommit) return true
  const { known } = state.devices[d]!
  return bits(known).some(
    i =>
      model.scenario.events[i]!.by === d &&
      !state.epochs.some(({ author, operations }) => author === d && has(operations, i))
  )
}

/** A device that has cause asks, with a key package that nobody has used. */
export function pleas(model: Model, state: State, d: number): Step[] {
  if (!model.hasCauseToAsk(state, d)) return []
  const { asks, asksFrom, keyPackages } = state.devices[d]!
  const from = model.head(state, d)
  // A plea that was answered in vain, because the welcome was lost or is on another branch, needs a new key package.
  const number = isUsedUp(state, d) ? keyPackages + 1 : keyPackages
  if (asks === number && asksFrom === from) return []
  const next = withDevice(state, d, { asks: number, asksFrom: from, keyPackages: number })
  return [{ what: `${NAMES[d]!} asks to be admitted to a better head`, next }]
}

/** Whether the newest key package of a device has been used, by itself or by others. */
function isUsedUp(state: State, d: number): boolean {
  const { keyPackages, spent } = state.devices[d]!
  return (
    keyPackages === 0 ||
    has(spent, keyPackages) ||
    state.epochs.some(epoch => epoch.keyPackages[d] === keyPackages)
  )
}

function eventSteps(model: Model, state: State, event: Event, i: number): Step[] {
  const d = event.by
  const member = model.isMember(state, d)
  const { known, held, seen } = state.devices[d]!
  const head = model.head(state, d)
  switch (event.type) {
    case 'add':
    case 'remove': {
      const target = has(model.roster(state, known), event.target)
      if (!member || target === (event.type === 'add')) return []
      return [{ what: `${NAMES[d]!} decides that ${describe(event)}`, next: operate(model, state, event, i) }]
    }
    case 'message': {
      if (!model.maySeal(state, d)) return []
      const outcome = { done: true, past: model.roster(state, known), seals: 1 << head }
      return [{ what: `${NAMES[d]!} seals a message on epoch ${head}`, next: withOutcome(state, i, outcome) }]
    }
    case 'renew': {
      if (!model.mayRenew(state, d)) return []
      return committing(model, withOutcome(state, i, { done: true }), nothing(head, d, known))
    }
    case 'crash': {
      if (state.devices[d]!.asks === 0) return []
      const next = withDevice(withOutcome(state, i, { done: true }), d, { asks: 0, asksFrom: -1 })
      return [{ what: `${NAMES[d]!} crashes`, next }]
    }
    case 'age': {
      if (head < 0 || held === 1 << head) return []
      const next = withDevice(withOutcome(state, i, { done: true }), d, { held: 1 << head })
      return [{ what: `${NAMES[d]!} forgets all epochs but its head`, next }]
    }
    case 'extend':
    case 'evict':
      return hostile(model, withOutcome(state, i, { done: true }), event, seen)
  }
}

/** Commits by a device that keeps every epoch it ever had and follows no rule of its own. */
function hostile(
  model: Model,
  state: State,
  event: Extract<Event, { type: 'extend' | 'evict' }>,
  seen: number
): Step[] {
  const d = event.by
  const victims = event.type === 'evict' ? 1 << event.target : 0
  return bits(seen).flatMap(parent => {
    const { tree, operations } = state.epochs[parent]!
    if (!has(tree, d) || (tree & victims) !== victims) return []
    const pasts = new Set([0, operations, state.devices[d]!.known])
    return [...pasts].flatMap(past => {
      const none = nothing(parent, d, past)
      const commit = { ...none, removes: tree & victims }
      return committing(model, state, commit).filter(
        ({ next }) => !model.rules.justified || countsAll(model, next)
      )
    })
  })
}

/** Commits that do not count are refused by everybody: they need not be followed here either. */
const countsAll = (model: Model, state: State): boolean =>
  state.epochs.every((epoch, e) => epoch.parent < 0 || model.counts(state, e))

const nothing = (parent: number, author: number, operations: number): Commit => ({
  parent,
  author,
  operations,
  adds: 0,
  removes: 0,
  keyPackages: DEVICES.map(() => 0)
})

type Commit = Omit<Epoch, 'length' | 'tree'>

/** A new epoch, once for each place that its id may have among those of its length. */
export function committing(model: Model, state: State, commit: Commit): Step[] {
  const { parent, author, adds, removes } = commit
  const length = state.epochs[parent]!.length + 1
  const tree = (state.epochs[parent]!.tree & ~removes) | adds
  const first = state.epochs.filter(each => each.length < length).length
  const last = state.epochs.filter(each => each.length <= length).length
  const steps: Step[] = []
  for (let at = first; at <= last; at++) {
    const inserted = insert(state, at, { ...commit, length, tree })
    const sealing = [adds && `adds ${namesOf(adds)}`, removes && `removes ${namesOf(removes)}`].filter(
      Boolean
    )
    const what = `${NAMES[author]!} commits on epoch ${parent}: ${sealing.join(', ') || 'renews keys'} (now epoch ${at}, length ${length})`
    steps.push({ what, next: hold(model, inserted, author, at, 0) })
  }
  return steps
}

function operate(model: Model, state: State, event: Event, i: number): State {
  const { known } = state.devices[event.by]!
  let next = withDevice(state, event.by, { known: known | (1 << i) })
  let keyPackage = 0
  if (event.type === 'add') {
    keyPackage = next.devices[event.target]!.keyPackages + 1
    next = withDevice(next, event.target, { keyPackages: keyPackage })
  }
  return settle(model, withOutcome(next, i, { done: true, past: known, keyPackage }), event.by)
}

/** Takes in an epoch, with what it costs: a key package that is used up, and the worst of the epochs kept. */
function hold(model: Model, state: State, d: number, e: number, spending: number): State {
  const { held, seen, spent } = state.devices[d]!
  const change = {
    held: held | (1 << e),
    seen: seen | (1 << e),
    spent: spent | spending,
    newest: model.rules.headRule ? 0 : e
  }
  return settle(model, withDevice(state, d, change), d)
}

function settle(model: Model, state: State, d: number): State {
  const { held, known, newest } = state.devices[d]!
  const { kept } = model.scenario
  if (bits(held).length <= kept + 1) return state
  const order = model.ranked(state, held, known)
  const head = model.rules.headRule ? order[0]! : newest
  const others = order.filter(e => e !== head).slice(0, kept)
  return withDevice(state, d, { held: [head, ...others].reduce((set, e) => set | (1 << e), 0) })
}

/** Puts an epoch into its place, and moves whatever names those behind it. */
function insert(state: State, at: number, epoch: Epoch): State {
  const moved = (e: number): number => (e >= at ? e + 1 : e)
  const low = (1 << at) - 1
  const spread = (set: number): number => (set & low) | ((set & ~low) << 1)
  const epochs = state.epochs.map(each => ({ ...each, parent: moved(each.parent) }))
  epochs.splice(at, 0, epoch)
  return {
    epochs,
    devices: state.devices.map(each => ({
      ...each,
      held: spread(each.held),
      seen: spread(each.seen),
      asksFrom: moved(each.asksFrom),
      newest: moved(each.newest)
    })),
    outcomes: state.outcomes.map(each => ({ ...each, seals: spread(each.seals) }))
  }
}

export const withDevice = (state: State, d: number, change: Partial<Device>): State => ({
  ...state,
  devices: state.devices.map((each, i) => (i === d ? { ...each, ...change } : each))
})

export const withOutcome = (state: State, i: number, change: Partial<Outcome>): State => ({
  ...state,
  outcomes: state.outcomes.map((each, j) => (i === j ? { ...each, ...change } : each))
})

const describe = (event: Event): string =>
  event.type === 'add' || event.type === 'remove'
    ? `${NAMES[event.target]!} is ${event.type === 'add' ? 'added' : 'removed'} (by ${NAMES[event.by]!})`
    : event.type
