/** Where unpredictable bytes come from: in production the platform's generator, in a simulation a seeded one. */

/** `length` unpredictable bytes. */
export type Random = (length: number) => Uint8Array
