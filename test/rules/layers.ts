/**
 * The arrows of ARCHITECTURE.md, as a function from a module to what is wrong with it.
 *
 * Core and net never meet; only net knows libp2p, only store a database, only crypto a cipher; the core has no
 * clock, no dice and no promises, so that a simulation with real cryptography repeats to the byte.
 */
import { posix } from 'node:path'
import type { Module } from './sources.ts'

/** What a layer may import: other layers, and packages by name or by a prefix that ends in `/`. */
interface Layer {
  readonly layers: readonly string[]
  readonly packages: readonly string[]
}

const layers: Readonly<Record<string, Layer>> = {
  base: { layers: [], packages: [] },
  wire: { layers: ['base'], packages: ['cborg'] },
  crypto: {
    layers: ['base'],
    // multiformats spells the one id that a network key gives: a PeerId.
    packages: [
      'node:crypto',
      '@noble/post-quantum/',
      '@scure/bip39',
      '@scure/bip39/',
      'multiformats/bases/base58'
    ]
  },
  ports: { layers: ['base'], packages: [] },
  core: { layers: ['base', 'wire', 'crypto'], packages: [] },
  net: {
    layers: ['base', 'wire', 'ports'],
    packages: [
      'libp2p',
      '@libp2p/',
      '@chainsafe/libp2p-noise',
      '@multiformats/multiaddr',
      'it-pipe',
      'it-length-prefixed',
      'uint8arraylist',
      'node:crypto',
      'node:net'
    ]
  },
  store: {
    layers: ['base', 'ports'],
    packages: [
      'better-sqlite3-multiple-ciphers',
      'hash-wasm', // argon2id, which wraps the key of the store
      'node:crypto',
      'node:fs',
      'node:fs/promises',
      'node:path',
      'node:worker_threads'
    ]
  },
  testing: {
    layers: ['base', 'wire', 'crypto', 'ports', 'core', 'net', 'store', '.'],
    packages: ['node:assert/strict', 'node:crypto']
  },
  // The files at the root of src: the composition root, its loop and the public API.
  '.': {
    layers: ['base', 'wire', 'crypto', 'ports', 'core', 'net', 'store'],
    packages: ['node:crypto']
  }
}

/** The layers in which nothing waits, and which know no time, chance or process but what they are given. */
const pure: ReadonlySet<string> = new Set(['base', 'wire', 'crypto', 'core'])

const impure = [
  'Date',
  'Promise',
  'performance',
  'process',
  'console',
  'globalThis',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'crypto',
  'fetch',
  'WebAssembly'
] as const

/** What the CLI, the examples and the benchmarks may name of ours. */
const ourPackages = /^hearsay(?:\/mls|\/testing)?$/

const layerOf = (path: string): string => {
  const [first, second] = path.split('/')
  return second === undefined ? '.' : first!
}

const allows = (packages: readonly string[], name: string): boolean =>
  packages.some(each => (each.endsWith('/') ? name.startsWith(each) : name === each))

/** Everything wrong with a module under src; `path` begins with `src/`. */
export function wrongInSource(module: Module): string[] {
  const { path, imports, isOpenEnded, names, isAsynchronous, usesChance } = module
  const inside = path.slice('src/'.length)
  const layer = layerOf(inside)
  const allowed = layers[layer]
  if (allowed === undefined) return [`${path}: nobody has decided what ${layer} may import`]
  const wrong: string[] = []
  if (isOpenEnded) wrong.push('imports what only running it can tell')
  for (const specifier of imports) {
    if (specifier.startsWith('.')) {
      const target = posix.normalize(posix.join(posix.dirname(inside), specifier))
      const other = layerOf(target)
      if (target.startsWith('..')) wrong.push(`imports ${specifier}, which is outside of src`)
      else if (other !== layer && !allowed.layers.includes(other)) wrong.push(`imports ${specifier}`)
    } else if (!allows(allowed.packages, specifier)) wrong.push(`imports ${specifier}`)
  }
  if (pure.has(layer)) {
    if (isAsynchronous) wrong.push('waits')
    for (const name of impure) if (names.has(name)) wrong.push(`uses ${name}`)
    if (usesChance) wrong.push('uses Math.random')
  }
  return wrong.map(each => `${path}: ${each}`)
}

/** Everything wrong with a module of a folder that stands outside: it knows the package by its name only. */
export function wrongOutside({ path, imports, isOpenEnded }: Module): string[] {
  const folder = path.split('/')[0]!
  const wrong = isOpenEnded ? ['imports what only running it can tell'] : []
  for (const specifier of imports) {
    const target = posix.normalize(posix.join(posix.dirname(path), specifier))
    if (specifier.startsWith('.') ? !target.startsWith(`${folder}/`) : isDeep(specifier))
      wrong.push(`imports ${specifier}`)
  }
  return wrong.map(each => `${path}: ${each}`)
}

const isDeep = (specifier: string): boolean =>
  (specifier.startsWith('hearsay') && !ourPackages.test(specifier)) ||
  allows(
    layers['net']!.packages.filter(each => !each.startsWith('node:')),
    specifier
  ) ||
  specifier === 'better-sqlite3-multiple-ciphers'
