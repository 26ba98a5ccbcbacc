/** The figures that promises of liveness are held to. */

/** By then after the end of all faults everything must have come right. */
export const CONVERGE_WITHIN_MS = 180_000
/** Events of a simulation per virtual second and node, on average over a few seconds: a livelock has more. */
export const EVENTS_PER_SECOND_MAX = 500
/** Copies of one envelope to one device in any minute: back-off from five seconds makes four, broken streams more. */
export const COPIES_PER_MINUTE_MAX = 40
