/**
 * The home of a node against its surroundings: a second process, other users, signals, wrong passphrases, a full
 * disk and damage. Every refusal has a code, and what was there before is there afterwards.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { access, chmod, chown, mkdir, open as openFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { describe, expect } from 'vitest'
import { isLine, type LineOf } from './contract.ts'
import { CallFailed, CutOff, type ControlClient } from './control-client.ts'
import type { Person, RunningNode } from './person.ts'
import { test, type Story } from './story.ts'
import { system } from './system.ts'

const shape = ['--listen', '/ip4/127.0.0.1/tcp/0', '--no-dht', '--no-mdns']
const isRoot = process.getuid?.() === 0
const NOBODY = 65_534
const PAGE_BYTES = 4096

/** All that is under a folder, by path, with its rights. */
function rightsIn(folder: string): Map<string, string> {
  const paths = [
    folder,
    ...readdirSync(folder, { recursive: true, encoding: 'utf8' }).map(path => join(folder, path))
  ]
  return new Map(paths.map(path => [path, (lstatSync(path).mode & 0o777).toString(8)]))
}

/** The hash of each file of a home. */
function contentsOf(home: string): Map<string, string> {
  const files = [...rightsIn(home).keys()].filter(path => lstatSync(path).isFile())
  return new Map(files.map(path => [path, createHash('sha256').update(readFileSync(path)).digest('hex')]))
}

const sendTo = async (control: ControlClient, to: string, text: string): Promise<string> =>
  ((await control.call('send', { to, text, until: 'queued' })) as LineOf<'delivery'>).message

/** Two contacts whose nodes run. */
async function connected(alice: Person, bob: Person): Promise<[RunningNode, RunningNode]> {
  await Promise.all([alice.init(), bob.init()])
  const nodes = await Promise.all([alice.up(), bob.up()])
  const { link } = await alice.one('invite', 'invite')
  await bob.one('contact', 'add', 'alice', link, '--until', 'ready', '--timeout', '90s')
  await nodes[0].child.line('contact:connected')
  return nodes
}

describe('one home, one node', () => {
  test('a second node is refused by name, and a command is served by the first', async ({ story }) => {
    const alice = story.person('alice', { shape })
    await alice.init()
    const node = await alice.up()
    const refusal = await alice.refused('up')
    expect(refusal.code).toBe('HOME_IN_USE')
    expect(refusal.message).toContain(String(node.child.pid))
    expect(await alice.one('status', 'status')).toMatchObject({ pid: node.child.pid, running: true })
    await node.stop()
    expect(await alice.one('status', 'status', '--offline')).toMatchObject({ running: false })
  })

  test('of two that make an identity at once, one does', async ({ story }) => {
    const alice = story.person('alice', { shape })
    const init = ['init', '--name', 'alice', '--no-passphrase']
    const outcomes = await Promise.all([alice.run(init), alice.run(init)])
    const [made, ...others] = outcomes.flatMap(({ lines }) => lines.filter(isLine('identity')))
    expect(others).toEqual([])
    const refused = outcomes.map(({ error }) => error?.code).filter(code => code !== undefined)
    expect(['HOME_IN_USE', 'ALREADY_INITIALISED']).toContain(refused[0])
    const status = await alice.one('status', 'status', '--offline')
    expect(status).toMatchObject({ fingerprint: made?.fingerprint })
    expect((await alice.refused(...init)).code).toBe('ALREADY_INITIALISED')
  })

  test('what a killed node leaves behind is in nobody’s way', async ({ story }) => {
    const alice = story.person('alice', { shape })
    await alice.init()
    const node = await alice.up()
    await node.kill()
    await access(node.ready.socket)
    await (await alice.up()).stop()
    await expect(access(node.ready.socket)).rejects.toThrow('ENOENT')
  })
})

describe('other users of the machine', () => {
  test('have no rights in a home, whatever the umask is', async ({ story }) => {
    const open = ['sh', '-c', 'umask 000; exec "$@"', 'sh']
    const [alice, bob] = [story.person('alice', { shape, prefix: open }), story.person('bob', { shape })]
    const [node] = await connected(alice, bob)
    await alice.ask('send', 'bob', 'hello')
    const rights = new Map([...rightsIn(alice.home), ...rightsIn(dirname(node.ready.socket))])
    expect(rights.size).toBeGreaterThan(6)
    for (const [path, mode] of rights)
      expect(`${path} ${mode}`).toBe(`${path} ${lstatSync(path).isDirectory() ? 700 : 600}`)
  })

  test('cannot read it, write to it, or talk to its node', async ({ story, skip }) => {
    if (!isRoot) return skip('only root can become another user')
    const alice = story.person('alice', { shape })
    await alice.init()
    const node = await alice.up()
    // The folders above are open, so that only the home's own rights and the socket's stand between.
    for (const folder of [story.folder, join(story.folder, 'run')]) await chmod(folder, 0o755)
    const attempts = {
      list: `ls '${alice.home}'`,
      key: `cat '${alice.home}/store/key.json'`,
      database: `cat '${alice.home}/store/store.db'`,
      plant: `touch '${alice.home}/config.json'`,
      replace: `mv '${alice.home}' '${alice.home}.old'`,
      socket: `ls '${dirname(node.ready.socket)}'`
    }
    for (const [what, command] of Object.entries(attempts)) {
      const { status, stderr } = spawnSync('sh', ['-c', command], {
        uid: NOBODY,
        gid: NOBODY,
        encoding: 'utf8'
      })
      expect({ what, status: status === 0, denied: /denied/u.test(stderr) }).toEqual({
        what,
        status: false,
        denied: true
      })
    }
    expect(await connectingAs(NOBODY, node.ready.socket)).toMatch(/EACCES|no such node/u)
  })

  test('are not trusted with a home: what others can read or own is refused', async ({ story, skip }) => {
    const alice = story.person('alice', { shape })
    await alice.init()
    await chmod(alice.home, 0o750)
    expect((await alice.refused('status', '--offline')).code).toBe('HOME_UNSAFE')
    await chmod(alice.home, 0o700)
    await chmod(join(alice.home, 'store', 'key.json'), 0o640)
    expect((await alice.refused('status', '--offline')).code).toBe('HOME_UNSAFE')
    await chmod(join(alice.home, 'store', 'key.json'), 0o600)
    await alice.ask('status', '--offline')
    if (!isRoot) return skip('only root can give a home away')
    await chown(alice.home, NOBODY, NOBODY)
    expect((await alice.refused('status', '--offline')).code).toBe('HOME_UNSAFE')
  })
})

/** What another user gets from connecting to a socket. */
async function connectingAs(uid: number, path: string): Promise<string> {
  const script = `require('node:net').connect(process.argv[1]).on('connect', () => console.log('connected')).on('error', e => console.log(e.code)).on('connect', function () { this.destroy() })`
  const { stdout, error } = spawnSync(process.execPath, ['-e', script, path], {
    uid,
    gid: uid,
    encoding: 'utf8'
  })
  // Where the other user cannot even run our Node, there is nothing to try.
  return error === undefined ? stdout.trim() : 'no such node'
}

describe('signals', () => {
  test('SIGUSR1 opens no debugger', async ({ story }) => {
    const alice = story.person('alice', { shape })
    await alice.init()
    const node = await alice.up()
    node.child.kill('SIGUSR1')
    // Whoever answers afterwards has dealt with the signal, and lives.
    expect(await alice.one('status', 'status')).toMatchObject({ pid: node.child.pid, running: true })
    expect(node.child.stderr).not.toMatch(/debugger/iu)
    const { promise, resolve } = Promise.withResolvers<string>()
    const socket = connect(9229, '127.0.0.1', () => resolve('open')).on('error', () => resolve('closed'))
    expect(await promise).toBe('closed')
    socket.destroy()
  })

  test('Ctrl-C in the middle of sending loses nothing that was accepted', async ({ story }) => {
    const [alice, bob] = [story.person('alice', { shape }), story.person('bob', { shape })]
    const [node, other] = await connected(alice, bob)
    const control = await node.control()
    const accepted: string[] = []
    const sending = Array.from({ length: 400 }, async (_, index) => {
      accepted.push(await sendTo(control, 'bob', `message ${index}`))
      if (accepted.length === 20) node.child.kill('SIGINT')
    })
    // The control socket takes 64 calls at a time and refuses the others by a code.
    const ends = await Promise.allSettled(sending)
    for (const end of ends)
      if (end.status === 'rejected' && !(end.reason instanceof CutOff || end.reason instanceof CallFailed))
        throw end.reason
    expect((await node.child.ended).code).toBe(0)
    expect(readdirSync(alice.home).toSorted()).toEqual(['store', 'store.lock'])

    const history = (await alice.history('bob')).map(({ id }) => id)
    expect(accepted.filter(id => !history.includes(id))).toEqual([])
    expect(new Set(history).size).toBe(history.length)
    await other.stop()
    // Alice's node comes back elsewhere, and so does bob's: nothing is left but what is on disk.
    expect(await bob.one('status', 'status', '--offline')).toMatchObject({ contacts: 1 })
  })

  test('Ctrl-C ends what follows, which is no failure, and a wait, which leaves the message where it is', async ({
    story
  }) => {
    const [alice, bob] = [story.person('alice', { shape }), story.person('bob', { shape })]
    const [node, other] = await connected(alice, bob)
    await bob.ask('send', 'alice', 'before')
    const following = [alice.start(['events', '--since', '0']), alice.start(['tail', '--follow'])] as const
    await Promise.all([following[0].line('contact:added'), following[1].line('message')])
    for (const child of following) {
      child.kill('SIGINT')
      expect(await child.ended).toEqual({ code: 0, signal: null })
    }

    await other.stop()
    await node.stop()
    const waiting = alice.start(['send', 'bob', 'nobody is there', '--until', 'delivered', '--timeout', '1h'])
    await waiting.until('the message to be on disk', () =>
      waiting.stderr.includes('on disk') ? true : undefined
    )
    waiting.kill('SIGINT')
    expect(await waiting.ended).toEqual({ code: 1, signal: null })
    expect(await alice.history('bob')).toMatchObject([{ text: 'before' }, { text: 'nobody is there' }])
  })
})

describe('a locked home', () => {
  test('opens with its passphrase only, and a wrong one changes nothing', async ({ story }) => {
    const alice = story.person('alice', { shape })
    const right = join(story.folder, 'right')
    const wrong = join(story.folder, 'wrong')
    await writeFile(right, 'correct horse\n', { mode: 0o600 })
    await writeFile(wrong, 'battery staple\n', { mode: 0o600 })
    const made = await alice.one('identity', 'init', '--name', 'alice', '--passphrase-file', right)
    const before = contentsOf(alice.home)
    expect((await alice.refused('up', '--passphrase-file', wrong)).code).toBe('WRONG_PASSPHRASE')
    expect((await alice.refused('up')).code).toBe('PASSPHRASE_NEEDED')
    expect(contentsOf(alice.home)).toEqual(before)
    const status = await alice.one('status', 'status', '--offline', '--passphrase-file', right)
    expect(status).toMatchObject({ fingerprint: made.fingerprint })
  })
})

describe('damage', () => {
  test('is told by its code, and the files are left as they are', async ({ story }) => {
    const [alice, bob] = [story.person('alice', { shape }), story.person('bob', { shape })]
    const [node] = await connected(alice, bob)
    await alice.ask('send', 'bob', 'before the damage')
    await node.stop()
    const database = join(alice.home, 'store', 'store.db')
    const key = join(alice.home, 'store', 'key.json')
    const whole = readFileSync(database)
    const flipped = (...places: readonly number[]): Buffer => {
      const bytes = Buffer.from(whole)
      for (const at of places) bytes[at]! ^= 0x01
      return bytes
    }
    const pages = Array.from({ length: whole.length / PAGE_BYTES }, (_, page) => page * PAGE_BYTES)
    const wholeKey = readFileSync(key)
    const damages: readonly (readonly [what: string, file: string, bytes: Buffer])[] = [
      ['the first page', database, flipped(100)],
      ['a bit of every page', database, flipped(...pages.map(page => page + 1000))],
      ['half of it is gone', database, whole.subarray(0, Math.trunc(whole.length / 2))],
      ['it is empty', database, Buffer.alloc(0)],
      ['something else', database, Buffer.alloc(whole.length, 'not a database ')],
      ['the key file', key, wholeKey.subarray(0, 20)]
    ]
    for (const [what, file, bytes] of damages) {
      await writeFile(file, bytes)
      const before = contentsOf(alice.home)
      const { code } = await alice.refused('tail', 'bob', '--offline')
      expect(`${what}: ${code}`).toBe(`${what}: STORE_CORRUPT`)
      expect(contentsOf(alice.home), what).toEqual(before)
      await writeFile(file, file === key ? wholeKey : whole)
    }
    // Damage to one page is told by whoever reads that page; never is anything shown but what was written.
    for (const page of pages) {
      await writeFile(database, flipped(page + (page % 4093)))
      const { code, lines, error } = await alice.run(['tail', 'bob', '--offline'])
      if (code === 0) expect(lines).toMatchObject([{ text: 'before the damage' }])
      else expect(error?.code).toBe('STORE_CORRUPT')
    }
    await writeFile(database, whole)
    expect(await alice.history('bob')).toMatchObject([{ text: 'before the damage' }])
  })
})

/** A disk of a few megabytes at this path. Says why not, where it cannot be made. */
async function smallDisk(story: Story, path: string): Promise<string> {
  if (process.platform !== 'linux' || !isRoot) return 'only root can mount a small disk'
  await mkdir(path, { mode: 0o700 })
  const refused = system('mount', '-t', 'tmpfs', '-o', 'size=4m,mode=0700', 'hearsay', path)
  if (refused === '') story.atEnd(() => system('umount', path))
  return refused
}

/** Takes all the space that is left on the disk of a home. */
async function fill(home: string): Promise<string> {
  const path = join(home, 'filler')
  await using file = await openFile(path, 'w', 0o600)
  // A running node takes of the same space: so not what is free now, but until nothing is.
  for (let size = 1 << 20; size >= 512;) {
    const fits = await file.write(Buffer.alloc(size)).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOSPC') throw error
        return false
      }
    )
    if (!fits) size /= 2
  }
  return path
}

/** Sends until the disk says no; returns what was accepted and the code of the refusal. */
async function sendUntilRefused(control: ControlClient, to: string, name: string) {
  const accepted: string[] = []
  try {
    for (let number = 1; number <= 5000; number++) {
      const text = `${name} ${number} ${'x'.repeat(500)}`
      await sendTo(control, to, text)
      accepted.push(text)
    }
    return { accepted, code: undefined }
  } catch (error) {
    if (!(error instanceof CallFailed)) throw error
    return { accepted, code: error.code }
  }
}

describe('a full disk', () => {
  test('of the sender refuses by a code, loses nothing, and is forgotten once there is space', async ({
    story,
    skip
  }) => {
    const [alice, bob] = [story.person('alice', { shape }), story.person('bob', { shape })]
    const why = await smallDisk(story, alice.home)
    if (why !== '') return skip(why)
    const [node, other] = await connected(alice, bob)
    const control = await node.control()
    const filler = await fill(alice.home)
    const { accepted, code } = await sendUntilRefused(control, 'bob', 'before')
    expect(code).toBe('STORE_FULL')
    expect(await control.call('status')).toMatchObject({ pid: node.child.pid })

    await rm(filler)
    for (let number = 1; number <= 20; number++) {
      const text = `after ${number}`
      await sendTo(control, 'bob', text)
      accepted.push(text)
    }
    await heardInOrder(other, accepted)
    expect(
      (await alice.ask('tail', 'bob', '--limit', '10000')).filter(isLine('message')).map(({ text }) => text)
    ).toEqual(accepted)
  })

  test('of the receiver acknowledges nothing that it could not keep, and goes on once there is space', async ({
    story,
    skip
  }) => {
    const [alice, bob] = [story.person('alice', { shape }), story.person('bob', { shape })]
    const why = await smallDisk(story, bob.home)
    if (why !== '') return skip(why)
    const [node, other] = await connected(alice, bob)
    const filler = await fill(bob.home)
    const control = await node.control()
    const texts = Array.from({ length: 400 }, (_, index) => `message ${index} ${'x'.repeat(500)}`)
    for (const text of texts) await sendTo(control, 'bob', text)
    // Bob cannot keep all of it; he says so to whoever wants to write, and lives.
    const { code } = await sendUntilRefused(await other.control(), 'alice', 'bob')
    expect(code).toBe('STORE_FULL')
    const kept = new Set(
      (await bob.ask('tail', 'alice', '--limit', '10000')).filter(isLine('message')).map(({ id }) => id)
    )
    expect(kept.size).toBeLessThan(texts.length)
    const shown = node.child.facts.filter(isLine('delivery:changed')).map(({ delivery }) => delivery)
    expect(shown.filter(({ state, message }) => state === 'delivered' && !kept.has(message))).toEqual([])

    await rm(filler)
    await heardInOrder(other, texts)
    await other.kill()
    const stored = (await bob.history('alice')).filter(({ from }) => !from.self).map(({ text }) => text)
    expect(stored).toEqual(texts)
  })
})

/** Waits until a node has shown all these texts; once each, in this order. */
async function heardInOrder(node: RunningNode, texts: readonly string[]): Promise<void> {
  const heard = await node.child.until(`${texts.length} messages`, () => {
    const lines = node.child.facts.filter(isLine('message:received')).map(({ message }) => message.text)
    return lines.length >= texts.length ? lines : undefined
  })
  expect(heard).toEqual(texts)
}
