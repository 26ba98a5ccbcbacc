/**
 * Nothing that was accepted is lost, shown twice or shown too early, wherever a process is killed.
 *
 * ROUNDS sets how often (20), SEED which choices are made. A round prints its figures.
 */
import { describe, expect } from 'vitest'
import { seededRandom, type SeededRandom } from '../../src/testing/random.ts'
import { isLine, type Line, type LineOf } from './contract.ts'
import { ControlClient, CutOff } from './control-client.ts'
import type { Person, RunningNode } from './person.ts'
import { test, type Story } from './story.ts'

const ROUNDS = Number(process.env['ROUNDS'] ?? 20)
const MESSAGES = 1000
/** Well above what this takes, because other things may run on the machine. */
const limitMs = 120_000 + ROUNDS * 120_000

const order = ['queued', 'sent', 'held', 'delivered', 'read']

/** What a node has shown of the deliveries of its messages, line by line, across its restarts. */
class ShownStates {
  readonly #states = new Map<string, string>()

  /** Takes a line in. Throws where a state goes backwards. */
  readonly hear = (line: Line): void => {
    if (line.type !== 'delivery:changed') return
    const { message, state } = line.delivery
    const before = this.#states.get(message)
    if (state === 'failed' || (before !== undefined && order.indexOf(state) <= order.indexOf(before)))
      throw new Error(`Message ${message} was shown as ${before} and then as ${state}.`)
    this.#states.set(message, state)
  }

  /** The messages that were shown as being on their receiver's disk. */
  delivered(): string[] {
    return [...this.#states].filter(([, state]) => order.indexOf(state) >= 3).map(([message]) => message)
  }

  isDelivered(message: string): boolean {
    return order.indexOf(this.#states.get(message) ?? '') >= 3
  }
}

/** Texts that were sent, with the message id of each one that was acknowledged. */
type Acknowledged = Map<string, string>

/**
 * Sends texts over the control socket, `window` at a time, until all are acknowledged or the node is cut off.
 * An acknowledgement means: sealed and on the sender's disk.
 */
async function sendAll(
  control: ControlClient,
  texts: readonly string[],
  window: number,
  acknowledged: (text: string, message: string) => void
): Promise<void> {
  const queue = texts.values()
  const worker = async (): Promise<void> => {
    for (const text of queue) {
      const delivery = (await control.call('send', {
        to: 'bob',
        text,
        until: 'queued'
      })) as LineOf<'delivery'>
      acknowledged(text, delivery.message)
    }
  }
  const ends = await Promise.allSettled(Array.from({ length: window }, worker))
  for (const end of ends) if (end.status === 'rejected' && !(end.reason instanceof CutOff)) throw end.reason
}

/** Some turns of the event loop: the kill comes at any point of what the other process is doing then. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(resolve => setImmediate(resolve))
}

/** Two contacts who know where to find each other, both down. */
async function contacts(story: Story): Promise<{ alice: Person; bob: Person }> {
  const shape = ['--no-dht', '--no-mdns', '--listen']
  const people = ['alice', 'bob'].map(name =>
    story.person(name, { shape: [...shape, '/ip4/127.0.0.1/tcp/0'] })
  ) as [Person, Person]
  const [alice, bob] = people
  await Promise.all([alice.init(), bob.init()])
  const nodes = await Promise.all([alice.up(), bob.up()])
  const { link } = await alice.one('invite', 'invite')
  await bob.one('contact', 'add', 'alice', link, '--until', 'ready', '--timeout', '90s')
  await nodes[0].child.line('contact:connected')
  await Promise.all(nodes.map(node => node.stop()))
  for (const [index, person] of people.entries())
    person.shape = [...shape, `/ip4/127.0.0.1/tcp/${nodes[index]!.port}`]
  return { alice, bob }
}

/** The messages of one round, oldest first, out of a history. */
const ofRound = (lines: readonly Line[], round: string): LineOf<'message'>[] =>
  lines.filter(isLine('message')).filter(({ text }) => text.startsWith(round))

const tail = async (control: ControlClient): Promise<Line[]> =>
  (await control.call('tail', { to: 'bob', limit: MESSAGES })) as Line[]

const pairs = (messages: readonly LineOf<'message'>[]): string[] =>
  messages.map(({ id, text }) => `${text} ${id}`)

/** Waits until a node has printed that it received so many messages of a round; returns them in that order. */
function received(node: RunningNode, round: string, count: number): Promise<LineOf<'message'>[]> {
  return node.child.until(`${count} messages of ${round}`, () => {
    const events = node.child.facts.filter(isLine('message:received'))
    const messages = events
      .map(({ message }) => message as LineOf<'message'>)
      .filter(({ text }) => text.startsWith(round))
    return messages.length >= count ? messages : undefined
  })
}

const delivered = (
  node: RunningNode,
  shown: ShownStates,
  messages: readonly LineOf<'message'>[]
): Promise<true> =>
  node.child.until('all to be shown as delivered', () =>
    messages.every(({ id }) => shown.isDelivered(id)) ? true : undefined
  )

/** Kills the sender in the middle of sending and starts it again; what the story knows then is in the result. */
async function sendWithCut(
  alice: Person,
  sender: RunningNode,
  shown: ShownStates,
  texts: readonly string[],
  random: SeededRandom
) {
  const window = random.pick([1, 8, 32])
  const cutAt = random.between(1, MESSAGES - 1)
  const delay = random.integer(30)
  const acknowledged: Acknowledged = new Map()
  let killed: Promise<void> | undefined
  await sendAll(await sender.control(), texts, window, (text, message) => {
    acknowledged.set(text, message)
    if (acknowledged.size >= cutAt) killed ??= turns(delay).then(() => sender.kill())
  })
  await killed
  const again = await alice.up({ onLine: shown.hear })
  return { window, acknowledged, again }
}

describe('whatever is killed', () => {
  test(
    'a sender that dies in the middle of 1,000 messages loses none of them',
    { timeout: limitMs },
    async ({ story }) => {
      const { alice, bob } = await contacts(story)
      const shown = new ShownStates()
      let sender = await alice.up({ onLine: shown.hear })
      for (let number = 1; number <= ROUNDS; number++) {
        const startedAt = performance.now()
        const round = `round ${number}, `
        const random = seededRandom(story.seed, round)
        const texts = Array.from({ length: MESSAGES }, (_, index) => `${round}message ${index + 1}`)

        const { window, acknowledged, again } = await sendWithCut(alice, sender, shown, texts, random)
        sender = again
        const control = await sender.control()
        const kept = ofRound(await tail(control), round)
        const ids = new Map(kept.map(({ text, id }) => [text, id]))
        expect(ids.size, 'nothing is there twice').toBe(kept.length)
        for (const [text, id] of acknowledged) expect(ids.get(text), `${text} was acknowledged`).toBe(id)

        const missing = texts.filter(text => !ids.has(text))
        await sendAll(control, missing, window, (text, id) => ids.set(text, id))
        const sent = ofRound(await tail(control), round)
        control.close()
        expect(sent.map(({ text }) => text).toSorted()).toEqual(texts.toSorted())
        // One after the other has an order by itself. Of calls side by side the sender's own history says it.
        if (window === 1) expect(sent.map(({ text }) => text)).toEqual(texts)

        const receiver = await bob.up()
        const heard = await received(receiver, round, MESSAGES)
        await delivered(sender, shown, sent)
        // What is shown as delivered is on the disk of a machine that loses its power now.
        await receiver.kill()
        expect(pairs(heard), 'all that was sent, once and in order').toEqual(pairs(sent))
        const stored = ofRound(await bob.history('alice', MESSAGES + 10), round)
        expect(pairs(stored), 'and so it is on disk').toEqual(pairs(sent))

        const cutOff = kept.length - acknowledged.size
        console.log(
          `${round}seed ${story.seed}: ${window} at a time, killed after ${acknowledged.size}, ${cutOff} more on disk, ` +
            `${missing.length} sent again, ${Math.round(performance.now() - startedAt)} ms`
        )
      }
    }
  )

  test(
    'a receiver that dies in the middle loses nothing that was shown as delivered',
    { timeout: limitMs },
    async ({ story }) => {
      const { alice, bob } = await contacts(story)
      const shown = new ShownStates()
      const sender = await alice.up({ onLine: shown.hear })
      const control = await sender.control()
      for (let number = 1; number <= Math.ceil(ROUNDS / 4); number++) {
        const startedAt = performance.now()
        const round = `round ${number}, `
        const random = seededRandom(story.seed, round)
        const texts = Array.from({ length: MESSAGES }, (_, index) => `${round}message ${index + 1}`)

        const before = await bob.up()
        const sending = sendAll(control, texts, 32, () => undefined)
        const seen = await received(before, round, random.between(1, MESSAGES - 100))
        await turns(random.integer(30))
        await before.kill()
        const promised = shown.delivered()
        const stored = await bob.history('alice', number * MESSAGES + 10)
        const onDisk = new Set(stored.map(({ id }) => id))
        const printed = before.child.facts.filter(isLine('message:received')).map(({ message }) => message.id)
        expect(
          promised.filter(id => !onDisk.has(id)),
          'shown as delivered, but not on disk'
        ).toEqual([])
        expect(
          printed.filter(id => !onDisk.has(id)),
          'shown by the receiver, but not on disk'
        ).toEqual([])
        await sending

        const after = await bob.up()
        const sent = ofRound(await tail(control), round)
        await delivered(sender, shown, sent)
        await after.kill()
        const whole = ofRound(await bob.history('alice', MESSAGES + 10), round)
        expect(pairs(whole), 'all that was sent, once and in order').toEqual(pairs(sent))
        const late = after.child.facts.filter(isLine('message:received')).map(({ message }) => message.id)
        expect(
          late.filter(id => onDisk.has(id)),
          'shown by the receiver a second time'
        ).toEqual([])
        console.log(
          `${round}seed ${story.seed}: killed after ${seen.length} of ${MESSAGES}, ${onDisk.size - (number - 1) * MESSAGES} on disk, ` +
            `${promised.length - (number - 1) * MESSAGES} shown as delivered, ${Math.round(performance.now() - startedAt)} ms`
        )
      }
    }
  )
})
