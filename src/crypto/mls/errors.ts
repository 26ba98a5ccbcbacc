/** How MLS refuses: one class, with a reason that callers can tell apart. */
import { errors, HearsayError } from '../../base/errors.ts'

/** Why something was refused. Nothing was changed in any of these cases. */
export type MlsReason =
  /** The bytes are not the structure that they should be. */
  | 'malformed'
  /** Well-formed, but a rule of the RFC is broken: a signature, a hash, a list of proposals. */
  | 'invalid'
  /** A message of another group. */
  | 'wrong-group'
  /** A message of another epoch of this group. */
  | 'wrong-epoch'
  /** The key of this message has been used: it was opened before, or is older than the keys that are kept. */
  | 'key-used'
  /** Further ahead of the last message of its sender than `generationsForwardMax`. */
  | 'too-far-ahead'
  /** The sender has no leaf in this epoch. */
  | 'not-a-member'
  /** A message that this member made. */
  | 'own-message'
  /** `authorize` or `validateCredential` said no. */
  | 'refused'
  /** A commit names a proposal that this epoch has not seen. */
  | 'missing-proposal'
  /** A pre-shared key that the caller did not supply. */
  | 'missing-psk'
  /** A Welcome for other key packages. */
  | 'not-for-us'
  /** The group was closed by a ReInit and can neither commit nor send. */
  | 'reinitialised'
  /** The epoch was wiped by `zeroize`. */
  | 'wiped'

/** Everything that `hearsay/mls` throws on purpose. Its `code` is always MALFORMED; callers test `reason`. */
export class MlsError extends HearsayError {
  readonly reason: MlsReason

  constructor(reason: MlsReason, why: string, cause?: unknown) {
    super('MALFORMED', { message: `MLS: ${why}.`, hint: errors.MALFORMED[1], cause })
    this.reason = reason
  }
}

/** An MlsError to throw where a rule of the RFC is broken. */
export const invalid = (why: string): MlsError => new MlsError('invalid', why)

/** Runs `operation`, so that what the primitives refuse is an MlsError like everything else. */
export function refusing<T>(what: string, operation: () => T): T {
  try {
    return operation()
  } catch (error) {
    if (error instanceof MlsError || !(error instanceof HearsayError)) throw error
    throw new MlsError('invalid', what, error)
  }
}
