/** The random port. In production the platform's generator; in a simulation a seeded one. */

/** `length` unpredictable bytes. */
export type Random = (length: number) => Uint8Array
