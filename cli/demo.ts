/**
 * A conversation between two real nodes, for whoever starts Hearsay without a terminal: two homes, two stores,
 * libp2p over loopback TCP, from the first identity to receipts both ways. Everything goes through the same verbs
 * that people use. The homes are removed at the end.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HearsayError } from 'hearsay'
import type { ContactFact, DeliveryFact, Fact, InviteFact, MessageFact } from './facts.ts'
import { paintFor } from './output/paint.ts'
import { row } from './output/people.ts'
import { literal, safe, safeName, words, type SafeText } from './output/safe-text.ts'
import { openHost, LocalSession } from './session.ts'
import type { Surroundings } from './surroundings.ts'
import type { HereContext, NodeVerb } from './verb.ts'
import { contacts, verify } from './verbs/contacts.ts'
import { tail } from './verbs/history.ts'
import { about, nodeVerbs } from './verbs/index.ts'
import { add, invite } from './verbs/invites.ts'
import { send } from './verbs/messages.ts'

type Name = 'alice' | 'bob'

/** A node of the demonstration. */
async function start(name: Name, folder: string, { surroundings }: HereContext): Promise<LocalSession> {
  const host = await openHost({
    settings: {
      home: join(folder, name),
      network: { listen: ['/ip4/127.0.0.1/tcp/0'], dht: 'off', mdns: false },
      passphraseFile: undefined
    },
    environment: surroundings.environment,
    verbs: nodeVerbs,
    about,
    stays: true,
    network: true,
    create: 'must-be-new',
    name
  })
  return new LocalSession(host)
}

/** The results of one verb. */
async function results(
  session: LocalSession,
  verb: NodeVerb,
  params: object,
  signal: AbortSignal
): Promise<Fact[]> {
  const collected: Fact[] = []
  for await (const fact of session.run(verb, params, { signal, note: () => undefined })) collected.push(fact)
  return collected
}

async function one<Result extends Fact>(
  session: LocalSession,
  verb: NodeVerb,
  params: object,
  signal: AbortSignal
): Promise<Result> {
  const [first] = await results(session, verb, params, signal)
  if (first === undefined) throw new HearsayError('INTERNAL', { message: `${verb.name} had no result.` })
  return first as Result
}

type Say = (who: Name | '', words_: SafeText) => void

const speaker = ({ stdout, environment }: Surroundings): Say => {
  const paint = paintFor(stdout, environment)
  const colours = { alice: 'magenta', bob: 'cyan', '': 'dim' } as const
  return (who, said) =>
    void stdout.write(`${row(paint(colours[who], who === '' ? literal('·') : safe(who)), said)}\n`)
}

/** Plays it. Throws when anything does not happen that should. */
export async function demonstrate(context: HereContext): Promise<void> {
  const say = speaker(context.surroundings)
  const folder = await mkdtemp(join(tmpdir(), 'hearsay-demo-'))
  const nodes: LocalSession[] = []
  say(
    '',
    literal('No terminal here, so two nodes show how it goes. In a terminal, npm start opens the chat.')
  )
  try {
    for (const name of ['alice', 'bob'] as const) {
      const session = await start(name, folder, context)
      nodes.push(session)
      say(name, words`has an identity and listens on ${safe(session.host.node.status().addresses[0] ?? '')}`)
    }
    const [alice, bob] = nodes
    if (alice !== undefined && bob !== undefined) await converse(alice, bob, say, context.signal)
    say('', literal('Done: sealed, delivered and acknowledged both ways, with no server anywhere.'))
  } finally {
    await Promise.all(nodes.map(node => node.close()))
    await rm(folder, { recursive: true, force: true })
  }
}

async function converse(
  alice: LocalSession,
  bob: LocalSession,
  say: Say,
  signal: AbortSignal
): Promise<void> {
  const { link } = await one<InviteFact>(alice, invite, {}, signal)
  say('alice', words`hands bob an invite: ${safe(link.slice(0, 40))}…`)
  const added = { name: 'alice', link, greeting: 'It is me', until: 'ready' }
  await one<ContactFact>(bob, add, added, signal)
  const [contact] = await results(alice, contacts, {}, signal)
  const called = (contact as ContactFact | undefined)?.name ?? ''
  say('bob', words`redeems it; alice now has a contact called ${safeName(called)}`)
  const numbers = await Promise.all([
    one<{ safetyNumber: string } & Fact>(alice, verify, { name: called }, signal),
    one<{ safetyNumber: string } & Fact>(bob, verify, { name: 'alice' }, signal)
  ])
  if (numbers[0].safetyNumber !== numbers[1].safetyNumber) throw new HearsayError('SAFETY_NUMBER_MISMATCH')
  say('', literal('both see the same safety number: nobody sits between them'))
  await exchange(alice, bob, called, 'lunch?', say, signal)
  await exchange(bob, alice, 'alice', 'yes! at one', say, signal)
}

/** One message from one to the other, until it is read off and its receipt is back. */
async function exchange(
  from: LocalSession,
  to: LocalSession,
  name: string,
  text: string,
  say: Say,
  signal: AbortSignal
): Promise<void> {
  const [sender, reader] =
    from.host.node.identity.name === 'alice' ? (['alice', 'bob'] as const) : (['bob', 'alice'] as const)
  say(sender, words`sends: ${safe(text)}`)
  const delivery = await one<DeliveryFact>(from, send, { to: name, text, until: 'delivered' }, signal)
  const last = await one<MessageFact>(to, tail, { limit: 1 }, signal)
  if (last.text !== text)
    throw new HearsayError('INTERNAL', { message: 'Another message arrived than was sent.' })
  say(reader, words`has it: ${safe(last.text)}`)
  say(sender, words`knows that it is ${safe(delivery.state)}, after ${delivery.ms ?? 0} ms`)
}
