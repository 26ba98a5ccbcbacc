/** Alice, Bob and the others, for tests about groups. */
import { expect } from 'vitest'
import { equal, fromUtf8, toHex, toUtf8 } from '../../../src/base/bytes.ts'
import type { Random } from '../../../src/base/random.ts'
import { cipherSuite, Epoch, generateKeyPackage, MlsError } from '../../../src/crypto/mls/index.ts'
import type {
  CommitOptions,
  Committed,
  GeneratedKeyPackage,
  KeyPackageInit
} from '../../../src/crypto/mls/index.ts'
import type { MlsReason, ProcessOptions } from '../../../src/crypto/mls/index.ts'

/** Valid for ever, as far as these tests are concerned. */
export const ALWAYS = { notBefore: 0n, notAfter: 1n << 40n }

/** A key package of somebody. */
export const person = (
  identity: string,
  suiteId = 1,
  options: Partial<KeyPackageInit> & { random?: Random } = {}
): GeneratedKeyPackage =>
  generateKeyPackage({
    suite: cipherSuite(suiteId, { random: options.random }),
    identity,
    lifetime: ALWAYS,
    ...options
  })

/** The proposal to add somebody. */
export const add = ({ keyPackage }: GeneratedKeyPackage) => ({ type: 'add', keyPackage }) as const

/** The proposal to remove whoever holds an epoch. */
export const remove = ({ ownLeaf }: Epoch) => ({ type: 'remove', removed: ownLeaf }) as const

/** A group whose first member has added the others; everybody's epoch, in that order. */
export function groupOf(people: readonly GeneratedKeyPackage[], random?: Random): Epoch[] {
  const [first, ...others] = people
  const suite = cipherSuite(first!.keyPackage.cipherSuite, { random })
  const created = Epoch.create({ suite, groupId: fromUtf8('climbers'), ...first! })
  if (others.length === 0) return [created]
  const { epoch, welcome } = created.commit({ proposals: others.map(add) })
  return [epoch, ...others.map(other => Epoch.join(welcome!, { ...other, random }))]
}

/** Everybody's next epoch: the committer's own, and what processing the commit gives the others. */
export function follow(
  committer: Epoch,
  members: readonly Epoch[],
  options: CommitOptions = {},
  process: ProcessOptions = {}
): { committed: Committed; next: Epoch[] } {
  const committed = committer.commit(options)
  const next = members.map(member =>
    member === committer ? committed.epoch : nextEpoch(member, committed.commit, process)
  )
  expectSameEpoch(next)
  return { committed, next }
}

/** The epoch that a commit leads to. */
export function nextEpoch(epoch: Epoch, commit: Uint8Array, options: ProcessOptions = {}): Epoch {
  const processed = epoch.process(commit, options)
  if (processed.kind !== 'commit' || processed.epoch === undefined)
    throw new Error(`expected a commit that keeps us, got a ${processed.kind}`)
  return processed.epoch
}

/** All of them are in one epoch: the same secrets, not only the same number. */
export function expectSameEpoch(epochs: readonly Epoch[]): void {
  const authenticators = new Set(epochs.map(epoch => toHex(epoch.authenticator)))
  expect(authenticators.size).toBe(1)
}

/** The text of an application message. */
export function opened(epoch: Epoch, message: Uint8Array): string {
  const processed = epoch.process(message)
  if (processed.kind !== 'application') throw new Error(`expected a message, got a ${processed.kind}`)
  return toUtf8(processed.data)
}

/** Seals a text. */
export const say = (epoch: Epoch, text: string): Uint8Array => epoch.seal(fromUtf8(text))

/** Expects an MlsError with a reason, and that it left the epoch byte for byte as it was. */
export function expectRefused(epoch: Epoch, reason: MlsReason, operation: () => unknown): void {
  const before = epoch.save()
  expect(reasonOf(operation)).toBe(reason)
  expect(equal(epoch.save(), before)).toBe(true)
}

/** Why an operation was refused; undefined where it was not. Anything but an MlsError is rethrown. */
export function reasonOf(operation: () => unknown): MlsReason | undefined {
  try {
    operation()
    return undefined
  } catch (error) {
    if (error instanceof MlsError) return error.reason
    throw error
  }
}
