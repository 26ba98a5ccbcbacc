/** Loaded before everything else, it makes this process believe in a clock that is CLOCK_OFFSET_MS off. */
const offsetMs = Number(process.env['CLOCK_OFFSET_MS'])
const RealDate = Date

class OtherDate extends RealDate {
  constructor(...args: [] | [value: number | string]) {
    super(...((args.length === 0 ? [OtherDate.now()] : args) as [number]))
  }

  static override now(): number {
    return RealDate.now() + offsetMs
  }
}
globalThis.Date = OtherDate as DateConstructor
