/** Rules about the project as a whole: its manifest, what it depends on, and what is never in a file. */
import { execFileSync } from 'node:child_process'
import { version } from 'hearsay'
import { describe, expect, test } from 'vitest'
import { pathOf, read } from './sources.ts'

interface Locked {
  readonly version?: string
  readonly license?: string
  readonly dev?: boolean
  readonly optional?: boolean
  readonly integrity?: string
  readonly resolved?: string
  readonly link?: boolean
  readonly hasInstallScript?: boolean
}

const manifest = JSON.parse(read('package.json')) as {
  readonly version: string
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly allowScripts: Readonly<Record<string, boolean>>
}
const lock = JSON.parse(read('package-lock.json')) as { packages: Readonly<Record<string, Locked>> }
const installed = Object.entries(lock.packages).filter(([path]) => path.includes('node_modules/'))
const tracked = execFileSync('git', ['ls-files'], { cwd: pathOf('.'), encoding: 'utf8' })
  .trim()
  .split('\n')

test('the version that the program says is that of the package', () => {
  expect(version).toBe(manifest.version)
})

test('the changelog begins with this version', () => {
  expect(/^## \[?([\d.]+)/m.exec(read('CHANGELOG.md'))?.[1]).toBe(manifest.version)
})

describe('dependencies', () => {
  test('have exact versions', () => {
    for (const [name, wanted] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }))
      expect(wanted, name).toMatch(/^\d+\.\d+\.\d+$/)
  })

  test('are locked by a hash, and to no registry', () => {
    for (const [path, { integrity, resolved, link }] of installed) {
      if (link === true) continue
      expect(integrity, path).toMatch(/^sha512-/)
      expect(resolved, path).toBeUndefined()
    }
  })

  test('run nothing when they are installed', () => {
    const scripted = installed
      .filter(([, { hasInstallScript }]) => hasInstallScript)
      .map(([path]) => path.split('node_modules/').at(-1)!)
    for (const name of scripted) expect([name, manifest.allowScripts[name]]).toEqual([name, false])
  })

  test('of whoever installs the package have licences that ask for nothing but their text', () => {
    for (const [path, { dev, license }] of installed)
      if (dev !== true && license !== undefined)
        expect([path, license]).toEqual([path, expect.not.stringMatching(/GPL|SSPL|BUSL|MPL/)])
  })
})

/** What must not be in any file that is handed on. */
const secrets: ReadonlyArray<readonly [what: string, pattern: RegExp]> = [
  ['a private key', /-----BEGIN [A-Z ]*PRIVATE KEY-----/],
  ['a token', /\b(?:npm_[A-Za-z0-9]{36}|gh[pousr]_[A-Za-z0-9]{36}|AKIA[0-9A-Z]{16})\b/],
  ["somebody's folder", /(?<![\w.])\/(?:home|Users|root|work)\/\w/]
]

const found = (text: string): string[] =>
  secrets.filter(([, pattern]) => pattern.test(text)).map(([what]) => what)

test('what must not be in a file is seen', () => {
  const dashes = '-'.repeat(5)
  expect(found(`${dashes}BEGIN EC PRIVATE KEY${dashes}`)).toEqual(['a private key'])
  expect(found(`npm_${'a1'.repeat(18)}`)).toEqual(['a token'])
  expect(found(`in ${['', 'home', 'alice', 'src'].join('/')}`)).toEqual(["somebody's folder"])
  expect(found('see ./home/alice, ../work/it and https://example.org/home/page')).toEqual([])
})

test('no file has a secret or somebody’s folder in it', () => {
  const texts = tracked.filter(path => /\.(?:m?[jt]s|json|md|ya?ml|txt)$|^\.ci\/|\.npmrc$/.test(path))
  expect(texts.length).toBeGreaterThan(300)
  expect(texts.flatMap(path => found(read(path)).map(what => `${path}: ${what}`))).toEqual([])
})

test('no file is named for being useful', () => {
  const vague = tracked.filter(path =>
    /(?:^|[/-])(?:helpers?|utils?|managers?|misc|common|stuff)[./-]/.test(path)
  )
  expect(vague).toEqual([])
})

test('the linter holds files to 400 lines and functions to 60', () => {
  const { rules } = JSON.parse(read('.oxlintrc.json')) as { rules: Readonly<Record<string, unknown>> }
  expect(rules['max-lines']).toEqual(['error', { max: 400 }])
  expect(rules['max-lines-per-function']).toEqual(['error', { max: 60 }])
})
