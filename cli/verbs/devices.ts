/** Verbs for the devices of one identity: becoming one, letting one in, and shutting one out. */
import { HearsayError } from 'hearsay'
import { z } from 'zod'
import { identityLine, line, time } from '../facts.ts'
import { deviceFact, deviceLine, type DeviceFact } from '../group-facts.ts'
import type { Paint } from '../output/paint.ts'
import { localMoment, row } from '../output/people.ts'
import { joined, literal, safe, words, type SafeText } from '../output/safe-text.ts'
import { hereVerb, nodeVerb } from '../verb.ts'
import { byId } from './conversations.ts'
import { identityOf, identityText, newIdentity, newPassphrase } from './identity.ts'
import { linkText, qr } from './links.ts'
import { confirmed, yes } from './confirming.ts'

const linkLine = line('link', {
  link: z.string(),
  /** When nobody can be linked by it any more; null where that is when the waiting ends. */
  expiresAt: time.nullable()
})

export const link = hereVerb({
  name: 'link',
  summary: 'make this machine another device of an identity that you have elsewhere',
  details:
    'Shows a link and waits. On the device that you have, run: hearsay device link LINK. Then this machine reads and writes in all your conversations. Only a home without an identity can become a device.',
  params: { ...newIdentity, qr },
  result: z.discriminatedUnion('type', [linkLine, identityLine]),
  lists: true,
  async *run(params, context) {
    const passphrase = await newPassphrase(params.passphrase, context)
    const shown = Promise.withResolvers<string>()
    const opening = context.open({
      create: 'must-be-new',
      network: true,
      stays: false,
      link: { onLink: shown.resolve, signal: context.signal },
      ...(params.name === undefined ? {} : { name: params.name }),
      ...(passphrase === undefined ? {} : { passphrase })
    })
    // Whatever fails before there is a link fails the wait for it.
    opening.catch(shown.reject)
    const url = await shown.promise
    yield { v: 1 as const, type: 'link' as const, link: url, expiresAt: null }
    context.note(literal('Waiting. On the device that you have, run: hearsay device link LINK'))
    const host = await opening
    try {
      context.note(literal('Linked. Your conversations come while a node runs: hearsay up'))
      yield identityOf(host)
    } finally {
      await host.close()
    }
  },
  text: (fact, _paint, params) => (fact.type === 'link' ? linkText(fact.link, params.qr) : identityText(fact))
})

function deviceText({ id, current, addedAt, online }: DeviceFact, paint: Paint): SafeText {
  const facts = [words`since ${localMoment(addedAt)}`]
  if (current) facts.unshift(paint('bold', literal('this device')))
  else if (online) facts.push(paint('green', literal('online')))
  return row(safe(id.slice(0, 8)), joined(facts, ', '))
}

export const devices = nodeVerb({
  name: 'device.list',
  summary: 'list your devices',
  needs: 'node',
  params: {},
  result: deviceLine,
  lists: true,
  async *run(_params, { node }) {
    for (const each of await node.devices.list()) yield deviceFact(each)
  },
  text: deviceText
})

export const linkDevice = nodeVerb({
  name: 'device.link',
  summary: 'let another machine become a device of yours, by the link that it shows',
  details:
    'The new device reads and writes in all your conversations, as you. All your contacts are told of it. Run hearsay link on the new machine for the link, and take it from its screen only.',
  needs: 'network',
  confirm: literal(
    'The machine that shows this link will read and write in all your conversations, as you. Is it yours, and did you take the link from its screen? [yes/no]'
  ),
  params: {
    link: z.string().meta({ description: 'the link that the new device shows' }),
    yes
  },
  positionals: ['link'],
  result: deviceLine,
  async *run(params, { node }) {
    confirmed(params.yes, 'Another machine becomes a device of yours')
    yield deviceFact(await node.devices.link(params.link.trim()))
  },
  text: (fact, paint) => words`${deviceText(fact, paint)}, linked`
})

export const revokeDevice = nodeVerb({
  name: 'device.revoke',
  summary: 'shut a device of yours out, for good',
  details:
    'What is written from now on it cannot read. What it has, it keeps. It cannot come back: link it anew, in a new home.',
  needs: 'network',
  confirm: literal(
    'The device is shut out of everything that is written from now on, for good. Revoke it? [yes/no]'
  ),
  params: {
    device: z.string().meta({ description: 'the id of the device, or how it begins' }),
    yes
  },
  positionals: ['device'],
  result: deviceLine,
  async *run(params, { node }) {
    confirmed(params.yes, 'A device is shut out for good')
    const found = byId(await node.devices.list(), params.device)
    if (found === undefined) throw new HearsayError('UNKNOWN_DEVICE')
    yield deviceFact(await node.devices.revoke(found.id))
  },
  text: ({ id }, paint) => row(safe(id.slice(0, 8)), paint('bold', literal('revoked')))
})
