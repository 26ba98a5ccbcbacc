/** Devices of one identity against loss, haste and bad faith: cores alone, every envelope in the hands of the test. */
import { describe, expect, test } from 'vitest'
import { millis, type DeviceId, type IdentityId } from '../../src/base/ids.ts'
import { revokeDevice, send } from '../../src/core/commands.ts'
import { CONTACTS } from '../../src/core/contact.ts'
import { GRANT } from '../../src/core/own-devices.ts'
import { extendDeviceList, verifyDeviceList } from '../../src/core/seal/device-list.ts'
import { signOperation } from '../../src/core/seal/roster-seal.ts'
import type { Grant } from '../../src/wire/own-devices.ts'
import { decodeEnvelope } from '../../src/wire/envelope.ts'
import { Household } from './household.ts'
import type { Person } from './people.ts'

const refused = expect.objectContaining({ code: 'MALFORMED' }) as Error

/** Alice's conversation with bob on one of her machines. */
const withBob = (machine: Person, { bob }: Household) => machine.with(bob)

function say(person: Person, conversation: { id: string }, text: string): void {
  person.run(core => send(core, conversation.id as never, text, undefined))
}

const bobSays = ({ bob, laptop }: Household, text: string): void => say(bob, bob.with(laptop), text)

/** How many of these envelopes the keys of a machine open, inner seal and all. */
function opened(machine: Person, home: Household, envelopes: readonly Uint8Array[]): number {
  const { group, rosters } = withBob(machine, home)
  let count = 0
  for (const bytes of envelopes) {
    const envelope = decodeEnvelope(bytes)
    if (envelope.kind !== 'message') continue
    try {
      const found = group.open(envelope)
      if (found === undefined) continue
      machine.run(core => group.process(core.turn, found, (of, at) => rosters.get(of)?.at(at)))
      count += 1
    } catch {
      // It cannot.
    }
  }
  return count
}

describe('a device that was revoked', () => {
  /** Alice on three machines; the phone was off when it was shut out, and bob has not noticed. */
  function shutOut(seed: number): { home: Household; phone: Person; tablet: Person } {
    const home = new Household(seed)
    const phone = home.link('phone')
    const tablet = home.link('tablet')
    expect(withBob(tablet, home).members?.devices(), `seed=${seed}`).toHaveLength(4)
    home.leave(phone)
    home.leave(home.bob)
    home.laptop.run(core => revokeDevice(core, phone.core.own.device))
    home.pass(5000)
    return { home, phone, tablet }
  }

  test.each([1, 2, 3])('opens nothing of a contact once any other device has spoken (seed %i)', seed => {
    const { home, phone, tablet } = shutOut(seed)
    const { bob, laptop } = home
    // The phone lacks nothing but these keys: what bob said before, it opens.
    home.sentByBob.length = 0
    bobSays(home, 'to all three')
    const early = bob.core.book.find(laptop.id).conversation.outbox.items.values().toArray().at(-1)!
    expect(opened(phone, home, early.envelopes), `seed=${seed}`).toBe(1)

    // It is the tablet that bob hears first; the laptop, which did it, stays away.
    home.meet(tablet, bob)
    say(tablet, withBob(tablet, home), 'hello bob')
    home.pass(5000)
    expect(bob.heard).toContain('hello bob')
    home.sentByBob.length = 0
    bobSays(home, 'not for the phone')
    home.pass(20_000)
    home.meet(laptop, bob)
    home.pass(20_000)
    expect(tablet.heard).toContain('not for the phone')
    expect(laptop.heard).toContain('not for the phone')
    const messages = home.sentByBob.filter(bytes => decodeEnvelope(bytes).kind === 'message')
    expect(messages.length).toBeGreaterThan(0)
    expect(opened(phone, home, home.sentByBob), `seed=${seed}`).toBe(0)
  })

  test.each([4, 5])('that says so is believed by nobody, with all that it still has (seed %i)', seed => {
    const { home, phone, tablet } = shutOut(seed)
    const { bob, laptop } = home
    home.meet(tablet, bob)
    say(tablet, withBob(tablet, home), 'hello bob')
    home.pass(5000)
    const before = phone.snapshot()
    for (const other of [bob, laptop, tablet]) {
      // Its disk is put back every time: it has not heard of it.
      phone.rollBack(before)
      home.meet(phone, other)
      try {
        say(phone, withBob(phone, home), `from the grave, to ${other.name}`)
      } catch {
        // It was told so at once.
        expect(phone.core.devices.list().map(({ id }) => id)).not.toContain(phone.core.own.device)
      }
      home.pass(20_000)
      home.part(phone, other)
    }
    home.comeBack(bob)
    home.pass(20_000)
    for (const person of [bob, laptop, tablet])
      expect([...person.heard, ...person.events.map(event => JSON.stringify(event))].join()).not.toContain(
        'from the grave'
      )
    const list = tablet.core.devices.list().map(({ id }) => id)
    expect(list).not.toContain(phone.core.own.device)
    expect(bob.with(laptop).members?.has(phone.core.own.device)).toBe(false)
  })

  test('is sealed for no more once the contact has seen the list, though the operation is yet to come', () => {
    const { home, phone, tablet } = shutOut(9)
    const { bob, laptop } = home
    const longer = verifyDeviceList(laptop.core.own.devices, laptop.core.own.identity)
    bob.run(core => core.book.learnDevices(core.turn, core.book.find(laptop.id), longer))
    home.sentByBob.length = 0
    bobSays(home, 'waits for the operation')
    home.pass(2000)
    const item = bob.with(laptop).outbox.items.values().toArray().at(-1)!
    expect(item).toMatchObject({ visible: true, envelopes: [] })
    home.meet(tablet, bob)
    home.pass(20_000)
    expect(tablet.heard).toContain('waits for the operation')
    expect(opened(phone, home, home.sentByBob)).toBe(0)
  })

  test('learns it from a sibling, says so loudly and forgets every key', () => {
    const { home, phone, tablet } = shutOut(6)
    home.meet(phone, tablet)
    home.pass(5000)
    expect(phone.events).toContainEqual(
      expect.objectContaining({
        type: 'device:removed',
        device: expect.objectContaining({ id: phone.core.own.device, current: true })
      })
    )
    expect(withBob(phone, home).group.head).toBeUndefined()
    expect(phone.core.book.find(home.bob.id).contact.channels.isOpen).toBe(false)
    expect(phone.records.get('epochs')?.size).toBe(0)
    expect(phone.records.get('key-packages')?.size).toBe(0)
    expect(() => say(phone, withBob(phone, home), 'hm?')).toThrow(
      expect.objectContaining({ code: 'DEVICE_REVOKED' })
    )
    phone.restart()
    expect(() => say(phone, withBob(phone, home), 'hm?')).toThrow(
      expect.objectContaining({ code: 'DEVICE_REVOKED' })
    )
  })

  test('cannot put itself back on the list: it does not have what signs it', () => {
    const { home, phone } = shutOut(7)
    const { bob, laptop } = home
    const { own } = phone.core
    const list = verifyDeviceList(laptop.core.own.devices, own.identity)
    const change = { operation: 'add' as const, device: 'ab'.repeat(32) as DeviceId }
    const forged = extendDeviceList(
      own.deviceSeed,
      { ...list, identity: own.identity },
      change,
      millis(phone.now)
    )
    expect(() => verifyDeviceList([...list.entries, forged], own.identity)).toThrow(refused)
    const roster = bob.with(laptop).roster!
    const size = roster.size
    const operation = signOperation(
      {
        group: roster.id,
        author: own.identity,
        device: own.device,
        sequence: 9,
        parents: roster.heads,
        createdAt: millis(phone.now),
        content: { type: 'devices', entries: [forged] }
      },
      own.deviceSeed
    )
    expect(() => roster.add(operation)).toThrow(refused)
    expect(roster.size).toBe(size)
  })

  test('leaves the others other secrets', () => {
    const home = new Household(8)
    const phone = home.link('phone')
    const tablet = home.link('tablet')
    const secrets = (machine: Person): string[] => {
      const { own, book } = machine.core
      const channel = book.get(own.identity)!.contact.facts.channels.at(-1)!
      return [own.presenceSecret, channel.secret].map(bytes => Buffer.from(bytes).toString('hex'))
    }
    const [presence, channel] = secrets(phone)
    home.leave(tablet)
    home.laptop.run(core => revokeDevice(core, phone.core.own.device))
    home.leave(phone)
    home.comeBack(tablet)
    home.part(tablet, phone)
    home.pass(5000)
    expect(secrets(tablet)).toEqual(secrets(home.laptop))
    expect(secrets(tablet)).not.toContain(presence)
    expect(secrets(tablet)).not.toContain(channel)
    expect(home.bob.core.book.find(home.laptop.id).contact.facts.presenceSecret).toEqual(
      home.laptop.core.own.presenceSecret
    )
  })
})

describe('a grant', () => {
  /** A machine that waits, with the laptop as the contact that redeemed its link, and a grant as it would come. */
  function waiting(seed: number) {
    const home = new Household(seed)
    const phone = home.asked('phone')
    home.meet(home.laptop, phone)
    home.pass(1000)
    phone.records.get(GRANT)!.clear()
    const { own, book } = home.laptop.core
    const entry = phone.core.book.get(own.identity)!
    const grant: Grant = {
      type: 'grant',
      identity: own.identity,
      devices: own.devices,
      name: 'alice',
      presenceSecret: own.presenceSecret,
      channel: book.get(own.identity)!.contact.facts.channels[0]!,
      presences: []
    }
    const give = (body: Grant, device = own.device): void =>
      phone.run(core => core.devices.receive(core.turn, home.laptop.peer, entry, device, body))
    return { home, phone, grant, give }
  }

  test('that is as it should be is kept, once for all', () => {
    const { phone, grant, give } = waiting(20)
    give(grant)
    give(grant)
    expect(phone.records.get(GRANT)?.size).toBe(1)
    phone.becomeDevice()
    expect(phone.core.own).toMatchObject({ identity: grant.identity, entropy: undefined, provisional: false })
    expect([...phone.records.get(CONTACTS)!.keys()]).toEqual([grant.identity])
  })

  test('that is forged, of another device or of somebody else is refused', () => {
    const { home, phone, grant, give } = waiting(21)
    const { own } = home.laptop.core
    const list = verifyDeviceList([own.devices[0]!], own.identity)
    const other = { operation: 'add' as const, device: 'cd'.repeat(32) as DeviceId }
    const ours = { operation: 'add' as const, device: phone.core.own.device }
    const forged = extendDeviceList(phone.core.own.deviceSeed, list, ours, millis(phone.now))
    const another = extendDeviceList(own.identitySeed!, list, other, millis(phone.now))
    const bad: Record<string, Grant> = {
      'signed by somebody else': { ...grant, devices: [own.devices[0]!, forged] },
      'for another device': { ...grant, devices: [own.devices[0]!, another] },
      'without us': { ...grant, devices: [own.devices[0]!] },
      'in the name of bob': { ...grant, identity: home.bob.id as IdentityId },
      'with the list of bob': { ...grant, devices: home.bob.core.own.devices }
    }
    for (const [why, body] of Object.entries(bad)) expect(() => give(body), why).toThrow(refused)
    expect(() => give(grant, other.device), 'by a device that is not on the list').toThrow(refused)
    expect(phone.records.get(GRANT)?.size).toBe(0)
  })

  test('that is played back makes nobody anybody', () => {
    const { home, phone, grant, give } = waiting(22)
    give(grant)
    home.part(home.laptop, phone)
    phone.becomeDevice()
    home.comeBack(phone)
    home.pass(5000)
    const before = JSON.stringify(phone.core.own)
    for (const person of [phone, home.laptop, home.bob]) {
      const peer = person === home.laptop ? home.bob.peer : home.laptop.peer
      const sender = person.core.sessions.contactAt(peer)!
      expect(() =>
        person.run(core => core.devices.receive(core.turn, peer, sender, grant.identity as never, grant))
      ).toThrow(refused)
    }
    expect(JSON.stringify(phone.core.own)).toBe(before)
  })
})

test('each device publishes where it is under a key of its own, and a contact looks under both', () => {
  const home = new Household(25)
  const phone = home.link('phone')
  const { bob, laptop } = home
  home.leave(bob)
  for (const person of [bob, laptop, phone]) {
    person.effects = []
    person.step({ type: 'dht-ready' })
    person.sleep(1000)
  }
  const keysOf = (person: Person, type: 'put' | 'lookup'): string[] =>
    person.effects.flatMap(effect => (effect.type === type ? [Buffer.from(effect.key).toString('hex')] : []))
  const [ofLaptop, ofPhone] = [keysOf(laptop, 'put'), keysOf(phone, 'put')]
  expect(ofLaptop).not.toEqual([])
  expect(ofPhone).not.toEqual([])
  expect(ofLaptop.filter(key => ofPhone.includes(key))).toEqual([])
  const sought = keysOf(bob, 'lookup')
  expect(ofPhone.filter(key => !sought.includes(key))).toEqual([])
  // What else the laptop publishes is for those who hold its invites.
  expect(ofLaptop.filter(key => sought.includes(key))).not.toEqual([])
})

describe('cards', () => {
  test('are taken from a device of ours, never from a contact', () => {
    const home = new Household(30)
    const phone = home.link('phone')
    const { bob, laptop } = home
    const said = laptop.core.book.find(bob.id).contact.view()
    expect(phone.core.book.find(bob.id).contact.view()).toMatchObject({ ...said, name: said.name })
    const entry = laptop.core.sessions.contactAt(bob.peer)!
    const group = { type: 'group', version: 9, standing: 'joined', name: 'trap', channels: [] } as const
    const cards = [{ ...group, group: 'ab'.repeat(32) as never }]
    expect(() =>
      laptop.run(core =>
        core.devices.receive(core.turn, bob.peer, entry, bob.core.own.device, { type: 'cards', cards })
      )
    ).toThrow(refused)
    expect(laptop.core.book.rooms.size).toBe(0)
  })

  test.each([31, 32, 33, 34])('come to the same whoever is heard first (seed %i)', seed => {
    const home = new Household(seed)
    const phone = home.link('phone')
    const tablet = home.link('tablet')
    const machines = [home.laptop, phone, tablet]
    for (const machine of machines) home.leave(machine)
    for (const [index, machine] of machines.entries())
      machine.run(core => {
        const { contact } = core.book.find(home.bob.id)
        contact.facts.name = `bob ${index}`
        contact.save(core.turn)
      })
    const [a, b, c] = seed % 2 === 0 ? [0, 1, 2] : [2, 0, 1]
    home.meet(machines[a]!, machines[b]!)
    home.meet(machines[b]!, machines[c]!)
    home.meet(machines[a]!, machines[c]!)
    home.pass(2000)
    const names = machines.map(({ core }) => core.book.find(home.bob.id).contact.facts.name)
    expect(new Set(names).size, `seed=${seed}: ${names.join()}`).toBe(1)
  })
})
