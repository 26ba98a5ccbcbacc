/** Orders that do not depend on a locale: what is sorted in a simulation is sorted the same everywhere. */

/** Negative, zero or positive as `a` sorts before, with or after `b`, by code units. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
