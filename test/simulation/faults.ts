/**
 * Faults that somebody might write one day, as edits of the real source. The simulation is worth what it
 * finds: each fault must be caught within its budget of seeds, or the harness has a blind spot.
 */

/** One edit: `find` must be in the file exactly once, so that a fault never stops being planted unnoticed. */
export interface Fault {
  readonly name: string
  readonly file: string
  readonly find: string
  readonly replace: string
  /** How many seeds it may take to catch it. */
  readonly budget: number
}

export const faults: readonly Fault[] = [
  {
    name: 'late-fsync',
    file: 'src/testing/disk.ts',
    find: `      this.#visible.apply(owned)
`,
    replace: `      this.#visible.apply(owned)
      resolve()
`,
    budget: 100
  }
]

/** The fault of that name. Throws a RangeError where there is none. */
export function faultNamed(name: string): Fault {
  const fault = faults.find(each => each.name === name)
  if (fault === undefined) throw new RangeError(`there is no fault called "${name}"; see --fault list`)
  return fault
}

/** The source with the fault in it. Throws a RangeError when the place is not there exactly once. */
export function plant(fault: Fault, source: string): string {
  const parts = source.split(fault.find)
  if (parts.length !== 2) {
    throw new RangeError(`${fault.name}: its place is ${parts.length - 1} times in ${fault.file}, not once`)
  }
  return parts.join(fault.replace)
}
