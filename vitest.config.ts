import { defineConfig } from 'vitest/config'

const conditions = ['hearsay-source', 'node', 'import', 'default']

/** Unit: fast, no sockets. Scenario: stories over real parts. Simulation: seeds. E2e: real processes. */
const project = (name: string, include: string[], options: { testTimeout: number; fileParallelism?: boolean }) => ({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: { name, include, pool: 'forks' as const, ...options }
})

export default defineConfig({
  test: {
    projects: [
      project('unit', ['test/{base,wire,crypto,core,store,rules,cli}/**/*.test.ts'], { testTimeout: 60_000 }),
      project('scenario', ['test/{net,scenarios,examples}/**/*.test.ts'], { testTimeout: 120_000 }),
      project('simulation', ['test/simulation/**/*.test.ts'], { testTimeout: 600_000 }),
      project('e2e', ['test/e2e/**/*.test.ts'], { testTimeout: 900_000, fileParallelism: false })
    ]
  }
})
