/** Two machines are linked while everybody talks, streams break and machines crash. */
import { describe, expect, test } from 'vitest'
import { simulate } from 'hearsay/testing'
import { contactsOf, showLink, until, names, say } from './machines.ts'

describe('in bad weather', () => {
  /** Small numbers from a seed, for what happens when. */
  const dice = (seed: number) => {
    let state = seed * 7919
    return (below: number): number => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
      return state % below
    }
  }

  test.each([10, 13, 16, 22])(
    'two new devices have all that was ever said, in one order (seed %i)',
    async seed => {
      const roll = dice(seed)
      await using net = await simulate({
        nodes: ['alice', 'bob', 'phone', 'tablet'],
        off: ['phone', 'tablet'],
        seed,
        loss: 0.1,
        reset: 0.02,
        duplicate: 0.05
      })
      await contactsOf(net)
      const said: string[] = []
      const quiet = new AbortController()
      const chatter = (async () => {
        for (let number = 0; !quiet.signal.aborted; number++) {
          for (const [who, whom] of [
            ['alice', 'bob'],
            ['bob', 'alice']
          ] as const) {
            await say(net.node(who), whom, `${who} ${number}`)
            said.push(`${who} ${number}`)
          }
          await net.advance(1500 + roll(2000))
        }
      })()
      for (const name of ['phone', 'tablet']) {
        const { link, up } = showLink(net, name)
        void net.node('alice').devices.link(await link)
        let linking = up
        if (roll(2) === 1) {
          await net.advance(roll(300))
          net.crash(name)
          await net.advance(roll(3000))
          linking = showLink(net, name).up.catch(() => net.machine(name).boot())
        }
        await linking
        const others = ['alice', 'bob'].filter(() => roll(2) === 1)
        net.partition([name], others)
        await net.advance(roll(20_000))
        net.heal()
      }
      await net.advance(10_000)
      quiet.abort()
      await chatter
      for (const name of ['alice', 'phone', 'tablet']) {
        await until(net, `${name} knows bob`, async () => (await names(net.node(name))).includes('bob ready'))
        await say(net.node(name), 'bob', `last from ${name}`)
        said.push(`last from ${name}`)
      }
      const shown = async (name: string): Promise<string[]> =>
        (await (await net.node(name).direct('bob')).history({ limit: 1000 })).map(({ text }) => text)
      for (const name of ['alice', 'phone', 'tablet'])
        await until(net, `${name} has everything`, async () => {
          const there = await shown(name)
          return said.every(text => there.includes(text))
        })
      const [alice, phone, tablet] = [await shown('alice'), await shown('phone'), await shown('tablet')]
      expect(alice, `seed=${seed}`).toHaveLength(said.length)
      expect(phone, `seed=${seed}`).toEqual(alice)
      expect(tablet, `seed=${seed}`).toEqual(alice)
    }
  )
})
