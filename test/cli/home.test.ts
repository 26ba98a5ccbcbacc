import { chmod, lstat, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { emptyHome, homeOf } from './homes.ts'

describe('a home', () => {
  test('init makes an identity and never overwrites one', async () => {
    const home = await emptyHome()
    const [identity] = await home.json('init', ['--name', 'alice'])
    expect(identity).toMatchObject({ name: 'alice', home: home.folder })
    expect(identity?.['safetyNumber']).toMatch(/^\d{30}$/u)
    expect(await home.error('init')).toMatchObject({ exit: 1, code: 'ALREADY_INITIALISED' })
    const [status] = await home.json('status')
    expect(status?.['fingerprint']).toBe(identity?.['fingerprint'])
  })

  test('without an identity every verb says so and makes none', async () => {
    const home = await emptyHome()
    for (const verb of ['contacts', 'conversations', 'status', 'up', 'tail']) {
      expect(await home.error(verb)).toMatchObject({ exit: 1, code: 'NOT_INITIALISED' })
    }
    await expect(stat(join(home.folder, 'store'))).rejects.toThrow('ENOENT')
  })

  test('an identity comes back from its phrase, and from no other words', async () => {
    const home = await homeOf('alice')
    const [identity] = await home.json('status')
    const [shown] = await home.json('phrase', ['--yes'])
    const phrase = String(shown?.['phrase'])
    expect(phrase.split(' ')).toHaveLength(24)
    const other = await emptyHome()
    const [back] = await other.json('recover', [], `  ${phrase.toUpperCase().replace(' ', '\n')}\n`)
    expect(back?.['fingerprint']).toBe(identity?.['fingerprint'])
    const third = await emptyHome()
    const words = phrase.split(' ').toReversed().join(' ')
    expect(await third.error('recover', [], words)).toMatchObject({ exit: 1, code: 'INVALID_PHRASE' })
    expect(await home.error('recover', [], phrase)).toMatchObject({ exit: 1, code: 'ALREADY_INITIALISED' })
  })

  test('the phrase is not shown to a script that did not ask for it by name', async () => {
    const home = await homeOf('alice')
    expect(await home.error('phrase')).toMatchObject({ exit: 1, code: 'NOT_A_TERMINAL' })
  })

  test('a passphrase comes from a file or standard input, and opens the store', async () => {
    const home = await emptyHome()
    const file = join(home.folder, '..', 'passphrase')
    await writeFile(file, 'correct horse\n', { mode: 0o600 })
    await home.json('init', ['--name', 'alice', '--passphrase-file', file])
    expect(await home.error('contacts')).toMatchObject({ exit: 1, code: 'PASSPHRASE_NEEDED' })
    expect(await home.json('contacts', ['--passphrase-file', file])).toEqual([])
    expect(await home.json('contacts', ['--passphrase-file', '-'], 'correct horse')).toEqual([])
    expect(await home.error('contacts', ['--passphrase-file', '-'], 'wrong')).toMatchObject({
      exit: 1,
      code: 'WRONG_PASSPHRASE'
    })
    await writeFile(join(home.folder, 'config.json'), JSON.stringify({ passphraseFile: '../passphrase' }), {
      mode: 0o600
    })
    expect(await home.json('contacts')).toEqual([])
  })

  test.each([
    ['{', /not JSON/u],
    ['{"lisen":[]}', /lisen/u],
    ['{"mdns":"no"}', /mdns/u],
    [`{"listen":["${'x'.repeat(70_000)}"]}`, /too large/u]
  ])('a wrong configuration is refused', async (text, why) => {
    const home = await homeOf('alice')
    await writeFile(join(home.folder, 'config.json'), text)
    const error = await home.error('contacts')
    expect(error).toMatchObject({ exit: 1, code: 'INVALID_CONFIG' })
    expect(error.message).toMatch(why)
  })

  test('the configuration says where to listen', async () => {
    const home = await homeOf('alice')
    await writeFile(join(home.folder, 'config.json'), JSON.stringify({ offline: true }))
    const [status] = await home.json('status')
    expect(status).toMatchObject({ addresses: [], running: false })
  })

  test('doctor tries everything and finds what others may read', async () => {
    const home = await homeOf('alice')
    const good = await home.lines('doctor')
    expect(good.lines.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['home', 'socket', 'disk', 'clock', 'listen', 'store', 'network', 'DHT'])
    )
    expect(good.code).toBe(0)
    await chmod(join(home.folder, 'store', 'key.json'), 0o644)
    const bad = await home.lines('doctor')
    expect(bad.lines.find(({ name }) => name === 'home')).toMatchObject({
      ok: false,
      hint: expect.stringContaining('chmod')
    })
    expect(bad.code).toBe(1)
  })
})

describe('other users of this machine', () => {
  const before = process.umask()
  afterEach(() => void process.umask(before))

  test('cannot read anything, whatever the umask', async () => {
    process.umask(0)
    const home = await homeOf('alice')
    const up = home.start(['up', '--json'])
    await up.terminal.stdout.until(/"ready"/u)
    const [ready] = up.terminal.stdout.lines
    const socket = String(ready?.['socket'])
    const files = (await readdir(home.folder, { recursive: true })).map(file => join(home.folder, file))
    expect(files.length).toBeGreaterThan(3)
    for (const path of [home.folder, ...files, socket, join(socket, '..')]) {
      expect.soft((await lstat(path)).mode & 0o077, path).toBe(0)
    }
    expect(Buffer.byteLength(socket)).toBeLessThan(100)
  })

  test('cannot make a home that we would use', async () => {
    const home = await emptyHome()
    await mkdir(home.folder, { mode: 0o755 })
    await chmod(home.folder, 0o755)
    expect(await home.error('init')).toMatchObject({ exit: 1, code: 'HOME_UNSAFE' })
  })
})

describe('one node per home', () => {
  test('a second up is refused and says who holds the home; other verbs use the first', async () => {
    const home = await homeOf('alice')
    const up = home.start(['up', '--json'])
    await up.terminal.stdout.until(/"ready"/u)
    const [ready] = up.terminal.stdout.lines
    expect(ready).toMatchObject({
      v: 1,
      type: 'ready',
      pid: process.pid,
      peerId: expect.stringMatching(/^12D3/u)
    })
    const refused = await home.error('up')
    expect(refused).toMatchObject({
      exit: 1,
      code: 'HOME_IN_USE',
      message: expect.stringContaining(String(process.pid))
    })
    const [status] = await home.json('status')
    expect(status).toMatchObject({ running: true, pid: process.pid, peerId: ready?.['peerId'] })
    expect(await home.json('down')).toMatchObject([{ type: 'stopped', pid: process.pid }])
    expect(await up.ended).toBe(0)
    await expect(lstat(String(ready?.['socket']))).rejects.toThrow('ENOENT')
    await expect(readFile(join(home.folder, 'running.json'))).rejects.toThrow('ENOENT')
    expect(await home.error('down')).toMatchObject({ exit: 1, code: 'NO_RUNNING_NODE' })
  })

  test('Ctrl-C ends up cleanly', async () => {
    const home = await homeOf('alice')
    const up = home.start(['up'])
    await up.terminal.stdout.until(/^ready /u)
    up.terminal.interrupt()
    expect(await up.ended).toBe(0)
    expect(await home.json('contacts')).toEqual([])
  })

  test('what a crash left behind is in nobody’s way', async () => {
    const home = await homeOf('alice')
    const socket = join(home.folder, 'gone.sock')
    await writeFile(join(home.folder, 'running.json'), JSON.stringify({ pid: 1, socket, stays: true }), {
      mode: 0o600
    })
    expect(await home.json('contacts')).toEqual([])
    await writeFile(join(home.folder, 'running.json'), 'nonsense', { mode: 0o600 })
    expect(await home.json('contacts')).toEqual([])
  })

  test('up waits for a command that has the home for a moment', async () => {
    const home = await homeOf('alice')
    const following = home.start(['tail', '--follow', '--json'])
    await expect
      .poll(() => readFile(join(home.folder, 'running.json'), 'utf8').catch(() => ''))
      .toContain('"stays":false')
    const up = home.start(['up', '--json'])
    following.terminal.interrupt()
    await up.terminal.stdout.until(/"ready"/u)
    expect(await following.ended).toBe(0)
  })

  test('verbs at the same time share one node', async () => {
    const home = await homeOf('alice')
    const runs = await Promise.all(
      ['contacts', 'conversations', 'invites', 'requests'].map(verb => home.json(verb))
    )
    expect(runs).toEqual([[], [], [], []])
  })
})
