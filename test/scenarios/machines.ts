/** Alice on several machines, and bob: whole nodes over simulated wires, clocks and disks. */
import type { HearsayNode } from 'hearsay'
import { simulate, type SimulatedTestNetwork } from 'hearsay/testing'

/** Alice and bob are contacts; her other machines are off. */
export async function circle(seed: number, ...machines: string[]): Promise<SimulatedTestNetwork> {
  const net = await simulate({ nodes: ['alice', 'bob', ...machines], off: machines, seed })
  for (const machine of net.machines)
    machine.onBug = cause => {
      throw new Error(`seed=${seed}: a bug at ${machine.name}`, { cause })
    }
  await contactsOf(net)
  return net
}

/** Makes alice and bob contacts who call each other that. */
export async function contactsOf(net: SimulatedTestNetwork): Promise<void> {
  const { link } = await net.node('alice').contacts.invite()
  await net.node('bob').contacts.add(link, { name: 'alice' })
  await net.node('bob').contacts.ready('alice')
  await net.node('alice').contacts.rename(net.node('bob').identity.id, 'bob')
}

/** Switches a machine on to be linked. */
export function showLink(
  net: SimulatedTestNetwork,
  name: string
): { link: Promise<string>; up: Promise<HearsayNode> } {
  const { promise, resolve } = Promise.withResolvers<string>()
  const up = net.machine(name).link(resolve)
  return { link: promise, up }
}

export async function linked(net: SimulatedTestNetwork, name: string, by = 'alice'): Promise<HearsayNode> {
  const { link, up } = showLink(net, name)
  await net.node(by).devices.link(await link)
  return await up
}

/** Lets time pass until something is so, at most ten minutes of it. */
export async function until(
  net: SimulatedTestNetwork,
  what: string,
  holds: () => Promise<boolean>
): Promise<void> {
  for (let step = 0; step < 1200; step++) {
    if (await holds()) return
    await net.advance(500)
  }
  throw new Error(`seed=${net.seed}: never: ${what}`)
}

export const texts = async (node: HearsayNode, contact: string): Promise<string[]> =>
  (await (await node.direct(contact)).history()).map(({ text }) => text)

export const names = async (node: HearsayNode): Promise<string[]> =>
  (await node.contacts.list()).map(({ name, state }) => `${name} ${state}`).toSorted()

export const say = async (node: HearsayNode, contact: string, text: string) =>
  await (await node.direct(contact)).send(text)

/** All devices of alice talk and are talked to. */
export async function everybodyHears(net: SimulatedTestNetwork, devices: readonly string[]): Promise<void> {
  const bob = net.node('bob')
  for (const name of devices) {
    await until(net, `${name} knows bob`, async () => (await names(net.node(name))).includes('bob ready'))
    await (await say(net.node(name), 'bob', `from ${name}`)).reached('delivered')
  }
  await until(net, 'bob knows all devices', async () => {
    const sent = await say(bob, 'alice', 'to all of you')
    await sent.reached('delivered')
    return sent.devices.length === devices.length
  })
  const all = [...devices.map(name => `from ${name}`), 'to all of you']
  for (const name of [...devices, 'bob'])
    await until(net, `${name} has heard everything`, async () => {
      const heard = await texts(net.node(name), name === 'bob' ? 'alice' : 'bob')
      return all.every(text => heard.includes(text))
    })
}
