/**
 * What every benchmark shares: the shape of its results, medians, and the options of one run.
 *
 * A benchmark never says "fast" or "slow" in seconds: machines differ, and one machine differs from hour to hour.
 * It says how near something of ours comes to a limit that was measured in the same run, in turns with it.
 */

/** One line of the table. */
export interface Row {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** What the value ought to be at least; absent where nothing was promised. */
  readonly atLeast?: number
  /** What the value ought to be at most; absent where nothing was promised. */
  readonly atMost?: number
}

/** How much to measure. */
export interface BenchOptions {
  /** Rounds in which every contender takes its turn; one more comes before them, to warm up, and is not counted. */
  readonly rounds: number
  /** A tenth of the work, for whoever only wants to see that it runs. Its figures mean little. */
  readonly quick: boolean
}

/** Whether a row keeps what was promised. */
export const meets = ({ value, atLeast = -Infinity, atMost = Infinity }: Row): boolean =>
  value >= atLeast && value <= atMost

/** The value in the middle of some; that of the lower half where there are two. */
export function percentile(values: readonly number[], fraction: number): number {
  if (values.length === 0) throw new RangeError('nothing was measured')
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * fraction)]!
}

/** The value in the middle. */
export const median = (values: readonly number[]): number => percentile(values, 0.5)

/** Milliseconds that something takes. */
export async function timed(run: () => Promise<unknown>): Promise<number> {
  const before = performance.now()
  await run()
  return performance.now() - before
}

/**
 * What each contender measured, round by round, in turns: whatever else the machine does meets all of them alike.
 * The first round warms up and is not counted.
 */
export async function interleaved<Name extends string, T>(
  rounds: number,
  contenders: Readonly<Record<Name, () => Promise<T>>>
): Promise<Record<Name, T[]>> {
  const names = Object.keys(contenders) as Name[]
  const measured = Object.fromEntries(names.map(name => [name, [] as T[]])) as Record<Name, T[]>
  for (let round = 0; round <= rounds; round++) {
    for (const name of names) {
      const value = await contenders[name]()
      if (round > 0) measured[name].push(value)
    }
  }
  return measured
}
