/** The record of a conversation: our log, how far each other log is, and how far each recipient is with ours. */
import { spec } from '../../base/limits.ts'
import type { DeviceId, EpochId, GroupId } from '../../base/ids.ts'
import { boolean, bytes, codec, id, integer, list, pair, record, structure } from '../../wire/shape.ts'
import type { Conversation, ConversationFacts } from '../conversation.ts'
import type { Head } from '../heads.ts'
import type { Log } from '../inbox.ts'
import type { Acknowledged } from '../outbox.ts'
import { RECORD_MAX_BYTES } from './limits.ts'

type StoredLog = Omit<Log, 'waiting'>
interface StoredHead {
  readonly device: DeviceId
  readonly head: Head
  readonly through: number
}
interface Stored extends ConversationFacts {
  readonly sentThrough: number
  readonly logs: readonly StoredLog[]
  readonly acknowledged: readonly Acknowledged[]
  readonly heads: readonly StoredHead[]
}

const DEVICES_MAX = spec.groupMembersMax * 8

const stored = codec(
  'conversation record',
  RECORD_MAX_BYTES,
  structure<Stored>({
    sequence: integer(),
    previous: bytes(32),
    base: bytes(32),
    lamport: integer(),
    answering: boolean,
    unread: integer(),
    sentThrough: integer(),
    logs: list(
      record<StoredLog>({
        device: id<DeviceId>(32),
        contiguous: integer(),
        hash: bytes(32),
        lamport: integer(),
        read: integer(),
        named: integer()
      }),
      { max: DEVICES_MAX }
    ),
    acknowledged: list(
      record<Acknowledged>({
        device: id<DeviceId>(32),
        since: integer(),
        sinceHash: bytes(32),
        contiguous: integer(),
        ranges: list(pair(integer(1)), { max: spec.reportRangesMax }),
        read: integer()
      }),
      { max: DEVICES_MAX }
    ),
    heads: list(
      record<StoredHead>({
        device: id<DeviceId>(32),
        head: record<Head>({
          group: id<GroupId>(16),
          generation: integer(),
          length: integer(),
          epoch: id<EpochId>(16)
        }),
        through: integer()
      }),
      { max: DEVICES_MAX }
    )
  })
)

export const encodeConversation = (conversation: Conversation): Uint8Array =>
  stored.encode({
    ...conversation.facts,
    sentThrough: conversation.outbox.sentThrough,
    logs: [...conversation.inbox.logs.values()],
    acknowledged: [...conversation.outbox.acknowledged.values()],
    heads: [...conversation.heads].map(([device, { head, through }]) => ({ device, head, through }))
  })

/** Puts back what the record has. */
export function restoreConversation(conversation: Conversation, encoded: Uint8Array): void {
  const { sentThrough, logs, acknowledged, heads, ...facts } = stored.decode(encoded)
  Object.assign(conversation.facts, facts)
  conversation.outbox.sentThrough = sentThrough
  for (const log of logs) conversation.inbox.logs.set(log.device, { ...log, waiting: new Map() })
  for (const each of acknowledged) conversation.outbox.acknowledged.set(each.device, { ...each })
  for (const { device, head, through } of heads) conversation.heads.set(device, { head, through })
}
