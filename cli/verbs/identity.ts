/** Verbs that make, recover and show the identity of a home. */
import { userInfo } from 'node:os'
import { HearsayError, safetyNumber, type IdentityId } from 'hearsay'
import { z } from 'zod'
import { identityFact, identityLine, line, type IdentityFact } from '../facts.ts'
import { row, shortFingerprint } from '../output/people.ts'
import { joined, literal, safe, safeName, words, type SafeText } from '../output/safe-text.ts'
import { ask, canAsk, readSecretFile, readStandardInput } from '../secrets.ts'
import type { NodeHost } from '../host.ts'
import { hereVerb, nodeVerb, type HereContext } from '../verb.ts'
import { confirmed, yes } from './confirming.ts'

const DIGITS_EACH = 30

/** An identity's half of its safety numbers: the number of the identity with itself has it twice. */
const halfOf = (id: IdentityId): string => safetyNumber(id, id).slice(0, DIGITS_EACH)

const inGroups = (digits: string): SafeText => safe((digits.match(/\d{1,5}/gu) ?? []).join(' '))

/** An identity as a person reads it. */
export const identityText = (identity: IdentityFact): SafeText =>
  joined(
    [
      row(literal('identity'), shortFingerprint(identity.fingerprint)),
      row(literal('name'), identity.name === '' ? literal('(none)') : safeName(identity.name)),
      row(literal('number'), inGroups(identity.safetyNumber)),
      row(literal('kept in'), safe(identity.home))
    ],
    '\n'
  )

/** The parameters of every verb that fills a new home. */
export const newIdentity = {
  name: z.string().optional().meta({ description: 'the name that contacts are offered' }),
  passphrase: z
    .boolean()
    .default(true)
    .meta({ description: 'keep the key in a file that only you can read, without a passphrase' })
}

/** The passphrase of a new home: from the file that was named, else from the person, else none. */
export async function newPassphrase(wanted: boolean, context: HereContext): Promise<string | undefined> {
  const { settings, surroundings } = context
  if (!wanted) return undefined
  if (settings.passphraseFile !== undefined) return readSecretFile(settings.passphraseFile, surroundings)
  if (!canAsk(surroundings)) {
    context.note(literal('No passphrase: the key is in a file that only you can read.'))
    return undefined
  }
  const passphrase = await ask(literal('Passphrase (empty for none):'), surroundings, { hidden: true })
  if (passphrase === '') return undefined
  const again = await ask(literal('The same again:'), surroundings, { hidden: true })
  if (again === passphrase) return passphrase
  throw new HearsayError('WRONG_PASSPHRASE', { message: 'The two passphrases differ.' })
}

/** The name that a new identity gets when none was given: asked for, with the login name as the default. */
export async function newName(context: Pick<HereContext, 'surroundings'>): Promise<string> {
  if (!canAsk(context.surroundings)) return ''
  const login = userInfo().username
  const answer = await ask(words`Your name, for contacts to see [${safeName(login)}]:`, context.surroundings)
  return answer === '' ? login : answer
}

/** The identity that a node speaks for. */
export const identityOf = ({ node: { identity }, home }: NodeHost): IdentityFact =>
  identityFact(identity, halfOf(identity.id), home)

/** Makes a home and tells what is in it now. */
async function made(
  context: HereContext,
  init: { readonly name: string; readonly passphrase: string | undefined; readonly phrase?: string }
): Promise<IdentityFact> {
  const { passphrase, ...rest } = init
  const host = await context.open({
    ...rest,
    ...(passphrase === undefined ? {} : { passphrase }),
    create: 'must-be-new',
    network: false,
    stays: false
  })
  try {
    return identityOf(host)
  } finally {
    await host.close()
  }
}

export const init = hereVerb({
  name: 'init',
  summary: 'make an identity; never overwrites one',
  details: 'The recovery phrase is the only way back to a lost identity. Write it down: hearsay phrase.',
  params: newIdentity,
  result: identityLine,
  async *run(params, context) {
    const name = params.name ?? (await newName(context))
    yield await made(context, { name, passphrase: await newPassphrase(params.passphrase, context) })
    context.note(literal('Write down the recovery phrase: hearsay phrase'))
  },
  text: identityText
})

export const recover = hereVerb({
  name: 'recover',
  summary: 'make the identity of a recovery phrase, which is read from standard input or asked for',
  details:
    'The identity comes back, not its contacts and messages. A node that still runs with it elsewhere becomes another device.',
  params: newIdentity,
  result: identityLine,
  async *run(params, context) {
    const { surroundings, settings } = context
    if (settings.passphraseFile === '-') {
      throw new HearsayError('INVALID_ARGUMENT', {
        message: 'Standard input holds the recovery phrase, so it cannot hold the passphrase.',
        hint: 'Give the passphrase in a file.'
      })
    }
    const asked = canAsk(surroundings)
      ? await ask(literal('Recovery phrase (24 words):'), surroundings, { hidden: true })
      : await readStandardInput(surroundings)
    const phrase = asked.trim().split(/\s+/u).join(' ').toLowerCase()
    const passphrase = await newPassphrase(params.passphrase, context)
    yield await made(context, { name: params.name ?? '', passphrase, phrase })
  },
  text: identityText
})

export const phrase = nodeVerb({
  name: 'phrase',
  summary: 'show the recovery phrase',
  details: 'Whoever reads these 24 words becomes you. Keep them on paper, not in a computer.',
  needs: 'node',
  confirm: literal('Whoever reads the recovery phrase becomes you. Show it? [yes/no]'),
  params: { yes },
  result: line('phrase', { phrase: z.string() }),
  async *run(params, { node }) {
    confirmed(params.yes, 'The recovery phrase is shown')
    yield { v: 1 as const, type: 'phrase' as const, phrase: node.recoveryPhrase() }
  },
  text: result => safe(result.phrase)
})
