/**
 * The story of a large group, at the size that a test can take: more members than anybody is connected to, two
 * halves with changes on both sides, and nothing lost. `npm run thousand` tells it at any size.
 */
import { expect, test } from 'vitest'
import { tell } from './story.ts'

const SIZE = 40

test('forty members, nobody linked with all, fall apart and come together with nothing lost and all receipts back', () => {
  const story = tell({ seed: 1, size: SIZE })
  expect(story.present).toHaveLength(SIZE - 2)
  expect(story.fault).toBeUndefined()
  for (const { room } of story.present) expect(room!.conversation.outbox.items.size).toBe(0)
  // Else nothing of this would need others to pass it on.
  const apart = story.present.filter(({ room }) => room!.conversation.links.size < story.present.length - 1)
  expect(apart.length).toBeGreaterThan(SIZE / 2)
})
