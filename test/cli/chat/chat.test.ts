import { describe, expect, test } from 'vitest'
import { emptyHome, homeOf } from '../homes.ts'

describe('the chat, line by line', () => {
  test('from nothing to a conversation', async () => {
    const alice = await emptyHome()
    const chat = alice.start(['chat', '--plain'])
    const { stdin, stdout } = chat.terminal
    await stdout.until(/@NAME hello/u)
    expect(stdout.text).toContain('there is no passphrase')

    const bob = await homeOf('bob')
    await bob.start(['up', '--json']).terminal.stdout.until(/"ready"/u)
    const [invite] = await bob.json('invite')
    stdin.write(`/add bob ${String(invite?.['link'])}\n`)
    await stdout.until(/bob +ready, not verified.*\/verify bob/u)
    const [contact] = await bob.json('contacts')

    stdin.write('@bob lunch?\n')
    await stdout.until(/[\d:]{5} · .*you.*: lunch\?/u)
    const name = String(contact?.['name'])
    await bob.json('send', [name, 'yes\n12:00 ✓✓ you: no', '--until', 'delivered'])
    await stdout.until(/bob: yes\n +12:00 ✓✓ you: no/u)

    stdin.write('and then?\n/frob\n/help\n/conversations\n')
    await stdout.until(/you: and then\?/u)
    await stdout.until(/INVALID_ARGUMENT: unknown command 'frob'/u)
    await stdout.until(/\/help VERB/u)
    expect(stdout.text.split('\n').every(line => line.length <= 130)).toBe(true)
    expect(await alice.json('status')).toMatchObject([{ running: true }])
    stdin.write('/quit\n')
    expect(await chat.ended).toBe(0)
    expect((await alice.json('tail')).map(({ text }) => text)).toEqual([
      'lunch?',
      'yes\n12:00 ✓✓ you: no',
      'and then?'
    ])
  })

  test('over a node that runs already, until that one ends', async () => {
    const alice = await homeOf('alice')
    await alice.start(['up', '--json']).terminal.stdout.until(/"ready"/u)
    const chat = alice.start(['chat', '--plain'])
    await chat.terminal.stdout.until(/You are alice/u)
    chat.terminal.stdin.write('/status\n')
    await chat.terminal.stdout.until(/node +runs/u)
    await alice.json('down')
    expect(await chat.ended).toBe(0)
  })

  test('what was typed before the end of input is on disk', async () => {
    const alice = await homeOf('alice')
    const bob = await homeOf('bob')
    const [invite] = await bob.json('invite')
    await alice.json('add', ['bob', String(invite?.['link']), '--timeout', '1ms'])
    const { code } = await alice.run(['chat', '--plain', '--offline'], '@bob one\ntwo\n')
    expect(code).toBe(0)
    expect((await alice.json('tail', ['bob'])).map(({ text }) => text)).toEqual(['one', 'two'])
  })

  test('without a terminal two nodes show how it goes, and it ends', async () => {
    const home = await emptyHome()
    const { code, out, err } = await home.run([])
    expect(err).toBe('')
    expect(out).toMatch(
      /alice +sends: lunch\?\nbob +has it: lunch\?\nalice +knows that it is (delivered|read)/u
    )
    expect(out).toMatch(
      /bob +sends: yes! at one\nalice +has it: yes! at one\nbob +knows that it is (delivered|read)/u
    )
    expect(code).toBe(0)
  })
})
