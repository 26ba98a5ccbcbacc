/** A bound for every queue, size and wait of the command line. Units come last in the names. */

const KIB = 1024
const SECOND = 1000

export const limits = {
  /** A line of the control protocol. The longest message is 32 kB; six times that when JSON escapes it all. */
  lineMaxBytes: 256 * KIB,
  /** A client of the control socket that leaves this much unread is dropped. */
  unreadMaxBytes: 8 * KIB * KIB,
  /** A subscriber that reads nothing for this long is dropped: events wait on disk, not in memory. */
  unreadMaxMs: 30 * SECOND,
  clientsMax: 64,
  /** Calls under way per client; further ones are refused, not queued. */
  callsPerClientMax: 64,
  /** Results that one call may collect when it does not stream them. */
  resultsMax: 10_000,
  /** How long a node that is asked to stop waits for calls under way. */
  drainMaxMs: 5 * SECOND,
  /** How long to wait for the socket of a node that holds the home but does not answer yet. */
  holderStartMaxMs: 5 * SECOND,
  holderPollMs: 50,
  /** Linux takes 107 bytes, macOS 103. */
  socketPathMaxBytes: 100,
  stdinMaxBytes: 64 * KIB,
  secretMaxBytes: KIB,
  configMaxBytes: 64 * KIB,
  timeoutDefaultMs: 30 * SECOND,
  timeoutMaxMs: 365 * 24 * 3600 * SECOND,
  subscribersMax: 64,
  /** Marks that may stand on one letter: the most that a living script needs. */
  marksPerLetterMax: 4,
  nameColumnsMax: 32,
  chatHistoryMax: 1000,
  /** Own messages in the chat whose mark is still rewritten in place. */
  marksTrackedMax: 200
} as const
