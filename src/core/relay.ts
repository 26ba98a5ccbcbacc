/**
 * Relaying: the reports of a member reach those who are not linked with it through others who are. They are sealed
 * and signed, so whoever passes one on can neither read more than it may nor change anything.
 *
 * Spec: specs/delivery.md, section "Relaying". Nobody is sent what it did not ask for: a report names the devices of
 * whom its author lacks word.
 * Always true: what is kept of a device is its newest report alone; it is given to a peer once.
 */
import type { DeviceId } from '../base/ids.ts'
import { limits, spec } from '../base/limits.ts'
import type { Conversation, Link } from './conversation.ts'
import type { Turn } from './turn.ts'

/** What one conversation passes on. */
export class Relay {
  /** The newest report of each device, as it was sealed, and how many came before it. */
  readonly #reports = new Map<DeviceId, { readonly envelope: Uint8Array; readonly number: number }>()
  /** Of whom others lack word and we are not linked with either, by when they said so in uptime. */
  readonly #wanted = new Map<DeviceId, number>()
  #number = 0
  #turn = 0
  /** When to ask again, in uptime, and how long to wait then. */
  askAt: number | undefined
  #delayMs: number = limits.awaitFirstMs

  /** Keeps the report that a device has sealed. */
  keep(device: DeviceId, envelope: Uint8Array): void {
    this.#number += 1
    this.#reports.delete(device)
    this.#reports.set(device, { envelope: Uint8Array.from(envelope), number: this.#number })
    this.#wanted.delete(device)
    while (this.#reports.size > limits.relayedMax) this.#reports.delete(this.#reports.keys().next().value!)
  }

  /** The reports that a peer awaits and was not given yet; marked as given. */
  forLink(link: Link): Uint8Array[] {
    const found: Uint8Array[] = []
    for (const device of link.awaits) {
      const report = this.#reports.get(device)
      if (report === undefined || (link.relayed.get(device) ?? 0) >= report.number) continue
      link.relayed.set(device, report.number)
      found.push(report.envelope)
    }
    return found
  }

  /** Somebody lacks word of devices with whom we are not linked: we ask for it as well. */
  want(turn: Turn, devices: Iterable<DeviceId>): void {
    for (const device of devices) this.#wanted.set(device, turn.uptime)
    while (this.#wanted.size > limits.relayedMax) this.#wanted.delete(this.#wanted.keys().next().value!)
  }

  /** Of whom word is lacking, by ourselves first; a part of them each time, where they are many. */
  ask(turn: Turn, own: readonly DeviceId[]): readonly DeviceId[] {
    const others = [...this.#wanted]
      .filter(([device, at]) => turn.uptime - at < limits.awaitMaxMs && !own.includes(device))
      .map(([device]) => device)
    const all = [...own, ...others]
    if (all.length <= spec.reportAwaitsMax) return all
    this.#turn = (this.#turn + spec.reportAwaitsMax) % all.length
    return [...all.slice(this.#turn), ...all.slice(0, this.#turn)].slice(0, spec.reportAwaitsMax)
  }

  /** Something new was said, or somebody has come: ask soon. */
  hurry(turn: Turn): void {
    this.#delayMs = limits.awaitFirstMs
    this.askAt = Math.min(this.askAt ?? Infinity, turn.uptime + this.#delayMs)
  }

  /** Ask ever more rarely while nothing comes of it. */
  later(turn: Turn): void {
    this.#delayMs = Math.min(this.#delayMs * 2, limits.awaitMaxMs)
    this.askAt = turn.uptime + this.#delayMs
  }
}

/** The devices with whom we are not linked and that have not acknowledged everything. */
function lacking({ facts, links, outbox }: Conversation): DeviceId[] {
  // Among many an inquiry asks everybody at once (inquiries.ts): whole reports would be far too much.
  const many = outbox.acknowledged.size > limits.inquireAboveDevices
  if (many || outbox.items.size === 0) return []
  const linked = new Set([...links.values()].map(({ device }) => device))
  return [...outbox.acknowledged.values()]
    .filter(({ device, contiguous }) => contiguous < facts.sequence && !linked.has(device))
    .map(({ device }) => device)
}

/** Of whom a report of ours says that we lack word. */
export function awaited(conversation: Conversation, turn: Turn): readonly DeviceId[] {
  return conversation.relay.ask(turn, lacking(conversation))
}

/** A peer has said of whom it lacks word: it is given what there is, and the rest is asked for. */
export function followAwaits(
  conversation: Conversation,
  turn: Turn,
  link: Link,
  awaits: readonly DeviceId[]
): void {
  const { links, members, outbox, relay, self } = conversation
  if (outbox.acknowledged.size > limits.inquireAboveDevices) return
  const linked = new Set([...links.values()].map(({ device }) => device))
  link.awaits = new Set(awaits.filter(device => device !== self && members?.has(device) === true))
  relay.want(
    turn,
    [...link.awaits].filter(device => !linked.has(device))
  )
  relayTo(conversation, turn, link)
}

/** A device has reported: those who await it are told at once. */
export function relayReport(
  conversation: Conversation,
  turn: Turn,
  device: DeviceId,
  envelope: Uint8Array
): void {
  if (conversation.outbox.acknowledged.size > limits.inquireAboveDevices) return
  conversation.relay.keep(device, envelope)
  for (const link of conversation.links.values())
    if (link.device !== device && link.awaits.has(device)) relayTo(conversation, turn, link)
}

function relayTo({ relay }: Conversation, turn: Turn, link: Link): void {
  const envelopes = relay.forLink(link)
  if (envelopes.length > 0) turn.emit({ type: 'transmit', peer: link.peer, envelopes, messages: undefined })
}

/** Asks again for what is still lacking. */
export function tickRelay(conversation: Conversation, turn: Turn): void {
  const { relay, links } = conversation
  if (relay.askAt === undefined || relay.askAt > turn.uptime || links.size === 0) return
  if (lacking(conversation).length === 0) {
    relay.askAt = undefined
    return
  }
  conversation.oweAll()
  relay.later(turn)
}
