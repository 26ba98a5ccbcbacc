/**
 * The rules of heads and commits, over all schedules of three devices.
 *
 * EXPLORE=long walks the scenarios that take minutes as well, and farther.
 */
import { describe, expect, test } from 'vitest'
import { explore, format } from './explorer.ts'
import type { Counterexample } from './explorer.ts'
import { Model } from './model.ts'
import { RULES } from './rules.ts'
import type { Rules } from './rules.ts'
import { LONG, scenario, SHORT } from './scenarios.ts'

const long = process.env['EXPLORE'] === 'long'
const BOUNDS = { epochs: 5, keyPackages: 2 }
const STATES_MAX = long ? 5_000_000 : 200_000
const LONG_TEST_MS = 1_800_000

/** The shortest schedule on which a promise breaks without one of the rules. */
function without(rule: keyof Rules, text: string, kept = 1): Counterexample | undefined {
  const model = new Model(scenario(text, kept), { ...RULES, [rule]: false })
  return explore(model, BOUNDS, { statesMax: STATES_MAX }).counterexample
}

describe('whatever the order of things, all comes right after:', () => {
  test.each(long ? [...SHORT, ...LONG] : SHORT)(
    '%s',
    text => {
      const result = explore(new Model(scenario(text)), BOUNDS, { statesMax: STATES_MAX })
      if (long) console.log(text, { ...result, counterexample: undefined })
      const { counterexample, states } = result
      expect(counterexample && format(counterexample)).toBeUndefined()
      expect(states).toBeGreaterThan(1)
    },
    LONG_TEST_MS
  )

  test.each([0, 3])('the same where %i epochs are kept beside the head', kept => {
    for (const text of [SHORT[0]!, 'alice bob carol: alice removes carol, bob says something']) {
      const { counterexample } = explore(new Model(scenario(text, kept)), BOUNDS, { statesMax: STATES_MAX })
      expect(counterexample && format(counterexample)).toBeUndefined()
    }
  })
})

describe('every rule is needed:', () => {
  test.each<[keyof Rules, string, RegExp]>([
    [
      'nack',
      'alice bob carol: bob renews keys, carol renews keys, bob says something',
      /^everybody opens what was meant for them/
    ],
    ['ask', 'alice bob: alice adds carol, bob adds carol', /^all have one head/],
    [
      'alternation',
      'alice bob carol: carol misbehaves, carol misbehaves',
      /^nobody lengthens a branch alone$/
    ],
    ['headRule', 'alice bob carol: bob renews keys, carol renews keys', /^all have one head/],
    [
      'removalsFirst',
      'alice bob carol: alice removes carol, bob says something',
      /^the dropped read nothing new$/
    ],
    ['justified', 'alice bob carol: carol evicts bob', /^only the roster says who is a member$/],
    [
      'keepPlaintext',
      'alice bob carol: alice removes carol, bob removes carol, bob says something',
      /^everybody opens what was meant for them/
    ],
    ['recommit', 'alice bob: alice adds carol, bob adds carol', /^all have one head|^the tree is the roster/]
  ])('without %s: %s', (rule, text, promise) => {
    const counterexample = without(rule, text)
    expect(counterexample?.promise).toMatch(promise)
    expect(
      explore(new Model(scenario(text)), BOUNDS, { statesMax: STATES_MAX }).counterexample
    ).toBeUndefined()
  })
})

test('who has committed on the only clean epoch has to be able to commit there again', () => {
  const counterexample = without('again', 'alice: alice adds bob, alice removes bob, alice adds carol')
  // The commit that took in bob is out of the question once he is removed; the epoch before it is alice's head
  // again. Were one commit on it all that she has, nobody could ever take in carol.
  expect(counterexample?.schedule.slice(0, 4)).toEqual([
    'alice decides that bob is added (by alice)',
    'alice commits on epoch 0: adds bob (now epoch 1, length 2)',
    'alice decides that bob is removed (by alice)',
    'alice decides that carol is added (by alice)'
  ])
  expect(counterexample?.promise).toMatch(/^all have one head/)
})
