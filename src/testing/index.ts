/**
 * `hearsay/testing`: networks of real nodes in virtual time, and the acceptance suites of the ports.
 *
 * ```ts
 * import { simulate } from 'hearsay/testing'
 *
 * await using net = await simulate({ nodes: 2, seed: 7, loss: 0.05 })
 * await net.contacts()
 * const chat = await net.node('alice').direct('bob')
 * const delivery = await chat.send('lunch?')
 * await delivery.reached('delivered')
 * ```
 */
export { seededRandom } from './random.ts'
export type { SeededRandom } from './random.ts'
export { VirtualTime } from './time.ts'
export { simulatedClock, SIMULATION_BEGINS } from './clock.ts'
export type { SimulatedClock } from './clock.ts'
export { SimulatedDisk } from './disk.ts'
export type { DiskHealth } from './disk.ts'
export { SimulatedInternet } from './internet.ts'
export type { Observation } from './internet.ts'
export type { SimulatedNetwork } from './network.ts'
export type { Network, NetworkEvent, NetworkHandler } from '../ports/network.ts'
export type { ValidateRecord } from './dht.ts'
export { peerIdFrom } from './peer-id.ts'
export type { Weather } from './weather.ts'
export { Machine } from './machine.ts'
export { peopleOf, simulate } from './simulate.ts'
export type { SimulatedTestNetwork, SimulateInit } from './simulate.ts'
export type { NodeReference, TestNetwork } from './test-network.ts'
export { storeSuite } from './store-suite.ts'
export type { StorePlace, TestRunner } from './store-suite.ts'
export { networkSuite } from './network-suite.ts'
export type { NetworkPlace } from './network-suite.ts'
