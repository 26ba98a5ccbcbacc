/**
 * Names that look alike. Somebody who calls himself `bоb` with a Cyrillic о must not pass for `bob`: names with
 * the same skeleton are shown with a short fingerprint beside them.
 *
 * After Unicode UTS #39, section 4 (skeleton), with a table that covers what a terminal font confuses most; it
 * errs towards calling names alike, which costs one fingerprint on the screen.
 */

const CONFUSABLES: ReadonlyArray<readonly [shown: string, from: string]> = [
  ['a', 'аαɑ'],
  ['b', 'ьвβ6'],
  ['c', 'сϲⅽ'],
  ['d', 'ԁⅾ'],
  ['e', 'еєε3з'],
  ['g', 'ɡ9'],
  ['h', 'һнη'],
  ['i', 'іιıl1|!ⅰӏ'],
  ['j', 'јϳ'],
  ['k', 'кκ'],
  ['m', 'мⅿ'],
  ['n', 'пո'],
  ['o', 'оοσ0օо'],
  ['p', 'рρ'],
  ['q', 'ԛ'],
  ['r', 'г'],
  ['s', 'ѕ5$'],
  ['t', 'тτ7'],
  ['u', 'υսц'],
  ['v', 'νѵⅴ'],
  ['w', 'ԝωѡ'],
  ['x', 'хχⅹ'],
  ['y', 'уγү'],
  ['z', '2']
]

const BECOMES = new Map(
  CONFUSABLES.flatMap(([shown, from]) => Array.from(from).map(one => [one, shown] as const))
)
const BARE = /[\p{M}\p{Z}\p{C}\p{P}\p{S}]/gu

/** What is left of a name when everything that a hurried eye misses is taken away. */
export function skeleton(name: string): string {
  const folded = name.normalize('NFKD').toLowerCase()
  const confused = Array.from(folded)
    .map(one => BECOMES.get(one) ?? one)
    .join('')
  const bare = confused.replaceAll(BARE, '').replaceAll('rn', 'm').replaceAll('vv', 'w')
  // A name of signs alone, such as one picture, has nothing but its signs to be told by.
  return bare === '' ? folded : bare
}

/** Somebody with a name. */
interface Named {
  readonly id: string
  readonly name: string
}

/** The ids of those whose name looks like the name of somebody else in the list. */
export function lookAlikes(people: Iterable<Named>): ReadonlySet<string> {
  const bySkeleton = new Map<string, Set<string>>()
  for (const { id, name } of people) {
    const bones = skeleton(name)
    const ids = bySkeleton.get(bones)
    if (ids === undefined) bySkeleton.set(bones, new Set([id]))
    else ids.add(id)
  }
  return new Set([...bySkeleton.values()].filter(ids => ids.size > 1).flatMap(ids => [...ids]))
}
