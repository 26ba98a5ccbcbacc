import { describe, expect, test } from 'vitest'
import { completer } from '../../../cli/chat/completer.ts'
import { meaningOf, wordsOf } from '../../../cli/chat/line.ts'
import { nodeVerbs } from '../../../cli/verbs/index.ts'

describe('a typed line', () => {
  const names = { contacts: ['bob', 'bob smith', 'anna-lena'], groups: ['climbers', 'climbers old', 'ropes'] }
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
    ['#climbers old who?', { type: 'message', to: '#climbers old', text: 'who?' }],
    ['#climbers', { type: 'open', name: '#climbers' }],
    ['#nobody knows', { type: 'message', to: '#nobody', text: 'knows' }],
    ['@climbers hi', { type: 'message', to: 'climbers', text: 'hi' }],
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
  const complete = completer(nodeVerbs, ['/help', '/quit'], () => ({
    contacts: ['bob', 'bobby', 'carol'],
    groups: ['climbers', 'two words']
  }))
  test.each([
    ['/ver', ['/verify ']],
    ['/q', ['/quit ']],
    ['/verify c', ['carol']],
    ['/invites r', ['revoke ']],
    ['/send carol hi --u', ['--until ']],
    ['/group cr', ['create ']],
    ['/group create ropes b', ['bob', 'bobby']],
    ['/group create ropes bob ca', ['carol']],
    ['/group info #c', ['#climbers']],
    ['/group info tw', []],
    ['/group info "t', ['"two words"']],
    ['/group add climbers ca', ['carol']],
    ['/tail #', ['#climbers']],
    ['/open c', ['carol']],
    ['#cl', ['#climbers ']],
    ['@bo', ['@bob ', '@bobby ']],
    ['hello', []]
  ])('after %j', (line, candidates) => expect(complete(line)[0]).toEqual(candidates))
})
