/** The rules of the product, each of which can be switched off to see what it is there for. */
export interface Rules {
  /** What cannot be opened is sealed again by its author. */
  readonly nack: boolean
  /** Who cannot follow a better head asks, and is admitted again. */
  readonly ask: boolean
  /** A commit without a membership change on top of its author's own does not count. */
  readonly alternation: boolean
  /** The head is a function of what is held, not of the order of arrival. */
  readonly headRule: boolean
  /**
   * An epoch whose tree holds somebody dropped comes after any other. Without it a removed device that goes on
   * committing for ever keeps all from sealing for ever, which no walk of bounded length shows.
   */
  readonly cleanFirst: boolean
  /** Nothing is sealed on a tree that holds a device which the roster has dropped. */
  readonly removalsFirst: boolean
  /** A commit that its own past does not justify is refused. */
  readonly justified: boolean
  /** A plaintext is kept until all have acknowledged it, not only one. */
  readonly keepPlaintext: boolean
  /** Any member commits what the head lacks, not only the operation's author and only once. */
  readonly recommit: boolean
  /** Who has committed on its head may commit there again: the epoch that it began holds somebody dropped. */
  readonly again: boolean
}

/** All of them. */
export const RULES: Rules = {
  nack: true,
  ask: true,
  alternation: true,
  headRule: true,
  cleanFirst: true,
  removalsFirst: true,
  justified: true,
  keepPlaintext: true,
  recommit: true,
  again: true
}
