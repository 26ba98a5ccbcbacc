/** Scenarios in words: who begins in the group, and what may happen once each, in any order or not at all. */
import { NAMES } from './bits.ts'
import type { Event, Scenario } from './model.ts'

const device = (name: string | undefined): number => {
  const found = NAMES.findIndex(each => each === name)
  if (found < 0) throw new Error(`nobody is called ${name}`)
  return found
}

/** Reads `alice bob: alice adds carol, bob says something`. */
export function scenario(text: string, kept = 1): Scenario {
  const [members, events] = text.split(': ') as [string, string]
  return {
    members: members.split(' ').reduce((set, name) => set | (1 << device(name)), 0),
    events: events.split(', ').map(readEvent),
    kept
  }
}

function readEvent(text: string): Event {
  const [name, verb, target] = text.split(' ')
  const by = device(name)
  switch (verb) {
    case 'adds':
      return { type: 'add', by, target: device(target) }
    case 'removes':
      return { type: 'remove', by, target: device(target) }
    case 'says':
      return { type: 'message', by }
    case 'renews':
      return { type: 'renew', by }
    case 'crashes':
      return { type: 'crash', by }
    case 'forgets':
      return { type: 'age', by }
    case 'misbehaves':
      return { type: 'extend', by }
    case 'evicts':
      return { type: 'evict', by, target: device(target) }
    default:
      throw new Error(`nobody can ${verb}`)
  }
}

/** Seconds each: what every run of the tests walks. */
export const SHORT: readonly string[] = [
  // Forks of renewals, and of operations that nobody could know of.
  'alice bob carol: bob renews keys, carol renews keys, alice renews keys, alice says something',
  'alice bob carol: bob renews keys, carol renews keys, alice forgets old epochs, bob forgets old epochs',
  'alice bob: alice adds carol, bob adds carol',
  // Removals beside everything.
  'alice bob carol: alice removes carol, carol removes alice',
  'alice bob carol: alice removes carol, bob removes carol, bob says something, carol says something',
  'alice bob carol: alice removes bob, bob removes carol',
  'alice bob carol: alice removes carol, bob renews keys, bob says something',
  'alice bob: alice adds carol, alice removes carol',
  // Who has committed on the only clean epoch.
  'alice: alice adds bob, alice removes bob, alice adds carol',
  // Hostile devices: on after its removal, and telling two members two different things.
  'alice bob carol: alice removes carol, carol misbehaves',
  'alice bob carol: carol misbehaves, carol misbehaves',
  'alice bob carol: carol evicts bob, alice says something',
  'alice bob: alice adds carol, bob evicts carol'
]

/** Minutes each, for whoever changes a rule. */
export const LONG: readonly string[] = [
  'alice bob: alice adds carol, bob adds carol, bob says something',
  'alice bob: alice adds carol, bob renews keys, alice says something, bob says something',
  'alice bob carol: alice removes carol, carol removes alice, bob says something',
  'alice bob carol: alice removes carol, carol renews keys, bob says something',
  'alice bob carol: alice removes carol, carol misbehaves, bob says something',
  'alice bob carol: alice removes carol, carol misbehaves, carol misbehaves, bob says something',
  'alice bob carol: carol misbehaves, carol misbehaves, bob says something, alice says something',
  'alice bob: alice adds carol, bob adds carol, alice says something, carol says something',
  'alice bob: alice adds carol, alice removes carol, bob says something, bob renews keys',
  'alice bob carol: alice removes carol, bob adds carol, bob says something, carol says something',
  'alice bob carol: alice removes carol, bob renews keys, carol renews keys, bob says something',
  'alice bob carol: bob renews keys, carol renews keys, alice crashes, bob forgets old epochs',
  'alice bob carol: alice removes bob, bob removes carol, carol says something, alice says something'
]
