/**
 * One error class, one table of codes. A code, once released, never changes its meaning; `docs/errors.md`
 * has the same table for people, and a test compares the two.
 */

/** What each code means to a person: the sentence says what happened, the hint what to do next. */
export const errors = {
  ALREADY_INITIALISED: ['There is already an identity in this home.', 'Use another home: --home DIR.'],
  NOT_INITIALISED: ['There is no identity in this home.', 'Make one: hearsay init'],
  HOME_IN_USE: ['Another process is using this home.', 'Use the running node, or stop it: hearsay down'],
  HOME_UNSAFE: [
    'Others on this machine can read or write this home.',
    'Take their rights away: chmod -R go-rwx DIR'
  ],
  WRONG_PASSPHRASE: ['The passphrase does not open this store.', 'Try again; nothing was changed.'],
  PASSPHRASE_NEEDED: ['This store is locked with a passphrase.', 'Give it: --passphrase-file FILE'],
  STORE_CORRUPT: [
    'The store is damaged and was not touched.',
    'Restore a backup, or recover the identity elsewhere: hearsay recover'
  ],
  STORE_TOO_NEW: ['The store was written by a newer Hearsay.', 'Update Hearsay.'],
  STORE_FULL: [
    'The disk is full; the last change was not made.',
    'Free some space and try again; nothing was lost.'
  ],
  STORE_FAILED: ['The store could not be written.', 'See the cause; nothing that was acknowledged is lost.'],
  INVALID_PHRASE: ['This is not a recovery phrase.', 'Type all 24 words, in order.'],
  INVALID_INVITE: ['This is not a valid invite.', 'Ask for it again and paste the whole link.'],
  INVITE_EXPIRED: ['This invite has expired.', 'Ask for a new one.'],
  INVITE_OWN: ['This invite is your own.', 'Give it to somebody else.'],
  INVITE_USED: ['This invite has been used or revoked.', 'Ask for a new one.'],
  REQUEST_REJECTED: ['The contact request was rejected.', 'Ask them for a new invite.'],
  UNKNOWN_INVITE: ['There is no such invite.', 'List them: hearsay invites'],
  UNKNOWN_REQUEST: ['There is no such contact request.', 'List them: hearsay requests'],
  UNKNOWN_CONTACT: ['There is no contact by that name.', 'Add one from an invite: hearsay add NAME LINK'],
  AMBIGUOUS_CONTACT: ['Several contacts fit that name.', 'Use more of the name or the id.'],
  CONTACT_EXISTS: ['There is already a contact by that name.', 'Choose another name.'],
  CONTACT_BLOCKED: ['This contact is blocked.', 'Unblock first: hearsay unblock NAME'],
  CONTACT_NOT_READY: ['This contact has not answered yet.', 'Wait for the answer: hearsay contacts'],
  UNKNOWN_GROUP: ['There is no group by that name.', 'List them: hearsay group list'],
  AMBIGUOUS_GROUP: ['Several groups fit that name.', 'Use more of the name or the id.'],
  GROUP_EXISTS: ['There is already a group by that name.', 'Choose another name.'],
  GROUP_FULL: ['The group has no room for more.', 'Remove members who have gone, or found another group.'],
  NOT_ALLOWED: ['Your role in this group does not allow that.', 'Ask an admin: hearsay group members GROUP'],
  NOT_A_MEMBER: ['Not a member of this group.', 'See who is: hearsay group members GROUP'],
  ALREADY_MEMBER: ['Already a member of this group.', 'See who is: hearsay group members GROUP'],
  UNKNOWN_DEVICE: ['There is no such device of yours.', 'List them: hearsay device list'],
  NOT_PRIMARY_DEVICE: [
    'This device cannot sign for your identity.',
    'Do it on the device that has the recovery phrase.'
  ],
  DEVICE_REVOKED: [
    'This device was shut out of its identity.',
    'It can read what it has and no more. To use this machine again, link it anew in a new home.'
  ],
  SAFETY_NUMBER_MISMATCH: [
    'The safety numbers differ.',
    'Do not trust this contact until you have compared again in person.'
  ],
  UNKNOWN_MESSAGE: ['There is no such message.', 'List messages: hearsay tail'],
  UNKNOWN_CONVERSATION: ['There is no such conversation.', 'List them: hearsay conversations'],
  MESSAGE_EMPTY: ['A message needs some text.', 'Give a text, or - for standard input.'],
  MESSAGE_TOO_LARGE: ['The message is too long.', 'Send less than 32 KiB at a time.'],
  NAME_INVALID: ['A name has 1 to 64 printable characters and no leading - @ or #.', 'Choose another name.'],
  GREETING_TOO_LARGE: ['The greeting is too long.', 'Use less than 1,000 bytes.'],
  OUTBOX_FULL: ['Too many messages wait for this contact.', 'Wait until some are delivered.'],
  LIMIT_REACHED: ['A limit of this node is reached.', 'Remove what you no longer need.'],
  INVALID_ID: ['This is not an id.', 'Copy it whole.'],
  INVALID_ADDRESS: ['This is not an address.', 'Use a multiaddr, like /ip4/192.0.2.1/tcp/4001/p2p/12D3Koo…'],
  INVALID_CONFIG: ['The configuration is not valid.', 'Correct config.json in the home.'],
  INVALID_ARGUMENT: ['An argument is not valid.', 'See: hearsay help'],
  MALFORMED: ['The bytes are not what they should be.', 'They were refused and nothing was changed.'],
  NETWORK_FAILED: ['The network could not be started.', 'See the cause; try: hearsay doctor'],
  NODE_STOPPED: ['The node has stopped.', 'Start it again.'],
  NO_RUNNING_NODE: ['No node is running in this home.', 'Start one: hearsay up'],
  TIMEOUT: ['It did not happen in time; nothing is lost.', 'Look again later: hearsay why MESSAGE'],
  ABORTED: ['It was stopped before it was done; nothing is lost.', 'Run it again.'],
  NOT_A_TERMINAL: ['This needs a terminal.', 'Run it in one, or use the verb with --json.'],
  INTERNAL: ['This is a bug in Hearsay.', 'Please report it with the lines above.']
} as const satisfies Record<string, readonly [message: string, hint: string]>

/** The name of a way to fail on purpose. */
export type ErrorCode = keyof typeof errors

/** Every way Hearsay fails on purpose. Callers test `code`; people read `message` and `hint`. */
export class HearsayError extends Error {
  static override readonly name = 'HearsayError'
  override readonly name = 'HearsayError'
  readonly code: ErrorCode
  /** What to do next. */
  readonly hint: string

  constructor(code: ErrorCode, init: { message?: string; hint?: string; cause?: unknown } = {}) {
    super(init.message ?? errors[code][0], init.cause === undefined ? undefined : { cause: init.cause })
    this.code = code
    this.hint = init.hint ?? errors[code][1]
  }
}

/** What a decoder throws at bytes it refuses: a HearsayError with code MALFORMED that says why. */
export const malformed = (why: string, cause?: unknown): HearsayError =>
  new HearsayError('MALFORMED', { message: `Refused: ${why}.`, cause })
