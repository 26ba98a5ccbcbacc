/** A clock that is ten years off, in either direction, delays and loses nothing between contacts who know the way. */
import { fileURLToPath } from 'node:url'
import { describe, expect } from 'vitest'
import { isLine } from './contract.ts'
import { test } from './story.ts'

const TEN_YEARS_MS = 10 * 365.25 * 24 * 3600 * 1000
const otherClock = fileURLToPath(new URL('other-clock.ts', import.meta.url))

describe('a clock ten years off', () => {
  for (const [where, offsetMs] of [
    ['in the future', TEN_YEARS_MS],
    ['in the past', -TEN_YEARS_MS]
  ] as const) {
    test(`${where} keeps nobody from talking`, async ({ story }) => {
      const shape = ['--listen', '/ip4/127.0.0.1/tcp/0', '--no-dht', '--no-mdns']
      const [alice, bob] = [story.person('alice', { shape }), story.person('bob', { shape })]
      await Promise.all([alice.init(), bob.init()])
      const [node, before] = await Promise.all([alice.up(), bob.up()])
      const { link } = await alice.one('invite', 'invite')
      await bob.one('contact', 'add', 'alice', link, '--until', 'ready', '--timeout', '90s')
      await node.child.line('contact:connected')
      await before.stop()

      const off = story.person('bob', {
        shape,
        node: ['--import', otherClock],
        env: { ...story.env, CLOCK_OFFSET_MS: String(offsetMs) }
      })
      await off.up()
      const until = ['--until', 'delivered', '--timeout', '90s']
      for (let turn = 1; turn <= 3; turn++) {
        await off.one('delivery', 'send', 'alice', `question ${turn}`, ...until)
        await alice.one('delivery', 'send', 'bob', `answer ${turn}`, ...until)
      }
      const texts = [1, 2, 3].flatMap(turn => [`question ${turn}`, `answer ${turn}`])
      const histories = await Promise.all([alice.ask('tail', 'bob'), off.ask('tail', 'alice')])
      for (const history of histories)
        expect(history.filter(isLine('message')).map(({ text }) => text)).toEqual(texts)
      // The clock was off indeed: what bob says about when he wrote it is.
      const [question] = histories[0].filter(isLine('message'))
      expect(Math.abs(Date.parse(question!.sentAt) - Date.parse(question!.receivedAt))).toBeGreaterThan(
        TEN_YEARS_MS / 2
      )
    })
  }
})
