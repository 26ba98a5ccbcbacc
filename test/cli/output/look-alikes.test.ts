import { describe, expect, test } from 'vitest'
import { lookAlikes, skeleton } from '../../../cli/output/look-alikes.ts'

describe('names that look alike', () => {
  test.each([
    ['bob', 'bоb'],
    ['alice', 'AIice'],
    ['alice', 'al1ce'],
    ['paypal', 'раураl'],
    ['modern', 'modem'],
    ['jose', 'José'],
    ['bob', 'b\u200Bob'],
    ['bob', 'b.o.b'],
    ['ok', '０k']
  ])('%s and %s', (one, other) => expect(skeleton(one)).toBe(skeleton(other)))

  test('different names stay different', () => {
    const names = ['alice', 'bob', 'carol', 'dave', 'erin', '🦊', '🐻', 'Анна', '李']
    expect(new Set(names.map(skeleton)).size).toBe(names.length)
  })

  test('both of a pair are named, and nobody else', () => {
    const people = [
      { id: '1', name: 'bob' },
      { id: '2', name: 'bоb' },
      { id: '3', name: 'carol' }
    ]
    expect([...lookAlikes(people)]).toEqual(['1', '2'])
    expect(lookAlikes([people[0]!, people[0]!]).size).toBe(0)
  })
})
