/**
 * An entry of a device's log in a conversation: the MLS application data of a message, or the authenticated
 * data of a commit. Its hash is the message's id. Spec: specs/conversation.md, section 2.
 */
import type { DeviceId, EpochId, MessageId, Millis, OperationId } from '../base/ids.ts'
import { spec } from '../base/limits.ts'
import { brokenLink } from './device-entry.ts'
import {
  bytes,
  codec,
  id,
  integer,
  list,
  optional,
  record,
  structure,
  text,
  time,
  union,
  withRule
} from './shape.ts'

/** An entry of another device that the author had seen: by number, so that a reader knows what to wait for. */
export interface Parent {
  readonly device: DeviceId
  readonly sequence: number
  /** 32 bytes. */
  readonly hash: Uint8Array
}

/** What an entry says. */
export type EntryContent =
  | { readonly type: 'text'; readonly text: string; readonly replyTo: MessageId | undefined }
  /**
   * The commit that carries this entry leads out of the epoch `parent`; it brings the tree to what the roster is
   * at `operations` (its heads, ascending), and counts only by that.
   */
  | {
      readonly type: 'commit'
      readonly parent: EpochId
      readonly operations: readonly OperationId[]
    }

export interface Entry {
  readonly device: DeviceId
  /** Position in this device's log of the conversation, from 1. */
  readonly sequence: number
  /** Hash of this device's entry before this one, 32 bytes; zeros for the first. */
  readonly previous: Uint8Array
  /** Other devices' newest entries that the author had seen and not yet named, sorted by device, none twice. */
  readonly parents: readonly Parent[]
  /** More than that of every entry the author had seen. */
  readonly lamport: number
  /** By the author's clock: a claim. */
  readonly sentAt: Millis
  /** The digest of the roster as the author had it: members that are told different rosters find out. 32 bytes. */
  readonly roster: Uint8Array
  readonly content: EntryContent
}

function wrong(entry: Entry): string | undefined {
  const { device, parents, content } = entry
  if (parents.some((each, i) => i > 0 && parents[i - 1]!.device >= each.device))
    return 'parents are sorted by device and none comes twice'
  // Its own log is what `previous` is for; as a parent it could only make a reader wait for ever.
  if (parents.some(parent => parent.device === device)) return 'parents are of other devices'
  if (content.type === 'commit' && content.operations.some((each, i, all) => i > 0 && all[i - 1]! >= each))
    return 'operations ascend and none comes twice'
  return brokenLink(entry)
}

const whole = codec(
  'entry',
  spec.envelopeBytes.at(-1)!,
  withRule(
    structure<Entry>({
      device: id(32),
      sequence: integer(1),
      previous: bytes(32),
      parents: list(record<Parent>({ device: id(32), sequence: integer(1), hash: bytes(32) }), {
        max: spec.entryParentsMax
      }),
      lamport: integer(),
      sentAt: time,
      roster: bytes(32),
      content: union<EntryContent>({
        text: [0, { text: text(spec.textMaxBytes), replyTo: optional(id<MessageId>(32)) }],
        commit: [
          1,
          {
            parent: id<EpochId>(16),
            // As many as a roster may have heads: those who act at once each leave one.
            operations: list(id<OperationId>(32), { min: 1, max: spec.operationsPerMessageMax })
          }
        ]
      })
    }),
    wrong
  )
)

/** The bytes of an entry. Throws MALFORMED. */
export const encodeEntry = whole.encode

/** The entry of opened bytes. Throws MALFORMED. */
export const decodeEntry = whole.decode
