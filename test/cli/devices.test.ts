import { describe, expect, test } from 'vitest'
import { aliceKnows, emptyHome, running, type TestHome } from './homes.ts'
import { hasPseudoTerminal, inTerminal } from './pseudo-terminal.ts'

const until = ['--until', 'delivered', '--timeout', '60s']

/** Makes an empty home a device of somebody's identity. */
async function linked(owner: TestHome): Promise<TestHome> {
  const phone = await emptyHome()
  const link = phone.start(['link', '--json'])
  await link.terminal.stdout.until(/"link"/u)
  const [shown] = link.terminal.stdout.lines
  await owner.json('device.link', [String(shown?.['link']), '--yes'])
  expect(await link.ended).toBe(0)
  expect(link.terminal.stdout.lines.at(-1)).toMatchObject({ type: 'identity' })
  return phone
}

describe('another device', () => {
  test('is linked, hears and speaks, and is shut out', async () => {
    const { alice, others } = await aliceKnows('bob')
    const [bob] = others as [TestHome]
    const phone = await linked(alice)
    await running(phone)
    const [laptopStatus] = await alice.json('status')
    const [phoneStatus] = await phone.json('status')
    expect(phoneStatus?.['fingerprint']).toBe(laptopStatus?.['fingerprint'])
    const list = await alice.json('device.list')
    expect(list).toHaveLength(2)
    expect(list).toContainEqual(expect.objectContaining({ id: laptopStatus?.['device'], current: true }))
    expect(list).toContainEqual(expect.objectContaining({ id: phoneStatus?.['device'], current: false }))

    // Until both of alice's devices have said that they have it.
    await expect.poll(async () => (await phone.json('contacts')).length, { timeout: 60_000 }).toBe(1)
    const [delivery] = await bob.json('send', ['alice', 'to both of you', ...until])
    expect(delivery?.['devices']).toHaveLength(2)
    // It is on the phone's disk; what it answers, which the phone has yet to hear of, may hold it back for a moment.
    await expect
      .poll(() => phone.json('tail'), { timeout: 30_000 })
      .toMatchObject([{ text: 'to both of you', from: { self: false } }])
    await phone.json('send', ['bob', 'from my phone', ...until])
    expect(await alice.json('tail', ['bob', '--limit', '1'])).toMatchObject([
      { text: 'from my phone', from: { self: true } }
    ])

    const id = String(phoneStatus?.['device'])
    expect(await alice.error('device.revoke', [id])).toMatchObject({ exit: 1, code: 'NOT_A_TERMINAL' })
    expect(await alice.error('device.revoke', ['ffffffff', '--yes'])).toMatchObject({
      code: 'UNKNOWN_DEVICE'
    })
    expect(await alice.json('device.revoke', [id.slice(0, 8), '--yes'])).toMatchObject([{ id }])
    const [later] = await bob.json('send', ['alice', 'to the one that is left', ...until])
    expect(later?.['devices']).toHaveLength(1)
    expect((await phone.json('tail')).map(({ text }) => text)).not.toContain('to the one that is left')
  })

  test('is not linked by a link that is none, nor into a home that has an identity', async () => {
    const { alice } = await aliceKnows()
    expect(await alice.error('device.link', ['hearsay:nonsense', '--yes'])).toMatchObject({
      exit: 1,
      code: 'INVALID_INVITE'
    })
    await alice.json('down')
    expect(await alice.error('link')).toMatchObject({ exit: 1, code: 'ALREADY_INITIALISED' })
  })

  test('Ctrl-C ends the wait, and the home can be used for something else', async () => {
    const phone = await emptyHome()
    const link = phone.start(['link', '--json'])
    await link.terminal.stdout.until(/"link"/u)
    link.terminal.interrupt()
    await link.ended
    expect(await phone.json('init', ['--name', 'carol'])).toMatchObject([{ name: 'carol' }])
  })

  test.skipIf(!hasPseudoTerminal)('at a terminal it says what will happen and asks', async () => {
    const { alice } = await aliceKnows()
    const asked = inTerminal(['device', 'link', 'hearsay:nonsense', '--home', alice.folder], {})
    await asked.screen.until(/as you\. Is it yours.*\[yes\/no\]$/su)
    asked.type('no\r')
    expect(await asked.ended).toBe(1)
    expect(asked.screen.text).toContain('You said no.')
  })
})
