import { describe, expect, test } from 'vitest'
import { Directory } from '../../../cli/chat/directory.ts'
import type { ContactFact } from '../../../cli/facts.ts'
import { climbers, idFor } from '../group-facts.ts'

const contact = (name: string): ContactFact => ({
  v: 1,
  type: 'contact',
  id: idFor(name),
  name,
  state: 'ready',
  verified: false,
  blocked: false,
  online: false,
  fingerprint: idFor(name),
  lookAlike: false
})

/** Bob, bobby and carol, and groups of which one is called as bob is. */
function directory(): Directory {
  const known = new Directory()
  known.update(
    ['bob', 'bobby', 'carol'].map(contact),
    ['climbers', 'climate', 'bob'].map(name => climbers({ name, id: idFor(`#${name}`) }))
  )
  return known
}

describe('what a name in the chat means', () => {
  test.each([
    ['bob', 'direct', 'bob'],
    ['@bob', 'direct', 'bob'],
    ['ca', 'direct', 'carol'],
    ['#bob', 'group', 'bob'],
    ['#climb', 'group', 'climbers'],
    [idFor('carol'), 'direct', 'carol'],
    [idFor('#climate'), 'group', 'climate']
  ])('%s is the %s %s', (reference, kind, name) => {
    expect(directory().find(reference)).toMatchObject({ kind, name })
  })

  test.each([
    ['climbers', 'UNKNOWN_CONTACT'],
    ['b', 'AMBIGUOUS_CONTACT'],
    ['#cli', 'AMBIGUOUS_GROUP'],
    ['#carol', 'UNKNOWN_GROUP']
  ])('%s is %s', (reference, code) => {
    expect(() => directory().find(reference)).toThrow(expect.objectContaining({ code }))
  })

  test('a message goes to nobody by half a name', () => {
    expect(directory().called('#climb')).toBeUndefined()
    expect(directory().called('#climbers')).toMatchObject({ kind: 'group' })
  })

  test('a group that was renamed has its new name, and one that is gone has none', () => {
    const known = directory()
    expect(known.put(climbers({ id: idFor('#climbers'), name: 'ropes' }))?.name).toBe('climbers')
    expect(known.names.groups).toEqual(['climate', 'bob', 'ropes'])
    known.drop(idFor('#climbers'))
    expect(known.place(idFor('#climbers'))).toBeUndefined()
  })
})
