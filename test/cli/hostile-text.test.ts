import { describe, expect, test } from 'vitest'
import { twoContacts } from './homes.ts'
import { hasPseudoTerminal, inTerminal } from './pseudo-terminal.ts'
import { TestScreen } from './vt.ts'

/** What somebody might send to steer the terminal of who reads it. */
const attacks = [
  '\u001B]0;owned\u0007title',
  '\u001B]52;c;b3duZWQ=\u0007clipboard',
  '\u001B[6n\u001B[c\u001B[5nqueries',
  '\u001B[2J\u001B[Hgone',
  '\u001B[3A\u001B[2Kline above',
  '\u009B2J\u009D0;owned\u009C c1',
  '\u001BP$q"p\u001B\\ dcs',
  'real\r12:00 ✓✓ you: forged',
  'one\b\b\btwo',
  '\u202Eesrever'
]

test('the terminal of these tests does obey: what follows is not vacuous', () => {
  const screen = new TestScreen()
  screen.show('kept\n')
  screen.show(attacks.join('\n'))
  expect(screen.title).toContain('owned')
  expect(screen.clipboard).toContain('b3duZWQ=')
  expect(screen.answers).not.toBe('')
})

describe.skipIf(!hasPseudoTerminal)('a real terminal (needs python3 with pty)', () => {
  test('shows hostile messages and obeys none of them', async () => {
    const { alice, bob } = await twoContacts()
    await alice.json('down')
    for (const text of attacks) await bob.json('send', ['alice', text, '--until', 'queued'])
    const back = alice.start(['tail', '--limit', '0', '--count', String(attacks.length), '--json'])
    expect(await back.ended).toBe(0)

    const options = ['--home', alice.folder, '--listen', '/ip4/127.0.0.1/tcp/0', '--no-dht', '--no-mdns']
    const chat = inTerminal(options, {})
    try {
      const { screen, type } = chat
      await screen.until(/bob has 10 unread/u)
      type('@bob\r')
      await screen.until(/bob: \\u\{202e\}esrever/u)
      for (const text of [
        '\\u{1b}]0;owned\\u{7}title',
        '\\u{1b}]52;c;b3duZWQ=\\u{7}clipboard',
        '\\u{1b}[6n\\u{1b}[c\\u{1b}[5nqueries',
        '\\u{9b}2J',
        'real\\u{d}12:00',
        'one\\u{8}\\u{8}\\u{8}two'
      ]) {
        expect(screen.text).toContain(`bob: ${text}`)
      }
      expect(screen.text).toContain('You are alice')
      type('half')
      await screen.until(/bob> half$/u)
      await bob.json('send', ['alice', '\u001B[6n\u001B]0;late\u0007', '--until', 'delivered'])
      await screen.until(/\{1b\}\]0;late/u)
      expect(screen.text).toMatch(/bob> half$/u)
      type('\u007F\u007F\u007F\u007F/quit\r')
      expect(await chat.ended).toBe(0)
      expect({ ...pick(screen) }).toEqual({ title: '', clipboard: '', answers: '', unknown: [] })
    } finally {
      chat.kill()
    }
  })
})

const pick = ({ title, clipboard, answers, unknown }: TestScreen) => ({ title, clipboard, answers, unknown })
