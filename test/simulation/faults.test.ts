/** The harness catches what it is there for: every planted fault, within its budget of seeds. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { faultNamed, faults, plant } from './faults.ts'
import { runSeeds } from './fleet.ts'

describe('planted faults', () => {
  test.each(faults.map(({ name }) => name))('%s has its place in the source', name => {
    const fault = faultNamed(name)
    const source = readFileSync(new URL(`../../${fault.file}`, import.meta.url), 'utf8')
    expect(plant(fault, source)).not.toBe(source)
  })

  test.each(faults.map(({ name }) => name))('%s is caught', async name => {
    const { budget, world = 'pairs' } = faultNamed(name)
    const reports = await runSeeds({ world, first: 1, count: budget, fault: name, stop: true })
    const caught = reports.find(({ violation }) => violation !== undefined)
    expect(caught?.violation?.invariant, `not caught in ${budget} seeds`).toMatch(/^I\d+ /)
  })
})
