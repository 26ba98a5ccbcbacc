import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { emptyHome } from './homes.ts'
import { hasPseudoTerminal, inTerminal } from './pseudo-terminal.ts'

describe.skipIf(!hasPseudoTerminal)('at a terminal (needs python3 with pty)', () => {
  test('init asks for a name and a passphrase, and shows no letter of it', async () => {
    const home = await emptyHome()
    const options = ['--home', home.folder]
    const init = inTerminal(['init', ...options], {})
    await init.screen.until(/Your name.*:$/u)
    init.type('alice\r')
    await init.screen.until(/Passphrase.*:$/u)
    init.type('correct horse\r')
    await init.screen.until(/again:$/u)
    init.type('correct horse\r')
    expect(await init.ended).toBe(0)
    expect(init.screen.text).toMatch(/name +alice/u)
    expect(init.screen.text).not.toContain('horse')

    const contacts = inTerminal(['invites', ...options], {})
    await contacts.screen.until(/Passphrase:$/u)
    contacts.type('wrong\r')
    expect(await contacts.ended).toBe(1)
    expect(contacts.screen.text).toContain('WRONG_PASSPHRASE')
  })

  test('the phrase is shown after a yes only', async () => {
    const home = await emptyHome()
    await home.json('init')
    for (const [answer, code] of [
      ['no', 1],
      ['yes', 0]
    ] as const) {
      const phrase = inTerminal(['phrase', '--home', home.folder], {})
      await phrase.screen.until(/\[yes\/no\]$/u)
      phrase.type(`${answer}\r`)
      expect(await phrase.ended).toBe(code)
      const words = phrase.screen.text.match(/\b[a-z]{3,8}\b/gu) ?? []
      expect(words.length > 24).toBe(code === 0)
    }
  })

  test('the first chat makes an identity and says what to do next, in the home’s own words', async () => {
    const home = await emptyHome()
    const chat = inTerminal(['--home', home.folder, '--offline'], {})
    await chat.screen.until(/Your name.*:$/u)
    chat.type('\r')
    await chat.screen.until(/@NAME hello.*\n>$/su)
    chat.type('/help\r')
    await chat.screen.until(/\/quit/u)
    chat.type('\u0003')
    expect(await chat.ended).toBe(0)
    const [status] = await home.json('status')
    expect(chat.screen.text).toContain(`You are ${String(status?.['name'])}`)
  })
})

test('no source of the command line reads a secret from an argument or the environment', () => {
  for (const file of ['secrets.ts', 'verbs/identity.ts', 'run.ts', 'settings.ts']) {
    const source = readFileSync(new URL(`../../cli/${file}`, import.meta.url), 'utf8')
    expect(source).not.toMatch(/environment\[?'?\w*(PASS|PHRASE|SECRET)/iu)
    expect(source).not.toMatch(/process\.argv/u)
  }
})
