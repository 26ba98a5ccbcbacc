/** The step into a new epoch that its author and all other members compute alike (RFC 9420 section 8). */
import { equal } from '../../base/bytes.ts'
import type { CipherSuite } from './cipher-suite.ts'
import { MlsError } from './errors.ts'
import type { EpochState } from './epoch-state.ts'
import type { AuthenticatedContent } from './framing.ts'
import { encodeGroupContext } from './group-context.ts'
import type { GroupContext } from './group-context.ts'
import { deriveEpochSecrets, deriveJoinerSecret, deriveMemberSecret } from './key-schedule.ts'
import type { EpochSecrets } from './key-schedule.ts'
import { pskSecret } from './pre-shared-key.ts'
import type { PreSharedKeyId, PskLookup, ResolvedPsk } from './pre-shared-key.ts'
import { confirmedTranscriptHash } from './transcript-hash.ts'

/** What the next epoch depends on. */
export interface EpochStep {
  readonly suite: CipherSuite
  readonly interimTranscriptHash: Uint8Array
  readonly initSecret: Uint8Array
  /** Overwritten by the step. */
  readonly commitSecret: Uint8Array
  readonly psks: readonly ResolvedPsk[]
  /** The new context, still with the old transcript hash. */
  readonly context: GroupContext
  readonly commit: Pick<AuthenticatedContent, 'wireFormat' | 'framed' | 'signature'>
}

/** The secrets of the next epoch. The joiner secret and the member secret are for a Welcome, then to wipe. */
export interface NextEpoch {
  readonly context: GroupContext
  readonly joinerSecret: Uint8Array
  readonly memberSecret: Uint8Array
  readonly secrets: EpochSecrets
  readonly encryptionSecret: Uint8Array
  readonly confirmationTag: Uint8Array
}

/** Computes the next epoch from a commit. */
export function stepEpoch(step: EpochStep): NextEpoch {
  const { suite } = step
  const context: GroupContext = {
    ...step.context,
    confirmedTranscriptHash: confirmedTranscriptHash(suite, step.interimTranscriptHash, step.commit)
  }
  const contextBytes = encodeGroupContext(context)
  const joinerSecret = deriveJoinerSecret(suite, step.initSecret, step.commitSecret, contextBytes)
  step.commitSecret.fill(0)
  const memberSecret = deriveMemberSecret(suite, joinerSecret, pskSecret(suite, step.psks))
  const { secrets, encryptionSecret } = deriveEpochSecrets(suite, memberSecret, contextBytes)
  const confirmationTag = suite.kdf.mac(secrets.confirmationKey, context.confirmedTranscriptHash)
  return { context, joinerSecret, memberSecret, secrets, encryptionSecret, confirmationTag }
}

/** Overwrites what only a Welcome needed. */
export function wipeJoinerSecrets({ joinerSecret, memberSecret }: NextEpoch): void {
  joinerSecret.fill(0)
  memberSecret.fill(0)
}

/** The context of the next epoch as far as proposals and tree decide it. */
export const provisionalContext = (
  context: GroupContext,
  extensions: GroupContext['extensions'],
  treeHash: Uint8Array
): GroupContext => ({ ...context, epoch: context.epoch + 1n, extensions, treeHash })

/** The secrets of pre-shared keys: earlier epochs of this group from the state, others from the caller. */
export function resolvePsks(
  ids: readonly PreSharedKeyId[],
  lookup: PskLookup | undefined,
  state?: EpochState
): ResolvedPsk[] {
  return ids.map(id => {
    const secret = (state && resumptionPsk(state, id)) ?? lookup?.(id)
    if (secret === undefined) throw new MlsError('missing-psk', `the ${id.type} pre-shared key is not known`)
    return { id, secret }
  })
}

/** The resumption secret of this or an earlier epoch of this very group, where it is held. */
export function resumptionPsk(state: EpochState, id: PreSharedKeyId): Uint8Array | undefined {
  if (id.type !== 'resumption' || !equal(id.groupId, state.context.groupId)) return undefined
  return id.epoch === state.context.epoch ? state.secrets.resumptionPsk : state.resumptionPsks.get(id.epoch)
}
