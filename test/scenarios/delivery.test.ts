/** What the handle of a sent message says, and when. */
import { expect, test } from 'vitest'
import { simulate } from 'hearsay/testing'

test('a delivery that nobody watched has been reached, also while the next message goes to the disk', async () => {
  await using net = await simulate({ nodes: 2, seed: 1 })
  await net.contacts()
  const chat = await net.node('alice').direct('bob')
  const watched = await chat.send('lunch?')
  const unwatched = await chat.send('at noon?')
  await watched.reached('delivered')

  // Its receipt came with the other's, and nobody has asked since; now a batch is on its way to the disk.
  const next = chat.send('or later?')
  await Promise.resolve()
  await Promise.resolve()
  expect(unwatched.state).toBe('queued')
  const reached = await unwatched.reached('delivered')
  expect(reached.state).toBe('delivered')
  await (await next).reached('delivered')
})
