/**
 * What must be true of a group when the bad day is over: everything said has arrived, once, in one order; one
 * roster, one head and one tree; whoever was removed reads nothing more; and then it is quiet.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Group, Message } from 'hearsay'
import { EPOCHS } from '../../../src/core/group.ts'
import { leavesOf } from '../../../src/core/leaves.ts'
import { decodeHeldEpoch } from '../../../src/core/records/held-epoch.ts'
import { spec } from '../../../src/base/limits.ts'
import { Epoch } from 'hearsay/mls'
import type { GroupSend } from './chronicle.ts'
import type { Circle } from './circle.ts'
import { truthOf } from './truth.ts'
import type { View } from './truth.ts'
import { CONVERGE_WITHIN_MS } from '../promises.ts'

const HISTORY_MAX = 10_000
const SETTLE_MS = 5000
const QUIET_MS = 120_000
const QUIET_EVENTS_PER_SECOND_MAX = 25

/** Messages that a member must have been shown and has not: accepted ones that it was to get. */
function missingFor(circle: Circle, name: string, inside: readonly string[]): GroupSend[] {
  const { shownAt } = circle.chronicle.screen(name)
  return circle.chronicle.sends.filter(
    send => send.outcome === 'accepted' && isDue(circle, send, name, inside) && !shownAt.has(send.text)
  )
}

/**
 * Whether a message is promised to somebody: it was a member for the author, both are members now, and it did
 * not come in anew since.
 */
function isDue({ chronicle }: Circle, send: GroupSend, name: string, inside: readonly string[]): boolean {
  if (!inside.includes(name) || !inside.includes(send.from) || !send.audience.includes(name)) return false
  const cameAt = chronicle.cameAt.get(name) ?? []
  const cameAnew = (at: number | undefined): boolean => at !== undefined && at > send.startedAt
  return name === send.from || cameAt.length < 2 || !cameAnew(cameAt.at(-1))
}

/** What all members see alike. */
const pictureOf = ({ name, state, members, settings, epoch, settled }: Group): string =>
  JSON.stringify({
    name,
    state,
    settings,
    epoch,
    settled,
    members: members.map(({ id, role, devices }) => ({ id, role, devices: [...devices].sort() }))
  })

/**
 * What everybody sees, as one text, where nothing is left to wait for; undefined before. Cheap, since it is asked
 * often; the thorough checks follow.
 */
export async function convergedOn(circle: Circle): Promise<string | undefined> {
  const { net, honest, plan } = circle
  if (circle.busy > 0 || honest.some(name => net.machine(name).running === undefined)) return undefined
  const { names } = truthOf(circle)
  const views = await Promise.all(names.map(name => circle.view(name)))
  const first = views[0]
  if (first === undefined || !first.settled) return undefined
  if (views.some(view => view === undefined || pictureOf(view) !== pictureOf(first))) return undefined
  if (names.some(name => missingFor(circle, name, names).length > 0)) return undefined
  for (const name of honest) {
    if (names.includes(name)) continue
    const view = await circle.view(name)
    if (view?.state === 'joined') return undefined
  }
  // For a member in bad faith, which is gone, messages wait for ever.
  const waits = plan.hostile === undefined && names.some(name => net.node(name).status().outbox.messages > 0)
  if (waits) return undefined
  return pictureOf(first)
}

/** I1 to I5, I10 and I12: on the views, histories and disks of all nodes. */
export async function checkEnd(circle: Circle): Promise<void> {
  for (const name of circle.honest) {
    if (circle.net.machine(name).running !== undefined) continue
    circle.broken('I12 liveness', `${name} does not come back`)
    return
  }
  const { view: truth, names } = truthOf(circle)
  const views = new Map<string, Group>()
  for (const name of circle.honest) {
    const view = await circle.view(name)
    if (view !== undefined) views.set(name, view)
    if (names.includes(name) || view?.state !== 'joined') continue
    circle.broken('I4 convergence', `${name} thinks that it is a member, and is none for anybody else`)
  }
  for (const name of names) checkView(circle, name, views.get(name), truth)
  const epochs = new Set(names.map(name => views.get(name)?.epoch))
  if (epochs.size > 1) circle.broken('I4 convergence', `${epochs.size} heads: ${[...epochs].join(' ')}`)
  for (const name of names) {
    for (const send of missingFor(circle, name, names))
      circle.broken(
        'I1 nothing acknowledged is lost',
        `"${send.text}" of ${send.from} was accepted but not shown to ${name} within ${CONVERGE_WITHIN_MS / 1000} s of fine weather`
      )
  }
  if (circle.isBroken) return
  await checkHistories(circle, names)
  checkAccused(circle)
  circle.spy.checkBranches({
    ...circle.asked,
    // Others in bad faith may take somebody in again who keeps asking with one key package: in the tree that looks the
    // same as no change at all.
    isHostile: name => circle.plan.hostile?.by === 'lengthens-alone' && circle.asked.isHostile(name),
    honest: circle.honest,
    group: circle.group,
    broken: (what, why) => circle.broken(what, why)
  })
  checkEpochsKept(circle, names)
}

/** What a member sees is what the operations say, and its tree is what it says. */
function checkView(circle: Circle, name: string, view: Group | undefined, truth: View): void {
  if (view?.state !== 'joined') {
    circle.broken('I4 convergence', `${name} is a member, and thinks that it is ${view?.state ?? 'none'}`)
    return
  }
  const seen = view.members.map(({ id, role, devices }) => [id, role, [...devices].sort()])
  const real = truth.members.map(({ identity, role, devices }) => [identity, role, devices])
  if (!isDeepStrictEqual([view.name, view.settings, seen], [truth.name, truth.settings, real]))
    circle.broken('I4 convergence', `${name} sees another roster than the operations make`)
  const record = circle.net
    .machine(name)
    .disk.surviving(EPOCHS)
    .find(({ key }) => key === `${circle.group}/${view.epoch}`)
  if (record === undefined) {
    circle.broken('I4 convergence', `${name} stands on an epoch that is not on its disk`)
    return
  }
  const tree = leavesOf(Epoch.load(decodeHeldEpoch(record.value).epoch)).map(({ device }): string => device)
  const wanted: readonly string[] = truth.members.flatMap(({ devices }) => devices)
  if (tree.length !== wanted.length || wanted.some(device => !tree.includes(device)))
    circle.broken(
      'I4 convergence',
      `${name} seals for ${tree.length} devices, and the roster has ${wanted.length}`
    )
}

async function historyOf(circle: Circle, name: string): Promise<Message[]> {
  const conversation = await circle.net.node(name).groups.conversation(circle.group)
  return await conversation.history({ limit: HISTORY_MAX })
}

/** Histories: in one order, nothing twice, causes before effects, and true to what was shown and typed. */
async function checkHistories(circle: Circle, names: readonly string[]): Promise<void> {
  const histories = new Map<string, readonly Message[]>()
  for (const name of names) {
    const history = await historyOf(circle, name)
    histories.set(name, history)
    checkHistory(circle, name, history, names)
    for (const [other, theirs] of histories)
      if (other !== name) checkOrder(circle, [name, history], [other, theirs])
  }
}

function checkOrder(
  circle: Circle,
  [one, history]: readonly [string, readonly Message[]],
  [other, theirs]: readonly [string, readonly Message[]]
): void {
  const shared = new Set(theirs.map(({ id }) => id))
  const common = new Set(history.map(({ id }) => id).filter(id => shared.has(id)))
  const of = (messages: readonly Message[]): string =>
    messages
      .filter(({ id, from }) => common.has(id) && !circle.isHostile(circle.nameOf(from.id)))
      .map(({ text }) => text)
      .join(' | ')
  if (of(history) !== of(theirs))
    circle.broken(
      'I4 convergence',
      `two orders of one conversation\n  ${one}: ${of(history)}\n  ${other}: ${of(theirs)}`
    )
}

function checkHistory(
  circle: Circle,
  name: string,
  history: readonly Message[],
  inside: readonly string[]
): void {
  const { chronicle } = circle
  const truths = history.filter(({ from }) => !circle.isHostile(circle.nameOf(from.id)))
  const position = new Map(truths.map(({ text }, index) => [text, index]))
  if (position.size !== truths.length)
    circle.broken('I2 no duplicate is shown', `${name}'s history has a message twice`)
  for (const { text, from, delivery } of truths) {
    const send = chronicle.send(text)
    if (send === undefined || send.from !== chronicle.nameOf(from.id)) {
      circle.broken('I5 authenticity', `${name}'s history has "${text}", which its author did not write`)
      return
    }
    const late = [...send.knew, ...earlierOf(chronicle.sends, send)].find(
      known => (position.get(known) ?? -1) > position.get(text)!
    )
    if (late !== undefined)
      circle.broken('I3 causal order', `${name}'s history has "${text}" before "${late}"`)
    const isForAll = circle.plan.hostile === undefined
    if (
      isForAll &&
      from.self &&
      send.outcome === 'accepted' &&
      delivery !== 'delivered' &&
      delivery !== 'read'
    )
      circle.broken('I12 liveness', `${name} still says that "${text}" is ${delivery ?? 'nothing'}`)
  }
  const lost = chronicle.screen(name).shown.find(text => !position.has(text))
  if (lost !== undefined)
    circle.broken(
      'I1 nothing acknowledged is lost',
      `${name} had shown "${lost}", and its history has not got it`
    )
  for (const send of chronicle.sends) {
    // What its machine crashed over may exist: then for all whom it was for.
    if (send.outcome !== 'unknown' || !chronicle.screen(send.from).shownAt.has(send.text)) continue
    if (isDue(circle, send, name, inside) && !position.has(send.text))
      circle.broken('I4 convergence', `${send.from} shows "${send.text}", and ${name} does not`)
  }
}

const earlierOf = (sends: readonly GroupSend[], send: GroupSend): string[] =>
  sends
    .slice(0, sends.indexOf(send))
    .filter(({ from, outcome }) => from === send.from && outcome === 'accepted')
    .map(({ text }) => text)

/** I7: who keeps the rules is never accused, and who tells two stories is. */
function checkAccused(circle: Circle): void {
  const { chronicle, honest } = circle
  for (const { at, about, warning } of chronicle.warnings)
    if (about !== undefined && honest.includes(about))
      circle.broken('I7 authorisation', `${at} warns that ${about}, who keeps the rules, ${warning}`)
  if (circle.plan.hostile?.by !== 'tells-two-stories') return
  const isSeenThrough = chronicle.warnings.some(({ about }) => about === circle.plan.hostile!.name)
  for (const name of honest) {
    const { lies } = chronicle.screen(name)
    // The next message names the one before it: for those who heard this story, or for those who heard the other.
    const first = lies.findIndex(text => text.endsWith(', or not'))
    if (first >= 0 && first + 1 < lies.length && !isSeenThrough)
      circle.broken(
        'I7 authorisation',
        `${name} was told another story than others, and nobody has seen through it`
      )
  }
}

/** Epochs are kept while anybody may seal on them; beside the head so many, and one that the last commit has just pushed over the edge. */
function checkEpochsKept(circle: Circle, names: readonly string[]): void {
  // Who leaves forgets at once, and a day is long enough for anybody to follow.
  const stays = (name: string): boolean => names.includes(name) && !circle.asked.everOut(name)
  const calm = circle.plan.steps.every(({ type }) => type !== 'age' && type !== 'jump')
  for (const { name, other } of calm ? circle.spy.droppedEarly(circle.group) : []) {
    if (!stays(name) || !stays(other)) continue
    circle.broken('I4 convergence', `${name} let go of an epoch that ${other} still sealed on`)
    return
  }
  for (const name of circle.honest) {
    const kept = circle.net
      .machine(name)
      .disk.surviving(EPOCHS)
      .filter(({ key }) => key.startsWith(`${circle.group}/`)).length
    if (kept > spec.epochsKeptMax + 2) circle.broken('I12 liveness', `${name} keeps ${kept} epochs`)
  }
}

/** I6: what was sealed by somebody who knew of a removal, the removed cannot read with all that it ever had. */
export function checkRemoved(circle: Circle): void {
  const { names } = truthOf(circle)
  const { sends } = circle.chronicle
  for (const name of circle.honest) {
    if (names.includes(name)) continue
    const readable = circle.spy.readable(name)
    for (const [index, send] of sends.entries()) {
      if (send.audience.includes(name) || send.from === name || !readable.has(send.text)) continue
      const hadKnown = sends
        .slice(0, index)
        .some(({ from, audience }) => from === send.from && audience.includes(name))
      if (hadKnown)
        circle.broken(
          'I6 confidentiality',
          `${name} was removed for ${send.from}, and can read "${send.text}" that it wrote afterwards`
        )
    }
  }
}

/** I12: two minutes of silence change nothing and cost little. */
export async function checkQuiet(circle: Circle): Promise<void> {
  await circle.net.advance(SETTLE_MS)
  const before = await wholePicture(circle)
  const executed = circle.net.time.executed
  await circle.net.advance(QUIET_MS)
  const after = await wholePicture(circle)
  if (after !== before)
    circle.broken('I12 liveness', `silence changed what people see\n  ${before}\n  ${after}`)
  const perSecond = (circle.net.time.executed - executed) / (QUIET_MS / 1000) / circle.plan.nodes.length
  if (perSecond > QUIET_EVENTS_PER_SECOND_MAX)
    circle.broken('I12 liveness', `${Math.round(perSecond)} events per second and node while nothing happens`)
}

/** I11: everybody restarts, and sees what was seen before. */
export async function checkAfterRestart(circle: Circle): Promise<void> {
  const before = await wholePicture(circle)
  for (const name of circle.honest) circle.crash(name, 1)
  await circle.net.advance(SETTLE_MS)
  await circle.net.until(() => circle.honest.every(name => circle.net.machine(name).running !== undefined))
  const after = await wholePicture(circle)
  if (after !== before)
    circle.broken('I11 a crash changes nothing', `people see something else\n  ${before}\n  ${after}`)
}

/** All that people see, as one text. */
async function wholePicture(circle: Circle): Promise<string> {
  const lines: string[] = []
  for (const name of circle.honest) {
    const view = await circle.view(name)
    if (view === undefined) continue
    const texts = (await historyOf(circle, name)).map(({ text }) => text)
    lines.push(`${name}: ${pictureOf(view)} ${texts.join(' | ')}`)
  }
  return lines.join('\n  ')
}
