/** Sets of small numbers as bits, and what the devices of the model are called. */

export const NAMES = ['alice', 'bob', 'carol'] as const

export const has = (set: number, each: number): boolean => (set & (1 << each)) !== 0
export const bits = (set: number): number[] => {
  const found: number[] = []
  for (let i = 0; set >> i !== 0; i++) if (has(set, i)) found.push(i)
  return found
}
export const namesOf = (set: number): string =>
  bits(set)
    .map(d => NAMES[d]!)
    .join('+') || 'nobody'
