import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { emptyHome, homeOf } from './homes.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The command line as a process of its own. */
const hearsay = (...argv: readonly string[]) =>
  spawn(process.execPath, ['-C', 'hearsay-source', 'cli/main.ts', ...argv], { cwd: root })

async function ended(child: ReturnType<typeof hearsay>): Promise<{ code: number; out: string; err: string }> {
  let out = ''
  let err = ''
  child.stdout.on('data', (part: Buffer) => (out += part.toString()))
  child.stderr.on('data', (part: Buffer) => (err += part.toString()))
  const [code] = (await once(child, 'close')) as [number]
  return { code, out, err }
}

describe('the process', () => {
  test('an old Node is told what is needed', () => {
    const old = `Object.defineProperty(process.versions, 'node', { value: '20.20.2' }); import('./cli/bin.js')`
    const { status, stderr } = spawnSync(process.execPath, ['-e', old], { cwd: root, encoding: 'utf8' })
    expect(stderr).toContain('hearsay: needs Node 22.14 or newer; this is Node 20.20.2.')
    expect(status).toBe(1)
  })

  test('a reader that has seen enough ends it without a complaint', async () => {
    const child = hearsay('help', '--json')
    child.stdout.destroy()
    const { code, err } = await ended(child)
    expect(err).toBe('')
    expect(code).toBe(0)
  })

  test('SIGTERM stops the node cleanly; SIGUSR1 opens no debugger', async () => {
    const home = await homeOf('alice')
    const child = hearsay('up', '--home', home.folder, '--offline', '--json')
    const outcome = ended(child)
    await once(child.stdout, 'data')
    child.kill('SIGUSR1')
    expect(await home.json('status')).toMatchObject([{ running: true, pid: child.pid }])
    child.kill('SIGTERM')
    const { code, err } = await outcome
    expect(err).not.toMatch(/debugger/iu)
    expect(code).toBe(0)
    expect(await home.json('contacts')).toEqual([])
  })

  test('a killed node leaves nothing that stops the next one', async () => {
    const home = await homeOf('alice')
    const child = hearsay('up', '--home', home.folder, '--offline', '--json')
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await once(child, 'close')
    expect(await home.json('status')).toMatchObject([{ running: false }])
  })

  test('completion answers a TAB without a node', async () => {
    const home = await emptyHome()
    const script = await ended(hearsay('completion', 'bash'))
    expect(script.out).toContain('complete -F')
    const tab = await ended(hearsay('complete', '--', '--home', home.folder, 'invi'))
    expect(tab.code).toBe(0)
  })

  test('a command that uses a running node loads no network library', () => {
    const files = readdirSync(`${root}/cli`, { recursive: true, encoding: 'utf8' }).filter(file =>
      file.endsWith('.ts')
    )
    const imports = files.flatMap(file =>
      [...readFileSync(`${root}/cli/${file}`, 'utf8').matchAll(/from '([^.'][^']*)'/gu)].map(
        ([, name]) => name
      )
    )
    const foreign = new Set(imports.filter(name => !name?.startsWith('node:')))
    expect(foreign).toEqual(
      new Set(['@bomb.sh/tab/commander', 'commander', 'hearsay', 'string-width', 'uqr', 'zod'])
    )
    const loaded = `
      import { registerHooks } from 'node:module'
      const seen = []
      registerHooks({ resolve(specifier, context, next) { const found = next(specifier, context); seen.push(found.url); return found } })
      await import('./cli/run.ts')
      console.log(seen.filter(url => /libp2p|@multiformats/.test(url)).length)
    `
    const { stdout } = spawnSync(
      process.execPath,
      ['-C', 'hearsay-source', '--input-type=module', '-e', loaded],
      {
        cwd: root,
        encoding: 'utf8'
      }
    )
    expect(stdout).toBe('0\n')
  })
})
