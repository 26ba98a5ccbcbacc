import { describe, expect, test } from 'vitest'
import { run } from '../../cli/run.ts'
import { testTerminal } from './terminal.ts'

/** Runs a command line that needs no home. */
async function hearsay(...argv: readonly string[]) {
  const terminal = testTerminal({ environment: { HEARSAY_HOME: '/nonexistent/hearsay' }, input: '' })
  const code = await run(argv, terminal)
  return { code, out: terminal.stdout.text, err: terminal.stderr.text }
}

describe('usage', () => {
  test.each([
    [['frobnicate'], /unknown command/u],
    [['send'], /missing required argument 'TO'/u],
    [
      ['send', 'bob', 'hi', '--until', 'tomorrow'],
      /Allowed choices are queued, sent, held, delivered, read/u
    ],
    [['send', 'bob', 'hi', '--timeout', 'soon'], /timeout: a duration is a number/u],
    [['send', 'bob', 'hi', '--frob'], /unknown option '--frob'/u],
    [['contacts', 'bob'], /too many arguments/u],
    [['tail', '--limit', 'many'], /limit: /u],
    [['tail', '--count', '0'], /count: /u],
    [['invite', '--expires', '999d'], /expires: /u],
    [['group'], /group takes a verb: create, list/u],
    [['group', 'frob'], /there is no verb "group frob"; there are create/u],
    [['group', 'create'], /missing required argument 'NAME'/u],
    [['group', 'set', 'ropes', '--may-add', 'everybody'], /Allowed choices are admins, members/u],
    [['device', 'revoke'], /missing required argument 'DEVICE'/u],
    [['help', 'frobnicate'], /there is no verb "frobnicate"/u],
    [['invites', 'revoke'], /missing required argument 'ID'/u]
  ])('hearsay %j is wrong: exit 2, nothing on stdout, and what to do', async (argv, why) => {
    const { code, out, err } = await hearsay(...argv)
    expect(err).toMatch(why)
    expect(err).toMatch(/^hearsay: INVALID_ARGUMENT: .*hearsay help/u)
    expect(out).toBe('')
    expect(code).toBe(2)
  })

  test('with --json the complaint is JSON', async () => {
    const { code, out, err } = await hearsay('send', '--json')
    expect(JSON.parse(err)).toMatchObject({ v: 1, type: 'error', code: 'INVALID_ARGUMENT' })
    expect(out).toBe('')
    expect(code).toBe(2)
  })

  test('a missing node is a failure, not a usage error', async () => {
    const { code, err } = await hearsay('down')
    expect(err).toMatch(/NO_RUNNING_NODE.*hearsay up/u)
    expect(code).toBe(1)
  })

  test('help of the whole fits a screen and a half, and names every verb', async () => {
    const { code, out } = await hearsay('help')
    expect(code).toBe(0)
    for (const verb of ['init', 'invite', 'add', 'send', 'tail', 'up', 'doctor'])
      expect(out).toContain(`  ${verb} `)
    expect((await hearsay('--help')).out).toBe(out)
    expect(Math.max(...out.split('\n').map(line => line.length))).toBeLessThanOrEqual(90)
  })

  test('help of a verb says its arguments, options and defaults', async () => {
    const { out } = await hearsay('help', 'send')
    expect(out).toContain('send [options] <TO> <TEXT...>')
    expect(out).toContain('--until <STATE>')
    expect(out).toContain('(default sent)')
    expect((await hearsay('send', '--help')).out).toBe(out)
    expect((await hearsay('help', 'group', 'create')).out).toContain('create [options] <NAME> [MEMBER...]')
    expect((await hearsay('help', 'group')).out).toContain('promote')
    expect((await hearsay('help', 'invites', 'revoke')).out).toContain('revoke [options] <ID>')
  })

  test('help for programs is the schema of every verb', async () => {
    const { out, code } = await hearsay('help', '--json')
    expect(code).toBe(0)
    const verbs = out
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as Record<string, unknown>)
    expect(verbs.find(({ name }) => name === 'invites.revoke')).toMatchObject({
      method: true,
      arguments: ['id']
    })
    expect(verbs.every(({ v, type }) => v === 1 && type === 'verb')).toBe(true)
  })

  test('the version is told in two ways', async () => {
    expect((await hearsay('--version')).out).toMatch(/^\d+\.\d+\.\d+\n$/u)
    expect(JSON.parse((await hearsay('version', '--json')).out)).toMatchObject({ v: 1, type: 'version' })
  })
})
