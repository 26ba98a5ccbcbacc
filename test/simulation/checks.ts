/**
 * What must be true when the bad day is over: everything said has arrived, once, in one order, everywhere;
 * nobody works himself to death; and neither an attacker nor a power cut changes any of it.
 */
import type { Contact, Cursor, HearsayNode, Message } from 'hearsay'
import { digest } from './chronicle.ts'
import type { Send } from './chronicle.ts'
import { CONVERGE_WITHIN_MS, EVENTS_PER_SECOND_MAX } from './promises.ts'
import type { Town } from './town.ts'

const HISTORY_MAX = 10_000
/** A quiet network: what heartbeats there are cost less than this. */
const QUIET_MS = 120_000
const QUIET_EVENTS_PER_SECOND_MAX = 25
const QUIET_ENVELOPES = 12
const ABSENCE_MS = 20 * 60_000
/** Dials of one peer in any minute: exponential back-off from two seconds makes six. */
const DIALS_PER_MINUTE_MAX = 20
const SETTLE_MS = 5000

/** How many places in a log of events are read on from. */
const READERS_MAX = 12

/** What one person sees of one conversation. */
interface View {
  readonly contact: Contact | undefined
  readonly history: readonly Message[]
}

/** Whether nothing is left to wait for. Cheap, since it is asked often; the thorough checks follow. */
export async function isConverged(town: Town): Promise<boolean> {
  const { chronicle, net, plan } = town
  if (town.busy > 0 || plan.nodes.some(name => net.machine(name).running === undefined)) return false
  const isUntroubled = (name: string): boolean =>
    plan.nodes.every(other => !chronicle.isEstranged(name, other))
  const waiting = plan.nodes.some(name => isUntroubled(name) && net.node(name).status().outbox.messages > 0)
  if (waiting) return false
  for (const { inviter, redeemer } of town.friends) {
    for (const [at, of] of [
      [inviter, redeemer],
      [redeemer, inviter]
    ] as const) {
      if (chronicle.isEstranged(at, of)) continue
      const contact = await contactOf(net.node(at), chronicle.identityOf(of))
      if (contact?.state !== 'ready') return false
    }
  }
  return plan.nodes.every(name => missingFor(town, name).length === 0)
}

/** I1 to I5, I10 to I12: on the histories and claims of all nodes, after convergence or the end of patience. */
export async function checkEnd(town: Town): Promise<void> {
  for (const name of town.plan.nodes) {
    if (town.net.machine(name).running === undefined) {
      town.chronicle.broken('I12 liveness', `${name} does not come back`)
      return
    }
  }
  await checkFriends(town)
  for (const name of town.plan.nodes) {
    for (const send of missingFor(town, name)) {
      town.chronicle.broken(
        'I1 nothing acknowledged is lost',
        `"${send.text}" was accepted but not shown to ${name} within ${CONVERGE_WITHIN_MS / 1000} s of fine weather; ` +
          `${send.from} says ${town.chronicle.lastClaims(send.from, send.id!).join(', ') || 'nothing'}`
      )
    }
  }
  if (town.isBroken) return
  for (const one of town.plan.nodes) {
    for (const other of town.plan.nodes) if (one < other) await checkPair(town, one, other)
    await checkEventLog(town, one)
  }
}

/** Accepted sends that this recipient has not been shown. */
function missingFor(town: Town, name: string): Send[] {
  const { shownAt } = town.chronicle.screen(name)
  return town.chronicle.sends.filter(
    send =>
      send.to === name &&
      send.outcome === 'accepted' &&
      !town.chronicle.isEstranged(send.from, name) &&
      !shownAt.has(send.text)
  )
}

async function checkFriends(town: Town): Promise<void> {
  for (const { inviter, redeemer } of town.friends) {
    if (town.chronicle.isEstranged(inviter, redeemer)) continue
    for (const [at, of] of [
      [redeemer, inviter],
      [inviter, redeemer]
    ] as const) {
      const contact = await contactOf(town.net.node(at), town.chronicle.identityOf(of))
      if (contact?.state === 'ready') continue
      town.chronicle.broken(
        'I12 liveness',
        `${redeemer} redeemed ${inviter}'s invite, but for ${at}, ${of} is ${contact?.state ?? 'no contact'}`
      )
    }
  }
}

async function viewOf(town: Town, at: string, of: string): Promise<View> {
  const identity = town.chronicle.identityOf(of)
  const contact = await contactOf(town.net.node(at), identity)
  if (contact === undefined) return { contact, history: [] }
  const conversation = await town.net.node(at).direct(identity)
  return { contact, history: await conversation.history({ limit: HISTORY_MAX }) }
}

/** Two histories of one conversation: equal, without doubles, in causal order, and what was shown all along. */
async function checkPair(town: Town, one: string, other: string): Promise<void> {
  const views = { [one]: await viewOf(town, one, other), [other]: await viewOf(town, other, one) }
  for (const [at, of] of [
    [one, other],
    [other, one]
  ] as const) {
    checkHistory(town, at, of, views[at]!.history)
  }
  if (town.chronicle.isEstranged(one, other)) return
  const [ids, twins] = [views[one]!, views[other]!].map(({ history }) =>
    history.map(({ id }) => id).join(' ')
  )
  if (ids !== twins) {
    const texts = [one, other].map(
      name => `${name}: ${views[name]!.history.map(({ text }) => text).join(' | ') || 'nothing'}`
    )
    town.chronicle.broken('I4 convergence', `two histories of one conversation\n  ${texts.join('\n  ')}`)
  }
  for (const at of [one, other]) checkDeliveries(town, at, views[at]!.history)
}

function checkHistory(town: Town, at: string, of: string, history: readonly Message[]): void {
  const { chronicle } = town
  const position = new Map(history.map(({ text }, index) => [text, index]))
  if (position.size !== history.length) {
    chronicle.broken('I2 no duplicate is shown', `${at}'s history with ${of} has a message twice`)
  }
  const isEstranged = chronicle.isEstranged(at, of)
  for (const { text, from } of history) {
    const send = chronicle.sends.find(known => known.text === text)
    if (send === undefined || send.from !== chronicle.nameOf(from.id)) {
      chronicle.broken('I5 authenticity', `${at}'s history has "${text}", which its author did not write`)
      return
    }
    const late = send.knew.find(known => (position.get(known) ?? Infinity) > position.get(text)!)
    if (late !== undefined && !isEstranged) {
      chronicle.broken('I3 causal order', `${at}'s history with ${of} has "${text}" before "${late}"`)
    }
  }
  for (const [from, to] of [
    [at, of],
    [of, at]
  ] as const) {
    const sent = chronicle.sent(from, to).flatMap(({ text }) => position.get(text) ?? [])
    if (sent.some((index, i) => i > 0 && index < sent[i - 1]!)) {
      chronicle.broken(
        'I3 causal order',
        `${at}'s history with ${of} has ${from}'s messages in another order`
      )
    }
  }
  if (isEstranged) return
  const lost = chronicle
    .screen(at)
    .shown.get(of)
    ?.find(text => !position.has(text))
  if (lost !== undefined) {
    chronicle.broken(
      'I1 nothing acknowledged is lost',
      `${at} had shown "${lost}", and its history has not got it`
    )
  }
}

/** Everything that arrived is known to have arrived. */
function checkDeliveries(town: Town, at: string, history: readonly Message[]): void {
  for (const { text, from, delivery } of history) {
    if (!from.self || delivery === 'delivered' || delivery === 'read') continue
    town.chronicle.broken('I12 liveness', `"${text}" arrived, but ${at} still says ${delivery ?? 'nothing'}`)
  }
}

/** I11: the log of events says now what it said in the moment, whatever crashed in between. */
async function checkEventLog(town: Town, name: string): Promise<void> {
  const { events, lastCursor } = town.chronicle.screen(name)
  if (lastCursor === 0) return
  const again = new Map<number, string>()
  for await (const event of town.net.node(name).events({ since: 0 as Cursor })) {
    again.set(event.cursor, digest(event))
    if (event.cursor >= lastCursor) break
  }
  // A reader may stop anywhere, and goes on with the very next event.
  for (const since of [...again.keys()].filter(cursor => cursor < lastCursor).slice(-READERS_MAX)) {
    for await (const { cursor } of town.net.node(name).events({ since: since as Cursor })) {
      if (cursor !== since + 1) {
        town.chronicle.broken(
          'I2 no duplicate is shown',
          `${name}'s events after ${since} begin at ${cursor}`
        )
      }
      break
    }
  }
  for (const [cursor, said] of events) {
    if (again.get(cursor) === said) continue
    town.chronicle.broken(
      'I11 a crash changes nothing',
      `${name} had told of event ${cursor} "${said}" and its log now says "${again.get(cursor) ?? 'nothing'}"`
    )
    return
  }
}

/** I9 and I12: two minutes of silence but for an attacker change nothing and cost little. */
export async function checkQuiet(town: Town): Promise<void> {
  await town.net.advance(SETTLE_MS)
  const before = await pictureOf(town)
  const executed = town.net.time.executed
  for (const name of town.plan.nodes) town.mallory.attack(town.net, name, QUIET_ENVELOPES)
  await town.net.advance(QUIET_MS)
  const after = await pictureOf(town)
  if (after !== before) {
    town.chronicle.broken(
      'I9 bad input changes nothing',
      `an attack changed what people see\n  ${before}\n  ${after}`
    )
  }
  const perSecond = (town.net.time.executed - executed) / (QUIET_MS / 1000) / town.plan.nodes.length
  if (perSecond > QUIET_EVENTS_PER_SECOND_MAX) {
    town.chronicle.broken(
      'I12 liveness',
      `${Math.round(perSecond)} events per second and node while nothing happens`
    )
  }
}

/** I12: twenty minutes without one contact, with a message waiting for it, cost few attempts; then it arrives. */
export async function checkAbsence(town: Town): Promise<void> {
  const friends = town.friends.find(({ inviter, redeemer }) => !town.chronicle.isEstranged(inviter, redeemer))
  if (friends === undefined) return
  const { inviter: away, redeemer: patient } = friends
  town.net.offline(away)
  await town.net.advance(SETTLE_MS)
  await town.send(patient, away, `while ${away} was away`)
  const executed = town.net.time.executed
  const from = town.net.time.now
  await town.net.advance(ABSENCE_MS)
  const perSecond = (town.net.time.executed - executed) / (ABSENCE_MS / 1000) / town.plan.nodes.length
  const dials = (town.dials.get(`${patient}>${away}`) ?? []).filter(at => at >= from)
  const busiest = Math.max(
    0,
    ...dials.map(at => dials.filter(other => other >= at && other < at + 60_000).length)
  )
  if (busiest > DIALS_PER_MINUTE_MAX || perSecond > EVENTS_PER_SECOND_MAX) {
    town.chronicle.broken(
      'I12 liveness',
      `${patient} dialled ${away}, who is away, ${busiest} times in a minute`
    )
  }
  town.net.online(away)
  const back = town.net.time.now
  while (town.net.time.now - back < CONVERGE_WITHIN_MS && !(await isConverged(town)))
    await town.net.advance(1000)
  await checkEnd(town)
}

/** I11: everybody restarts, and sees what was seen before. */
export async function checkAfterRestart(town: Town): Promise<void> {
  await town.net.advance(SETTLE_MS)
  const before = await pictureOf(town)
  for (const name of town.plan.nodes) town.crash(name, 1)
  await town.net.advance(SETTLE_MS)
  await town.net.until(() => town.plan.nodes.every(name => town.net.machine(name).running !== undefined))
  const after = await pictureOf(town)
  if (after !== before) {
    town.chronicle.broken('I11 a crash changes nothing', `people see something else\n  ${before}\n  ${after}`)
  }
  await checkEnd(town)
}

/** All that people see, as one text: contacts, histories, deliveries. */
async function pictureOf(town: Town): Promise<string> {
  const lines: string[] = []
  for (const at of town.plan.nodes) {
    for (const of of town.plan.nodes) {
      if (at === of || town.chronicle.isEstranged(at, of)) continue
      const { contact, history } = await viewOf(town, at, of)
      if (contact === undefined) continue
      // Word of having been read may come late: nothing waits for it.
      const messages = history.map(
        ({ text, delivery }) => `${text} (${delivery === 'read' ? 'delivered' : (delivery ?? 'theirs')})`
      )
      lines.push(`${at} sees ${of}: ${contact.state} ${contact.blocked} ${messages.join(' | ')}`)
    }
    // Who was forgotten may ask again, or somebody in his name with a copy of an old request.
    if (town.plan.nodes.some(of => town.chronicle.isEstranged(at, of))) continue
    const { contacts } = town.net.node(at)
    lines.push(
      `${at} has ${(await contacts.list()).length} contacts, ${(await contacts.requests()).length} requests`
    )
  }
  return lines.join('\n  ')
}

async function contactOf(node: HearsayNode, identity: string): Promise<Contact | undefined> {
  return (await node.contacts.list()).find(({ id }) => id === identity)
}
