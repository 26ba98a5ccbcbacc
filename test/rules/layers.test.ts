/** The arrows between the layers, and what each layer may touch. The checker is checked first. */
import { describe, expect, test } from 'vitest'
import { wrongInSource, wrongOutside } from './layers.ts'
import { filesIn, moduleAt, parseModule } from './sources.ts'

const wrong = (path: string, source: string): string[] =>
  wrongInSource(parseModule(path, source)).map(each => each.slice(path.length + 2))

describe('the checker', () => {
  test.each([
    ['src/core/a.ts', `import { a } from '../net/a.ts'`, 'imports ../net/a.ts'],
    ['src/core/a.ts', `export type { A } from '../ports/a.ts'`, 'imports ../ports/a.ts'],
    ['src/core/a.ts', `import type { A } from '../runtime.ts'`, 'imports ../runtime.ts'],
    ['src/core/b/a.ts', `type A = import('../../store/a.ts').A`, 'imports ../../store/a.ts'],
    ['src/core/a.ts', `import 'node:fs'`, 'imports node:fs'],
    ['src/core/a.ts', `import { encode } from 'cborg'`, 'imports cborg'],
    ['src/core/a.ts', `import '@noble/post-quantum/ml-kem.js'`, 'imports @noble/post-quantum/ml-kem.js'],
    ['src/store/a.ts', `const a = () => import('libp2p')`, 'imports libp2p'],
    ['src/store/a.ts', `export * from '../wire/a.ts'`, 'imports ../wire/a.ts'],
    [
      'src/net/a.ts',
      `import Database from 'better-sqlite3-multiple-ciphers'`,
      'imports better-sqlite3-multiple-ciphers'
    ],
    ['src/net/a.ts', `import { x } from '../core/a.ts'`, 'imports ../core/a.ts'],
    ['src/net/a.ts', `import { x } from '../testing/a.ts'`, 'imports ../testing/a.ts'],
    ['src/wire/a.ts', `import { x } from '../crypto/a.ts'`, 'imports ../crypto/a.ts'],
    ['src/base/a.ts', `import { x } from '../wire/a.ts'`, 'imports ../wire/a.ts'],
    ['src/node.ts', `import { x } from '../cli/a.ts'`, 'imports ../cli/a.ts, which is outside of src'],
    ['src/node.ts', `import { x } from './testing/a.ts'`, 'imports ./testing/a.ts'],
    ['src/net/a.ts', `const a = (b: string) => import(b)`, 'imports what only running it can tell'],
    ['src/core/a.ts', `const a = Date.now()`, 'uses Date'],
    ['src/core/a.ts', `const a = { Date }`, 'uses Date'],
    ['src/core/a.ts', `const a = globalThis['Date']`, 'uses globalThis'],
    ['src/core/a.ts', `setTimeout(() => undefined, 1)`, 'uses setTimeout'],
    ['src/core/a.ts', `let a: Promise<void>`, 'uses Promise'],
    ['src/wire/a.ts', `console.log(process.env)`, 'uses process'],
    ['src/crypto/a.ts', `async function a() {}`, 'waits'],
    ['src/crypto/a.ts', `const a = async () => 1`, 'waits'],
    ['src/crypto/a.ts', `class A { async a() {} }`, 'waits'],
    ['src/other/a.ts', ``, 'nobody has decided what other may import']
  ])('finds in %s: %s', (path, source, complaint) => {
    expect(wrong(path, source)).toContain(complaint)
  })

  test('sees no chance but through Math', () => {
    expect(wrong('src/core/a.ts', `const a = Math.random()`)).toEqual(['uses Math.random'])
    expect(wrong('src/core/a.ts', `const { random } = Math`)).toEqual(['uses Math.random'])
    expect(wrong('src/core/a.ts', `const a = Math.max(1, 2)`)).toEqual([])
  })

  test('takes what only looks like it: comments, texts, properties and methods', () => {
    const source = `
      /** import { a } from '../net/a.ts', and Date.now() */
      import { x } from '../wire/x.ts'
      const text = "import 'libp2p'"
      const value = { process: x.process, Date: 1 }
      class A { process(): void { this.process() } }
      interface B { readonly process: number; console(): void }`
    expect(wrong('src/core/a.ts', source)).toEqual([])
  })

  test('keeps whoever stands outside to the name of the package', () => {
    const outside = (source: string): string[] => wrongOutside(parseModule('cli/verbs/a.ts', source))
    expect(outside(`import { a } from '../../src/index.ts'`)).toHaveLength(1)
    expect(outside(`import { a } from 'hearsay/dist/src/index.js'`)).toHaveLength(1)
    expect(outside(`import { a } from 'libp2p'`)).toHaveLength(1)
    expect(outside(`import { a } from 'hearsay'; import '../a.ts'; import 'hearsay/testing'`)).toEqual([])
  })
})

describe('the project', () => {
  const sources = filesIn(['src'], '.ts').map(moduleAt)
  const outside = filesIn(['cli', 'examples'], '.ts').map(moduleAt)

  test('has sources that the rules can read', () => {
    expect(sources.length).toBeGreaterThan(100)
    expect(outside.length).toBeGreaterThan(30)
  })

  test('has no arrow in src that ARCHITECTURE.md does not have', () => {
    expect(sources.flatMap(wrongInSource)).toEqual([])
  })

  test('is known to its command line and examples by name only', () => {
    expect(outside.flatMap(wrongOutside)).toEqual([])
  })
})
