import { describe, expect, test } from 'vitest'
import { completer } from '../../../cli/chat/completer.ts'
import { meaningOf, wordsOf } from '../../../cli/chat/line.ts'
import { nodeVerbs } from '../../../cli/verbs/index.ts'

describe('a typed line', () => {
  const names = ['bob', 'bob smith', 'anna-lena']
  test.each([
    ['', { type: 'nothing' }],
    ['   ', { type: 'nothing' }],
    ['hello there', { type: 'message', to: undefined, text: 'hello there' }],
    ['@bob hi', { type: 'message', to: 'bob', text: 'hi' }],
    ['@bob smith hi', { type: 'message', to: 'bob smith', text: 'hi' }],
    ['@bob smithers', { type: 'message', to: 'bob', text: 'smithers' }],
    ['@dave hi', { type: 'message', to: 'dave', text: 'hi' }],
    ['@bob', { type: 'open', name: 'bob' }],
    ['@bob   ', { type: 'open', name: 'bob' }],
    ['#climbers who has the rope?', { type: 'message', to: '#climbers', text: 'who has the rope?' }],
    ['# not a group', { type: 'message', to: undefined, text: '# not a group' }],
    ['/why abc', { type: 'verb', words: ['why', 'abc'] }],
    ['//shrug', { type: 'message', to: undefined, text: '/shrug' }]
  ])('%j', (line, meaning) => expect(meaningOf(line, names)).toEqual(meaning))

  test.each([
    [`send bob "two words" it's`, ['send', 'bob', 'two words', `it's`]],
    [`say 'a b' "" "open`, ['say', 'a b', '', '"open']],
    ['  spaces   between ', ['spaces', 'between']]
  ])('the words of %j', (line, words) => expect(wordsOf(line)).toEqual(words))
})

describe('TAB', () => {
  const complete = completer(nodeVerbs, ['/help', '/quit'], () => ['bob', 'bobby', 'carol'])
  test.each([
    ['/ver', ['/verify ']],
    ['/q', ['/quit ']],
    ['/verify c', ['carol']],
    ['/invites r', ['revoke ']],
    ['/send carol hi --u', ['--until ']],
    ['@bo', ['@bob ', '@bobby ']],
    ['hello', []]
  ])('after %j', (line, candidates) => expect(complete(line)[0]).toEqual(candidates))
})
