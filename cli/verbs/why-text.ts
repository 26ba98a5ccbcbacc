/**
 * What became of a message, as a person reads it: people first, their devices only where something is left to be
 * done. In a group of a hundred the one who has not got it is what matters.
 */
import type { DeliveryFact, WhyFact } from '../facts.ts'
import type { Paint } from '../output/paint.ts'
import { counted, localMoment, row, shortFingerprint } from '../output/people.ts'
import { joined, literal, safe, safeName, words, type SafeText } from '../output/safe-text.ts'

type DeviceWhy = WhyFact['devices'][number]

/** Whether a device has said that the message is on its disk. */
export const hasArrived = (state: DeliveryFact['state']): boolean => state === 'delivered' || state === 'read'

const nameOf = ({ name, self, identity }: DeviceWhy): SafeText =>
  self ? literal('you') : name === '' ? shortFingerprint(identity) : safeName(name)

/** Each person's devices, in the order in which they came. */
function byPerson(devices: readonly DeviceWhy[]): readonly (readonly [DeviceWhy, ...DeviceWhy[]])[] {
  const people = new Map<string, [DeviceWhy, ...DeviceWhy[]]>()
  for (const device of devices) {
    const known = people.get(device.identity)
    if (known === undefined) people.set(device.identity, [device])
    else known.push(device)
  }
  return [...people.values()]
}

/** How far one device is, in one line. */
function deviceState({ state, reason, device, connected }: DeviceWhy): SafeText {
  const why = reason === null ? literal('') : words` (${safe(reason)})`
  const line = connected ? literal('connected') : literal('not connected')
  return words`${safe(state)}${why}, device ${shortFingerprint(device)}, ${line}`
}

/** What was tried with a device, and what comes next. */
const details = ({ attempts, nextTryAt, hint }: DeviceWhy, paint: Paint): readonly SafeText[] => [
  ...attempts.map(({ at, path, outcome }) => words`${localMoment(at)} ${safe(path)}: ${safe(outcome)}`),
  ...(nextTryAt === null ? [] : [words`next try ${localMoment(nextTryAt)}`]),
  ...(hint === '' ? [] : [paint('dim', safe(hint))])
]

const under = (lines: readonly SafeText[]): readonly SafeText[] => lines.map(line => row(literal(''), line))

/** One person: the one device at once, several below a count of those that have it. */
function personRows(devices: readonly [DeviceWhy, ...DeviceWhy[]], paint: Paint): readonly SafeText[] {
  const [first] = devices
  if (devices.length === 1) return [row(nameOf(first), deviceState(first)), ...under(details(first, paint))]
  const late = devices.filter(({ state }) => !hasArrived(state))
  const count = words`${devices.length - late.length} of ${counted(devices.length, 'device')} have it`
  return [
    row(nameOf(first), count),
    ...under(late.flatMap(device => [deviceState(device), ...details(device, paint)]))
  ]
}

/** Everybody who has it on all devices, in one row for each state. */
function arrivedRows(people: readonly (readonly [DeviceWhy, ...DeviceWhy[]])[]): readonly SafeText[] {
  return (['read', 'delivered'] as const).flatMap(state => {
    // The slower of a person's devices says what is true of all.
    const there = people.filter(devices =>
      state === 'read'
        ? devices.every(device => device.state === 'read')
        : devices.some(device => device.state === 'delivered')
    )
    if (there.length === 0) return []
    return [
      row(
        safe(state),
        joined(
          there.map(([first]) => nameOf(first)),
          ', '
        )
      )
    ]
  })
}

/** A message's fate. With one person everything is told; with several, those who have it are only named. */
export function whyText({ message, state, devices }: WhyFact, paint: Paint): SafeText {
  const people = byPerson(devices)
  const head = row(safe(state), words`message ${safe(message)}`)
  if (people.length <= 1) return joined([head, ...people.flatMap(each => personRows(each, paint))], '\n')
  const arrived = people.filter(each => each.every(device => hasArrived(device.state)))
  const late = people.filter(each => !arrived.includes(each))
  const rows = [...arrivedRows(arrived), ...late.flatMap(each => personRows(each, paint))]
  return joined([head, ...rows], '\n')
}
