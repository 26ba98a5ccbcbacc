/** Held epochs: what is known of an epoch besides its MLS state, and what comes out of it. */
import type { DeviceId, EpochId, IdentityId, Millis } from '../base/ids.ts'
import type { Epoch } from '../crypto/mls/index.ts'
import type { Entry } from '../wire/entry.ts'
import type { MessageBody } from '../wire/message-body.ts'
import type { Head } from './heads.ts'
import type { Leaf } from './leaves.ts'
import { epochKeys } from './seal/message-seal.ts'
import type { EpochKeys } from './seal/message-seal.ts'

/** What is remembered of an epoch besides its keys. */
export interface EpochFacts extends Head {
  /** The epoch that its commit was made on; none for a founding or a join. */
  readonly parent: EpochId | undefined
  /** Whose commit began it. */
  readonly author: DeviceId
  readonly since: Millis
  /** Messages sealed on it by us. */
  readonly sealed: number
  /** Whether anybody but its author has spoken on it. */
  readonly answered: boolean
  /** Whether our one commit on it was made. */
  readonly committed: boolean
  /** Whether we came in by its welcome and have not renewed our keys since. */
  readonly fresh: boolean
}

/** An epoch that we hold. */
export interface Held extends EpochFacts {
  readonly sealed: number
  readonly mls: Epoch
  readonly keys: EpochKeys
  readonly leaves: readonly Leaf[]
  /** Whether nobody whom the roster has dropped can read on it. */
  readonly clean: boolean
}

/** A value of which the holder changes what others only read. */
export type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

/** A message envelope that one of our epochs opened. Its contents are still sealed by MLS. */
export interface Opened {
  readonly epoch: EpochId
  readonly body: MessageBody
  readonly author: DeviceId
}

/** An entry that was in a message of an epoch. */
export interface Processed {
  readonly entry: Entry
  readonly bytes: Uint8Array
  readonly identity: IdentityId
  /** Whether its author has made another commit on the same epoch: honest devices make one. */
  readonly equivocated: boolean
  /** Whom it has taken in, or in again. */
  readonly adds: readonly DeviceId[]
}

/** The keys of an epoch's envelopes, from its exporter. */
export const keysOf = (mls: Epoch): EpochKeys => epochKeys((label, length) => mls.export(label, '', length))
