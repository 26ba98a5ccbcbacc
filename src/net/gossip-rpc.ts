/**
 * Cuts gossip RPCs into pieces that every node of this protocol accepts. gossipsub itself puts all topics, all
 * wanted messages or all announcements into one RPC and drops a larger one than it accepts as a whole, silently.
 */
import type { NetworkLimits } from '../base/limits.ts'
import type { Rpc, RpcControl } from './gossip-internals.ts'

type RpcLimits = Pick<NetworkLimits, 'gossipRpcBytes' | 'gossipRpcMessagesMax' | 'gossipRpcIdsMax'>

/** What protobuf adds to each part of an RPC at most, and to the RPC as a whole. */
const FIELD_OVERHEAD_BYTES = 16

/** The same content in RPCs within the limits, in the same order. One too large for any RPC goes on its own. */
export function splitRpc(rpc: Rpc, limits: RpcLimits): Rpc[] {
  const budget = limits.gossipRpcBytes - 64 * FIELD_OVERHEAD_BYTES
  const parts: Rpc[] = []
  const add = (part: Partial<Rpc>): number => parts.push({ subscriptions: [], messages: [], ...part })
  const addControl = (part: Partial<RpcControl>): number =>
    add({ control: { ihave: [], iwant: [], graft: [], prune: [], idontwant: [], ...part } })
  const chunked = <T>(items: readonly T[], bytesOf: (item: T) => number, max: number): T[][] =>
    chunks(items, item => bytesOf(item) + FIELD_OVERHEAD_BYTES, budget, max)

  const ids = limits.gossipRpcIdsMax
  for (const subscriptions of chunked(rpc.subscriptions, one => one.topic?.length ?? 0, ids))
    add({ subscriptions })
  const messageBytes = (message: Rpc['messages'][number]): number =>
    message.topic.length + (message.data?.length ?? 0)
  for (const messages of chunked(rpc.messages, messageBytes, limits.gossipRpcMessagesMax)) add({ messages })

  const { control } = rpc
  if (control !== undefined) {
    const idBytes = (one: { topicID?: string; messageIDs: Uint8Array[] }): number =>
      one.messageIDs.reduce((sum, id) => sum + id.length + 4, one.topicID?.length ?? 0)
    const cut = <T extends { messageIDs: Uint8Array[] }>(lists: readonly T[]): T[] =>
      lists.flatMap(list =>
        chunks(list.messageIDs, id => id.length, budget, ids).map(messageIDs => ({ ...list, messageIDs }))
      )
    for (const graft of chunked(control.graft, one => one.topicID?.length ?? 0, ids)) addControl({ graft })
    for (const prune of chunked(control.prune, one => one.topicID?.length ?? 0, ids)) addControl({ prune })
    for (const ihave of chunked(cut(control.ihave), idBytes, ids)) addControl({ ihave })
    for (const iwant of chunked(cut(control.iwant), idBytes, ids)) addControl({ iwant })
    for (const idontwant of chunked(cut(control.idontwant), idBytes, ids)) addControl({ idontwant })
  }
  const [first, ...rest] = parts
  return first === undefined || rest.length === 0 || isSmall(rpc, limits) ? [rpc] : parts
}

/** Most RPCs hold one message and no more than a few words of control: they go as they are. */
function isSmall(rpc: Rpc, limits: RpcLimits): boolean {
  const { control } = rpc
  const lists = control === undefined ? [] : [control.ihave, control.iwant, control.idontwant]
  const ids = lists.flat().reduce((sum, list) => sum + list.messageIDs.length, 0)
  const entries =
    rpc.subscriptions.length + (control === undefined ? 0 : control.graft.length + control.prune.length)
  const bytes = rpc.messages.reduce(
    (sum, message) => sum + message.topic.length + (message.data?.length ?? 0),
    0
  )
  return (
    ids + entries + rpc.messages.length <= 64 && bytes + 128 * (ids + entries) <= limits.gossipRpcBytes / 2
  )
}

function chunks<T>(
  items: readonly T[],
  bytesOf: (item: T) => number,
  bytesMax: number,
  countMax: number
): T[][] {
  const all: T[][] = []
  let bytes = 0
  for (const item of items) {
    const size = bytesOf(item)
    const last = all.at(-1)
    if (last === undefined || last.length >= countMax || bytes + size > bytesMax) {
      all.push([item])
      bytes = size
    } else {
      last.push(item)
      bytes += size
    }
  }
  return all
}
