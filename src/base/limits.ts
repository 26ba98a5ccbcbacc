/** A bound for every queue, size, retry and loop. Units come last in the names. */

const KIB = 1024
const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Specification constants: changing one changes the protocol (specs/encoding.md, section "Limits"). */
export const spec = {
  /** Envelopes have one of these sizes and no other. */
  envelopeBytes: [512, 2 * KIB, 8 * KIB, 32 * KIB, 64 * KIB],
  textMaxBytes: 32_000,
  nameMaxBytes: 64,
  greetingMaxBytes: 1000,
  addressMaxBytes: 256,
  addressesMax: 8,
  inviteMaxBytes: 4 * KIB,
  deviceEntriesMax: 64,
  deviceEntryMaxBytes: 256,
  credentialMaxBytes: 512,
  peerIdMaxBytes: 128,
  keyPackageMaxBytes: 4 * KIB,
  keyPackagesMax: 2,
  welcomeMaxBytes: 24 * KIB,
  presenceRecordMaxBytes: KIB,
  entryParentsMax: 16,
  /** A lamport number may run ahead of what the reader knows by its parents only; this bounds the field. */
  integerMax: Number.MAX_SAFE_INTEGER,
  reportDevicesMax: 32,
  reportRangesMax: 32,
  reportNacksMax: 64,
  inviteLifetimeDefaultMs: 7 * DAY,
  inviteLifetimeMaxMs: 365 * DAY,
  keyPackageLifetimeMs: 90 * DAY,
  /** Post-compromise updates: commit when answering in an epoch this old or this full. */
  epochAgeBeforeUpdateMs: HOUR,
  epochMessagesBeforeUpdate: 50,
  /** An epoch is forgotten beyond this age or this many newer ones, whatever has been acknowledged. */
  epochsKeptMax: 4,
  epochKeptMaxMs: DAY,
  presenceDayMs: DAY
} as const

/** Implementation constants: tune freely. */
export const limits = {
  outboxMax: 50_000,
  /** Entries that wait for a parent or a predecessor, per conversation. */
  pendingEntriesMax: 2048,
  /** Envelopes that no held epoch opens, per conversation. */
  unopenedEnvelopesMax: 256,
  contactsMax: 10_000,
  invitesMax: 1000,
  requestsWaitingMax: 200,
  requestsPerPeerPerHour: 10,
  eventsKeptMax: 100_000,
  addressesPerPeerMax: 16,
  /** Envelopes sent to a device and not yet acknowledged. */
  windowEnvelopes: 512,
  /** How long a device may stay silent about what it was sent before it is sent again: first, then doubled. */
  resendFirstMs: 5 * SECOND,
  resendMaxMs: 5 * MINUTE,
  /** A message goes to gossip as well when the direct path has not had it acknowledged for this long. */
  gossipAfterMs: SECOND,
  /** A receipt waits this long for others to share an envelope with. */
  reportDelayMs: 20,
  reportIntervalMaxMs: 2 * SECOND,
  dialFirstMs: 2 * SECOND,
  dialMaxMs: 5 * MINUTE,
  dialsParallelMax: 16,
  lookupFirstMs: 5 * SECOND,
  lookupMaxMs: 10 * MINUTE,
  presencePublishMs: 6 * HOUR,
  presenceRetryMs: 10 * SECOND,
  /** A peer that opened a stream must have said who it is by then. */
  helloTimeoutMs: 10 * SECOND,
  envelopesBeforeHelloMax: 4,
  strangersMax: 64,
  stepsPerCommitMax: 1024,
  /** What one store record, transaction and commit may hold, and what may wait for the disk. */
  storeCollectionMaxBytes: 64,
  storeKeyMaxBytes: 512,
  storeValueMaxBytes: 16 * KIB * KIB,
  storeChangesMax: 65_536,
  storeCommitMaxBytes: 8 * KIB * KIB,
  storeWaitingMax: 65_536,
  storeWaitingMaxBytes: 256 * KIB * KIB,
  tailDefault: 50,
  tailMax: 10_000
} as const
