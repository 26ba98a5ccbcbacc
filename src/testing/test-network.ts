/**
 * What a test sees of a network of nodes, simulated or real: people by name, and ways to make their day bad.
 */
import type { Contact, HearsayNode } from '../api.ts'

/** A node of a test network, by the node itself or by its person's name. */
export type NodeReference = HearsayNode | string

/** Several nodes and the network between them. `await using` stops them all. */
export interface TestNetwork extends AsyncDisposable {
  /** Reproduces everything: print it when a test fails. */
  readonly seed: number
  /** The running nodes: alice, bob, carol and so on. A node that was restarted is another object. */
  readonly nodes: readonly HearsayNode[]
  /** The running node of a person. Throws a RangeError where there is none. */
  node(name: string): HearsayNode
  /** Makes contacts of every pair by real invites; resolves when all are ready. */
  contacts(): Promise<void>
  /** How `of` is known to `at`. */
  contact(at: NodeReference, of: NodeReference): Promise<Contact>
  /** Pulls a node's cable: it runs on without a network. */
  offline(node: NodeReference): void
  /** Plugs it in again. */
  online(node: NodeReference): void
  /** Cuts two groups of nodes apart (the second defaults to all others), or only the way from the first. */
  partition(
    one: readonly NodeReference[],
    other?: readonly NodeReference[],
    options?: { oneWay?: boolean }
  ): void
  /** Ends every partition. */
  heal(): void
  /** The machine loses power in this moment. Promises that the node has given never settle. */
  crash(node: NodeReference): void
  /** Starts the node again from what is on its disk. */
  restart(node: NodeReference): Promise<HearsayNode>
  /** Resolves once every running node's outbox is empty. Rejects when that does not happen in `withinMs`. */
  settle(options?: { withinMs?: number }): Promise<void>
}
