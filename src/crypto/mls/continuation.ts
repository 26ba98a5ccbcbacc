/**
 * Groups that continue another one: its successor after a ReInit (RFC 9420 section 11.2) and a branch with some
 * of its members (section 11.3). Both mix in a resumption secret, so only members of the old group can join.
 */
import { equal } from '../../base/bytes.ts'
import { asKey } from './as-key.ts'
import { PROTOCOL_VERSION } from './capabilities.ts'
import type { CipherSuite } from './cipher-suite.ts'
import { encode } from './codec.ts'
import { encodeCredential } from './credential.ts'
import { invalid } from './errors.ts'
import type { EpochState } from './epoch-state.ts'
import { writeExtensions } from './extension.ts'
import type { GroupInfo } from './group-info.ts'
import type { PreSharedKeyId } from './pre-shared-key.ts'
import type { RatchetTree } from './ratchet-tree.ts'

/** The name of the resumption secret that a new group begins with. */
export const continuationPskId = (
  old: EpochState,
  suite: CipherSuite,
  usage: 'reinit' | 'branch'
): PreSharedKeyId => ({
  type: 'resumption',
  usage,
  groupId: old.context.groupId,
  epoch: old.context.epoch,
  nonce: suite.random(suite.kdf.hashLength)
})

/** The group that a Welcome leads to. */
export interface NewGroup {
  readonly suite: CipherSuite
  readonly info: GroupInfo
  readonly tree: RatchetTree
}

/** Checks that a Welcome continues `old` by the rules, or that it continues nothing. Throws MlsError `invalid`. */
export function checkContinuation(
  psks: readonly PreSharedKeyId[],
  group: NewGroup,
  old: EpochState | undefined
): void {
  const continuing = psks.filter(id => id.type === 'resumption').filter(id => id.usage !== 'application')
  const [id] = continuing
  if (id === undefined) {
    if (old !== undefined) throw invalid('a Welcome that does not continue the old group')
    return
  }
  if (continuing.length > 1) throw invalid('a Welcome that continues several groups')
  if (old === undefined) throw invalid('a Welcome that continues a group, which was not given')
  if (!equal(id.groupId, old.context.groupId) || id.epoch !== old.context.epoch)
    throw invalid('a Welcome that continues another group or epoch')
  // The new group has made no other commit than the one that let us in.
  if (group.info.groupContext.epoch !== 1n) throw invalid('a continued group that does not begin anew')
  if (id.usage === 'reinit') checkReInit(group, old)
  else checkBranch(group, old)
}

function checkReInit({ info: { groupContext }, tree, suite }: NewGroup, old: EpochState): void {
  const { reinit } = old
  if (reinit === undefined) throw invalid('a successor of a group that was not closed')
  if (
    reinit.version !== PROTOCOL_VERSION ||
    reinit.cipherSuite !== suite.id ||
    !equal(reinit.groupId, groupContext.groupId) ||
    !equal(encode(writeExtensions, reinit.extensions), encode(writeExtensions, groupContext.extensions))
  )
    throw invalid('a successor that is not what the ReInit proposed')
  const members = credentialsIn(tree)
  for (const credential of credentialsIn(old.tree))
    if (!members.has(credential)) throw invalid('a successor without all members of the old group')
}

function checkBranch({ tree, suite }: NewGroup, old: EpochState): void {
  if (suite.id !== old.suite.id) throw invalid('a branch with another cipher suite')
  const known = credentialsIn(old.tree)
  for (const credential of credentialsIn(tree))
    if (!known.has(credential)) throw invalid('a branch with somebody who is not in the old group')
}

const credentialsIn = (tree: RatchetTree): Set<string> =>
  new Set([...tree.members()].map(({ leaf }) => asKey(encodeCredential(leaf.credential))))
