import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string): string => fileURLToPath(new URL(`./src/${path}`, import.meta.url))

/** Tests, examples and the CLI name the package; here that means its sources. */
const alias = [
  { find: /^hearsay$/, replacement: source('index.ts') },
  { find: /^hearsay\/mls$/, replacement: source('crypto/mls/index.ts') },
  { find: /^hearsay\/testing$/, replacement: source('testing/index.ts') }
]

/** Unit: fast, no sockets. Scenario: stories over real parts. Simulation: seeds. Faults: who tests the tests. E2e: real processes. */
const project = (
  name: string,
  include: string[],
  options: { testTimeout: number; fileParallelism?: boolean; exclude?: string[] }
) => ({
  resolve: { alias },
  test: { name, include, pool: 'forks' as const, ...options }
})

/** Minutes of planted faults, which only a change of the harness or of what they are planted in can unteach. */
const FAULTS = 'test/simulation/faults.test.ts'
/** A minute of a large group. */
const LARGE = 'test/simulation/large/large.test.ts'

export default defineConfig({
  test: {
    projects: [
      project('unit', ['test/{base,wire,crypto,core,store,rules,cli,model}/**/*.test.ts'], {
        testTimeout: 60_000
      }),
      project('scenario', ['test/{net,scenarios,examples}/**/*.test.ts'], { testTimeout: 120_000 }),
      project('simulation', ['test/simulation/**/*.test.ts'], {
        testTimeout: 600_000,
        exclude: [FAULTS, LARGE]
      }),
      project('faults', [FAULTS, LARGE], { testTimeout: 600_000 }),
      project('e2e', ['test/e2e/**/*.test.ts'], { testTimeout: 900_000, fileParallelism: false })
    ]
  }
})
