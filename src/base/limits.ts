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
  /** What an answer to a contact request may hold; a group's welcome may be as large as a control message. */
  welcomeMaxBytes: 16 * KIB,
  /** The beginning of a direct conversation: two full device lists, whose entries take less than 190 bytes each. */
  createMaxBytes: 26 * KIB,
  /** A control message, in parts where it does not fit one envelope: a welcome for a thousand members does fit. */
  controlMaxBytes: 4 * KIB * KIB,
  /** What one part holds at most, of a control message or of a commit. */
  partBytes: 60_000,
  /** A commit in a group of a thousand: 1.3 MB at the very first. */
  messagePartsMax: 64,
  presenceRecordMaxBytes: KIB,
  entryParentsMax: 16,
  operationParentsMax: 16,
  operationMaxBytes: 128 * KIB,
  /** People that one operation brings in: so many consents and device lists fit. */
  newcomersMax: 128,
  consentMaxBytes: 256,
  operationsPerMessageMax: 256,
  keyPackagesPerMessageMax: 128,
  introductionsMax: 64,
  groupMembersMax: 1000,
  /** Messages that a newcomer may be given. */
  groupHistoryMax: 1000,
  invitationLifetimeMs: 30 * DAY,
  /** Secrets shared with one contact or in one group, as the devices of one identity tell each other. */
  sharedSecretsMax: 4,
  cardsPerMessageMax: 64,
  /** Messages in one page of history. */
  historyPageMax: 64,
  /** A lamport number may run ahead of the highest that the reader knows by so much: honest devices miss no more. */
  lamportAheadMax: 2 ** 16,
  /** What a welcome may say that the highest lamport number is. */
  lamportMax: 2 ** 48,
  integerMax: Number.MAX_SAFE_INTEGER,
  reportDevicesMax: 32,
  reportRangesMax: 32,
  reportNacksMax: 64,
  /** Devices of whom a report says that its author lacks word. */
  reportAwaitsMax: 32,
  /** Devices that an inquiry names; with more of them everybody answers. */
  inquiredMax: 64,
  inquiryMaxBytes: 4 * KIB,
  inquiryHopsMax: 64,
  receiptMaxBytes: 1024,
  receiptRangesMax: 16,
  /** Receipts that are given on in one message. */
  receiptsMax: 64,
  inviteLifetimeDefaultMs: 7 * DAY,
  inviteLifetimeMaxMs: 365 * DAY,
  keyPackageLifetimeMs: 90 * DAY,
  /** Post-compromise updates: commit when answering in an epoch this old or this full. */
  epochAgeBeforeUpdateMs: HOUR,
  epochMessagesBeforeUpdate: 50,
  /** With more devices than these, keys are renewed by age alone. */
  renewOftenMembersMax: 4,
  epochAgeInGroupsMs: 7 * DAY,
  /** An epoch is forgotten beyond this age or this many newer ones, whatever has been acknowledged. */
  epochsKeptMax: 4,
  epochKeptMaxMs: DAY,
  presenceDayMs: DAY
} as const

/** Implementation constants: tune freely. */
export const limits = {
  outboxMax: 50_000,
  /** Entries that wait for a parent or a predecessor, per conversation. */
  pendingEntriesMax: 1024,
  /** Envelopes that no held epoch opens, per conversation. */
  unopenedEnvelopesMax: 256,
  /** How often an author is told that an envelope could not be opened. */
  refusalsMax: 5,
  /** Our delivered and unread messages that are watched for being read, per conversation. */
  unreadWatchedMax: 10_000,
  /** Tries remembered of each message that is under way. */
  attemptsKeptMax: 10,
  contactsMax: 10_000,
  /** Signed statements that were verified and need not be again: four of each member of the largest group. */
  statementsRememberedMax: 8192,
  /** Secrets shared with one contact: one of each group that began between us, the newest kept. */
  channelsPerContactMax: 4,
  presencesPerContactMax: 8,
  /** Accepted requests that are remembered of a contact, so that a replayed one is nobody's business. */
  requestsPerContactMax: 16,
  /** Entries that wait longer than this for what comes before them are shown all the same. */
  patienceMs: 10 * SECOND,
  /** Who commits for others waits its rank times this. */
  commitTurnMs: 2 * SECOND,
  commitTurnsMax: 10,
  /** Whoever comes first in that order still lets the author of an operation commit it. */
  commitGraceMs: 500,
  /** Newcomers that one commit takes in. */
  addsPerCommitMax: 100,
  /** Having taken people into a group we wait so long for others who have said yes. */
  addPauseMs: SECOND,
  /** Having taken somebody in again we do not do so once more before this. */
  readmitPauseMs: 15 * SECOND,
  /** A device that cannot follow waits for what may be on its way before it asks. */
  askAfterMs: 3 * SECOND,
  /** A plea that was not answered is made again, with another key package, after this. */
  askAgainMs: MINUTE,
  /** From so many devices on the tree travels beside the welcome, once for all newcomers. */
  treeInWelcomeMax: 50,
  /** Others’ envelopes that we keep for members who may lack them, per conversation. */
  carriedMax: 4096,
  carriedMaxBytes: 8 * KIB * KIB,
  /** What others lack is left to its author for so long. */
  carryAfterMs: 3 * SECOND,
  carryAgainMs: 30 * SECOND,
  carryBatchMax: 64,
  /** Reports of others that we keep to pass them on, per conversation. */
  relayedMax: 1024,
  /** Word of members with whom we are not linked is asked for after this: first, then doubled. */
  awaitFirstMs: 2 * SECOND,
  awaitMaxMs: 5 * MINUTE,
  /** Commits of one device that we take in a minute; a group is calm, a flood is not. */
  commitsPerMinuteMax: 30,
  operationsPerMinuteMax: 60,
  groupsMax: 1000,
  /** Conversations whose past is asked for at once. */
  recallsMax: 4,
  /** Who does not have the past whole is asked again after this: first doubled, then again and again. */
  recallAgainMs: 5 * SECOND,
  recallAgainMaxMs: HOUR,
  /** Whoever was asked for the past and has not answered by then is asked again. */
  recallTimeoutMs: 30 * SECOND,
  /** Credentials of leaves that need not be verified again. */
  credentialsRememberedMax: 16_384,
  /** Operations of one roster: what they say stays in memory, so that forks can be judged at any time. */
  rosterOperationsMax: 10_000,
  /** Of one identity, so that no member alone can fill a roster. */
  rosterOperationsPerIdentityMax: 2000,
  /** Operations larger than this are not passed on to many unasked. */
  pushedMaxBytes: 512,
  /** With many links one member is asked for operations at a time. */
  rosterAskPauseMs: 2 * SECOND,
  rosterMaxBytes: 32 * KIB * KIB,
  /** Operations that came before one of their parents. */
  rosterWaitingMax: 1024,
  rosterWaitingMaxBytes: 4 * KIB * KIB,
  /** Past states of a roster that are remembered after they were asked for. */
  rosterViewsMax: 64,
  /** Co-members that are no contacts are dialled while fewer than so many are connected. */
  memberLinksMax: 10,
  /** A member who comes into reach is introduced to all whom we are linked with; where there are more, to a few. */
  introducedToMax: 12,
  introducedToFew: 2,
  /** Of a group that does not fit one message a newcomer is told so many by each whom it meets. */
  introducedAtOnce: 24,
  invitationsWaitingMax: 200,
  /** Control counters are reserved on disk in blocks, so that none is used twice after a crash. */
  countersReserved: 1024,
  /** Our key packages that others hold and that may still be used. */
  keyPackagesStockedMax: 2000,
  /** A key package that was used once may be used on another branch for so long. */
  keyPackageUsedKeptMs: DAY,
  /** Answers to contact requests that have not been heard yet. */
  answersWaitingMax: 1000,
  answerKeptMs: 30 * DAY,
  /** Direct streams that we keep open to contacts. */
  linksMax: 80,
  /** Names are made unique by a number; after so many tries the id goes into the name. */
  nameTriesMax: 100,
  invitesMax: 1000,
  requestsWaitingMax: 200,
  requestsPerPeerPerHour: 10,
  eventsKeptMax: 100_000,
  /** Events beyond `eventsKeptMax` are deleted so many at a time. */
  eventsTrimmedAtOnce: 5000,
  /** The newest events, kept in memory for readers who keep up. */
  eventsRecentMax: 2048,
  /** Records of events read from disk at once. */
  eventRecordsRead: 64,
  /** Records deleted by one step of a sweep. */
  sweepRecordsMax: 500,
  addressesPerPeerMax: 16,
  /** The highest number of our own log that we believe a contact about. */
  sequenceAdoptedMax: 2 ** 40,
  /** Envelopes sent to a device and not yet acknowledged. */
  windowEnvelopes: 512,
  /** How long a device may stay silent about what it was sent before it is sent again: first, then doubled. */
  resendFirstMs: 5 * SECOND,
  resendMaxMs: 5 * MINUTE,
  /** A message goes to gossip as well when the direct path has not had it acknowledged for this long. */
  gossipAfterMs: SECOND,
  gossipBatchMax: 64,
  /** With more links than these, what all of them are to know waits so long for more of it. */
  reportsAtOnceMax: 8,
  reportPauseMs: SECOND,
  /** A receipt waits this long for others to share an envelope with. */
  reportDelayMs: 20,
  reportIntervalMaxMs: 2 * SECOND,
  /** Those with whom we are not linked are asked for receipts after this: first, then doubled while nothing changes. */
  inquireFirstMs: 3 * SECOND,
  inquireAboveDevices: 32,
  inquireMaxMs: 5 * MINUTE,
  /** Inquiries of one author are not passed on more often than this. */
  inquiryPauseMs: SECOND,
  inquiriesMax: 256,
  inquiryRoundsKept: 8,
  /** Receipts wait this long for others to go with. */
  receiptDelayMs: 200,
  /** With more recipients than these, people are told of a delivery when all have it and not each time. */
  deliveriesToldMax: 50,
  dialFirstMs: 2 * SECOND,
  dialMaxMs: 2 * MINUTE,
  dialsParallelMax: 16,
  lookupFirstMs: 5 * SECOND,
  lookupMaxMs: 10 * MINUTE,
  presencePublishMs: 6 * HOUR,
  presenceRetryMs: 10 * SECOND,
  /** A peer that opened a stream must have said who it is by then. */
  helloTimeoutMs: 10 * SECOND,
  /** Channels on which one peer is greeted: it may have forgotten us as a contact and know us from a group. */
  hellosMax: 3,
  envelopesBeforeHelloMax: 4,
  /** Envelopes that a contact may send in one session and that lead nowhere. */
  uselessEnvelopesMax: 256,
  /** Invites under whose rendezvous we can be found, besides our presence. */
  rendezvousPublishedMax: 64,
  strangersMax: 64,
  stepsPerCommitMax: 128,
  /** After a commit that failed the node stays away from the network for this long: first, then doubled. */
  restFirstMs: SECOND,
  restMaxMs: 30 * SECOND,
  /** The core is not woken more often than this. */
  wakeMinMs: 5,
  /** How long word from the transport may wait for a batch to go with. */
  noticeMaxMs: 10,
  /** A node that stops lets what it is writing reach the transport, for so long. */
  lingerMs: SECOND,
  /** How long one DHT operation may take. */
  dhtTimeoutMs: 30 * SECOND,
  /** Presence records taken from one lookup. */
  recordsPerLookupMax: 20,
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

/** Bounds of the network layer (src/net). Test networks, where all nodes share one address, override some. */
export const networkLimits = {
  connectionsMax: 100,
  /** Inbound connections without a direct stream; beyond it the oldest is closed, so that newcomers fit. */
  strangerConnectionsMax: 64,
  /** New inbound connections per second from one /24 (IPv4) or /48 (IPv6). */
  inboundPerSecondMax: 5,
  /** Unfinished inbound handshakes. More than one sender can hold: `inboundPerSecondMax` for `handshakeMs`. */
  inboundPendingMax: 32,
  handshakeMs: 5 * SECOND,
  ratesTrackedMax: 1024,
  /** One WebSocket message. Ours are below 300 KiB; the library takes 100 MiB, before any handshake. */
  webSocketMessageBytes: 1024 * KIB,
  connectMs: 10 * SECOND,
  /** Addresses of one peer are tried side by side, each this much after the one before. */
  connectStaggerMs: 250,
  offerMs: 10 * SECOND,
  /** How long a connection that was already there may take to answer before it counts as dead. */
  offerOnOldConnectionMs: 5 * SECOND,
  streamsPerConnectionMax: 64,
  streamWindowBytes: 256 * KIB,
  /** More than a window, because a paused reader is sent the rest of its window and must not be reset for it. */
  streamReadBufferBytes: 512 * KIB,
  streamWriteBufferBytes: 1024 * KIB,
  directStreamsPerConnectionMax: 2,
  directOpensPerMinuteMax: 30,
  /** A second stream from a peer whose first one looks open waits this long before it replaces it. */
  directReplaceMs: SECOND,
  directPartialFrameMs: 10 * SECOND,
  directBatchBytes: 256 * KIB,
  directQueueBytesMax: 16 * 1024 * KIB,
  directStallMs: 30 * SECOND,
  topicsMax: 4000,
  gossipRpcBytes: 68 * KIB,
  gossipRpcMessagesMax: 128,
  gossipRpcIdsMax: 256,
  /** gossipsub counts about a kibibyte per topic: enough for `topicsMax`, beyond it a peer's topics are ignored. */
  gossipTopicBytesPerPeer: 5 * 1024 * KIB,
  gossipOutboundBytes: 1024 * KIB,
  /** Gossiped envelopes that wait for the handler; beyond it new ones are dropped, gossip being a hint. */
  gossipWaitingMax: 256,
  /** Gossip streams of peers that are not admitted (yet): kept unread, the oldest goes. */
  gossipHeldStreamsMax: 64,
  /** A peer that gossip scored below the graylist threshold is not talked to for this long. */
  denyMs: 10 * MINUTE,
  denyTrackedMax: 1024,
  dhtRecordsMax: 10_000,
  dhtRecordBytesMax: 16 * 1024 * KIB,
  dhtRecordsPerPeerMax: 32,
  dhtSequencesMax: 20_000,
  dhtStreamsMax: 8,
  dhtRequestBytes: 64 * KIB,
  dhtRequestMs: 5 * SECOND,
  peersKnownMax: 64,
  peersStoredMax: 2048,
  bootstrapFirstMs: 10 * SECOND,
  bootstrapMaxMs: 5 * MINUTE,
  bootstrapParallelMax: 8,
  addressCheckMs: 15 * SECOND,
  pingMs: 30 * SECOND
} as const

/** The bounds of one network: `networkLimits` with what a test network overrides. */
export type NetworkLimits = { readonly [Name in keyof typeof networkLimits]: number }

/** What the MLS engine (src/crypto/mls) accepts at most. Members only can reach the ones about generations. */
export const mlsLimits = {
  /** An MLS message, before anything of it is parsed: a Welcome for a thousand members fits. */
  messageMaxBytes: 4 * KIB * KIB,
  /** A ratchet tree that came beside a Welcome: the most leaves, all with parents, in the hybrid suite. */
  treeMaxBytes: 12 * KIB * KIB,
  /** Leaves of a ratchet tree, blank ones included. Who joins verifies a signature for each. */
  leavesMax: 4096,
  /** Proposals of one commit. Each newcomer among them costs its readers three signatures. */
  proposalsMax: 1024,
  /** Numbers in one list of what a client supports or a group requires, GREASE included. */
  capabilitiesMax: 256,
  /** Extensions in one list. */
  extensionsMax: 256,
  externalSendersMax: 256,
  /** Signatures of leaves and key packages that were verified and need not be again, per suite. */
  signaturesRememberedMax: 8192,
  /** Proposals kept for a commit to name, per epoch. */
  proposalsPendingMax: 1024,
  /** A message may be this many generations ahead of the newest one opened from the same sender. */
  generationsForwardMax: 4096,
  /** Keys of messages that were skipped and may still come, per sender and kind. */
  skippedKeysMax: 1024,
  /** Resumption secrets of past epochs. */
  resumptionPsksMax: 64
} as const
