/** Virtual time: order, determinism, and that every promise comes to rest before the next event. */
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../src/testing/random.ts'
import { simulatedClock, SIMULATION_BEGINS } from '../../src/testing/clock.ts'
import { VirtualTime } from '../../src/testing/time.ts'

describe('virtual time', () => {
  test('runs events by time, and those of one time in the order of the asking', async () => {
    const time = new VirtualTime()
    const order: string[] = []
    for (const [delayMs, name] of [
      [20, 'c'],
      [10, 'a'],
      [10, 'b'],
      [20, 'd']
    ] as const) {
      time.after(delayMs, name, () => order.push(`${name}@${time.now}`))
    }
    await time.advance(30)
    expect(order).toEqual(['a@10', 'b@10', 'c@20', 'd@20'])
    expect(time.now).toBe(30)
  })

  test('keeps any number of events in order', async () => {
    const random = seededRandom(3)
    const time = new VirtualTime()
    const ran: number[] = []
    const cancelled: Array<() => void> = []
    for (let i = 0; i < 5000; i++) {
      const cancel = time.after(random.integer(1000), 'event', () => ran.push(time.now))
      if (i % 5 === 0) cancelled.push(cancel)
    }
    for (const cancel of cancelled) cancel()
    await time.advance(1000)
    expect(ran).toHaveLength(4000)
    expect(ran).toEqual([...ran].sort((a, b) => a - b))
  })

  test('lets promise chains of any length end before the next event', async () => {
    const time = new VirtualTime()
    let links = 0
    const seen: number[] = []
    time.after(1, 'chain', () => {
      void (async () => {
        for (let i = 0; i < 1000; i++) {
          await Promise.resolve()
          links++
        }
      })()
    })
    time.after(1, 'look', () => seen.push(links))
    await time.advance(2)
    expect(seen).toEqual([1000])
  })

  test('a cancelled event does not run, and whoever waits for what never comes is told', async () => {
    const time = new VirtualTime()
    let rang = false
    const cancel = time.after(5, 'alarm', () => {
      rang = true
    })
    cancel()
    await time.advance(10)
    expect(rang).toBe(false)
    await expect(time.until(() => rang)).rejects.toThrow('nothing is left to happen')
    time.stop('enough')
    await expect(time.until(() => rang)).rejects.toThrow('enough')
  })

  test('equal runs have equal fingerprints, and different ones do not', async () => {
    const run = async (seed: number): Promise<string> => {
      const random = seededRandom(seed)
      const time = new VirtualTime()
      for (let i = 0; i < 100; i++) time.after(random.integer(50), `event ${i}`, () => undefined)
      await time.advance(50)
      return time.trace
    }
    expect(await run(1)).toBe(await run(1))
    expect(await run(1)).not.toBe(await run(2))
  })

  test('a clock that jumps does not move its timers, and a crashed one never calls back', async () => {
    const time = new VirtualTime()
    const clock = simulatedClock(time, 'alice', 500)
    const rang: number[] = []
    clock.after(100, () => rang.push(clock.now() - SIMULATION_BEGINS))
    clock.jump(3_600_000)
    await time.advance(100)
    expect(rang).toEqual([3_600_600])
    expect(clock.uptime()).toBe(100)
    clock.after(100, () => rang.push(0))
    clock.halt()
    await time.advance(1000)
    expect(rang).toHaveLength(1)
  })
})

describe('seeded randomness', () => {
  test('a seed and a name give the same values for ever', () => {
    expect([...seededRandom(42, 'alice').bytes(8)]).toEqual([...seededRandom(42, 'alice').bytes(8)])
    expect(seededRandom(42, 'alice').bytes(8)).not.toEqual(seededRandom(42, 'bob').bytes(8))
    expect(seededRandom(42).bytes(8)).not.toEqual(seededRandom(43).bytes(8))
  })

  test('a fork does not depend on how much was drawn before it', () => {
    const early = seededRandom(1)
    const late = seededRandom(1)
    late.bytes(1000)
    expect(early.fork('x').float()).toBe(late.fork('x').float())
  })

  test('values are spread evenly', () => {
    const random = seededRandom(7)
    const counts = Array.from({ length: 16 }, () => 0)
    for (const byte of random.bytes(160_000)) counts[byte & 15]!++
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500)
    const mean = Array.from({ length: 10_000 }, () => random.float()).reduce((a, b) => a + b) / 10_000
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.02)
  })
})
