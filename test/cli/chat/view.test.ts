import { describe, expect, test } from 'vitest'
import { messageRow } from '../../../cli/chat/view.ts'
import type { MessageFact } from '../../../cli/facts.ts'
import { plain } from '../../../cli/output/paint.ts'
import { idFor } from '../group-facts.ts'

const message = (kind: 'direct' | 'group', self: boolean): MessageFact => ({
  v: 1,
  type: 'message',
  id: idFor('m'),
  conversation: idFor('there'),
  conversationKind: kind,
  conversationName: kind === 'group' ? 'climbers' : 'bob',
  conversationLookAlike: false,
  from: { name: self ? 'alice' : 'bob', id: idFor('bob'), verified: false, self, lookAlike: false },
  text: 'hi',
  sentAt: '2026-11-22T12:00:00.000Z',
  receivedAt: '2026-11-22T12:00:00.000Z',
  replyTo: null,
  attachments: [],
  delivery: self ? 'sent' : null
})

describe('a message in the chat', () => {
  test.each([
    ['direct', false, true, '   bob: hi'],
    ['direct', true, true, '✓  you: hi'],
    ['group', false, true, '   bob: hi'],
    ['group', true, true, '✓  you: hi'],
    ['direct', false, false, '   bob: hi'],
    ['direct', true, false, '✓  you → bob: hi'],
    ['group', false, false, '   #climbers bob: hi'],
    ['group', true, false, '✓  you → #climbers: hi']
  ] as const)('%s, our own: %s, in the open conversation: %s', (kind, self, isOpen, shown) => {
    const { mark, after } = messageRow(message(kind, self), isOpen ? idFor('there') : undefined, plain)
    expect(`${mark}${after}`).toBe(shown)
  })

  test('of a group whose name is another’s too says which', () => {
    const { after } = messageRow(
      { ...message('group', false), conversationLookAlike: true },
      undefined,
      plain
    )
    expect(after).toBe(' #climbers ⟨7468…0000⟩ bob: hi')
  })
})
