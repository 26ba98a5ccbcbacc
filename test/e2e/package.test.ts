/**
 * The package as somebody installs it: packed, unpacked beside what it depends on, and used from JavaScript, from
 * TypeScript and as a command. Nothing of the sources, the tests or the pinned Node is in it.
 */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const run = promisify(execFile)

let project = ''
let files: readonly string[] = []

/** Unpacks the package into a new project, and links what it declares as dependencies, and nothing else. */
async function install(): Promise<void> {
  project = await mkdtemp(join(tmpdir(), 'hearsay-package-'))
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', project], { cwd: root })
  const [packed] = JSON.parse(stdout.slice(stdout.indexOf('['))) as [
    { filename: string; files: { path: string }[] }
  ]
  files = packed.files.map(({ path }) => path)
  const home = join(project, 'node_modules/hearsay')
  await mkdir(home, { recursive: true })
  await run('tar', ['-xzf', join(project, packed.filename), '-C', home, '--strip-components=1'])
  const manifest = JSON.parse(await readFile(join(home, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  for (const name of [...Object.keys(manifest.dependencies), '@types/node', 'undici-types']) {
    const link = join(project, 'node_modules', name)
    await mkdir(dirname(link), { recursive: true })
    await symlink(join(root, 'node_modules', name), link, 'junction')
  }
  await writeFile(join(project, 'package.json'), '{ "type": "module" }')
}

beforeAll(install, 300_000)
afterAll(() => rm(project, { recursive: true, force: true }))

test('has what is needed and nothing else', async () => {
  expect(files).toContain('dist/src/index.d.ts')
  expect(files).toContain('dist/src/store/sqlite-worker.js')
  const unexpected = files.filter(
    path =>
      !/^(?:dist\/(?:src|cli)\/.+\.(?:js|d\.ts|js\.map)|docs\/.+|specs\/.+\.(?:md|json)|cli\/bin\.js|[A-Z]+(?:-[A-Z]+)?(?:\.md)?|package\.json)$/.test(
        path
      )
  )
  expect(unexpected).toEqual([])
  expect(await readdir(join(project, 'node_modules/hearsay'))).not.toContain('src')
})

test('is a library: two nodes on disk talk, and MLS and the test network are there', async () => {
  const program = `
    import { createNode, fileStore, version } from 'hearsay'
    import { cipherSuite } from 'hearsay/mls'
    import { simulate } from 'hearsay/testing'
    const network = { listen: ['/ip4/127.0.0.1/tcp/0'], dht: 'off', mdns: false }
    const signal = AbortSignal.timeout(60_000)
    const alice = await createNode({ store: fileStore('./alice'), name: 'alice', network })
    const bob = await createNode({ store: fileStore('./bob'), name: 'bob', network })
    const { link } = await alice.contacts.invite()
    await bob.contacts.ready(await bob.contacts.add(link, { name: 'alice' }), { signal })
    const delivery = await (await bob.direct('alice')).send('lunch?')
    const { state } = await delivery.reached('delivered', { signal })
    await Promise.all([alice.stop(), bob.stop()])
    const net = await simulate({ nodes: 2, seed: 7 })
    await net.contacts()
    const [one] = await net.node('alice').contacts.list()
    await net[Symbol.asyncDispose]()
    console.log(JSON.stringify([version, state, cipherSuite(0xf00d).id, one.name]))`
  await writeFile(join(project, 'program.js'), program)
  const { stdout } = await run(process.execPath, ['program.js'], { cwd: project })
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  expect(JSON.parse(stdout)).toEqual([version, 'delivered', 0xf00d, 'bob'])
})

test('has types for whoever is strict', async () => {
  const program = `
    import { createNode, HearsayError, memoryStore, type Delivery } from 'hearsay'
    import { Epoch, type KeyPackage } from 'hearsay/mls'
    import { simulate, type TestNetwork } from 'hearsay/testing'
    const node = await createNode({ store: memoryStore(), network: false })
    const sent: Delivery = await (await node.direct('bob')).send('hi')
    const state: 'held' | 'queued' | 'sent' | 'delivered' | 'read' | 'failed' = sent.state
    // @ts-expect-error: a conversation has no such method
    ;(await node.direct('bob')).shout('hi')
    export { HearsayError, Epoch, simulate, state, type KeyPackage, type TestNetwork }`
  await writeFile(join(project, 'program.ts'), program)
  const settings = {
    compilerOptions: {
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      module: 'nodenext',
      target: 'es2024',
      lib: ['es2024', 'esnext.disposable'],
      types: ['node'],
      skipLibCheck: true
    },
    include: ['program.ts']
  }
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify(settings))
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const { stdout } = await run(process.execPath, [compiler, '-p', project]).catch(
    (error: { stdout: string }) => error
  )
  expect(stdout).toBe('')
})

test('is a command', async () => {
  const command = join(project, 'node_modules/hearsay/cli/bin.js')
  const hearsay = (...words: string[]) => run(process.execPath, [command, ...words], { cwd: project })
  expect((await hearsay('version')).stdout).toMatch(/\d+\.\d+\.\d+/)
  const home = ['--home', join(project, 'home'), '--json']
  const { stdout } = await hearsay(...home, 'init', '--name', 'carol', '--no-passphrase')
  expect(JSON.parse(stdout)).toMatchObject({ type: 'identity', name: 'carol' })
})
