/**
 * The two stories of the README are what happens: each command is run by a shell, in a folder of its own, and what it
 * prints is compared with the page, but for what differs each time (ids, ports, times).
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test, vi } from 'vitest'
import { blocksOf } from '../rules/documentation.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const stories = blocksOf('README.md').filter(({ language }) => language === 'console')

/** What stays of a line when everything that differs each time is called the same. */
const shape = (line: string): string =>
  line
    .replaceAll(/12D3Koo\w+/g, 'PEER')
    .replaceAll(/invite\/[\w-]+/g, 'invite/LINK')
    .replaceAll(/[0-9a-f]{4}…[0-9a-f]{4}/g, 'ID')
    .replaceAll(/(?:\d{5} ?){2,}/g, 'NUMBER')
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d/g, 'TIME')
    .replaceAll(/\d+ ms/g, 'N ms')
    .replaceAll(/\/tcp\/\d+/g, '/tcp/PORT')
    .replaceAll(/process \d+/g, 'process PID')
    .replaceAll(/(kept in +)\S*\//g, '$1')

test('the README tells two stories', () => {
  expect(stories).toHaveLength(2)
})

test('what differs each time is called the same, and nothing else', () => {
  expect(shape('kept in      /tmp/story/alice')).toBe(shape('kept in      /var/tmp/x/alice'))
  expect(shape('delivered    102 ms')).toBe(shape('delivered    9 ms'))
  expect(shape('delivered    102 ms')).not.toBe(shape('sent         102 ms'))
  expect(shape('2026-11-22 17:42 bob: lunch?')).not.toBe(shape('2026-11-22 17:42 bob: launch?'))
})

const HEARSAY = '"$NODE" -C hearsay-source --disable-sigusr1 "$ROOT/cli/main.ts"'
const FUNCTIONS = `hearsay() { ${HEARSAY} "$@"; }; npm() { hearsay; };`

/** Runs a line in a shell, to its end. */
async function run(line: string, folder: string, env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn('sh', ['-c', `${FUNCTIONS} ${line}`], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe']
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => (said[name] += text))
  const [code] = (await once(child, 'close')) as [number]
  expect([line, code], said.stderr).toEqual([line, 0])
  return said.stdout
}

/** Runs a line that goes on in the background. Resolves once it has written a line to its file. */
async function begin(line: string, folder: string, env: NodeJS.ProcessEnv): Promise<void> {
  const command = line.replace(/^hearsay/, HEARSAY).replace(/ &$/, '')
  const child = spawn('sh', ['-c', `exec ${command}`], { cwd: folder, env, stdio: 'ignore' })
  onTestFinished(() => void child.kill('SIGKILL'))
  const file = join(folder, / > (\S+)/.exec(line)![1]!)
  await vi.waitFor(async () => expect(await readFile(file, 'utf8')).toContain('\n'), { timeout: 30_000 })
}

test.each(stories)('what the README shows on line $line happens', async ({ text }) => {
  const folder = await mkdtemp(join(tmpdir(), 'story-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  // One machine without a network at large is enough, and nobody else's is asked.
  for (const name of ['alice', 'bob']) await configure(join(folder, name))
  const environment = { ...process.env, NODE: process.execPath, ROOT: root, NO_COLOR: '1' }
  let happened = ''
  for (const [, line = ''] of text.matchAll(/^\$ (.+)$/gm)) {
    happened += `$ ${line}\n`
    if (line.endsWith(' &')) await begin(line, folder, environment)
    else happened += await run(line, folder, environment)
  }
  expect(happened.split('\n').map(shape)).toEqual(text.split('\n').map(shape))
})

async function configure(home: string): Promise<void> {
  await mkdir(home, { mode: 0o700 })
  const config = { listen: ['/ip4/127.0.0.1/tcp/0'], dht: false, mdns: false }
  await writeFile(join(home, 'config.json'), JSON.stringify(config), { mode: 0o600 })
}
